import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { ensureControlFolder } from "../../../../control/folder";
import { freezesOf, haltsOf } from "../../../../control/LatchFolder";
import type { Freeze } from "../../../../control/records";
import { ControlReader } from "../../../../services/gui/controlReader";
import { haltsView } from "../../../../services/gui/haltsView";
import { openLines } from "../../../../services/gui/openLines";
import { bannersOf, botsNow, haltProgress, type ProgressFacts } from "../../../../services/gui/page/halts";
import { guardView } from "../../../../services/gui/guardView";
import { statusView } from "../../../../services/gui/status";
import { botRows, controlFacts, guardLease, guardSays, halt, halted, now, said, statusInput, statusRows, up } from "./rows";

const freeze = (changes: Partial<Freeze> = {}): Freeze => ({
  ...{ format: 1, id: "FRZ-20260101-220000-00aa", stack: "paper", bot: "refstrat01", reason: "decisions differ", by: "guard", who: "guard", at: "2026-01-01T22:00:00.000Z" },
  ...{ rule: "decision-mismatch", cause: "parity 7", numbers: {}, runbook: "runbooks/Incident_Handling.md, 4.7 Beslutninger afviger", open: [], until: null },
  ...changes,
});
const banners = (facts: Parameters<typeof haltsView>[0]) => bannersOf(haltsView(facts, "paper", now));

describe("gui: the banner of a halt", () => {
  it("is not there while nothing is in force", () => expect(banners(controlFacts())).to.deep.equal([]));

  it("says level, bot, since when, by whom, why, and the one command that lifts it", () => {
    expect(banners(halted(halt()))).to.deep.equal([
      {
        tone: "no",
        title: "Halted at level kill: every bot",
        lines: [
          "Since 2026-01-02 03:01:05 UTC, by anna at the command line: the books look wrong",
          "No order of a bot leaves: open orders are cancelled, the bot's container is stopped; the protective stop of an open position stays. The broker holds to it.",
        ],
        command: "npx trading rearm --incident INC-20260102-030105-4f2a --stack paper",
      },
    ]);
  });

  it("gives the guard's rule, its numbers and its runbook", () => {
    const [banner] = banners(halted(halt({ by: "guard", who: "guard", rule: "drawdown", bot: "refstrat01", numbers: { drawdownShare: 0.131, limit: 0.12 }, runbook: "runbooks/Incident_Handling.md, 4.2 Drawdown", reason: "13.1 % below the peak" })));
    expect(banner?.title).to.equal("Halted at level kill: bot refstrat01");
    expect(banner?.lines.slice(0, 2)).to.deep.equal([
      "Since 2026-01-02 03:01:05 UTC, by the guard (rule drawdown): 13.1 % below the peak",
      "drawdown share 0.131, limit 0.12; runbooks/Incident_Handling.md, 4.2 Drawdown",
    ]);
  });

  it("says that the broker has not confirmed it", () => {
    const [banner] = banners({ ...halted(halt({ level: "pause", by: "page", who: "page" })), sight: undefined });
    expect(banner).to.deep.include({ tone: "care", title: "Halted at level pause: every bot" });
    expect(banner?.lines.at(-1)).to.equal("No entries; exits and stops are worked as usual. The broker has not confirmed it yet.");
  });

  it("puts the furthest-reaching first, and those of one level in the order they came", () => {
    const at = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
    const all = [halt({ id: "INC-20260102-030001-0001", level: "pause", at: at(9) }), halt({ id: "INC-20260102-030001-0002", at: at(1) }), halt({ id: "INC-20260102-030001-0003", level: "reduce" }), halt({ id: "INC-20260102-030001-0004", at: at(5) })];
    expect(haltsView(halted(...all), "paper", now).inForce.map(({ id }) => id.slice(-1))).to.deep.equal(["4", "2", "3", "1"]);
  });

  it("takes a file that cannot be read for the worst, and says how to lift it", () => {
    const facts = controlFacts({ halts: { halts: [], unreadable: ["INC-20260102-030105-4f2a.json"], problem: null }, sight: { at: new Date(now).toISOString(), incidents: ["INC-20260102-030105-4f2a.json"], problem: null } });
    expect(banners(facts)).to.deep.equal([
      {
        tone: "no",
        title: "Halted at level kill: every bot",
        lines: [
          "halts/INC-20260102-030105-4f2a.json cannot be read, which counts as the worst",
          "No order of a bot leaves: open orders are cancelled, the bot's container is stopped; the protective stop of an open position stays. The broker holds to it.",
        ],
        command: "npx trading rearm --incident INC-20260102-030105-4f2a --stack paper",
      },
    ]);
  });

  it("says when the folder cannot be read, here or by the broker", () => {
    expect(banners(controlFacts({ halts: { halts: [], unreadable: [], problem: "/control/stack.json is missing or cannot be read" } })).map(({ tone, title, lines }) => [tone, title, ...lines])).to.deep.equal([
      ["no", "Whether trading is halted is not known", "/control/stack.json is missing or cannot be read. The broker lets out exits only, and no bot is started."],
    ]);
    expect(banners(controlFacts({ sight: { at: new Date(now).toISOString(), incidents: [], problem: "it is empty" } })).map(({ title, lines }) => [title, ...lines])).to.deep.equal([["The broker cannot read the halts", "it is empty"]]);
  });

  it("shows freezes that last, and not one that is over", () => {
    const facts = controlFacts({ freezes: { entries: [freeze(), freeze({ until: new Date(now - 1).toISOString() }), freeze({ bot: null, until: new Date(now + 1000).toISOString() })], unreadable: ["FRZ-x.json"] } });
    const thaw = 'npx trading thaw --incident FRZ-20260101-220000-00aa --reason "..." --stack paper';
    expect(banners(facts).map(({ tone, title, lines, command }) => [tone, title, lines.at(-1), command])).to.deep.equal([
      ["care", "Deploys are frozen: every bot", "FRZ-x, until it is lifted", 'npx trading thaw --incident FRZ-x --reason "..." --stack paper'],
      ["care", "Deploys are frozen: bot refstrat01", "FRZ-20260101-220000-00aa, until it is lifted; runbooks/Incident_Handling.md, 4.7 Beslutninger afviger", thaw],
      ["care", "Deploys are frozen: every bot", "FRZ-20260101-220000-00aa, until 2026-01-02 03:04:06 UTC; runbooks/Incident_Handling.md, 4.7 Beslutninger afviger", thaw],
    ]);
  });

  it("says by whom a freeze was placed, and by which numbers", () => {
    const first = (changes: Partial<Freeze>) => banners(controlFacts({ freezes: { entries: [freeze(changes)], unreadable: [] } }))[0]!.lines.slice(0, -1);
    expect(first({ numbers: { mismatches: 2, limit: 0 } })).to.deep.equal(["Since 2026-01-01 22:00:00 UTC, by the guard (rule decision-mismatch): decisions differ", "mismatches 2, limit 0"]);
    expect(first({ by: "person", who: "anna", rule: null, reason: "away" })).to.deep.equal(["Since 2026-01-01 22:00:00 UTC, by anna at the command line: away"]);
  });
});

