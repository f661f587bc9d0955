import { expect } from "chai";
import type { Candle } from "../../../../domain/candles";
import { findingKinds, type FindingKind } from "../../../../domain/feedQuality";
import { calm, calmCandles, hour, Trial } from "./trial";

type Act = (trial: Trial) => unknown;
const repeat = (times: number, act: Act): Act => (trial) => {
  for (let time = 0; time < times; time++) act(trial);
};
const tick = (later: number): Act => (trial) => trial.do((quality, at) => quality.tick(at), later);
const give = (...candles: readonly Candle[]): Act => (trial) => trial.give(...candles);
const skew = (milliseconds: number): Act => (trial) => trial.do((quality, at) => quality.clockSkew(milliseconds, at));
const reconnect: Act = (trial) => trial.do((quality, at) => quality.reconnected(at));

/** What happens to a feed that is HEALTHY after candle 3 (03:00), and why the last finding is one. */
const cases: { kind: FindingKind; severity: string; acts: Act[]; reason: string }[] = [
  { kind: "inconsistent", severity: "DEGRADED", acts: [give(calm(4, { low: 0 }))], reason: "candle of 2026-01-01 04:00 UTC rejected: inconsistent" },
  { kind: "inconsistent", severity: "DOWN", acts: [give(calm(4, { low: 0 }), calm(5, { low: 0 }))], reason: "candle of 2026-01-01 05:00 UTC rejected: inconsistent, 2 in a row" },
  { kind: "off the interval", severity: "DEGRADED", acts: [give(calm(4, { openTime: Number.NaN }))], reason: "candle rejected: off the interval" },
  { kind: "duplicate", severity: "note", acts: [give(calm(3))], reason: "candle of 2026-01-01 03:00 UTC came again with the same values" },
  { kind: "revision", severity: "DEGRADED", acts: [give(calm(3, { close: 100.5 }))], reason: "candle of 2026-01-01 03:00 UTC came again with other values (close 100.5 instead of 100)" },
  { kind: "revision", severity: "DOWN", acts: [(trial) => trial.do((quality, at) => quality.revisedAfterTrade(calm(3).openTime, at))], reason: "candle of 2026-01-01 03:00 UTC was revised after it was traded on" },
  { kind: "out of order", severity: "note", acts: [give(calm(-9))], reason: "candle of 2025-12-31 15:00 UTC came after newer ones" },
  { kind: "out of order", severity: "DEGRADED", acts: [give(...calmCandles(-9, 4))], reason: "4 candles out of order within an hour (limit 3)" },
  { kind: "gap", severity: "DEGRADED", acts: [give(calm(5))], reason: "1 candle missing from 2026-01-01 04:00 UTC, asked for again" },
  { kind: "backfilled", severity: "note", acts: [give(calm(5), calm(4))], reason: "missing candle of 2026-01-01 04:00 UTC came when it was asked for again" },
  {
    kind: "gap left open",
    severity: "DOWN",
    acts: [give(calm(5)), repeat(3, (trial) => trial.do((quality, at) => quality.backfillFailed(at)))],
    reason: "1 candle missing from 2026-01-01 04:00 UTC, could not be had",
  },
  {
    kind: "backfilled",
    severity: "note",
    acts: [give(calm(5)), repeat(3, (trial) => trial.do((quality, at) => quality.backfillFailed(at))), give(calm(4))],
    reason: "missing candle of 2026-01-01 04:00 UTC came after others had gone on without it",
  },
  { kind: "jump", severity: "DOWN", acts: [give(calm(4, { close: 70, low: 70 }))], reason: "close of 2026-01-01 04:00 UTC moved by -30 % (limit 25 %)" },
  { kind: "open jump", severity: "note", acts: [give(calm(4, { open: 99.1 }))], reason: "open of 2026-01-01 04:00 UTC is -0.9 % from the close before (limit 0.5 %)" },
  { kind: "flat", severity: "DEGRADED", acts: [give(calm(4, { volume: 0 }), calm(5, { volume: 0 }))], reason: "2 candles in a row without range or volume (limit 2)" },
  { kind: "silence", severity: "DEGRADED", acts: [tick(61_000)], reason: "nothing heard of the source for 61 s (limit 60 s)" },
  { kind: "late", severity: "DEGRADED", acts: [(trial) => trial.do((quality, at) => quality.expect(calm(4).openTime, at - 95_000)), tick(0)], reason: "candle of 04:00 is 95 s late (limit 90 s)" },
  { kind: "clock skew", severity: "DOWN", acts: [skew(-hour)], reason: "local clock is 3600000 ms behind the source's (limit 2000 ms)" },
  { kind: "clock jump", severity: "DOWN", acts: [(trial) => trial.do((quality, at) => quality.clockJump(hour, at))], reason: "clock jumped by 3600 s (limit 30 s)" },
  { kind: "reconnects", severity: "DEGRADED", acts: [repeat(4, reconnect)], reason: "4 reconnects within an hour (limit 3)" },
  { kind: "acknowledged", severity: "note", acts: [skew(hour), (trial) => trial.do((quality, at) => quality.acknowledge("owner", at))], reason: "owner acknowledged: the feed is DOWN" },
];

describe("feed quality: reasons", () => {
  for (const { kind, severity, acts, reason } of cases) {
    it(`says of ${kind} (${severity}): ${reason}`, () => {
      const trial = new Trial({ acknowledgeDown: true }).healthy();
      for (const act of acts) act(trial);
      expect(trial.findings.at(-1)).to.include({ kind, severity, reason });
    });
  }

  it("has one for every kind of finding", () => {
    expect(new Set(cases.map(({ kind }) => kind))).to.deep.equal(new Set(findingKinds));
  });

  it("notes a gap that the settings allow with its reason", () => {
    const trial = new Trial({ settings: { missingCandles: { degraded: 3, down: 5 } } }).healthy().give(calm(6));
    expect(trial.findings.at(-1)).to.include({ kind: "gap", severity: "note", reason: "2 candles missing from 2026-01-01 04:00 UTC, asked for again" });
  });

  it("says what was acknowledged", () => {
    const trial = new Trial({ acknowledgeDown: true }).healthy().do((quality, at) => quality.clockJump(hour, at));
    trial.do((quality, at) => quality.positionOpen(at)).do((quality, at) => quality.acknowledge("owner", at));
    expect(trial.findings.at(-1)!.reason).to.equal("owner acknowledged: clock jumped by 3600 s (limit 30 s)");
  });
});
