import type { Candle } from "../../domain/candles";

/** A source did not answer, or not as it should; the message is for people. */
export class SourceFailure extends Error {
  override readonly name: string = "SourceFailure";
}

/** A market that goes on in real time and can be asked for its candles. What it cannot answer is a SourceFailure. */
export interface LiveSource {
  /** Says where the candles come from; candles with different identities are never mixed. */
  readonly identity: string;
  /** Milliseconds that its clock counts by. */
  readonly clockResolution: number;
  /** Most candles in one answer. */
  readonly mostCandles: number;
  /**
   * Gets ready to be asked; may be called again after it failed.
   * @throws SettingsError when it does not have what the settings ask for
   */
  open(): Promise<void>;
  /** Its clock, epoch ms. */
  time(): Promise<number>;
  /** Candles from an open time (epoch ms) on, ascending, the newest of them possibly not closed yet. */
  candles(symbol: string, from: number, limit: number): Promise<Candle[]>;
}

/** Milliseconds after which a question counts as unanswered. */
export const answerTimeout = 10_000;
