import pg from "pg";

/** Seconds after which a statement is given up; counting all rows of a large table takes its time. */
const statementSeconds = 1800;

const bigintType = 20;
const types: pg.CustomTypesConfig = {
  getTypeParser: ((id: number, format: "text" | "binary" = "text") =>
    id === bigintType && format === "text" ? (text: string) => Number(text) : pg.types.getTypeParser(id, format as "text")) as typeof pg.types.getTypeParser,
};

export interface ConnectionTarget {
  /** Folder of the server's Unix socket. */
  readonly sockets: string;
  readonly database: string;
}

/**
 * A superuser's connection through the socket: the operating system's user is the database's own, so there is no password.
 * Settings on which the text of a value depends are fixed, so that the same rows always give the same text.
 */
export async function connect({ sockets, database }: ConnectionTarget): Promise<pg.Client> {
  const fixed = {
    timezone: "UTC",
    datestyle: "ISO",
    intervalstyle: "postgres",
    extra_float_digits: "1",
    bytea_output: "hex",
    xmlbinary: "base64",
    search_path: "pg_catalog,public",
    row_security: "off",
    client_min_messages: "warning",
    statement_timeout: `${statementSeconds * 1000}`,
    idle_in_transaction_session_timeout: "0",
  };
  const client = new pg.Client({
    host: sockets,
    user: "postgres",
    database,
    application_name: "backup",
    connectionTimeoutMillis: 10_000,
    options: Object.entries(fixed)
      .map(([key, value]) => `-c ${key}=${value}`)
      .join(" "),
    types,
  });
  // A connection that is lost while idle makes the next query fail, which is reported there.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Connects, does the work and closes, whatever becomes of it. */
export async function withClient<Result>(target: ConnectionTarget, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = await connect(target);
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
