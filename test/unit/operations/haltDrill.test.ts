import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { readDesiredState, writeDesiredState } from "../../../config/desiredState";
import { readAudit } from "../../../control/audit";
import { writeBrokerSight } from "../../../control/brokerSight";
import { readDrill, writeDrill, type Drill } from "../../../control/drills";
import { controlFolder, ensureControlFolder } from "../../../control/folder";
import { haltsOf } from "../../../control/LatchFolder";
import { permits, type HaltLevel } from "../../../control/levels";
import type { Halt } from "../../../control/records";
import { HaltReader } from "../../../control/standing";
import type { Execution } from "../../../operations/engine";
import { haltDrillDue } from "../../../operations/haltDrill/due";
import type { HaltDrillReport } from "../../../operations/haltDrill/report";
import { reportMarkdown } from "../../../operations/haltDrill/reportText";
import { underLock } from "../../../operations/lock";
import { FakeEngine, healthyStack, makeClone, NOW, OWNER, trading, type Told } from "./support";

/** Docker with a broker in it that reads the control folder as ours does. */
class DrillEngine extends FakeEngine {
  position = 0;
  /** Whether the broker says what it has read. */
  confirms = true;
  /** Refuses nothing as halted, although it is. */
  deaf = false;
  /** Takes what it should refuse. */
  takes = false;
  /** Told of each order before it is judged. */
  onOrder: (action: string) => void | Promise<void> = () => undefined;

  constructor(private readonly control: string) {
    super(healthyStack());
    this.meanwhile = () => this.see();
  }

  see(): void {
    if (!this.confirms || !fs.existsSync(this.control)) return;
    const { entries } = haltsOf(this.control).inForce();
    writeBrokerSight(this.control, { at: new Date(NOW).toISOString(), incidents: entries.map(({ id }) => id), problem: null });
  }

  override async execute(id: string, command: readonly string[]): Promise<Execution> {
    await super.execute(id, command);
    const answer = (code: number, body: object) => ({ exitCode: 0, output: `${JSON.stringify(body)}\n${code}` });
    if (command.at(-1)!.endsWith("/account")) return answer(200, { position: this.position === 0 ? null : { quantity: this.position } });
    const { action, clientOrderId, bar } = JSON.parse(command[command.indexOf("--data-raw") + 1]!) as { action: "enter" | "exit"; clientOrderId: string; bar: number };
    await this.onOrder(action);
    const bot = /broker.*token|bot-(\w+)-token/.exec(command.join(" "))![1]!;
    expect([clientOrderId, bar]).to.deep.equal([`paper-${bot}-0-${action}`, 0]);
    if (this.takes) return answer(201, { status: "accepted" });
    const { level, reason } = new HaltReader(this.control, "paper").of(bot);
    return answer(422, { status: "rejected", reason: permits(level, { action }) || this.deaf ? "too late: decided on bar 1970-01-01T00:00:00.000Z" : reason });
  }
}

