import { expect } from "chai";
import type { TrustLevel } from "../../../../services/gui/api";
import type { BotRows } from "../../../../services/gui/rows";
import { statusView, type StatusInput } from "../../../../services/gui/status";
import { alertsSay, botRows, brokerRows, controlFacts, guardLease, guardSays, halt, halted, now, qualityRows, raised, rejection, said, statusInput, statusRows, up } from "./rows";

const withBot = (changes: Partial<BotRows>): Partial<StatusInput> => ({
  database: { last: { value: statusRows({ bots: [botRows(changes)] }), at: now }, problem: undefined },
});

const withFeed = (changes: Partial<ReturnType<typeof statusRows>["feeds"][number]>): Partial<StatusInput> => ({
  database: { last: { value: statusRows({ feeds: [{ ...statusRows().feeds[0]!, ...changes }] }), at: now }, problem: undefined },
});

const withRows = (changes: Partial<ReturnType<typeof statusRows>>): Partial<StatusInput> => ({
  database: { last: { value: statusRows(changes), at: now }, problem: undefined },
});
const minute = 60_000;
/** So many minutes of the last 24 hours. */
const withTimes = (minutes: { degraded?: number; down?: number; stopped?: number }): Partial<StatusInput> => {
  const { degraded = 0, down = 0, stopped = 0 } = minutes;
  const times = { hours: 24, healthy: 600 * minute, degraded: degraded * minute, down: down * minute, stopped: stopped * minute };
  return withRows({ quality: [qualityRows({ times: [times, { ...times, hours: 168 }] })] });
};

const flat = { ...botRows().account!, quantity: 0, entryPrice: null, entryBar: null, entryFee: null, stopPrice: null };
const decision = botRows().lastDecision!;

/** A guard that answers so, and the lease it wrote. */
const withGuard = (status = guardLease(), source = up("guard")): Partial<StatusInput> => ({
  ...withRows({ guard: { status, actions: [] } }),
  guard: { source, said: said(guardSays()) },
});
const withAlerts = (...active: ReturnType<typeof raised>[]): Partial<StatusInput> => ({ ...withGuard(), alerts: { guard: said(alertsSay(...active)), backup: null } });
const id = halt().id;

