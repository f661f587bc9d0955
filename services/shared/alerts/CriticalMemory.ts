import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { Logger } from "../log";
import type { Alarm } from "./book";
import { writeWhole } from "./bookFile";

const milliseconds = z.int().min(0).max(8.64e15);

const remembered = z.strictObject({
  format: z.literal(1),
  /** Before this nothing is known, epoch ms. */
  since: milliseconds,
  /** When something critical was last seen to be wrong, and what; null where nothing ever was. */
  last: z.strictObject({ at: milliseconds, key: z.string() }).nullable(),
});

/** When something critical was last wrong, also long after it was over. Times are epoch milliseconds of the wall clock. */
export interface CriticalState {
  /** Before this nothing is known. */
  readonly knownSince: number;
  readonly lastAt: number | null;
  readonly lastKey: string | null;
}

/** While something critical lasts, its time is written so often: a crash loses no more than that. */
const saveMilliseconds = 60_000;

/**
 * Remembers when something critical was last wrong: a release has to run for a while without. It has a file of its own:
 * an older version of this program, which a rollback brings back, would take a book with a key more for a damaged one.
 */
export class CriticalMemory {
  private savedAt = 0;
  private lasts = false;
  private unsaved = true;
  private saving: Promise<void> | undefined;

  private constructor(
    private readonly file: string,
    private readonly log: Logger,
    private record: z.infer<typeof remembered>,
  ) {}

  /** Reads the file. Where there is none that can be used, nothing is known from before now. */
  static async open(file: string, now: number, log: Logger): Promise<CriticalMemory> {
    const known = await readFile(file, "utf8").then(
      (text) => remembered.safeParse(jsonOf(text)).data,
      () => undefined,
    );
    const memory = new CriticalMemory(file, log, known ?? { format: 1, since: now, last: null });
    if (known === undefined) memory.save(now);
    return memory;
  }

  /** Takes note of what is wrong now. Returns at once and never throws. */
  note(active: readonly Alarm[], now: number): void {
    const critical = active.find(({ severity }) => severity === "critical");
    const changed = (critical !== undefined) !== this.lasts;
    this.lasts = critical !== undefined;
    if (critical !== undefined) this.record = { ...this.record, last: { at: now, key: critical.key } };
    if (changed || (this.lasts && Math.abs(now - this.savedAt) >= saveMilliseconds) || (this.unsaved && this.saving === undefined)) this.save(now);
  }

  get state(): CriticalState {
    const { since, last } = this.record;
    return { knownSince: since, lastAt: last?.at ?? null, lastKey: last?.key ?? null };
  }

  /** Resolves when all is on the disk, or cannot be. */
  async close(): Promise<void> {
    await this.saving;
  }

  private save(now: number): void {
    this.savedAt = now;
    this.unsaved = true;
    this.saving ??= this.write().finally(() => (this.saving = undefined));
  }

  /** Goes on until what was written is what is known; a disk that takes nothing is tried again with the next note. */
  private async write(): Promise<void> {
    for (let written: unknown; written !== this.record; ) {
      written = this.record;
      try {
        await writeWhole(this.file, JSON.stringify(written));
      } catch (error) {
        this.log.error({ reason: (error as Error).message }, "when something critical was last wrong cannot be written");
        return;
      }
    }
    this.unsaved = false;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