describe("halt-drill", () => {
  let root: string;
  let control: string;
  let engine: DrillEngine;
  beforeEach(() => {
    root = makeClone();
    control = controlFolder(root, "paper");
    ensureControlFolder(control, "paper", OWNER);
    engine = new DrillEngine(control);
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  const drill = (...words: string[]): Promise<Told> => trading(root, ["halt-drill", "--json", ...words], { engine });
  const reported = ({ out }: Told) => JSON.parse(out) as HaltDrillReport & { files: string[]; error?: string };
  const failedChecks = (told: Told) => reported(told).checks.filter(({ passed }) => !passed).map(({ when, name }) => `${when}: ${name}`);
  const inForce = () => haltsOf(control).inForce().entries;
  const states = () => Object.fromEntries(engine.all.filter(({ service }) => service.startsWith("bot-")).map(({ service, state }) => [service, state]));
  const halt = (level: HaltLevel, by: Halt["by"], id = "INC-20240301-115900-0001"): Halt => ({
    ...{ format: 1, id, stack: "paper", bot: null, level, reason: "a test", by, who: "somebody", at: "2024-03-01T11:59:00.000Z" },
    ...{ rule: null, cause: null, numbers: {}, runbook: null, open: [] },
  });
  const bothRun = { "bot-refstrat01": "running", "bot-second": "running" };

  it("places every level, has each broker's answer as the level says, and leaves everything as it was", async () => {
    const told = await drill();
    const report = reported(told);
    expect(failedChecks(told)).to.deep.equal([]);
    expect([told.exitCode, report.passed, report.failure, report.interrupted]).to.deep.equal([0, true, null, false]);
    expect(report.levels.map(({ level, brokerSeconds, stoppedSeconds, backSeconds }) => [level, brokerSeconds, stoppedSeconds, backSeconds])).to.deep.equal([
      ["pause", 0, null, 0],
      ["reduce", 0, null, 0],
      ["kill", 0, 0, 0],
    ]);
    // Two bots: before, and at each level the broker's word, two orders, back, and lifted again; two containers; the end.
    expect(report.checks).to.have.length(2 + 3 * (1 + 4 + 1 + 2) + 2 + 1);
    expect(readAudit(control).map(({ act, level, by }) => `${act} ${level ?? ""} ${by}`)).to.deep.equal(["pause", "reduce", "kill"].flatMap((level) => [`halt ${level} drill`, `rearm ${level} drill`]));
    expect([inForce(), states(), readDesiredState(root, "paper").bots]).to.deep.equal([[], bothRun, {}]);
    expect(readDrill(control)).to.deep.include({ passed: true, levels: [{ level: "pause", seconds: 0 }, { level: "reduce", seconds: 0 }, { level: "kill", seconds: 0 }] });
    expect(report.files).to.deep.equal([`reports/halt-drills/${report.id}.json`, `reports/halt-drills/${report.id}.md`]);
    for (const file of report.files) expect(fs.existsSync(path.join(root, file)), file).to.equal(true);
    expect(fs.existsSync(path.join(root, "reports", "incidents")), "a drill is no incident").to.equal(false);
  });

  it("lets no token into an argument: the broker's container reads it from its own file", async () => {
    await drill();
    const asked = engine.calls.filter((call) => call.startsWith("execute"));
    expect(asked).to.have.length.above(10);
    for (const call of asked) expect(call).to.match(/--variable token@\/secrets\/bot-(refstrat01|second)-token --expand-header authorization: Bearer \{\{token:trim\}\}/);
  });

  it("leaves a bot stopped that is wished stopped, and tries its orders all the same", async () => {
    writeDesiredState(root, "paper", { bots: { second: "stopped" } });
    engine.all = engine.all.map((fact) => (fact.service === "bot-second" ? { ...fact, state: "exited", health: undefined } : fact));
    const told = await drill();
    expect(failedChecks(told)).to.deep.equal([]);
    expect([told.exitCode, states(), readDesiredState(root, "paper").bots]).to.deep.equal([0, { "bot-refstrat01": "running", "bot-second": "exited" }, { second: "stopped" }]);
    expect(engine.calls).to.not.include("start id-bot-second");
    expect(reported(told).checks.map(({ name }) => name)).to.include("an entry of bot second is refused as halted");
  });

  describe("finds out", () => {
    for (const [name, arrange, expected] of [
      ["a broker that does not confirm", () => (engine.confirms = false), /^(pause|reduce|kill): the broker holds to the halt within 5 s$/],
      ["a broker that holds to no halt", () => (engine.deaf = true), /^(pause|reduce|kill): an (entry|exit) of bot \w+ is refused as halted$/],
      ["bots that are not stopped", () => (engine.stop = async () => undefined), /^kill: the container of bot \w+ is stopped$/],
    ] as const) {
      it(name, async () => {
        arrange();
        const told = await drill();
        expect(told.exitCode).to.equal(1);
        expect(failedChecks(told)).to.have.length.above(0);
        for (const check of failedChecks(told)) expect(check).to.match(expected);
        expect([inForce(), states()]).to.deep.equal([[], bothRun]);
        expect(readDrill(control)).to.deep.include({ passed: false, passedAt: null });
      });
    }

    it("bots that do not come back", async () => {
      engine.started = { state: "running", health: "unhealthy" };
      const told = await drill();
      expect(told.exitCode).to.equal(1);
      expect(failedChecks(told)).to.deep.equal(["kill: every bot that is wished running is healthy again", "after: nothing of the drill is in force, and the bots run as before"]);
      expect(inForce()).to.deep.equal([]);
    });

    it("a broker that takes such an order, and goes no further", async () => {
      engine.takes = true;
      const told = await drill();
      expect([told.exitCode, reported(told).failure]).to.deep.equal([1, "the broker did not refuse an order of bot refstrat01 that no broker may take: answer 201 is not understood"]);
      expect(readAudit(control)).to.deep.equal([]);
    });

    it("a broker that goes silent while a halt is in force, and lifts that", async () => {
      engine.onOrder = () => {
        if (inForce().some(({ level }) => level === "kill")) engine.execute = async () => ({ exitCode: 28, output: "curl: (28) timed out" });
      };
      const told = await drill();
      expect([told.exitCode, reported(told).failure]).to.deep.equal([1, "the broker does not answer: curl: (28) timed out"]);
      expect([inForce(), states()]).to.deep.equal([[], bothRun]);
    });
  });

  describe("touches nothing", () => {
    const states = [
      ["of a live stack", () => undefined, ["--stack", "live"], 2, "stack live is live: a halt is tried on paper, never on live"],
      ["while a halt of a person is in force", () => haltsOf(control).place(halt("pause", "person")), [], 1, /stack paper is halted \(INC-20240301-115900-0001 \(pause, by person\)\).*; nothing was tried$/],
      ["while a halt of the guard is in force", () => haltsOf(control).place(halt("kill", "guard")), [], 1, /is halted \(INC-20240301-115900-0001 \(kill, by guard\)\)/],
      ["while a halt cannot be read", () => fs.writeFileSync(path.join(control, "halts", "INC-20240301-115900-0002.json"), ""), [], 1, /is halted \(INC-20240301-115900-0002.json\)/],
      ["while a position is open", () => (engine.position = 0.25), [], 1, "bot refstrat01 has an open position of 0.25, bot second has an open position of 0.25: wait until it is closed, or say --with-open-positions; nothing was tried"],
      ["while the broker is down", () => (engine.all = engine.all.map((fact) => (fact.service === "broker" ? { ...fact, state: "exited" } : fact))), [], 1, /container trading-paper-broker is exited/],
      ["while a bot is not well", () => (engine.all = engine.all.map((fact) => (fact.service === "bot-second" ? { ...fact, health: "unhealthy" } : fact))), [], 1, /bot second is wished running and is unhealthy: mend it first/],
      ["of another clone", () => (engine.all = engine.all.map((fact) => ({ ...fact, owner: "c2" }))), [], 1, /belongs to another clone/],
    ] as const;
    for (const [name, arrange, words, exitCode, message] of states) {
      it(name, async () => {
        arrange();
        const before = inForce();
        const told = await drill(...words);
        expect(told.exitCode, told.error).to.equal(exitCode);
        if (typeof message === "string") expect(reported(told).error).to.equal(message);
        else expect(reported(told).error).to.match(message);
        expect([inForce(), readAudit(control), readDrill(control)]).to.deep.equal([before, [], undefined]);
        expect(engine.calls.filter((call) => /^(start|stop)/.test(call))).to.deep.equal([]);
        expect(fs.existsSync(path.join(root, "reports"))).to.equal(false);
      });
    }

    it("while another drill is under way", async () => {
      await underLock(path.join(root, ".tools", "run", "halt-drill-paper.lock"), async () => {
        const told = await drill();
        expect([told.exitCode, reported(told).error]).to.satisfy(([code, error]: [number, string]) => code === 1 && /another command \(process \d+\) holds/.test(error));
      });
      expect(readAudit(control)).to.deep.equal([]);
    });
  });

  it("may be made with open positions, and says so", async () => {
    engine.position = 0.25;
    const told = await drill("--with-open-positions");
    expect([told.exitCode, reported(told).notes]).to.deep.equal([0, ["refstrat01", "second"].map((bot) => `bot ${bot} had an open position of 0.25; its protective stop stayed with the broker`)]);
  });

  it("lifts what a killed drill left, has its bots run, and completes", async () => {
    haltsOf(control).place(halt("kill", "drill"));
    engine.all = engine.all.map((fact) => (fact.service.startsWith("bot-") ? { ...fact, state: "exited", health: undefined } : fact));
    const told = await drill();
    expect([told.exitCode, reported(told).notes]).to.deep.equal([0, ["what an earlier drill had left in force when it was killed was lifted: INC-20240301-115900-0001"]]);
    expect([inForce(), states()]).to.deep.equal([[], bothRun]);
  });

  it("ends for a halt that comes meanwhile, and leaves that as it is", async () => {
    let placed = false;
    engine.onOrder = (action) => {
      if (placed || action !== "exit") return;
      placed = true;
      haltsOf(control).place(halt("kill", "guard"));
      engine.see();
    };
    const told = await drill();
    const report = reported(told);
    expect([told.exitCode, report.interrupted, report.failure]).to.deep.equal([1, true, "the stack was halted meanwhile (INC-20240301-115900-0001 (kill, by guard)): that stays in force, and the drill ended"]);
    expect(inForce().map(({ id }) => id)).to.deep.equal(["INC-20240301-115900-0001"]);
    expect(readDrill(control), "says nothing of the halts").to.equal(undefined);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`lifts its halt and starts its bots when ${signal} comes at level kill`, async () => {
      let sent = false;
      engine.onOrder = () => {
        if (sent || !inForce().some(({ level }) => level === "kill")) return;
        sent = true;
        process.emit(signal);
      };
      const listeners = process.listenerCount(signal);
      const told = await drill();
      expect([told.exitCode, reported(told).failure, reported(told).interrupted]).to.deep.equal([1, "it was interrupted", true]);
      expect([inForce(), states(), readDesiredState(root, "paper").bots]).to.deep.equal([[], bothRun, {}]);
      expect([readDrill(control), process.listenerCount(signal)]).to.deep.equal([undefined, listeners]);
    });
  }

  it("remembers when one passed last, also after one that did not", async () => {
    const before: Drill = { format: 1, at: "2024-02-01T12:00:00.000Z", passed: true, passedAt: "2024-02-01T12:00:00.000Z", levels: [{ level: "pause", seconds: 0.2 }] };
    writeDrill(control, before);
    engine.deaf = true;
    const told = await drill();
    expect(readDrill(control)).to.deep.include({ passed: false, passedAt: "2024-02-01T12:00:00.000Z" });
    expect(reported(told).previous).to.deep.equal(before);
    expect(reportMarkdown(reported(told))).to.include("The drill before, 2024-02-01T12:00:00.000Z, passed; in force after: pause 0.20 s.");
  });

  for (const text of ["", "{", '{"format":2,"at":"2024-02-01T12:00:00.000Z"}']) {
    it(`takes a record that holds ${JSON.stringify(text)} for none`, () => {
      fs.writeFileSync(path.join(control, "drills.json"), text);
      expect(haltDrillDue(readDrill(control), 35, NOW).due).to.equal(true);
    });
  }

  it("says in words what it came to", async () => {
    const good = await trading(root, ["halt-drill"], { engine });
    expect(good.out).to.match(/^The halt drill of stack paper passed: 29 checks; in force after: pause 0\.00 s, reduce 0\.00 s, kill 0\.00 s \(\d+ s in all\)\.\nReport: reports\/halt-drills\/2024-03-01T120000Z\.md \(not in Git: this folder is no Git repository\)\n$/);
    engine.deaf = true;
    const bad = await trading(root, ["halt-drill"], { engine });
    expect(bad.out).to.match(/^The halt drill of stack paper FAILED: 8 of 29 checks did not hold\.\n {2}pause: an entry of bot refstrat01 is refused as halted: too late/);
  });

  it("has a report that a person can read", async () => {
    const report = reported(await drill());
    const text = reportMarkdown(report);
    expect(text).to.include("# Halt drill of stack paper, 2024-03-01T120000Z").and.include("**Passed.**").and.include("This is the first drill on record.").and.include("Next drill due 2024-04-01.");
    expect(text).to.match(/^\| kill \| INC-20240301-\d{6}-[0-9a-f]{4} \| 0\.00 s \| 0\.00 s \| 0\.00 s \|$/m);
  });
});

describe("the turn of the halt drill", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  const record = (at: string, passed: boolean): Drill => ({ format: 1, at, passed, passedAt: null, levels: [] });
  for (const [name, newest, days, due, text] of [
    ["comes at once when there was none", undefined, 35, true, "due: there was none yet"],
    ["comes a month after the last that passed", record("2026-10-21T11:59:00Z", true), 35, true, "due"],
    ["does not come before", record("2026-10-21T12:01:00Z", true), 35, false, "due 2026-11-21 12:01 UTC"],
    ["comes a day before the guard would call it overdue", record("2026-11-15T11:59:00Z", true), 7, true, "due"],
    ["waits a day after one that failed", record("2026-11-21T02:00:00Z", false), 35, false, "overdue; the last one failed and is tried again 2026-11-21 22:00 UTC"],
    ["comes again after that", record("2026-11-20T12:00:00Z", false), 35, true, "due"],
    ["does not wait for one of the future, when the clock was set back", record("2027-11-21T02:00:00Z", true), 35, true, "due: the last one is of the future"],
  ] as const) {
    it(name, () => expect(haltDrillDue(newest, days, now)).to.deep.equal({ due, text }));
  }
});
