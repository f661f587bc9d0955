import { CamelCasePlugin, Kysely, PostgresDialect } from "kysely";
import type pg from "pg";
import type { TradingSchema } from "../../services/shared/schema";

/** The services' view of the tables, over the test's own connection. */
export function kyselyOn(client: pg.Client): Kysely<TradingSchema> {
  for (const type of [1700, 20]) client.setTypeParser(type, Number);
  const connection = Object.assign(Object.create(client) as pg.PoolClient, { release: () => undefined, query: client.query.bind(client) });
  const pool = { connect: () => Promise.resolve(connection), end: () => Promise.resolve() };
  return new Kysely<TradingSchema>({
    dialect: new PostgresDialect({ pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
}
