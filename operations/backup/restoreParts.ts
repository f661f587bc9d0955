import type { RestoreJournal, RestoreKind } from "./restoreJournal";
import type { ToolName } from "./toolContainer";

/** A folder of the data volume in which the new cluster is made beside the old one. */
export const RESTORED_CLUSTER = "/data/17.restored";

/** What one tool is asked. */
export interface ToolCall {
  readonly tool: ToolName;
  readonly request: Readonly<Record<string, unknown>>;
  /** Whether it reads the second copy. */
  readonly second: boolean;
}

/** One thing that is restored: beside the old, then in its place; the old stays until it is discarded. */
export interface Part {
  /** For people, for example "the database". */
  readonly name: string;
  /** Databases whose rows it holds. */
  readonly databases: readonly string[];
  readonly bring: ToolCall;
  readonly swap: ToolCall;
  readonly unswap: ToolCall;
  readonly discard: ToolCall;
}

/** Services that must not use what is restored while old and new change places. Bots come first: they are stopped first. */
export function usersOf(kind: RestoreKind, bots: readonly string[]): string[] {
  if (kind === "mlflow") return ["mlflow", "backup"];
  if (kind === "db") return [...bots, "guard", "broker", "livefeed", "performance", "gui", "backup"];
  return [...bots, "guard", "broker", "livefeed", "performance", "gui", "mlflow", "backup", "timescaledb"];
}

/** The order in which services are started; bots come last. */
export function startOrder(services: readonly string[]): string[] {
  const rank = ["timescaledb", "mlflow", "livefeed", "broker", "guard", "performance", "gui", "backup"];
  const place = (service: string) => (rank.includes(service) ? rank.indexOf(service) : rank.length);
  return [...services].sort((one, other) => place(one) - place(other));
}

/** Folder of pgBackRest's repository in the containers that restore. */
function repository({ from }: Pick<RestoreJournal, "from">): string {
  return from === "second" ? "/scratch/pgbackrest" : "/backups/pgbackrest";
}

/** What is restored, in the order in which it changes places. */
export function partsOf(journal: Pick<RestoreJournal, "kind" | "id" | "from" | "to" | "artifacts">): Part[] {
  const { kind } = journal;
  if (kind === "db") return [databasePart(journal, "trading")];
  const first = kind === "mlflow" ? databasePart(journal, "mlflow") : clusterPart(journal);
  return journal.artifacts === null ? [first] : [first, artifactsPart(journal, journal.artifacts.snapshot)];
}

type Facts = Pick<RestoreJournal, "id" | "from" | "to">;

function clusterPart({ id, from, to }: Facts): Part {
  return {
    name: "the database",
    databases: ["trading", "mlflow"],
    bring: { tool: "restore-cluster", request: { repository: repository({ from }), target: RESTORED_CLUSTER, to }, second: false },
    ...moves("cluster", { id }, { id, restored: RESTORED_CLUSTER }),
  };
}

function databasePart({ id, from, to }: Facts, database: "trading" | "mlflow"): Part {
  return {
    name: `the database ${database}`,
    databases: [database],
    bring: { tool: "restore-database", request: { database, to, repository: repository({ from }) }, second: false },
    ...moves("database", { database, id }),
  };
}

function artifactsPart({ id, from }: Facts, snapshot: string): Part {
  return {
    name: "MLflow's artifacts",
    databases: [],
    bring: { tool: "restore-artifacts", request: { repository: from, snapshot, id }, second: from === "second" },
    ...moves("artifacts", { id }),
  };
}

function moves(what: "cluster" | "database" | "artifacts", request: ToolCall["request"], swap = request): Pick<Part, "swap" | "unswap" | "discard"> {
  return {
    swap: { tool: `swap-${what}`, request: swap, second: false },
    unswap: { tool: `unswap-${what}`, request, second: false },
    discard: { tool: `discard-${what}`, request, second: false },
  };
}
