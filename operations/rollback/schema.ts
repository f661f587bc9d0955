import type { Release } from "../../config/releases";

/** What the running databases have been brought to; null where they do not answer. */
export interface DeployedSchemas {
  /** Migrations of the trading database that were applied, oldest first, with the ISO time of each. */
  readonly migrations: readonly { readonly name: string; readonly at: string }[] | null;
  /** Number of the newest migration that any `up` can have applied. */
  readonly newestKnown: number;
  /** Version of the database's extension. */
  readonly timescale: string | null;
  /** Alembic revision of MLflow's database; "" before it was used. */
  readonly mlflow: string | null;
}

/** What the images of a release can work with; null of one that is the image which runs now. */
export interface ReleaseSchemas {
  readonly timescale: string | null;
  /** Alembic revisions that its MLflow has. */
  readonly mlflow: readonly string[] | null;
}

export interface SchemaProblem {
  readonly text: string;
  /** The restore that takes the data back as well, once the release is deployed; null where none can. */
  readonly restore: string | null;
}

export interface SchemaVerdict {
  /** Why the services of the release cannot work on the databases as they are. */
  readonly problems: readonly SchemaProblem[];
  /** What is newer, and does not matter. */
  readonly notes: readonly string[];
}

/**
 * A migration says in a line of its own whether services of before can work on what it makes: it only adds, and what they
 * write is still allowed. One that says nothing counts as one they cannot follow.
 */
export function olderServicesFollow(migration: string): boolean {
  return /^-- Older services: can follow\b/m.test(migration);
}

/** Number of a migration, from its name: 5 of `0005_guard`. */
export function migrationNumber(name: string): number {
  return Number(/^\d+/.exec(name)?.[0] ?? Number.NaN);
}

/**
 * Whether the services of a release can work on the databases as they are. Migrations only go forward.
 *
 * @param follows whether services from before a migration can work on what it made
 */
export function judgeSchemas(release: Pick<Release, "id" | "stack" | "schemaVersion" | "backup">, deployed: DeployedSchemas, own: ReleaseSchemas, follows: (migration: string) => boolean): SchemaVerdict {
  const problems: SchemaProblem[] = [];
  const notes: string[] = [];
  const restore = (what: string) => `npx trading restore --stack ${release.stack}${what}`;
  const point = release.backup ?? "ID";
  if (deployed.migrations === null) {
    if (deployed.newestKnown > release.schemaVersion) {
      problems.push({ text: `the database does not answer, and may have a newer schema (${deployed.newestKnown}) than the services of ${release.id} know (${release.schemaVersion})`, restore: restore(` --to ${point}`) });
    }
  } else {
    const newer = deployed.migrations.filter(({ name }) => !(migrationNumber(name) <= release.schemaVersion));
    const first = newer.find(({ name }) => !follows(name));
    if (first !== undefined) {
      const before = new Date(Date.parse(first.at) - 1000).toISOString().replace(/\.\d+Z$/, "Z");
      problems.push({ text: `migration ${first.name} changed the database (${first.at}) so that the services of ${release.id}, which know ${release.schemaVersion} migrations, cannot follow`, restore: restore(` --to ${before}`) });
    } else if (newer.length > 0) {
      notes.push(`the database's schema is newer (${newer.map(({ name }) => name).join(", ")}), and older services can follow it`);
    }
  }
  if (own.timescale !== null && deployed.timescale !== null && compareVersions(own.timescale, deployed.timescale) < 0) {
    problems.push({ text: `the database has been brought to TimescaleDB ${deployed.timescale}, and the database's image of ${release.id} has ${own.timescale}, which cannot open it: go back to a release with the present image of timescaledb, or pin the others alone (trading:release.images)`, restore: null });
  }
  const unknown = (deployed.mlflow ?? "").split(",").filter((revision) => revision !== "" && own.mlflow !== null && !own.mlflow.includes(revision));
  if (unknown.length > 0) {
    problems.push({ text: `MLflow's database has been brought to revision ${unknown.join(", ")}, which the MLflow of ${release.id} does not know: it would not start`, restore: restore(` --only mlflow --to ${point}`) });
  }
  return { problems, notes };
}

/** Less than 0 where the first of two versions such as `2.19.3` is the older one. */
function compareVersions(one: string, other: string): number {
  const [numbers, others] = [one, other].map((version) => version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0)) as [number[], number[]];
  for (let index = 0; index < Math.max(numbers.length, others.length); index++) {
    const difference = (numbers[index] ?? 0) - (others[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The two commands that take the data back as well, in their order. */
export function wayWithData(release: Pick<Release, "id" | "stack">, problems: readonly SchemaProblem[]): string[] {
  const restores = problems.flatMap(({ restore }) => (restore === null ? [] : [restore]));
  if (restores.length < problems.length) return [];
  return [`npx trading rollback --stack ${release.stack} --to ${release.id} --any-schema`, ...restores];
}
