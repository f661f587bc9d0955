import { expect } from "chai";
import Fastify from "fastify";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Guard } from "../../../../services/guard/Guard";
import { addRoutes as addGuardRoutes } from "../../../../services/guard/routes";
import type { AlertChannelState } from "../../../../services/shared/alerts/AlertChannel";
import { addAlertRoutes } from "../../../../services/shared/alerts/routes";
import { alertsView } from "../../../../services/gui/alertsView";
import type { AlertsView, StatusView } from "../../../../services/gui/api";
import { askJson } from "../../../../services/gui/askJson";
import type { GuardRows } from "../../../../services/gui/guardRows";
import { alertState, guardStatus } from "../../../../services/gui/guardStatus";
import { guardView } from "../../../../services/gui/guardView";
import { acknowledgeText, alertsFacts } from "../../../../services/gui/page/alerts";
import { actionText, foundTexts, guardFacts, numbersText } from "../../../../services/gui/page/guard";
import { alertsSay, guardLease, guardSays, now, raised, said } from "./rows";

const texts = (facts: ReturnType<typeof guardFacts>) => facts.map(({ label, value, tone }) => `${label}: ${value}${tone === "" ? "" : ` (${tone})`}`);
const rows = (status: GuardRows["status"], actions: GuardRows["actions"] = []): GuardRows => ({ status, actions });
const drawdown = { rule: "drawdown", bot: "refstrat01", reason: "13.1 % below the peak", numbers: { drawdown: 0.131, limit: 0.12 } };
const action: GuardRows["actions"][number] = {
  ...{ id: 7, at: new Date(now - 60_000), action: "halt", level: "kill", incident: "INC-20260102-030305-00aa", runbook: "runbooks/Incident_Handling.md, 4.2 Drawdown", ...drawdown },
};

describe("gui: the guard's card", () => {
  const cases: [string, Pick<StatusView, "guard" | "stale">, string[]][] = [
    ["no guard", { guard: null, stale: false }, ["State: this stack has no guard (trading:guard.enabled is false): no rule stops a bot by itself, and entries need the feed's lease alone (warning)"]],
    ["a guard at work", { guard: guardView(said(guardSays()), rows(guardLease()), now), stale: false }, ["State: answers and watches its rules (good)", "Lease: granted, 12 s left: all is looked after (good)"]],
    [
      "a guard that cannot act",
      { guard: guardView(said(guardSays({ problems: ["Docker does not answer"] })), rows(guardLease()), now), stale: false },
      ["State: answers and watches its rules (good)", "Cannot: Docker does not answer (bad)", "Lease: granted, 12 s left: all is looked after (good)"],
    ],
    [
      "a withheld lease",
      { guard: guardView(said(guardSays()), rows(guardLease({ state: "WITHHELD", reason: "the clock jumped", leaseUntil: null })), now), stale: false },
      ["State: answers and watches its rules (good)", "Lease: withheld: the broker refuses entries: the clock jumped (bad)"],
    ],
    [
      "a guard that went silent",
      { guard: guardView({ last: { value: guardSays(), at: now - 90_000 }, problem: "no answer within 2.5 s" }, rows(guardLease({ leaseUntil: new Date(now - 1) })), now), stale: false },
      ["State: does not answer (no answer within 2.5 s); it last answered 90 s ago: no rule is watched, and no entry passes once its lease has run out (bad)", "Lease: run out: the broker refuses entries (bad)"],
    ],
    [
      "a guard that never wrote anything",
      { guard: guardView({ last: undefined, problem: "no connection (ENOTFOUND)" }, rows(undefined), now), stale: false },
      ["State: does not answer (no connection (ENOTFOUND)): no rule is watched, and no entry passes once its lease has run out (bad)", "Lease: none yet: the broker refuses entries (warning)"],
    ],
    ["a database that is away", { guard: guardView(said(guardSays()), rows(guardLease()), now), stale: true }, ["State: answers and watches its rules (good)", "Lease: not known: the database does not answer (warning)"]],
  ];
  for (const [what, view, expected] of cases) it(`tells of ${what}`, () => expect(texts(guardFacts(view, now))).to.deep.equal(expected));

  it("counts the lease down by the server's clock", () => {
    const guard = guardView(said(guardSays()), rows(guardLease()), now);
    expect(texts(guardFacts({ guard, stale: false }, now + 11_000))[1]).to.match(/^Lease: granted, 1 s left/);
    expect(texts(guardFacts({ guard, stale: false }, now + 12_000))[1]).to.equal("Lease: run out: the broker refuses entries (bad)");
  });

  it("lists every rule with its limit, those that see something first", () => {
    const { rules } = guardView(said(guardSays({ verdicts: [drawdown, { ...drawdown, bot: "second", numbers: {} }] })), undefined, now)!;
    expect(rules.map(({ rule }) => rule)).to.have.length(14);
    expect(rules[0]).to.deep.include({ rule: "drawdown", acts: "more than 12.0 % below the highest equity: kill", runbook: "runbooks/Incident_Handling.md, 4.2 Drawdown" });
    expect(foundTexts(rules[0]!)).to.deep.equal(["refstrat01: 13.1 % below the peak: drawdown 0.131, limit 0.12", "second: 13.1 % below the peak"]);
    expect(rules[1]).to.deep.include({ rule: "daily-loss", acts: "more than 2.0 % lost since midnight: kill", found: [] });
    expect(foundTexts(rules[1]!)).to.deep.equal(["kept"]);
  });

  it("knows of no rule before the guard has answered", () => expect(guardView({ last: undefined, problem: "HTTP 500" }, undefined, now)!.rules).to.deep.equal([]));

  it("lists what it did, with numbers and runbook", () => {
    const [first] = guardView(said(guardSays()), rows(guardLease(), [action]), now)!.actions;
    expect(first).to.deep.equal({ at: now - 60_000, action: "halt", level: "kill", incident: "INC-20260102-030305-00aa", runbook: "runbooks/Incident_Handling.md, 4.2 Drawdown", ...drawdown });
    expect(actionText(first!)).to.equal("halt at level kill (INC-20260102-030305-00aa)");
    expect(actionText({ ...first!, action: "grant", level: null, incident: null })).to.equal("grant");
    expect(numbersText(first!.numbers)).to.equal("drawdown 0.131, limit 0.12");
  });
});

