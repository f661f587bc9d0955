import pRetry from "p-retry";
import type { Logger } from "../log";
import { readAddress, send } from "./request";

export interface HeartbeatOptions {
  /** Secret file with the address; null: there is none, and nothing is done. */
  readonly addressFile: string | null;
  readonly requestMilliseconds: number;
  /** Wall milliseconds before the second try, doubled before the third. */
  readonly retryMilliseconds: number;
  /** Told of each that got through. */
  readonly onBeat: () => void;
  readonly log: Logger;
}

/**
 * Signs of life to somebody who misses them, after the convention of healthchecks.io: the address itself is asked for when
 * all is well, and the address with /fail when it is not. Three tries and then no more: the next one comes soon, and that
 * one stays away is what the other side is there to notice.
 */
export class Heartbeat {
  /** Why the last one did not get through; null when it did, or none was sent yet. */
  problem: string | null = null;
  private stop = new AbortController();
  private closed = false;
  /** What the last one said. */
  private ok = true;

  constructor(private readonly options: HeartbeatOptions) {}

  /** Never rejects. One that is still being tried is given up: the newer word counts. */
  async beat(ok: boolean): Promise<void> {
    const { addressFile, requestMilliseconds, retryMilliseconds, onBeat, log } = this.options;
    if (addressFile === null || this.closed) return;
    this.ok = ok;
    this.stop.abort();
    const { signal } = (this.stop = new AbortController());
    let host: string | undefined;
    const once = async (): Promise<void> => {
      const address = addressOf(addressFile, ok);
      host = address.host;
      await send(address, { method: "GET", headers: {} }, requestMilliseconds, signal);
    };
    try {
      await pRetry(() => once().catch(asError), { retries: 2, minTimeout: retryMilliseconds, signal });
      if (signal.aborted) return;
      if (this.problem !== null) log.info({ host }, "heartbeats get through again");
      this.problem = null;
      onBeat();
    } catch (error) {
      if (signal.aborted) return;
      this.problem = (error as Error).message;
      log.warn({ host, reason: this.problem }, "the heartbeat did not get through");
    }
  }

  /** Where one goes that says again what the last one said, which a test must not change; null where there is no address. */
  get address(): (() => URL) | null {
    const { addressFile } = this.options;
    return addressFile === null ? null : () => addressOf(addressFile, this.ok);
  }

  close(): void {
    this.closed = true;
    this.stop.abort();
  }
}

function addressOf(file: string, ok: boolean): URL {
  const address = readAddress(file);
  if (!ok) address.pathname = `${address.pathname.replace(/\/$/, "")}/fail`;
  return address;
}

/** p-retry takes a TypeError for a mistake in the program and gives up; all are tried again here. */
function asError(error: unknown): never {
  throw new Error((error as Error).message);
}