describe("gui: what becomes of a halt", () => {
  const guard = guardView(said(guardSays()), undefined, now);
  const facts = (changes: Partial<ProgressFacts> = {}): ProgressFacts => ({
    ...{ request: { level: "kill", bot: null }, answer: { incident: "INC-1", at: now - 1200, note: null }, heldAfter: null, guard, stack: "paper", now },
    bots: [
      { name: "refstrat01", running: true },
      { name: "second", running: false },
    ],
    ...changes,
  });
  const cases: [string, Partial<ProgressFacts>, boolean, string[]][] = [
    ["was just placed", {}, false, ["Incident: INC-1", "Broker: placed; the broker has not confirmed it yet (1.2 s) (warning)", "Bot refstrat01: still runs; the guard stops it (warning)", "Bot second: stopped (good)"]],
    ["the broker holds to", { heldAfter: 312 }, false, ["Incident: INC-1", "Broker: in force 0.3 s after it was placed: the broker holds to it (good)", "Bot refstrat01: still runs; the guard stops it (warning)", "Bot second: stopped (good)"]],
    ["is wholly in force", { heldAfter: 312, bots: [{ name: "refstrat01", running: false }] }, true, ["Incident: INC-1", "Broker: in force 0.3 s after it was placed: the broker holds to it (good)", "Bot refstrat01: stopped (good)"]],
    ["is about another bot", { heldAfter: 90, request: { level: "kill", bot: "second" } }, true, ["Incident: INC-1", "Broker: in force 0.1 s after it was placed: the broker holds to it (good)", "Bot second: stopped (good)"]],
    ["stops no container", { heldAfter: 90, request: { level: "reduce", bot: null } }, true, ["Incident: INC-1", "Broker: in force 0.1 s after it was placed: the broker holds to it (good)"]],
    [
      "nobody confirms",
      { now: now + 4000, request: { level: "pause", bot: null } },
      false,
      ["Incident: INC-1", "Broker: the broker has NOT confirmed it within 5.0 s. If it is down nothing leaves, and it comes back halted; if it runs: docker stop trading-paper-broker (bad)"],
    ],
    [
      "no guard is there for",
      { heldAfter: 90, guard: null, request: { level: "kill", bot: "refstrat01" } },
      true,
      ["Incident: INC-1", "Broker: in force 0.1 s after it was placed: the broker holds to it (good)", "Bot refstrat01: still runs, and this stack has no guard that stops it: npx trading stop bot refstrat01 --stack paper (warning)"],
    ],
    [
      "a silent guard is there for, with the database away",
      { heldAfter: 90, guard: { ...guard!, problem: "no connection (ECONNREFUSED)" }, request: { level: "kill", bot: "refstrat01" }, bots: [{ name: "refstrat01", running: null }] },
      false,
      ["Incident: INC-1", "Broker: in force 0.1 s after it was placed: the broker holds to it (good)", "Bot refstrat01: whether it runs is not known, and the guard that stops it does not answer: npx trading stop bot refstrat01 --stack paper (bad)"],
    ],
    [
      "is not on record",
      { heldAfter: 90, answer: { incident: "INC-1", at: now, note: "it is not in the audit log (EACCES)" }, request: { level: "pause", bot: null } },
      true,
      ["Incident: INC-1", "But: it is not in the audit log (EACCES) (warning)", "Broker: in force 0.1 s after it was placed: the broker holds to it (good)"],
    ],
  ];
  for (const [what, changes, settled, texts] of cases) {
    it(`is told of one that ${what}`, () => {
      const progress = haltProgress(facts(changes));
      expect(progress.facts.map(({ label, value, tone }) => `${label}: ${value}${tone === "" ? "" : ` (${tone})`}`)).to.deep.equal(texts);
      expect(progress.settled).to.equal(settled);
    });
  }
});