describe("gui: alerts", () => {
  it("are those of guard and backup: what nobody has seen first, critical before warnings, newer before older", () => {
    const guard = alertsSay(raised("a", "critical", 1, true), raised("d", "critical", 2), raised("e", "warning", 9));
    const view = alertsView({ guard: said({ ...guard, undelivered: 2 }), backup: said({ ...alertsSay(raised("b", "critical", 3), raised("c", "warning", 1)), undelivered: 1 }) });
    expect(view.active.map(({ key, sender, acknowledged }) => [key, sender, acknowledged])).to.deep.equal([
      ["d", "guard", false],
      ["b", "backup", false],
      ["c", "backup", false],
      ["e", "guard", false],
      ["a", "guard", true],
    ]);
    expect(view.active[0]?.since).to.equal(now - 120_000);
    expect([view.undelivered, view.unknown, view.unheard]).to.deep.equal([3, [], []]);
  });

  it("give the command that acknowledges them", () => {
    const [alert] = alertsView({ guard: said(alertsSay(raised("a", "critical", 1))), backup: null }).active;
    expect(acknowledgeText(alert!, "paper")).to.equal("npx trading alerts ack id-a --stack paper");
    expect(acknowledgeText({ ...alert!, acknowledged: true }, "paper")).to.equal("acknowledged");
  });

  const cases: [string, AlertsView, string[]][] = [
    ["nothing", alertsView({ guard: null, backup: null }), ["Alerts: none (good)"]],
    ["a warning", alertsView({ guard: said(alertsSay(raised("a", "warning", 1))), backup: null }), ["Alerts: 1 raised, 0 critical (warning)"]],
    [
      "what nobody has seen, and what waits",
      alertsView({ guard: null, backup: said({ ...alertsSay(raised("a", "critical", 1), raised("b", "critical", 1, true)), undelivered: 2 }) }),
      ["Alerts: 2 raised, 2 critical, 1 of them not acknowledged (bad)", "Not delivered: 2 notices wait for the receiver (warning)"],
    ],
    [
      "silent services, and what they last said",
      alertsView({ guard: { last: undefined, problem: "no connection (ECONNREFUSED)" }, backup: said(alertsSay(raised("a", "warning", 1)), "HTTP 500") }),
      ["Alerts: 1 raised, 0 critical (warning)", "Not known: alerts of the guard, which does not answer (no connection (ECONNREFUSED)) (bad)", "Not known: alerts of the backup service, which does not answer (HTTP 500) (bad)"],
    ],
    [
      "that nobody is told",
      alertsView({ guard: said({ ...alertsSay(), configured: false }), backup: said({ ...alertsSay(), configured: false }) }),
      ["Alerts: none (good)", "Nobody is told: trading:alerts.webhook is not set: alerts of the guard and the backup service are seen here and in the logs alone (warning)"],
    ],
  ];
  for (const [what, view, expected] of cases) it(`tell ${what}`, () => expect(texts(alertsFacts(view))).to.deep.equal(expected));
});

