import type { Database } from "../shared/database";
import { isPresent } from "./barWork";

/** How long an answer about a bot's presence may be used again. */
const answerMilliseconds = 250;
/** How long a bot takes to come back at most, when the whole machine or the database was started again. */
const returnMilliseconds = 10_000;

/** Whether a bot is there, or may be expected to be back soon. */
export class Presence {
  private answer = nothingKnown;
  /** Until then a bot that is away is expected back; by the clock. */
  private expectedUntil: number;

  /** @param clock milliseconds of a clock that nobody sets */
  constructor(
    private readonly options: { readonly database: Database; readonly bot: string; readonly graceMilliseconds: number },
    private readonly clock: () => number,
  ) {
    this.expectedUntil = this.returnTime();
  }

  /** The bot has said something just now. */
  seen(): void {
    this.answer = { present: true, at: this.clock() };
  }

  /** Whatever struck the broker may have struck the bot as well: nothing is known of it, and it is expected back. */
  expectBack(): void {
    this.answer = nothingKnown;
    this.expectedUntil = this.returnTime();
  }

  async isExpected(): Promise<boolean> {
    const now = this.clock();
    if (now - this.answer.at > answerMilliseconds) {
      this.answer = { present: await isPresent(this.options.database.db, this.options.bot), at: this.clock() };
    }
    return this.answer.present || now < this.expectedUntil;
  }

  private returnTime(): number {
    return this.clock() + Math.min(returnMilliseconds, this.options.graceMilliseconds);
  }
}

const nothingKnown = { present: false, at: Number.NEGATIVE_INFINITY };
