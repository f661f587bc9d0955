import { readdir } from "node:fs/promises";
import * as path from "node:path";
import { run } from "../run";
import type { DatabaseVersions } from "./types";

/** What this image can run. */
export interface ImageVersions {
  /** For example `17.12`. */
  readonly postgres: string;
  /** Versions of TimescaleDB whose library is there. */
  readonly timescaledb: readonly string[];
  /** Newest migration that this release knows, for example `0003_quality_and_limits`. */
  readonly tradingSchema: string;
}

export async function imageVersions(signal: AbortSignal, migrations = "/app/migrations"): Promise<ImageVersions> {
  const option = { timeoutSeconds: 30, signal };
  const postgres = /(\d+\.\d+)/.exec((await run("postgres", ["--version"], option)).stdout)?.[1];
  const folder = (await run("pg_config", ["--pkglibdir"], option)).stdout.trim();
  const libraries = (await readdir(folder)).map((name) => /^timescaledb-(\d.*)\.so$/.exec(name)?.[1]).filter((version) => version !== undefined);
  const names = (await readdir(migrations)).filter((name) => name.endsWith(".sql")).map((name) => path.parse(name).name).sort();
  if (postgres === undefined || names.length === 0) throw new Error(`this image lacks ${postgres === undefined ? "PostgreSQL" : "the migrations of the trading database"}`);
  return { postgres, timescaledb: libraries, tradingSchema: names.at(-1)! };
}

/**
 * Why what was backed up with some versions cannot be restored by this image; null when it can. A release of PostgreSQL of
 * the same major version reads what another one wrote; TimescaleDB needs the very library of its version.
 */
export function versionProblem(backedUp: Pick<DatabaseVersions, "postgres" | "timescaledb" | "tradingSchema">, image: ImageVersions): string | null {
  const how = "restore it with the release of this project that made it; the images of that release are in the backup (runbooks/Restore_By_Hand.md, section 9)";
  const major = (version: string) => version.split(".")[0];
  if (major(backedUp.postgres) !== major(image.postgres)) return `it was made with PostgreSQL ${backedUp.postgres}, and this image has ${image.postgres}: ${how}`;
  if (backedUp.timescaledb !== "none" && !image.timescaledb.includes(backedUp.timescaledb)) {
    return `it was made with TimescaleDB ${backedUp.timescaledb}, and this image has ${image.timescaledb.join(", ") || "none"}: ${how}`;
  }
  if (backedUp.tradingSchema !== "none" && backedUp.tradingSchema > image.tradingSchema) {
    return `its trading database has the schema ${backedUp.tradingSchema}, and the newest this release knows is ${image.tradingSchema}: check out the release that made it, or a newer one`;
  }
  return null;
}