const cases: { when: string; input: Partial<StatusInput>; level: TrustLevel; reasons: string[] }[] = [
  { when: "all works", input: {}, level: "yes", reasons: [] },
  {
    when: "less was asked for than should be when it was promoted",
    input: { settings: { ...statusInput().settings, notices: ["PRO-1 overrides a condition: paper.days"] } },
    level: "care",
    reasons: ["PRO-1 overrides a condition: paper.days"],
  },
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
  { when: "the feed was DEGRADED for 0.5 % of a day", input: withTimes({ degraded: 7.2 }), level: "yes", reasons: [] },
  {
    when: "the feed was DEGRADED for longer",
    input: withTimes({ degraded: 7.3 }),
    level: "care",
    reasons: ["The feed BTCUSDT 1h was DEGRADED or DOWN for 7 min of the last 24 h: more than 0.5 %"],
  },
  { when: "the feed was DOWN because it was stopped", input: withTimes({ down: 300, stopped: 300 }), level: "yes", reasons: [] },
  {
    when: "the feed was DOWN by itself",
    input: withTimes({ down: 310, stopped: 300 }),
    level: "care",
    reasons: ["The feed BTCUSDT 1h was DEGRADED or DOWN for 10 min of the last 24 h: more than 0.5 %"],
  },
  {
    when: "orders do not fit decisions",
    input: withBot({ broker: brokerRows({ reconciliation: { ...brokerRows().reconciliation!, mismatch: "1 decision has no order" } }) }),
    level: "no",
    reasons: ["Bot refstrat01: decisions, orders and fills do not fit together: 1 decision has no order"],
  },
  {
    when: "an intent was refused just now",
    input: withBot({ broker: brokerRows({ rejections: [rejection(9), rejection(30, { kind: "lease" })] }) }),
    level: "care",
    reasons: ["An intent of bot refstrat01 was refused 9 min ago: order quantity"],
  },
  {
    when: "intents were refused for several reasons",
    input: withBot({ broker: brokerRows({ rejections: [rejection(9), rejection(1, { kind: "lease" })] }) }),
    level: "care",
    reasons: ["An intent of bot refstrat01 was refused 60 s ago: lease, and 1 other kind"],
  },
  { when: "an intent was refused ten minutes ago", input: withBot({ broker: brokerRows({ rejections: [rejection(10)] }) }), level: "yes", reasons: [] },
  {
    when: "somebody asks the broker without a token",
    input: withRows({ strangers: [rejection(2, { bot: "unknown", kind: "token" })] }),
    level: "care",
    reasons: ["A request without a valid token was refused 2 min ago: token"],
  },
  { when: "a flat bot does not run", input: withBot({ running: false, account: flat }), level: "care", reasons: ["Bot refstrat01 is not running"] },
  {
    when: "a bot in position does not run",
    input: withBot({ running: false }),
    level: "care",
    reasons: ["Bot refstrat01 is not running; its open position is left to the broker's stop at 99000"],
  },
  {
    when: "a bot did not do what a replay does",
    input: withBot({ parity: { frozen: true, reason: "the bot acts one bar late" } }),
    level: "care",
    reasons: ["Bot refstrat01 did not do what a replay of its candles does: the bot acts one bar late"],
  },
  { when: "a bot's fills cost more than those of a replay", input: withBot({ parity: { frozen: false, reason: "a fill cost another fee" } }), level: "yes", reasons: [] },
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
  { when: "every bot is halted at level kill", input: { control: halted(halt()) }, level: "no", reasons: [`Every bot is halted at level kill since 2026-01-02 03:01:05 UTC (${id}): the books look wrong`] },
  { when: "a bot is halted at level reduce", input: { control: halted(halt({ level: "reduce", bot: "refstrat01" })) }, level: "no", reasons: [`Bot refstrat01 is halted at level reduce since 2026-01-02 03:01:05 UTC (${id}): the books look wrong`] },
  { when: "a bot is halted at level pause", input: { control: halted(halt({ level: "pause", bot: "refstrat01" })) }, level: "care", reasons: [`Bot refstrat01 is halted at level pause since 2026-01-02 03:01:05 UTC (${id}): the books look wrong`] },
  {
    when: "the broker has not read a pause for longer than it takes",
    input: { control: { ...halted(halt({ level: "pause", at: new Date(now - 5001).toISOString() })), sight: undefined } },
    level: "no",
    reasons: [`The broker has not said that it holds to ${id}: an order may leave all the same`, `Every bot is halted at level pause since 2026-01-02 03:03:59 UTC (${id}): the books look wrong`],
  },
  {
    when: "the broker has not yet had the time to read a pause",
    input: { control: { ...halted(halt({ level: "pause", at: new Date(now - 5000).toISOString() })), sight: undefined } },
    level: "care",
    reasons: [`Every bot is halted at level pause since 2026-01-02 03:04:00 UTC (${id}): the books look wrong`],
  },
  {
    when: "a broker that is away has not read a pause",
    input: { control: { ...halted(halt({ level: "pause" })), sight: undefined }, broker: { name: "broker", state: "down", reason: "x", lastUp: null } },
    level: "no",
    reasons: ["The broker does not answer (x): orders and protective stops are not worked", `Every bot is halted at level pause since 2026-01-02 03:01:05 UTC (${id}): the books look wrong`],
  },
  {
    when: "a halt cannot be read",
    input: { control: controlFacts({ halts: { halts: [], unreadable: ["INC-x.json"], problem: null }, sight: { at: new Date(now).toISOString(), incidents: ["INC-x.json"], problem: null } }) },
    level: "no",
    reasons: ["Every bot is halted at level kill (INC-x): halts/INC-x.json cannot be read, which counts as the worst"],
  },
  {
    when: "the control folder cannot be read",
    input: { control: controlFacts({ halts: { halts: [], unreadable: [], problem: "/control/stack.json is missing or cannot be read" } }) },
    level: "no",
    reasons: ["Whether trading is halted cannot be read (/control/stack.json is missing or cannot be read): the broker lets out exits only, and no bot is started"],
  },
  {
    when: "the database is away and a bot is halted",
    input: { control: halted(halt()), database: { last: undefined, problem: "lost" } },
    level: "no",
    reasons: [`Every bot is halted at level kill since 2026-01-02 03:01:05 UTC (${id}): the books look wrong`, "The database does not answer (lost): nothing could be read yet"],
  },
  { when: "the guard has granted its lease", input: withGuard(), level: "yes", reasons: [] },
  {
    when: "the guard does not answer",
    input: withGuard(guardLease({ leaseUntil: new Date(now) }), { name: "guard", state: "down", reason: "no connection (ECONNREFUSED)", lastUp: null }),
    level: "no",
    reasons: ["The guard does not answer (no connection (ECONNREFUSED)): no rule is watched, and entries are blocked when its lease ends", "The guard's lease has run out: entries are blocked"],
  },
  { when: "the guard has written no lease yet", input: { ...withGuard(), ...withRows({}) }, level: "care", reasons: ["The guard has not given a lease yet: entries are blocked"] },
  {
    when: "the guard withholds its lease",
    input: withGuard(guardLease({ state: "WITHHELD", reason: "the clock jumped by 41 s: wsl --shutdown", leaseUntil: null })),
    level: "care",
    reasons: ["The guard withholds its lease: entries are blocked: the clock jumped by 41 s: wsl --shutdown"],
  },
  { when: "nobody has acknowledged what the guard found", input: withAlerts(raised("guard.clock", "critical", 1), raised("guard.blind.docker", "critical", 2)), level: "care", reasons: ["The guard raised an alert that nobody has acknowledged: text of guard.clock, and 1 more"] },
  { when: "the guard only warns, or tells of a halt of its own", input: withAlerts(raised("guard.halt-drill", "warning", 1), raised(`guard.halt.${id}`, "critical", 1)), level: "yes", reasons: [] },
  { when: "what the guard found was acknowledged", input: withAlerts(raised("guard.clock", "critical", 1, true)), level: "yes", reasons: [] },
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
