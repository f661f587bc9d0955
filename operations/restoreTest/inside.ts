import { stackNames } from "../../config/names";
import { dockerCode } from "../backup/docker";
import { serverQuery } from "../backup/serverContent";
import { failure } from "../errors";

/** What can be asked of a temporary stack: there is no way into it but through its own containers. */
export interface Inside {
  /** Standard output of a program in a service's container. @throws {CommandError} when it fails */
  run(service: string, words: readonly string[]): Promise<string>;
  /** What psql prints. */
  query(database: "trading" | "mlflow", sql: string): Promise<string>;
}

export function insideOf(stack: string): Inside {
  return {
    run: async (service, words) => {
      const { code, stdout, stderr } = await dockerCode(["exec", stackNames(stack).container(service), ...words]);
      if (code !== 0) throw failure(`${words[0]} in ${service}: ${(stderr || stdout).trim().replace(/\s*\n\s*/g, "; ") || `exit code ${code}`}`);
      return stdout;
    },
    query: async (database, sql) => (await serverQuery(stack, database, sql)).trim(),
  };
}

/** Seconds an answer may take: the first one of a page over millions of rows is not quick. */
const PATIENCE = 60;

/** Words that ask an address inside the stack for JSON, with a body where there is one. */
export function requestWords(address: string, { host, body }: { readonly host?: string; readonly body?: object } = {}): string[] {
  return [
    ...["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", String(PATIENCE)],
    ...(host === undefined ? [] : ["--header", `Host: ${host}`]),
    ...(body === undefined ? [] : ["--header", "content-type: application/json", "--data-raw", JSON.stringify(body)]),
    address,
  ];
}
