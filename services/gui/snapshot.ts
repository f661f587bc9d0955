/** A value with the wall time it was read at. */
export interface Reading<T> {
  value: T;
  at: number;
}

export interface SnapshotState<T> {
  /** The last value that could be read, however old; undefined before the first. */
  last: Reading<T> | undefined;
  /** Why the newest attempt failed; undefined when it did not. */
  problem: string | undefined;
}

export interface SnapshotOptions {
  /** A value younger than this is not read again. */
  freshMilliseconds?: number;
  /** A read that takes longer counts as failed; it goes on and its value is used when it comes. */
  patienceMilliseconds?: number;
  now?: () => number;
}

/** Reads a value on demand, at most one read at a time, and keeps the last good one for when reading fails. */
export class Snapshot<T> {
  private last: Reading<T> | undefined;
  private current: Promise<string | undefined> | undefined;

  constructor(
    private readonly read: () => Promise<T>,
    private readonly options: SnapshotOptions = {},
  ) {}

  /** Never rejects. */
  async get(): Promise<SnapshotState<T>> {
    const now = this.options.now ?? Date.now;
    if (this.last !== undefined && this.current === undefined && now() - this.last.at < (this.options.freshMilliseconds ?? 500)) {
      return { last: this.last, problem: undefined };
    }
    this.current ??= this.attempt(now).finally(() => (this.current = undefined));
    const patience = this.options.patienceMilliseconds ?? 3000;
    let timer: NodeJS.Timeout | undefined;
    const tooSlow = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`no answer within ${patience / 1000} s`), patience);
    });
    const problem = await Promise.race([this.current, tooSlow]);
    clearTimeout(timer);
    return { last: this.last, problem };
  }

  /** The last value that could be read, without waiting for a newer one. */
  peek(): T | undefined {
    return this.last?.value;
  }

  private async attempt(now: () => number): Promise<string | undefined> {
    try {
      const value = await this.read();
      this.last = { value, at: now() };
      return undefined;
    } catch (error) {
      return describe(error);
    }
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== "") return error.message;
  // Node reports several refused addresses as one error without a message of its own.
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" ? code : error.name;
}
