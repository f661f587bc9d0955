import type { Candle } from "../../domain/candles";
import { checkCandle } from "./checks";
import type { StoredCandles } from "./resume";
import type { CandleSource, Finding, SymbolCandle } from "./source";

/** What one time of the source brings: candles to write, and what was found about its rows. */
export interface Step {
  /** Epoch ms. */
  openTime: number;
  candles: SymbolCandle[];
  findings: { symbol: string; finding: Finding }[];
  /** Symbols whose candle was rejected, and why. */
  rejected: { symbol: string; kind: string }[];
}

/** Goes through a source once, leaves out what is stored already and judges the rest. */
export class SourceWalker {
  private index = 0;
  private readonly accepted = new Map<string, Candle>();

  /** @param interval length of a candle in milliseconds */
  constructor(
    private readonly source: CandleSource,
    private readonly interval: number,
    private readonly stored: ReadonlyMap<string, StoredCandles>,
  ) {
    for (const [symbol, { last }] of stored) this.accepted.set(symbol, last);
  }

  /** The next time that brings anything; undefined after the end of the source. */
  next(): Step | undefined {
    for (;;) {
      const entries = this.source.at(this.index);
      if (entries === undefined) return undefined;
      this.index++;
      const fresh = entries.filter(({ symbol, candle }) => candle.openTime > (this.stored.get(symbol)?.last.openTime ?? -Infinity));
      if (fresh.length > 0) return this.judge(fresh);
    }
  }

  private judge(entries: SymbolCandle[]): Step {
    const step: Step = { openTime: 0, candles: [], findings: [], rejected: [] };
    for (const { symbol, candle } of entries) {
      const { accepted, findings } = checkCandle(this.accepted.get(symbol), candle, this.interval);
      step.openTime = Math.max(step.openTime, candle.openTime);
      step.findings.push(...findings.map((finding) => ({ symbol, finding })));
      if (accepted) {
        step.candles.push({ symbol, candle });
        this.accepted.set(symbol, candle);
      } else {
        step.rejected.push({ symbol, kind: findings.map((finding) => finding.kind).join(", ") });
      }
    }
    return step;
  }
}
