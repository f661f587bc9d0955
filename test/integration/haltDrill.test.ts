import { expect } from "chai";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { readAudit } from "../../control/audit";
import { readDrill } from "../../control/drills";
import { controlFolder } from "../../control/folder";
import { haltsOf } from "../../control/LatchFolder";
import type { HaltDrillReport } from "../../operations/haltDrill/report";
import { stepByStep } from "../support/stepByStep";
import { eventually, ThrowAwayStack, wideLimits, type Outcome } from "../support/throwAwayStack";

/** A guard that leaves a stack alone whose market goes an hour a second. */
const guard = { enabled: true, dailyLossShare: 1, drawdownShare: 1, exposureShare: 10, feedDegradedSeconds: 3600, decisionMinutes: 120, clockSeconds: 60 };

describe("the halt drill on a stack that is up", function () {
  this.timeout(600_000);
  stepByStep(this);
  let stack: ThrowAwayStack;
  let control: string;

  before(async () => {
    stack = await ThrowAwayStack.make();
    stack.configure({ guard, bots: [{ name: "refstrat01", limits: wideLimits }, { name: "second", limits: wideLimits }] });
    control = controlFolder(stack.root, stack.name);
    const { code, text } = await stack.up([], { timeoutSeconds: 600 });
    expect(code, text).to.equal(0);
    const stopped = await stack.trading(["stop", "bot", "second"]);
    expect(stopped.code, stopped.text).to.equal(0);
    // An account that has lived through a bar refuses one of before for that; one that has not, for another reason.
    await eventually("a decision on a bar", 60, async () => Number((await stack.query("SELECT count(*) FROM trading.decisions"))[0]) > 0);
  });
  after(() => stack?.remove());

  const words = ["halt-drill", "--with-open-positions", "--json"];
  const reportOf = ({ stdout }: Outcome) => JSON.parse(stdout) as HaltDrillReport & { files: string[] };
  const inForce = () => haltsOf(control).inForce().entries;
  const running = async (bot: string) => (await stack.docker(["inspect", "--format", "{{.State.Running}}", stack.container(`bot-${bot}`)])).stdout.trim();
  const asItWas = async () => {
    expect(inForce()).to.deep.equal([]);
    expect([await running("refstrat01"), await running("second")]).to.deep.equal(["true", "false"]);
  };

  it("passes: the broker holds to each level, lets out what it may, the bot stops and comes back", async () => {
    const outcome = await stack.trading(words);
    expect(outcome.code, outcome.text).to.equal(0);
    const report = reportOf(outcome);
    expect(report.checks.filter(({ passed }) => !passed)).to.deep.equal([]);
    expect(report.levels.map(({ level }) => level)).to.deep.equal(["pause", "reduce", "kill"]);
    const kill = report.levels[2]!;
    expect([kill.stoppedSeconds, kill.backSeconds]).to.not.include(null);
    const refused = report.checks.filter(({ name }) => / is refused as halted$/.test(name)).map(({ when, name }) => `${when}: ${name}`);
    expect(refused).to.have.members([
      ...["pause", "reduce", "kill"].flatMap((level) => ["refstrat01", "second"].map((bot) => `${level}: an entry of bot ${bot} is refused as halted`)),
      ...["refstrat01", "second"].map((bot) => `kill: an exit of bot ${bot} is refused as halted`),
    ]);
    process.stdout.write(`      ${JSON.stringify(report.levels.map(({ level, brokerSeconds, stoppedSeconds, backSeconds }) => ({ level, brokerSeconds, stoppedSeconds, backSeconds })))}\n`);
    await asItWas();
  });

  it("leaves a report, a record for the guard, its acts in the audit log, and no order", async () => {
    const newest = readDrill(control)!;
    expect(newest).to.deep.include({ passed: true, passedAt: newest.at });
    const reports = fs.readdirSync(path.join(stack.root, "reports", "halt-drills")).sort();
    expect(reports.map((name) => path.extname(name))).to.deep.equal([".json", ".md"]);
    const acts = readAudit(control).filter(({ by }) => by === "drill").map(({ act, level }) => `${act} ${level ?? ""}`);
    expect(acts).to.deep.equal(["pause", "reduce", "kill"].flatMap((level) => [`halt ${level}`, `rearm ${level}`]));
    expect(await stack.query("SELECT count(*) FROM trading.orders WHERE bar < '2000-01-01'")).to.deep.equal(["0"]);
  });

  /** Starts a drill and waits until its halt at level kill is in force. */
  async function atKill(): Promise<{ readonly kill: (signal: NodeJS.Signals) => void; readonly end: Promise<{ code: number | null; out: string }> }> {
    const child = spawn(process.execPath, [path.join(stack.root, "operations", "trading.mjs"), ...words, "--stack", stack.name], { cwd: stack.root, env: stack.env, stdio: ["ignore", "pipe", "pipe"] });
    let [out, said] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += String(chunk)));
    child.stderr.on("data", (chunk: Buffer) => (said += String(chunk)));
    const end = new Promise<{ code: number | null; out: string }>((resolve) => child.on("close", (code) => resolve({ code, out })));
    await eventually("the halt at level kill", 120, async () => {
      if (child.exitCode !== null) throw new Error(`the drill ended: ${said}${out}`);
      return inForce().some(({ level }) => level === "kill");
    });
    return { kill: (signal) => child.kill(signal), end };
  }

  it("is interrupted at level kill: its halt is lifted and the bot runs again", async () => {
    const { at } = readDrill(control)!;
    const { kill, end } = await atKill();
    kill("SIGINT");
    const { code, out } = await end;
    const report = JSON.parse(out) as HaltDrillReport;
    expect([code, report.failure, report.interrupted]).to.deep.equal([1, "it was interrupted", true]);
    expect(readDrill(control)!.at, "says nothing of the halts").to.equal(at);
    await asItWas();
  });

  it("is killed at level kill: the halt stays in force, and the next drill lifts it and passes", async () => {
    const { kill, end } = await atKill();
    kill("SIGKILL");
    await end;
    const [left] = inForce();
    expect(left).to.deep.include({ level: "kill", by: "drill" });
    await eventually("the bot is stopped, by the drill that was or by the guard", 60, async () => (await running("refstrat01")) === "false");
    const outcome = await stack.trading(words);
    expect(outcome.code, outcome.text).to.equal(0);
    expect(reportOf(outcome).notes).to.include(`what an earlier drill had left in force when it was killed was lifted: ${left!.id}`);
    await asItWas();
  });

  it("touches nothing while a real halt is in force, and leaves that", async () => {
    const halted = await stack.trading(["halt", "--level", "pause", "--reason", "a real one", "--json"]);
    expect(halted.code, halted.text).to.equal(0);
    const { halt } = JSON.parse(halted.stdout) as { halt: { id: string } };
    const outcome = await stack.trading(words);
    expect(outcome.code).to.equal(1);
    expect(outcome.stderr).to.include(`stack ${stack.name} is halted (${halt.id} (pause, by person))`);
    expect(inForce().map(({ id }) => id)).to.deep.equal([halt.id]);
    const rearmed = await stack.trading(["rearm", "--incident", halt.id]);
    expect(rearmed.code, rearmed.text).to.equal(0);
    await asItWas();
  });
});
