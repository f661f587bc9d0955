import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { run } from "../run";
import type { DatabaseContent } from "../../../domain/backup/recoveryPoint";
import { describeSnapshot, openSnapshot } from "./snapshot";
import { yieldWhile } from "./yielding";
import { DATABASES, type DatabaseContext, type DatabaseName, type DumpPart } from "./types";

const dumpSeconds = 4 * 3600;

/** Name of the file that holds the roles, their passwords' verifiers included. */
const rolesFile = "roles.sql";

/**
 * What pg_dump always says of a database with TimescaleDB, and what is harmless: the extension's own tables refer to each
 * other, and the rows of a hypertable are in its chunks, which are dumped as well.
 */
const harmless = [
  /^pg_dump: warning: there are circular foreign-key constraints on (this|these) tables?:$/,
  /^pg_dump: detail: +(hypertable|chunk|continuous_agg)$/,
  /^pg_dump: hint: You might not be able to restore the dump without using --disable-triggers or temporarily dropping the constraints\.$/,
  /^pg_dump: hint: Consider using a full dump instead of a --data-only dump to avoid this problem\.$/,
  /^pg_dump: NOTICE: +hypertable data are in the chunks, no data will be copied$/,
  /^NOTICE: +hypertable data are in the chunks, no data will be copied$/,
  /^DETAIL: +Data for hypertables are stored in the chunks of a hypertable so COPY TO of a hypertable will not copy any data\.$/,
  /^HINT: +Use "COPY \(SELECT \* FROM <hypertable>\) TO \.\.\." to copy all data in hypertable, or copy each chunk individually\.$/,
];

/**
 * Dumps both databases and the roles into a folder, each database as its snapshot sees it, and looks at what was written.
 *
 * @param _id of the recovery point
 * @param folder empty; the caller takes it away, whatever becomes of it
 * @throws when anything was said that is not known to be harmless, or a table is not in the dump
 */
export async function takeDump(context: DatabaseContext, _id: string, folder: string): Promise<DumpPart> {
  const { paths, signal, step } = context;
  const snapshot = await openSnapshot(context);
  try {
    for (const database of DATABASES) {
      step(`dumping ${database}`);
      const { rows } = await snapshot.clients[database].query<{ snapshot: string }>("SELECT pg_export_snapshot() AS snapshot");
      const file = path.posix.join(folder, dumpFile(database));
      await yieldWhile(context, "pg_dump", dumpDatabase({ sockets: paths.sockets, database, file, snapshot: rows[0]!.snapshot, signal }));
    }
    step("dumping the roles");
    await dumpRoles(paths.sockets, path.posix.join(folder, rolesFile), signal);
    const part = await describeSnapshot(context, snapshot);
    for (const database of DATABASES) {
      step(`reading the dump of ${database}`);
      await checkDump(path.posix.join(folder, dumpFile(database)), part.databases[database], signal);
    }
    const contents: Record<string, string> = {};
    let bytes = 0;
    for (const name of [...DATABASES.map(dumpFile), rolesFile]) {
      contents[name] = await sha256(path.posix.join(folder, name));
      bytes += (await fs.stat(path.posix.join(folder, name))).size;
    }
    return { ...part, contents, bytes };
  } finally {
    await snapshot.close();
  }
}

function dumpFile(database: DatabaseName): string {
  return `${database}.dump`;
}

export interface DumpOptions {
  readonly sockets: string;
  readonly database: string;
  readonly file: string;
  /** What an open transaction exported; the moment it begins, unless given. */
  readonly snapshot?: string;
  readonly signal: AbortSignal;
}

/** @throws when pg_dump fails, or says something that is not known to be harmless */
export async function dumpDatabase({ sockets, database, file, snapshot, signal }: DumpOptions): Promise<void> {
  const words = [`--host=${sockets}`, "--username=postgres", "--format=custom", "--compress=zstd:3", `--file=${file}`, "--lock-wait-timeout=60s"];
  const { stderr } = await run("pg_dump", [...words, ...(snapshot === undefined ? [] : [`--snapshot=${snapshot}`]), `--dbname=${database}`], { timeoutSeconds: dumpSeconds, signal });
  const said = complaints(stderr);
  if (said.length > 0) throw new Error(`pg_dump of ${database} said: ${said.slice(0, 5).join(" | ")}`);
}

/** @param text what pg_dump wrote to its error output @returns the lines that are not known to be harmless */
export function complaints(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "" && !harmless.some((pattern) => pattern.test(line.trimEnd())));
}

async function dumpRoles(sockets: string, file: string, signal: AbortSignal): Promise<void> {
  const { stderr } = await run("pg_dumpall", [`--host=${sockets}`, "--username=postgres", "--globals-only", `--file=${file}`], { timeoutSeconds: 300, signal });
  if (stderr.trim() !== "") throw new Error(`pg_dumpall said: ${stderr.trim().split("\n").slice(0, 5).join(" | ")}`);
  if (!/^CREATE ROLE postgres;$/m.test(await fs.readFile(file, "utf8"))) throw new Error("pg_dumpall wrote no roles");
}

/**
 * Reads a dump from its beginning to its end.
 * @throws when it cannot be read, or lacks the rows of a table or of a chunk
 */
async function checkDump(file: string, content: DatabaseContent, signal: AbortSignal): Promise<void> {
  const { stdout } = await run("pg_restore", ["--list", file], { timeoutSeconds: 300, signal });
  const missing = missingTables(stdout, content);
  if (missing.length > 0) throw new Error(`the dump ${path.posix.basename(file)} lacks ${missing.slice(0, 10).join(", ")}`);
  await run("pg_restore", ["--data-only", "--file=/dev/null", file], { timeoutSeconds: dumpSeconds, signal });
}

/** @param list what `pg_restore --list` says @returns tables whose rows are not in the dump */
export function missingTables(list: string, { tables, hypertables }: DatabaseContent): string[] {
  const dumped = new Set([...list.matchAll(/^\d+; \d+ \d+ TABLE DATA (\S+) (.+) \S+$/gm)].map(([, schema, name]) => `${schema}.${name}`));
  const missing = tables.map(({ schema, name }) => `${schema}.${name}`).filter((name) => !dumped.has(name));
  const chunks = [...dumped].filter((name) => name.startsWith("_timescaledb_internal.") && name.endsWith("_chunk")).length;
  const expected = Object.values(hypertables).reduce((sum, count) => sum + count, 0);
  return chunks < expected ? [...missing, `${expected - chunks} of ${expected} chunks`] : missing;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
