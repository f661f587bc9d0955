import type { Clocks } from "./clocks";
import { ExchangeSource } from "./exchangeSource";
import { ExternalSource } from "./externalSource";
import type { LiveSource } from "./liveSource";
import { openRecording, syntheticSource, type ReplaySource } from "./replaySource";
import type { FeedSettings } from "./settings";

/** @throws SettingsError when it is a recording that cannot be read or has not enough candles for the warm-up */
export function openSource(settings: FeedSettings, { wall }: Clocks): ReplaySource | LiveSource {
  const { source, symbols, interval, warmupBars } = settings;
  switch (source.kind) {
    case "synthetic":
      return syntheticSource(source, symbols, interval, warmupBars);
    case "recording":
      return openRecording(source, interval, warmupBars);
    case "exchange":
      return new ExchangeSource(source, symbols, interval);
    case "external":
      return new ExternalSource(source.address, symbols, interval, wall);
  }
}

/** Whether a source is played, as opposed to one that goes on in real time. */
export function isReplay(source: ReplaySource | LiveSource): source is ReplaySource {
  return "slots" in source;
}
