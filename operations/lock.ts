import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { failure } from "./errors";

interface Ticket {
  readonly token: string;
  readonly process: number;
  readonly host: string;
  /** Epoch milliseconds. */
  readonly since: number;
}

export interface LockOptions {
  /** How long to wait for the one who holds it. */
  readonly timeoutMilliseconds?: number;
  /** Older than this a lock counts as left behind, also when its process number is in use again. */
  readonly staleMilliseconds?: number;
}

const DEFAULTS = { timeoutMilliseconds: 15_000, staleMilliseconds: 60_000 };

function readTicket(file: string): Ticket | undefined {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")) as Ticket;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw failure(`${file} cannot be read as a lock (${(error as Error).message}): remove it when no other command is running`);
  }
}

/** Puts the ticket at the path, whole and only if nothing is there: a hard link is both in one step. */
function place(file: string, ticket: Ticket): boolean {
  const temporary = `${file}.${ticket.token}.tmp`;
  fs.writeFileSync(temporary, JSON.stringify(ticket), { mode: 0o600 });
  try {
    fs.linkSync(temporary, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

function leftBehind(ticket: Ticket, staleMilliseconds: number): boolean {
  if (Date.now() - ticket.since > staleMilliseconds) return true;
  if (ticket.host !== os.hostname()) return false;
  try {
    process.kill(ticket.process, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/**
 * Takes away a lock whose holder died. Whoever does so holds a lock of its own on that very ticket, so that two who
 * found it dead cannot take away each other's new one.
 */
async function clear(file: string, dead: Ticket, deadline: number, staleMilliseconds: number): Promise<void> {
  const right = `${file}.${dead.token}`;
  const mine = await acquire(right, deadline, staleMilliseconds);
  try {
    if (readTicket(file)?.token === dead.token) fs.rmSync(file, { force: true });
  } finally {
    release(right, mine);
  }
}

async function acquire(file: string, deadline: number, staleMilliseconds: number): Promise<Ticket> {
  for (;;) {
    const ticket = { token: randomUUID(), process: process.pid, host: os.hostname(), since: Date.now() };
    if (place(file, ticket)) return ticket;
    const holder = readTicket(file);
    if (holder === undefined) continue;
    if (leftBehind(holder, staleMilliseconds)) {
      await clear(file, holder, deadline, staleMilliseconds);
      continue;
    }
    if (Date.now() > deadline) {
      throw failure(`another command (process ${holder.process}) holds ${file}: wait for it, or remove the file when that is no command of this program`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function release(file: string, ticket: Ticket): void {
  if (readTicket(file)?.token === ticket.token) fs.rmSync(file, { force: true });
}

/**
 * Runs `work` while no other process of this machine runs work under the same lock file. A lock that a killed process
 * left behind is cleared.
 *
 * @throws {CommandError} when the lock is not free in time
 */
export async function underLock<T>(file: string, work: () => T | Promise<T>, options: LockOptions = {}): Promise<T> {
  const { timeoutMilliseconds, staleMilliseconds } = { ...DEFAULTS, ...options };
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const ticket = await acquire(file, Date.now() + timeoutMilliseconds, staleMilliseconds);
  try {
    return await work();
  } finally {
    release(file, ticket);
  }
}
