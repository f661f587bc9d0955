import * as fs from "node:fs/promises";
import { run } from "../run";
import type { ToolContext } from "../progress";
import { pgbackrest } from "./pgbackrest";
import { PrivateServer } from "./privateServer";
import { changeSettings, withoutTarget } from "./recoverySettings";
import { position, type RestoreTarget } from "./restoreTarget";
import type { DatabaseContext } from "./types";

const fetchSeconds = 4 * 3600;
const recoverSeconds = 4 * 3600;
/** What a cluster needs beside what was backed up: log that is read again, and room to write. */
const spareBytes = 512 * 1024 * 1024;

export interface Recovered {
  readonly server: PrivateServer;
  /** Time of the last transaction that was read from the log; null when there was none. */
  readonly lastTransaction: string | null;
  readonly seconds: { readonly fetch: number; readonly recover: number };
}

/**
 * Makes a cluster of a backup and the log, and starts a private server on it, which has left recovery when this returns.
 *
 * @param cluster folder that does not exist, or is taken away
 * @throws when it cannot be done; the server does not run then, and what is left of the cluster is of no use
 */
export async function recoverCluster(
  paths: DatabaseContext["paths"],
  { repository, cluster, target, sockets }: { readonly repository: string; readonly cluster: string; readonly target: RestoreTarget; readonly sockets: string },
  { progress, signal }: ToolContext,
): Promise<Recovered> {
  await fs.rm(cluster, { recursive: true, force: true });
  await mustFit(cluster, target.backup.bytes + spareBytes);
  await fs.mkdir(cluster, { mode: 0o700 });
  const started = Date.now();
  await fetchBackup(paths, repository, cluster, target, { progress, signal });
  const fetched = Date.now();

  let lastTransaction: string | null = null;
  let segments = 0;
  const total = segmentsBetween(target);
  const onLine = (line: string) => {
    if (/restored log file "[0-9A-F]{24}"/.test(line)) progress({ step: "recover", text: "reading the log", done: ++segments, ...(total === null ? { total: segments } : { total: Math.max(total, segments) }) });
    lastTransaction = transactionTime(line) ?? lastTransaction;
  };
  progress({ step: "recover", text: "starting a private server, which reads the log" });
  let server = await PrivateServer.start(cluster, sockets, onLine);
  try {
    let ended = await server.ready(signal, recoverSeconds);
    if (ended && target.mayEndBefore && ended.lines.some((line) => line.includes("recovery ended before configured recovery target was reached"))) {
      // Nothing was written between the last transaction and the target: what is there is the state at the target.
      progress({ step: "recover", text: "nothing was written between the end of the log and the target" });
      await changeSettings(cluster, withoutTarget);
      server = await PrivateServer.start(cluster, sockets, onLine);
      ended = await server.ready(signal, recoverSeconds);
    }
    if (ended) throw new Error(`the restored database could not be recovered: ${reason(ended.lines)}`);
  } catch (error) {
    await server.discard();
    throw error;
  }
  return { server, lastTransaction, seconds: { fetch: (fetched - started) / 1000, recover: (Date.now() - fetched) / 1000 } };
}

async function fetchBackup(paths: DatabaseContext["paths"], repository: string, cluster: string, target: RestoreTarget, { progress, signal }: ToolContext): Promise<void> {
  const { backup, options } = target;
  progress({ step: "fetch", text: `backup ${backup.label}`, done: 0, total: backup.bytes });
  let reported = 0;
  const onLine = (line: string) => {
    const share = shareRestored(line);
    if (share === null || share - reported < 0.05) return;
    reported = share;
    progress({ step: "fetch", text: `backup ${backup.label}`, done: Math.round(share * backup.bytes), total: backup.bytes });
  };
  const words = ["restore", `--pg1-path=${cluster}`, `--set=${backup.label}`, ...options, "--archive-mode=preserve", "--log-level-console=detail"];
  await pgbackrest(paths, words, { timeoutSeconds: fetchSeconds, signal, repository, onLine });
  progress({ step: "fetch", text: `backup ${backup.label}`, done: backup.bytes, total: backup.bytes });
}

/** Share of a backup that pgBackRest says it restored, as in `restore file /data/17/base/1/1259 (112KB, 30.50%) checksum ...`; null of other lines. */
export function shareRestored(line: string): number | null {
  const percent = /restore file .* \([^)]*?([\d.]+)%\)/.exec(line)?.[1];
  return percent === undefined ? null : Number(percent) / 100;
}

/** @throws when the disk has not so much room, before anything is made */
async function mustFit(cluster: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await fs.statfs(cluster.slice(0, cluster.lastIndexOf("/")) || "/");
  const free = bavail * bsize;
  const megabytes = (value: number) => `${Math.ceil(value / 1024 / 1024)} MB`;
  if (free < bytes) throw new Error(`the restored database needs ${megabytes(bytes)} beside the one that is there, and ${megabytes(free)} are free: make room on the disk of the data`);
}

/** How many segments of the log are read at least; null when nobody knows. */
function segmentsBetween({ backup, compare }: RestoreTarget): number | null {
  const lsn = compare?.point.physical?.lsn;
  if (lsn === undefined) return null;
  return Math.max(1, Number((position(lsn) - position(backup.startLsn)) / 16_777_216n) + 1);
}

/** @returns ISO, of `last completed transaction was at log time 2026-11-21 18:00:59.8+00` */
function transactionTime(line: string): string | null {
  const time = /last completed transaction was at log time (\S+ [\d:.]+)\+00/.exec(line)?.[1];
  return time === undefined ? null : `${time.replace(" ", "T")}Z`;
}

function reason(lines: readonly string[]): string {
  const fatal = lines.filter((line) => /(FATAL|PANIC|ERROR|HINT):/.test(line));
  return (fatal.length > 0 ? fatal : lines).slice(-6).join(" | ") || "it said nothing";
}

/** Stops the server and makes sure that what it leaves is whole and on the disk. */
export async function settle(cluster: string, server: PrivateServer, { progress, signal }: ToolContext): Promise<{ checksums: string }> {
  await server.stop();
  progress({ step: "verify", text: "checksums of all pages" });
  const { stdout } = await run("pg_checksums", ["--check", "-D", cluster], { timeoutSeconds: 3600, signal });
  const state = (await run("pg_controldata", ["-D", cluster], { timeoutSeconds: 60, signal })).stdout;
  if (!/Database cluster state:\s+shut down$/m.test(state)) throw new Error("the restored database was not shut down");
  // The private server did not sync what it wrote.
  await run("initdb", ["--sync-only", "-D", cluster], { timeoutSeconds: 3600, signal });
  return { checksums: `${/Blocks scanned:\s+(\d+)/.exec(stdout)?.[1] ?? "all"} pages` };
}