describe("gui: asking a service", () => {
  let server: Server;
  let answer: { code: number; body: string };
  let url: string;
  before(async () => {
    server = createServer((_request, response) => response.writeHead(answer.code, { connection: "close" }).end(answer.body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => new Promise((resolve) => server.close(resolve)));
  const ask = (schema: Parameters<typeof askJson>[2]) => askJson(url, "/v1/status", schema).catch((error: Error) => error.message);

  it("takes what it needs, and more keys are no error", async () => {
    answer = { code: 200, body: JSON.stringify({ ...guardSays(), format: 1, lease: {} }) };
    expect(await ask(guardStatus)).to.deep.equal(guardSays());
    answer = { code: 200, body: JSON.stringify({ ...alertsSay(raised("a", "warning", 1)), lastProblem: null }) };
    expect(await ask(alertState)).to.deep.equal(alertsSay(raised("a", "warning", 1)));
  });

  it("understands what guard and alert channels answer", async () => {
    const app = Fastify();
    const state: Pick<Guard, "state">["state"] = { lease: { state: "GRANTED", reason: "all is looked after" }, lookedAt: null, lookProblem: null, looks: 1, problems: { docker: "Docker does not answer" }, verdicts: [{ ...drawdown, rule: "drawdown", cause: "c", act: { kind: "halt", level: "kill" } }] };
    const keeper = { of: () => ({ state: { running: true, startedAt: "" }, askedAt: 0, problem: null }) } as unknown as Guard["keeper"];
    addGuardRoutes(app, { state, keeper } as Guard, { bots: [{ name: "refstrat01", symbol: "BTCUSDT", startingCash: 1, ordersPerHour: 1, container: "trading-paper-bot-refstrat01", graceSeconds: 30 }], thresholds: guardSays().thresholds });
    const channel: AlertChannelState = {
      ...{ configured: false, undelivered: 0, oldestUndeliveredAt: null, lastDeliveredAt: null, lastProblem: null, fileProblem: null, dropped: 0 },
      ...{ heartbeatConfigured: false, lastHeartbeatAt: null, lastHeartbeatProblem: null, critical: null },
      active: [{ id: "id-a", key: "a", severity: "warning", text: "text of a", runbook: "runbooks/x.md, 1", since: now - 60_000, announced: false, toldAt: null, acknowledged: true }],
    };
    addAlertRoutes(app, { state: () => channel, tryOut: () => Promise.reject(new Error("not asked for")) });
    const body = async (path: string) => (await app.inject({ url: path })).json<unknown>();
    expect(guardStatus.parse(await body("/v1/status"))).to.deep.equal(guardSays({ problems: ["Docker does not answer"], verdicts: [drawdown] }));
    expect(alertState.parse(await body("/v1/alerts"))).to.deep.equal({ ...alertsSay(raised("a", "warning", 1, true)), configured: false });
    await app.close();
  });

  for (const [code, body, words] of [
    [503, "{}", /^HTTP 503$/],
    [200, "{}", /^its answer is not understood$/],
    [200, "<html>", /JSON/],
  ] as const) {
    it(`says why ${code} ${body} is no answer`, async () => {
      answer = { code, body };
      expect(await ask(guardStatus)).to.match(words);
    });
  }

  it("says that nobody is there", async () => expect(await askJson("http://127.0.0.1:9", "/", guardStatus).catch((error: Error) => error.message)).to.match(/^(no connection|fetch failed|bad port)/));
});
