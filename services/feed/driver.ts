import type { Readiness } from "../shared/server";

/** Brings what a source gives to the judges, and what these say into the book. */
export interface Driver {
  /** Whether candles come as they should, beside what the judges say. */
  readonly readiness: Readiness;
  /** The time on the judges' clock, in milliseconds. */
  readonly now: number;
  /**
   * Runs until the signal is aborted.
   * @throws SourceChangedError when the database holds other candles than the source gives
   * @throws SettingsError when the source cannot give what the settings ask for
   */
  run(): Promise<void>;
  /** Called before the lease is renewed. */
  beforeRenewal(): Promise<void>;
}
