import { ToolFailure, run, type Outcome, type RunOptions } from "../run";

/** A restic repository: where it is and what opens it. Its address may hold a password, so it comes from a file. */
export interface Repository {
  /** For messages: `the first copy` or `the second copy`. */
  readonly name: string;
  readonly place: { readonly kind: "folder"; readonly path: string } | { readonly kind: "server"; readonly addressFile: string };
  readonly passwordFile: string;
  /** Texts that no message may show. */
  readonly hidden: readonly string[];
}

/** What a restic exit code says; `unknown` for every one that is not documented. */
export type ResticReason = "failed" | "incomplete" | "missing" | "locked" | "password" | "interrupted" | "unknown" | "ended";

/** restic did not do what it was asked. */
export class ResticFailure extends Error {
  constructor(
    readonly reason: ResticReason,
    message: string,
  ) {
    super(message);
    this.name = "ResticFailure";
  }
}

const reasons: Readonly<Record<number, ResticReason>> = { 1: "failed", 3: "incomplete", 10: "missing", 11: "locked", 12: "password", 130: "interrupted" };

/** What an exit code other than 0 means. */
export function reasonOf(code: number | null): ResticReason {
  return code === null ? "ended" : (reasons[code] ?? "unknown");
}

/** How long restic waits for a lock that somebody else holds. */
const lockWait = "20s";
/** Opening a repository; restic itself tries a server that does not answer for a quarter of an hour. */
export const openSeconds = 120;
/** Anything that moves data. */
export const workSeconds = 12 * 3600;

/** What restic says when it gave up storing something, after tries of its own. A lock it makes anew. */
const gaveUpStoring = /^Save\(<(?!lock\/)[^>]*>\) failed: /;
/** How long it then has to end: on a full disk, every second time restic 0.18.0 goes on for ever with packs that nobody stores any more. */
const endSeconds = 5;

export interface ResticOptions extends Omit<RunOptions, "timeoutSeconds"> {
  readonly timeoutSeconds?: number;
  /** Folder in which what was read of a server is kept for the next read. */
  readonly cache?: string;
}

/**
 * Runs restic on a repository. Commands that only read are given `--no-lock` by their callers: whoever removes data holds
 * the mutex of all jobs, and a repository may be mounted read-only.
 *
 * @param words the command first, then its own words
 * @throws ResticFailure when the exit code is not 0, with restic's own words and without the address
 */
export async function restic(repository: Repository, words: readonly string[], options: ResticOptions = {}): Promise<Outcome> {
  const { timeoutSeconds = workSeconds, cache, signal, onErrorLine, ...rest } = options;
  const locking = words.includes("--no-lock") ? [] : ["--retry-lock", lockWait];
  // Beside a bot it takes one processor at most; a restore has nothing beside it.
  const processors = words[0] === "restore" ? {} : { GOMAXPROCS: "1" };
  const caching = cache === undefined ? ["--no-cache"] : ["--cache-dir", cache, "--cleanup-cache"];
  const stuck = new AbortController();
  let patience: NodeJS.Timeout | undefined;
  try {
    return await run("restic", [...words, ...placeWords(repository), "--password-file", repository.passwordFile, ...caching, ...locking], {
      ...rest,
      timeoutSeconds,
      signal: signal === undefined ? stuck.signal : AbortSignal.any([signal, stuck.signal]),
      onErrorLine: (line) => {
        onErrorLine?.(line);
        if (gaveUpStoring.test(line)) patience ??= setTimeout(() => stuck.abort(), endSeconds * 1000);
      },
      environment: { RESTIC_PROGRESS_FPS: "1", ...processors, ...rest.environment },
    });
  } catch (error) {
    throw toResticFailure(repository, words[0]!, error, stuck.signal.aborted && !signal?.aborted);
  } finally {
    clearTimeout(patience);
  }
}

/** Words that say where a second repository is that a command reads from. */
export function sourceWords(source: Repository): string[] {
  return [...(source.place.kind === "folder" ? ["--from-repo", source.place.path] : ["--from-repository-file", source.place.addressFile]), "--from-password-file", source.passwordFile];
}

function placeWords({ place }: Repository): string[] {
  return place.kind === "folder" ? ["--repo", place.path] : ["--repository-file", place.addressFile];
}

/** @param wasStuck it was ended because it could not store and did not end by itself */
function toResticFailure(repository: Repository, command: string, error: unknown, wasStuck: boolean): Error {
  if (!(error instanceof ToolFailure)) return error as Error;
  const reason: ResticReason = wasStuck ? "failed" : error.reason === "exit" ? reasonOf(error.code) : "ended";
  const said = wordsOf(error.lines);
  const what = wasStuck ? `restic ${command} could not store, and was ended since it did not end by itself` : explanation(reason, command, error);
  return new ResticFailure(reason, hide(`${repository.name}: ${what}${said === "" ? "" : `: ${said}`}`, repository.hidden));
}

function explanation(reason: ResticReason, command: string, error: ToolFailure): string {
  switch (reason) {
    case "missing":
      return `restic ${command} found no repository`;
    case "locked":
      return `restic ${command} found the repository locked by somebody else`;
    case "password":
      return `restic ${command} could not open the repository: the password is not the right one, or the files in keys/ are damaged`;
    case "incomplete":
      return `restic ${command} could not read everything`;
    case "ended":
      return error.message.replace(/: .*$/s, "");
    default:
      return `restic ${command} failed with exit code ${error.code}`;
  }
}

/** restic's error output in words: lines of JSON say what happened in their `message`, or in that of their `error`. */
export function wordsOf(lines: readonly string[]): string {
  const words = lines.flatMap((line) => {
    if (!line.startsWith("{")) return [line];
    try {
      const said = JSON.parse(line) as { message?: unknown; error?: { message?: unknown }; item?: unknown };
      const text = typeof said.message === "string" ? said.message : said.error?.message;
      return typeof text === "string" ? [text.replace(/^Fatal: /, "")] : [];
    } catch {
      return [line];
    }
  });
  return [...new Set(words)].slice(-6).join(" | ").replaceAll("\n", " ");
}

/** A text without what must not be shown. */
export function hide(text: string, hidden: readonly string[]): string {
  return [...hidden].sort((one, other) => other.length - one.length).reduce((shown, secret) => (secret === "" ? shown : shown.replaceAll(secret, "<address>")), text);
}

/** Everything of an address such as `rest:https://user:password@host:8000/path` that may turn up in a message. */
export function hiddenParts(address: string): string[] {
  const bare = address.replace(/^rest:/, "");
  let url: URL;
  try {
    url = new URL(bare);
  } catch {
    return [address, bare];
  }
  const { protocol, username, host, hostname, pathname } = url;
  // restic itself writes stars for the password.
  const starred = `${protocol}//${username}:***@${host}`;
  const passwords = [url.password, decodeURIComponent(url.password)].filter((part) => part.length >= 4);
  return [...new Set([address, bare, url.href, starred, `${starred}${pathname}`, `rest:${starred}${pathname}`, `${protocol}//${host}${pathname}`, `${protocol}//${host}`, host, hostname, ...passwords])];
}
