import { z } from "zod";
import type { Candle } from "../../domain/candles";
import { SettingsError } from "../shared/settings";
import { describeProblems } from "../shared/settingsProblems";
import { answerTimeout, SourceFailure, type LiveSource } from "./liveSource";
import { mostCandles } from "./routes";

const finite = z.number().refine(Number.isFinite, "a finite number");
const answerSchema = z.object({
  now: z.int(),
  candles: z.array(z.tuple([z.int(), finite, finite, finite, finite, finite])).max(mostCandles),
});

/** The request itself is wrong, so that asking again does not help. */
class RefusedError extends SourceFailure {
  override readonly name: string = "RefusedError";
}

/** Another livefeed, by the contract of docs/livefeed-contract.md. */
export class ExternalSource implements LiveSource {
  readonly identity = "external";
  readonly clockResolution = 1;
  readonly mostCandles = mostCandles;

  constructor(
    private readonly address: string,
    private readonly symbols: readonly string[],
    private readonly interval: string,
    private readonly wall: () => number,
  ) {}

  async open(): Promise<void> {
    const problems: string[] = [];
    for (const symbol of this.symbols) {
      try {
        await this.ask(symbol, Math.floor(this.wall()), 1);
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        problems.push(error.message);
      }
    }
    if (problems.length > 0) throw new SettingsError(problems.join("\n"));
  }

  async time(): Promise<number> {
    return (await this.ask(this.symbols[0] as string, Math.floor(this.wall()), 1)).now;
  }

  async candles(symbol: string, from: number, limit: number): Promise<Candle[]> {
    const { candles } = await this.ask(symbol, from, limit);
    candles.forEach(({ openTime }, index) => {
      if (openTime < from || (index > 0 && openTime <= (candles[index - 1] as Candle).openTime)) {
        throw new SourceFailure(`${this.address} gives candles of ${symbol} that do not ascend from ${from}: ${openTime} stands at number ${index}`);
      }
    });
    return candles;
  }

  private async ask(symbol: string, from: number, limit: number): Promise<{ now: number; candles: Candle[] }> {
    const url = new URL(`${this.address.replace(/\/+$/, "")}/v1/candles`);
    url.search = new URLSearchParams({ symbol, interval: this.interval, from: String(from), limit: String(limit) }).toString();
    let text: string;
    let response: Response;
    try {
      response = await fetch(url, { signal: AbortSignal.timeout(answerTimeout), headers: { accept: "application/json" } });
      text = await response.text();
    } catch (error) {
      throw new SourceFailure(`${this.address} does not answer: ${reasonOf(error)}`);
    }
    if (!response.ok) {
      const wrong = response.status === 400 || response.status === 404;
      throw new (wrong ? RefusedError : SourceFailure)(`${url.href} answers ${response.status}: ${text.slice(0, 200)}`);
    }
    return this.parse(text);
  }

  private parse(text: string): { now: number; candles: Candle[] } {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw new SourceFailure(`${this.address} answers with something that is no JSON: ${text.slice(0, 80)}`);
    }
    const parsed = answerSchema.safeParse(json, { reportInput: true });
    if (!parsed.success) {
      const [first] = describeProblems(answerSchema, json, parsed.error, "");
      throw new SourceFailure(`${this.address} does not keep the livefeed contract: ${first}`);
    }
    const { now, candles } = parsed.data;
    return { now, candles: candles.map(([openTime, open, high, low, close, volume]) => ({ openTime, open, high, low, close, volume })) };
  }
}

/** What lies at the bottom of a failed request: fetch itself only says that it failed. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as { message: string; cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? message;
}
