import { expect } from "chai";
import type { TrustLevel } from "../../../../services/gui/api";
import type { BotRows } from "../../../../services/gui/rows";
import { statusView, type StatusInput } from "../../../../services/gui/status";
import { botRows, now, statusInput, statusRows } from "./rows";

const withBot = (changes: Partial<BotRows>): Partial<StatusInput> => ({
  database: { last: { value: statusRows({ bots: [botRows(changes)] }), at: now }, problem: undefined },
});

const withFeed = (changes: Partial<ReturnType<typeof statusRows>["feeds"][number]>): Partial<StatusInput> => ({
  database: { last: { value: statusRows({ feeds: [{ ...statusRows().feeds[0]!, ...changes }] }), at: now }, problem: undefined },
});

const flat = { ...botRows().account!, quantity: 0, entryPrice: null, entryBar: null, entryFee: null, stopPrice: null };
const decision = botRows().lastDecision!;

const cases: { when: string; input: Partial<StatusInput>; level: TrustLevel; reasons: string[] }[] = [
  { when: "all works", input: {}, level: "yes", reasons: [] },
  {
    when: "the broker is away",
    input: { broker: { name: "broker", state: "down", reason: "no connection (ECONNREFUSED)", lastUp: null } },
    level: "no",
    reasons: ["The broker does not answer (no connection (ECONNREFUSED)): orders and protective stops are not worked"],
  },
  {
    when: "the feed's service is away",
    input: { livefeed: { name: "livefeed", state: "down", reason: "no answer within 1.5 s", lastUp: null } },
    level: "no",
    reasons: ["The livefeed does not answer (no answer within 1.5 s): no new candles arrive, and entries are blocked when its lease ends"],
  },
  {
    when: "the broker is not ready",
    input: { broker: { name: "broker", state: "notReady", reason: "database: lost", lastUp: null } },
    level: "care",
    reasons: ["The broker is not ready: database: lost"],
  },
  { when: "the feed is down", input: withFeed({ state: "DOWN", reason: "recording ended" }), level: "no", reasons: ["The feed BTCUSDT 1h is DOWN: recording ended"] },
  { when: "the feed is degraded", input: withFeed({ state: "DEGRADED", reason: "rejected a candle: duplicate" }), level: "care", reasons: ["The feed BTCUSDT 1h is DEGRADED: rejected a candle: duplicate"] },
  { when: "the lease has run out", input: withFeed({ leaseUntil: new Date(now - 1) }), level: "care", reasons: ["The feed BTCUSDT 1h has no valid lease: entries are blocked"] },
  { when: "a flat bot does not run", input: withBot({ running: false, account: flat }), level: "care", reasons: ["Bot refstrat01 is not running"] },
  {
    when: "a bot in position does not run",
    input: withBot({ running: false }),
    level: "care",
    reasons: ["Bot refstrat01 is not running; its open position is left to the broker's stop at 99000"],
  },
  { when: "a bot has no account yet", input: withBot({ account: undefined }), level: "care", reasons: ["Bot refstrat01 runs but has no account yet"] },
  { when: "a bot has not decided yet", input: withBot({ lastDecision: undefined }), level: "care", reasons: ["Bot refstrat01 has not decided yet"] },
  { when: "a bot works through candles it was given at once", input: withBot({ behind: 500 }), level: "yes", reasons: [] },
  {
    when: "a running bot makes no progress",
    input: withBot({ behind: 1, lastDecision: { ...decision, decidedAt: new Date(now - 60_001) } }),
    level: "no",
    reasons: ["Bot refstrat01 runs but makes no progress: 1 candle waits for a decision"],
  },
  { when: "the last decision was late", input: withBot({ lastDecision: { ...decision, late: true } }), level: "care", reasons: ["Bot refstrat01 decided too late: the broker had passed the bar"] },
  {
    when: "several things are wrong, the worst comes first",
    input: { ...withBot({ running: false, account: flat }), broker: { name: "broker", state: "down", reason: "x", lastUp: null } },
    level: "no",
    reasons: ["The broker does not answer (x): orders and protective stops are not worked", "Bot refstrat01 is not running"],
  },
];

describe("gui: may I trust it now", () => {
  for (const { when, input, level, reasons } of cases) {
    it(`says ${level} when ${when}`, () => {
      const { trust } = statusView(statusInput(input));
      expect(trust.reasons).to.deep.equal(reasons);
      expect(trust.level).to.equal(level);
    });
  }
});
