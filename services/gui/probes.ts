import type { SourceView } from "./api";

/** Asks a service's `/readyz` and remembers when it last was ready. */
export class ServiceProbe {
  private lastUp: number | null = null;
  private current: Promise<SourceView> | undefined;
  private result: { view: SourceView; at: number } | undefined;

  /**
   * @param url address of the service, without a path
   * @param timeoutMilliseconds wall time after which no answer counts as down
   * @param freshMilliseconds an answer younger than this is used again
   */
  constructor(
    private readonly name: Exclude<SourceView["name"], "database">,
    private readonly url: string,
    private readonly options: { timeoutMilliseconds?: number; freshMilliseconds?: number; now?: () => number } = {},
  ) {}

  /** Never rejects: a service that does not answer is a state. */
  async read(): Promise<SourceView> {
    const now = this.options.now ?? Date.now;
    if (this.result !== undefined && now() - this.result.at < (this.options.freshMilliseconds ?? 1000)) return this.result.view;
    this.current ??= this.ask().then((view) => {
      this.result = { view, at: now() };
      this.current = undefined;
      return view;
    });
    return this.current;
  }

  private async ask(): Promise<SourceView> {
    const timeout = this.options.timeoutMilliseconds ?? 2500;
    try {
      const response = await fetch(new URL("/readyz", this.url), { signal: AbortSignal.timeout(timeout) });
      const body = (await response.json().catch(() => ({}))) as { reason?: unknown };
      const reason = typeof body.reason === "string" ? body.reason : `HTTP ${response.status}`;
      if (!response.ok) return { name: this.name, state: "notReady", reason, lastUp: this.lastUp };
      this.lastUp = (this.options.now ?? Date.now)();
      return { name: this.name, state: "up", reason, lastUp: this.lastUp };
    } catch (error) {
      return { name: this.name, state: "down", reason: failure(error, timeout), lastUp: this.lastUp };
    }
  }
}

/** Why an address gave no answer, in a few words. */
export function failure(error: unknown, timeout: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${timeout / 1000} s`;
  const cause = error.cause as { code?: unknown } | undefined;
  return typeof cause?.code === "string" ? `no connection (${cause.code})` : error.message;
}