describe("gui: whether a bot was stopped", () => {
  const database = (problem?: string) => ({ last: { value: statusRows({ guard: { status: guardLease(), actions: [] } }), at: now }, problem });
  const running = (container: boolean | null, changes: { silent?: string; lost?: string } = {}) => {
    const guard = { source: up("guard"), said: said(guardSays({ bots: [{ name: "refstrat01", running: container }] }), changes.silent) };
    return botsNow(statusView(statusInput({ database: database(changes.lost), guard })))[0]?.running;
  };
  it("is told by its container, also while the database is away", () => expect([running(false), running(false, { lost: "lost" })]).to.deep.equal([false, false]));
  it("is told by its lock where the guard does not say", () => expect([running(null), running(false, { silent: "HTTP 503" })]).to.deep.equal([true, true]));
  it("is not known where neither says", () => expect(running(null, { lost: "lost" })).to.equal(null));
});

describe("gui: what is open when a halt is placed", () => {
  const bots = ["refstrat01", "second"];
  it("is told of each bot, as it was last read", () =>
    expect(openLines(statusRows(), bots, null)).to.deep.equal(["refstrat01: position 0.05 bought at 100000, protective stop 99000", "second: no account yet"]));
  it("is told of the halted bot alone", () => {
    const account = { ...botRows().account!, quantity: 0, entryPrice: null, stopPrice: null };
    expect(openLines(statusRows({ bots: [botRows({ account })] }), bots, "refstrat01")).to.deep.equal(["refstrat01: no position"]);
  });
  it("is not known before the database was read", () => expect(openLines(undefined, bots, null)).to.deep.equal(["not known: the database was not read yet"]));
});

describe("gui: the control folder", () => {
  let root: string;
  let folder: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-gui-control-"));
    folder = path.join(root, "stack", "control");
    ensureControlFolder(folder, "paper", "c1");
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  it("is read anew each time", () => {
    const reader = new ControlReader(folder, "paper");
    expect(reader.read()).to.deep.equal({ halts: { halts: [], unreadable: [], problem: null }, freezes: { entries: [], unreadable: [] }, sight: undefined });
    haltsOf(folder).place(halt());
    freezesOf(folder).place(freeze());
    expect(reader.read()).to.deep.include({ halts: { halts: [halt()], unreadable: [], problem: null }, freezes: { entries: [freeze()], unreadable: [] } });
  });

  it("that is not this stack's, or lacks a part, is a problem and no empty one", () => {
    expect(new ControlReader(folder, "live").read().halts.problem).to.match(/stack\.json is of stack "paper"$/);
    expect(new ControlReader(path.join(root, "nothing"), "paper").read().halts.problem).to.match(/stack\.json is missing or cannot be read$/);
    fs.rmSync(path.join(folder, "freezes"), { recursive: true });
    expect(new ControlReader(folder, "paper").read().halts.problem).to.match(/ cannot be read: ENOENT$/);
  });
});
