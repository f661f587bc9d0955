import { randomUUID } from "node:crypto";
import type { Logger } from "../shared/log";
import type { EndStatus, RunStore } from "./runStore";

export interface RunKeeperOptions {
  readonly store: Pick<RunStore, "begin" | "touch" | "end">;
  /** Id of the image this program runs in; null when it is not known. */
  readonly image: string | null;
  readonly log: Logger;
  /** Called when there is something new to tell MLflow. */
  readonly onChange: () => void;
  /** Wall milliseconds between two notes that the run goes on, and after a failed one; a minute and 5 s unless given. */
  readonly milliseconds?: { readonly note: number; readonly retry: number };
}

/**
 * Keeps this start of the bot as a row of table `runs`, in the background and beside the decisions: no failure of it is
 * a failure of the bot. A note is written about once a minute, and only when the account has gone on.
 */
export class RunKeeper {
  private run: { readonly id: string; readonly startedAt: number } = { id: randomUUID(), startedAt: Date.now() };
  private params: Readonly<Record<string, string>> | undefined;
  private begun = false;
  private lastBar: number | null = null;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private ended = false;

  constructor(private readonly options: RunKeeperOptions) {}

  /** The lock is held and the account is there: the run may be noted, or noted again when it counts as killed. */
  registered(params: Readonly<Record<string, string>>): void {
    this.params = params;
    this.note(0);
  }

  /** The account has gone on to this bar, epoch ms. */
  bar(processedBar: number): void {
    this.lastBar = processedBar;
    this.note(this.options.milliseconds?.note ?? 60_000);
  }

  /** Notes the end; fails when that was not possible. */
  async end(status: EndStatus): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    await this.writing;
    if (!this.begun) return;
    await this.options.store.end(this.run.id, status);
    this.options.onChange();
  }

  /** Writes in a while, unless that is on its way already. */
  private note(milliseconds: number): void {
    if (this.ended || this.params === undefined) return;
    if (this.timer !== undefined && milliseconds > 0) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.writing = this.writing.then(() => this.write());
    }, milliseconds);
    this.timer.unref();
  }

  private async write(): Promise<void> {
    const { store, image, log, onChange } = this.options;
    if (this.params === undefined || this.ended) return;
    try {
      if (this.begun && !(await store.touch(this.run.id, this.lastBar))) {
        // Another instance had the lock meanwhile and took this run for killed: what follows is a run of its own.
        this.run = { id: randomUUID(), startedAt: Date.now() };
        this.begun = false;
      }
      if (!this.begun) {
        await store.begin({ ...this.run, image, params: this.params });
        this.begun = true;
        log.info({ run: this.run.id }, "run noted");
      }
      onChange();
    } catch (error) {
      log.warn({ error: (error as Error).message }, "the run is not noted, it is tried again");
      this.note(this.options.milliseconds?.retry ?? 5000);
    }
  }
}
