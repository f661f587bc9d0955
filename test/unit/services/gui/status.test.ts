import { expect } from "chai";
import { statusView } from "../../../../services/gui/status";
import { bar, botRows, brokerRows, hour, now, qualityRows, rejection, settings, statusInput, statusRows } from "./rows";

describe("gui: status assembly", () => {
  it("puts account, equity and last decision of a bot in position together", () => {
    const view = statusView(statusInput());
    const [bot] = view.bots;
    expect(view.stale).to.equal(false);
    expect(view.readAt).to.equal(now - 400);
    expect(view.session).to.deep.equal({ source: "recording x.csv", replay: true, startedAt: now - hour });
    expect(bot?.running).to.equal(true);
    expect(bot?.lastDecision).to.deep.equal({
      ...{ bar: bar.getTime(), decidedAt: now - 2000, action: "hold", reason: "in position", late: false, indicators: { emaFast: 1, emaSlow: 2, atr: null } },
    });
    expect(bot?.drawdown).to.be.closeTo(1 - 10_090 / 10_200, 1e-12);
    expect(bot?.maxDrawdown).to.equal(0.05);
    expect(bot?.position).to.deep.equal({
      ...{ quantity: 0.05, entryPrice: 100_000, entryBar: bar.getTime() - hour, entryFee: 5, stopPrice: 99_000, unrealisedProfit: 85, riskToStop: 140 },
    });
  });

  it("tells the lease that is left, and none that has run out", () => {
    expect(statusView(statusInput()).feeds[0]?.leaseLeft).to.equal(55_000);
    expect(statusView(statusInput({ now: now + 55_001, database: { last: { value: statusRows(), at: now + 55_000 }, problem: undefined } })).feeds[0]?.leaseLeft).to.equal(0);
  });

  it("tells how the feed was, and what was found", () => {
    const times = { hours: 24, healthy: 9 * hour, degraded: hour / 2, down: 2.5 * hour, stopped: 2 * hour };
    const findings = [{ kind: "gap", severity: "DEGRADED" as const, count: 2 }];
    const rows = statusRows({ quality: [qualityRows({ times: [times], findings, newestFinding: 12 })] });
    const [feed] = statusView(statusInput({ database: { last: { value: rows, at: now }, problem: undefined } })).feeds;
    expect(feed).to.deep.include({ since: now - 2 * hour, measures: {}, findings, newestFinding: 12 });
    expect(feed?.health).to.deep.equal([
      { hours: 24, healthy: 0.75, known: 12 * hour, impaired: hour },
      { hours: 168, healthy: null, known: 0, impaired: 0 },
    ]);
  });

  it("tells how much of each limit is used, and none when it was not told them", () => {
    const limits = { orderQuantity: 1, orderNotional: 10_000, positionQuantity: 2, positionNotional: 20_000, ordersPerHour: 10, ordersPerDay: 60, secondsBetweenEntries: 3600 };
    const used = (input: Parameters<typeof statusInput>[0]) => statusView(statusInput(input)).bots[0]?.limits.map((limit) => [limit.name, limit.used, limit.allowed]);
    const withLimits = { settings: { ...settings, bots: [{ ...settings.bots[0]!, limits }] } };
    expect(used({})).to.deep.equal([]);
    expect(used(withLimits)).to.deep.equal([
      ["Last entry", 0.05, 1],
      ["Last entry's value", 4995, 10_000],
      ["Position", 0.05, 2],
      ["Position's value", 5090, 20_000],
      ["Orders in an hour", 0, 10],
      ["Orders in a day", 3, 60],
      ["Time since the last entry", 10_800, 3600],
    ]);
    const fresh = statusRows({ bots: [botRows({ account: undefined, broker: brokerRows({ lastEntry: undefined }) })] });
    const before = used({ ...withLimits, database: { last: { value: fresh, at: now }, problem: undefined } });
    expect(before?.filter(([, value]) => value !== null)).to.deep.equal([["Orders in an hour", 0, 10], ["Orders in a day", 3, 60]]);
  });

  it("tells the limits of size as they are in the first days after a promotion, and as they are configured afterwards", () => {
    const limits = { orderQuantity: 1, orderNotional: 10_000, positionQuantity: 2, positionNotional: 20_000, ordersPerHour: 10, ordersPerDay: 60, secondsBetweenEntries: 3600 };
    const until = now + 1000;
    const of = (at: number) => statusView(statusInput({ now: at, settings: { ...settings, bots: [{ ...settings.bots[0]!, limits }], canary: { until, fraction: 0.25 } } }));
    const allowed = (at: number) => of(at).bots[0]!.limits.map((limit) => limit.allowed);
    expect([of(until - 1).canary, allowed(until - 1)]).to.deep.equal([{ until, fraction: 0.25 }, [0.25, 2500, 0.5, 5000, 10, 60, 3600]]);
    expect([of(until).canary, allowed(until)]).to.deep.equal([null, Object.values(limits)]);
  });

  it("gives rejections with the newest first, and what was counted", () => {
    const broker = brokerRows({ rejections: [rejection(9), rejection(1, { kind: "lease" })] });
    const [bot] = statusView(statusInput({ database: { last: { value: statusRows({ bots: [botRows({ broker })] }), at: now }, problem: undefined } })).bots;
    expect(bot?.rejections.map(({ kind, lastAt }) => [kind, lastAt])).to.deep.equal([["lease", now - 60_000], ["order quantity", now - 540_000]]);
    expect(bot?.rejections[1]).to.deep.equal({ kind: "order quantity", count: 3, firstAt: now - hour, lastAt: now - 540_000, lastReason: "quantity 5: above the limit of 1" });
    expect(bot?.reconciliation).to.deep.equal({ at: now - 1000, intended: 9, sent: 9, rejected: 1, filled: 7, cancelled: 1, open: 0, mismatch: null });
  });

  it("shows a flat account without a position, with its starting cash before the first bar", () => {
    const account = { ...botRows().account!, quantity: 0, entryPrice: null, entryBar: null, entryFee: null, stopPrice: null };
    const rows = botRows({ account, lastEquity: undefined, peakEquity: null, maxDrawdown: null });
    const [bot] = statusView(statusInput({ database: { last: { value: statusRows({ bots: [rows] }), at: now }, problem: undefined } })).bots;
    expect(bot?.position).to.equal(null);
    expect(bot?.equity).to.equal(10_000);
    expect(bot?.drawdown).to.equal(0);
    expect(bot?.maxDrawdown).to.equal(0);
  });

  it("shows every declared bot before anything could be read", () => {
    const view = statusView(statusInput({ database: { last: undefined, problem: "connect ECONNREFUSED" } }));
    expect(view.stale).to.equal(true);
    expect(view.readAt).to.equal(null);
    const unknown = [24, 168].map((hours) => ({ hours, healthy: null, known: 0, impaired: 0 }));
    expect(view.feeds).to.deep.equal([
      { symbol: "BTCUSDT", interval: "1h", state: "UNKNOWN", reason: "the feed has not reported yet", lastCandle: null, updatedAt: null, leaseUntil: null, leaseLeft: 0, since: null, measures: {}, health: unknown, findings: [], newestFinding: null },
    ]);
    expect(view.bots.map((bot) => [bot.name, bot.running, bot.registered, bot.equity])).to.deep.equal([["refstrat01", null, false, null]]);
    expect(view.trust).to.deep.equal({ level: "no", title: "No", reasons: ["The database does not answer (connect ECONNREFUSED): nothing could be read yet"] });
  });

  it("keeps the last values and calls them old when the database is lost", () => {
    const view = statusView(statusInput({ database: { last: { value: statusRows(), at: now - 60_000 }, problem: "no answer within 2 s" } }));
    expect(view.stale).to.equal(true);
    expect(view.bots[0]?.equity).to.equal(10_090);
    expect(view.sources[0]).to.deep.equal({ name: "database", state: "down", reason: "no answer within 2 s", lastUp: now - 60_000 });
    expect(view.trust.reasons).to.deep.equal(["The database does not answer (no answer within 2 s): the values below are the last ones read"]);
  });

  for (const { mode, fills, text } of [
    { mode: "paper", fills: { simulated: 0, real: 0 }, text: "Fills are simulated: no order leaves this machine" },
    { mode: "live", fills: { simulated: 0, real: 0 }, text: "Fills are simulated: no order leaves this machine" },
    { mode: "live", fills: { simulated: 2, real: 0 }, text: "Fills are simulated: no order leaves this machine" },
    { mode: "live", fills: { simulated: 0, real: 3 }, text: "Fills come from the exchange: real money" },
    { mode: "live", fills: { simulated: 2, real: 3 }, text: "3 fills from the exchange, 2 simulated" },
  ] as const) {
    it(`says of ${mode} with ${fills.simulated} simulated and ${fills.real} real fills: ${text}`, () => {
      const rows = statusRows({ bots: [botRows({ fills })] });
      expect(statusView(statusInput({ mode, database: { last: { value: rows, at: now }, problem: undefined } })).fills).to.equal(text);
    });
  }
});
