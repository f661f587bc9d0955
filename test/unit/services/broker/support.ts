import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, CamelCasePlugin } from "kysely";
import type { Standing } from "../../../../control/standing";
import type { Database } from "../../../../services/shared/database";
import type { TradingSchema } from "../../../../services/shared/schema";

/** A statement as it would be sent, and the rows that come back, with the columns' own names. */
export type Answer = (text: string, parameters: readonly unknown[]) => object[];

/** How the bots stand without a halt. */
export const free: Standing = { level: null, incidents: [], reason: null };

/**
 * A database without a server: every statement is answered by the test, which may throw.
 * @param ended told how each transaction ends
 */
export function scriptedDatabase(answer: Answer, ended: (how: "commit" | "rollback") => void = () => undefined): Database {
  class Driver extends DummyDriver {
    override async commitTransaction() {
      ended("commit");
    }
    override async rollbackTransaction() {
      ended("rollback");
    }
    override acquireConnection() {
      return Promise.resolve({
        executeQuery: async <R>(query: { sql: string; parameters: readonly unknown[] }) => {
          await new Promise((resolve) => setImmediate(resolve));
          return { rows: answer(query.sql, query.parameters) as R[] };
        },
        streamQuery: () => {
          throw new Error("not used");
        },
      });
    }
  }
  const db = new Kysely<TradingSchema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new Driver(),
      createIntrospector: (of) => new PostgresIntrospector(of),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
  return { db } as unknown as Database;
}
