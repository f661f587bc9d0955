import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { readDesiredState } from "../../../config/desiredState";
import { readAudit } from "../../../control/audit";
import { writeBrokerSight } from "../../../control/brokerSight";
import { controlFolder, ensureControlFolder } from "../../../control/folder";
import { haltsOf } from "../../../control/LatchFolder";
import type { HaltLevel } from "../../../control/levels";
import { HaltReader } from "../../../control/standing";
import { changeWish } from "../../../operations/wishes";
import { container, FakeEngine, haltOf, healthyStack, makeClone, NOW, OWNER, pageStatus, trading } from "./support";

describe("halt and rearm", () => {
  let root: string;
  let control: string;
  let engine: FakeEngine;
  beforeEach(() => {
    root = makeClone();
    control = controlFolder(root, "paper");
    engine = new FakeEngine(healthyStack());
    // The broker looks whenever something is asked of Docker.
    engine.meanwhile = () => brokerLooks();
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));
  const inForce = () => new HaltReader(control, "paper").read().halts;
  const brokerLooks = () => writeBrokerSight(control, { at: new Date(NOW).toISOString(), incidents: inForce().map(({ id }) => id), problem: null });
  const state = (id: string) => engine.all.find((fact) => fact.id === id)?.state;
  const change = (service: string, more: object) => (engine.all = engine.all.map((fact) => (fact.service === service ? { ...fact, ...more } : fact)));
  const halt = (...more: string[]) => trading(root, ["halt", "--reason", "the market is mad", ...more], { engine, page: pageStatus() });
  const place = (more: Parameters<typeof haltOf>[0] = {}, stack = "paper") => {
    const folder = controlFolder(root, stack);
    ensureControlFolder(folder, stack, OWNER);
    const made = haltOf({ stack, ...more });
    haltsOf(folder).place(made);
    return made.id;
  };

  it("is on the disk before anything else is asked, and stops every bot within its grace", async () => {
    let first: string[] | undefined;
    engine.meanwhile = () => {
      first ??= inForce().map(({ level }) => level);
      brokerLooks();
    };
    change("bot-second", { stopTimeout: 45 });
    const told = await halt();
    expect(first).to.deep.equal(["kill"]);
    const [{ id, by, bot, reason, at }] = inForce() as [ReturnType<typeof inForce>[number]];
    expect({ by, bot, reason, at }).to.deep.equal({ by: "person", bot: null, reason: "the market is mad", at: "2024-03-01T12:00:00.000Z" });
    expect(engine.calls.filter((call) => call.startsWith("stop")).sort()).to.deep.equal(["stop id-bot-refstrat01 30", "stop id-bot-second 45"]);
    expect(told.exitCode).to.equal(0);
    expect(told.out.replace(/after \S+ s/g, "after T")).to.equal(
      [
        "Stack paper is halted at level kill: no order of a bot leaves: open orders are cancelled, the bot's container is stopped; the protective stop of an open position stays.",
        `Incident  ${id}`,
        `Broker    ${id} is in force: the broker holds to it (after T)`,
        "Bot       refstrat01: exited after T",
        "Bot       second: exited after T",
        "Stops     protective stops of open positions stay with the broker, which goes on working them",
        `Lift it   npx trading rearm --incident ${id} --stack paper`,
        "",
      ].join("\n"),
    );
    expect(readAudit(control)).to.deep.equal([
      { at, act: "halt", by: "person", who: readAudit(control)[0]?.who, incident: id, bot: null, level: "kill", reason, rule: null, numbers: {}, open: ["refstrat01: position 0.1 bought at 42000.00, protective stop 41000.50"] },
    ]);
    expect(readDesiredState(root, "paper").bots, "the wishes stay").to.deep.equal({});
  });

  for (const level of ["pause", "reduce"] as const) {
    it(`leaves the bots running at level ${level}`, async () => {
      const told = await halt("--level", level, "--bot", "second");
      expect([told.exitCode, inForce()[0]?.bot, inForce()[0]?.level]).to.deep.equal([0, "second", level]);
      expect(engine.calls.filter((call) => call.startsWith("stop"))).to.deep.equal([]);
      expect(told.out).to.match(new RegExp(`^Stack paper is halted at level ${level} for bot second: `));
    });
  }

  it("stops the bot that is named alone, and one that no file declares with all", async () => {
    await halt("--bot", "second");
    expect([state("id-bot-second"), state("id-bot-refstrat01")]).to.deep.equal(["exited", "running"]);
    engine.all = [...healthyStack(), container("bot-old")];
    await halt();
    expect(state("id-bot-old")).to.equal("exited");
  });

  it("says when a bot had to be killed", async () => {
    engine.exitCode = 137;
    expect((await halt()).out).to.match(/^Bot {7}second: exited after \S+ s \(it did not end within its grace and was killed\)$/m);
  });

  it("stops a bot again that an up has made anew meanwhile", async () => {
    engine.meanwhile = (call) => {
      brokerLooks();
      if (call === "stop id-bot-second 30") engine.all = [...engine.all, container("bot-second", { id: "id-new" })];
    };
    expect((await halt("--bot", "second")).exitCode).to.equal(0);
    expect(state("id-new")).to.equal("exited");
  });

  for (const [name, more, exitCode, said] of [
    ["does not run", { state: "exited" }, 0, "is in force: the broker does not run, so nothing leaves, and it comes back halted"],
    ["was never made", undefined, 0, "is in force: the broker does not run, so nothing leaves, and it comes back halted"],
    ["is paused", { state: "paused" }, 0, "is in force: the broker is paused, so nothing leaves, and it goes on halted"],
    ["runs and says nothing", {}, 1, "is placed, and the broker has NOT confirmed it after 5.0 s"],
    ["starts again and again", { state: "restarting" }, 1, "is placed, and the broker has NOT confirmed it after 5.0 s"],
  ] as const) {
    it(`is in force when the broker ${name}, and ends with ${exitCode}`, async () => {
      if (more === undefined) engine.all = engine.all.filter(({ service }) => service !== "broker");
      else change("broker", more);
      engine.meanwhile = () => undefined;
      const told = await halt();
      expect(inForce()).to.have.length(1);
      expect(told.out).to.include(said);
      expect([told.exitCode, /^Problem {3}the broker has not confirmed .*docker stop trading-paper-broker$/m.test(told.out)]).to.deep.equal([exitCode, exitCode === 1]);
      expect(state("id-bot-second"), "the bots are stopped all the same").to.equal("exited");
    });
  }

  it("takes a broker's word of a halt whose record is empty on a full disk", async () => {
    engine.meanwhile = () => writeBrokerSight(control, { at: new Date(NOW).toISOString(), incidents: inForce().map(({ id }) => `${id}.json`), problem: null });
    expect((await halt()).out).to.include("the broker holds to it");
  });

  it("is in force with Docker down, and says what that leaves open", async () => {
    engine.unreachable = true;
    engine.meanwhile = () => undefined;
    const told = await halt();
    expect(told.exitCode).to.equal(1);
    expect(inForce()).to.have.length(1);
    expect(told.out).to.include("Problem   the bots' containers could not be stopped: Docker cannot be reached: is it running?\n");
  });

  it("says in the log that what was open is not known when the page does not answer", async () => {
    await trading(root, ["halt", "--reason", "x"], { engine });
    expect(readAudit(control)[0]?.open).to.deep.equal(["not known: the page does not answer"]);
  });

  it("is a record for each time it is asked for, and names the one before", async () => {
    await halt("--level", "pause");
    const [first] = inForce();
    const told = await halt("--level", "pause");
    expect(inForce()).to.have.length(2);
    expect(told.out).to.include(`Before    the same was in force already: ${first!.id} since ${first!.at}; each is lifted by its own id\n`);
  });

  it("works with a stack file that is wrong or gone", async () => {
    fs.writeFileSync(`${root}/Pulumi.paper.yaml`, "config: {}\n");
    expect((await halt("--bot", "second")).exitCode).to.equal(0);
    fs.rmSync(`${root}/Pulumi.paper.yaml`);
    expect((await halt()).exitCode).to.equal(0);
    expect(inForce().map(({ bot }) => bot).sort()).to.deep.equal([null, "second"]);
    expect((await halt("--bot", "A-b")).error).to.match(/^error: "A-b" cannot be the name of a bot/);
  });

  for (const [name, argv, error] of [
    ["of a stack that is not there", ["--stack", "lve"], 'there is no stack "lve" (Pulumi.lve.yaml is missing); known stacks: live, paper'],
    ["of a bot that is not there", ["--bot", "nobody"], 'stack paper declares no bot "nobody"; declared: refstrat01, second'],
    ["without a reason", ["--reason", " "], "--reason has 0 characters; allowed: 1 to 2000"],
    ["of another level", ["--level", "stop"], "option '--level <level>' argument 'stop' is invalid. Allowed choices are pause, reduce, kill."],
  ] as const) {
    it(`is refused ${name}, and nothing is placed`, async () => {
      expect(await halt(...argv)).to.deep.equal({ exitCode: 2, out: "", error: `error: ${error}\n` });
      expect(fs.existsSync(path.join(control, "halts"))).to.equal(false);
      expect(fs.existsSync(controlFolder(root, "lve"))).to.equal(false);
    });
  }

  it("leaves the containers of another clone as they are", async () => {
    change("bot-second", { owner: "c2" });
    await halt();
    expect([state("id-bot-second"), state("id-bot-refstrat01")]).to.deep.equal(["running", "exited"]);
  });

  describe("rearm", () => {
    it("lifts it, starts the bots it had stopped that are wished running, and keeps who and why", async () => {
      await halt();
      await changeWish(root, "paper", "second", "stopped");
      const [{ id }] = inForce() as [ReturnType<typeof inForce>[number]];
      const told = await trading(root, ["rearm", "--incident", id, "--reason", "found and mended"], { engine });
      expect(told.exitCode).to.equal(0);
      expect(told.out.replace(/after \S+ s/, "after T")).to.equal(
        `Halt ${id} of stack paper is lifted.\nBroker    holds to it no longer (after T)\nBot       refstrat01: running\nBot       second: stays stopped by wish: npx trading start bot second --stack paper\n`,
      );
      expect([inForce(), state("id-bot-refstrat01"), state("id-bot-second")]).to.deep.equal([[], "running", "exited"]);
      const [lifted] = haltsOf(control).liftedOnes();
      expect([lifted?.id, lifted?.liftedReason, lifted?.liftedBy]).to.deep.equal([id, "found and mended", "person"]);
      expect(readAudit(control).map(({ act, incident }) => [act, incident])).to.deep.equal([["halt", id], ["rearm", id]]);
    });

    it("starts no bot that another halt at level kill is about, and names it", async () => {
      await halt();
      const [{ id }] = inForce() as [ReturnType<typeof inForce>[number]];
      const other = place({ bot: "second" });
      const told = await trading(root, ["rearm", "--incident", id], { engine });
      expect([state("id-bot-refstrat01"), state("id-bot-second")]).to.deep.equal(["running", "exited"]);
      expect(told.out).to.include(`Bot       second: stays stopped: halted at level kill since 2024-03-01T12:00:00.000Z (${other}): a test; to lift it: npx trading rearm --incident ${other} --stack paper\n`);
      expect(told.out).to.include(`Still     ${other}: kill, bot second\n`);
    });

    for (const [name, level, argv] of [
      ["that had stopped none", "pause", []],
      ["when it is told not to", "kill", ["--no-start"]],
    ] as const) {
      it(`starts no bot ${name}`, async () => {
        change("bot-second", { state: "exited" });
        const id = place({ level });
        expect((await trading(root, ["rearm", "--incident", id, ...argv], { engine })).exitCode).to.equal(0);
        expect([inForce(), state("id-bot-second")]).to.deep.equal([[], "exited"]);
      });
    }

    it("can be run again, and starts what an interrupted one did not", async () => {
      const id = place();
      await trading(root, ["rearm", "--incident", id, "--no-start"], { engine });
      change("bot-second", { state: "exited" });
      const told = await trading(root, ["rearm", "--incident", id], { engine });
      expect(told.out).to.match(new RegExp(`^Halt ${id} of stack paper was lifted already\\.\n`));
      expect([told.exitCode, state("id-bot-second"), readAudit(control).length]).to.deep.equal([0, "running", 1]);
    });

    it("lifts a record that cannot be read by its name", async () => {
      ensureControlFolder(control, "paper", OWNER);
      fs.writeFileSync(path.join(control, "halts", "INC-20240301-120000-0000.json"), "");
      const told = await trading(root, ["rearm", "--incident", "INC-20240301-120000-0000"], { engine });
      expect([told.exitCode, new HaltReader(control, "paper").of("second").level]).to.deep.equal([0, null]);
    });

    it("refuses what is not in force, and names what is", async () => {
      const id = place({ level: "pause" });
      for (const wrong of ["INC-20240101-000000-0000", `../halts/${id}`]) {
        const told = await trading(root, ["rearm", "--incident", wrong], { engine });
        expect(told).to.deep.equal({ exitCode: 2, out: "", error: `error: stack paper has no halt "${wrong}" in force; in force: ${id}; nothing was lifted\n` });
      }
      expect(inForce()).to.have.length(1);
    });

    it("is done although Docker is down, and says that no bot was started", async () => {
      const id = place();
      engine.unreachable = true;
      const told = await trading(root, ["rearm", "--incident", id], { engine });
      expect([told.exitCode, inForce()]).to.deep.equal([1, []]);
      expect(told.out).to.include("Problem   bot second was not started: Docker cannot be reached: is it running?\n");
    });

    for (const [name, argv, answer, exitCode] of [
      ["is asked for the stack's name", [], "live", 0],
      ["lifts nothing after another answer", [], "paper", 1],
      ["lifts nothing where nobody can be asked", [], undefined, 2],
      ["is not asked with --yes", ["--yes"], undefined, 0],
    ] as const) {
      it(`of a live stack ${name}`, async () => {
        const id = place({}, "live");
        const live = controlFolder(root, "live");
        engine.meanwhile = () => undefined;
        const told = await trading(root, ["rearm", "--incident", id, "--stack", "live", ...argv], { engine: new FakeEngine(), ...(answer === undefined ? {} : { answer }) });
        expect([told.exitCode, new HaltReader(live, "live").read().halts.length]).to.deep.equal([exitCode, exitCode === 0 ? 0 : 1]);
      });
    }
  });

  describe("what starts a bot", () => {
    for (const [level, exitCode] of [["kill", 1], ["reduce", 0], ["pause", 0]] as [HaltLevel, number][]) {
      it(`is refused at level kill alone: ${level}`, async () => {
        change("bot-second", { state: "exited" });
        const id = place({ level, bot: "second" });
        const told = await trading(root, ["start", "bot", "second"], { engine });
        expect([told.exitCode, state("id-bot-second")]).to.deep.equal([exitCode, exitCode === 1 ? "exited" : "running"]);
        if (exitCode === 0) return;
        expect(told.error).to.equal(
          `error: bot second of stack paper may not be started: halted at level kill since 2024-03-01T12:00:00.000Z (${id}): a test; to lift it: npx trading rearm --incident ${id} --stack paper; nothing was changed\n`,
        );
        expect([engine.calls, readDesiredState(root, "paper").bots]).to.deep.equal([[], {}]);
      });
    }

    it("stops again what was halted right while it was started, and says so", async () => {
      change("bot-second", { state: "exited" });
      engine.meanwhile = (call) => void (call.startsWith("start") && place());
      const told = await trading(root, ["start", "bot", "second"], { engine });
      expect([told.exitCode, state("id-bot-second")]).to.deep.equal([1, "exited"]);
      expect(told.error).to.match(/^error: bot second was halted meanwhile and does not run: .*; its wish stays "running"\n$/);
    });

    it("starts nothing that was halted while Docker was asked", async () => {
      change("bot-second", { state: "exited" });
      engine.meanwhile = (call) => void (call === "inspect" && inForceOrNone() === 0 && place());
      await trading(root, ["start", "bot", "second"], { engine });
      expect(engine.calls.filter((call) => call.startsWith("start"))).to.deep.equal([]);
    });
    const inForceOrNone = () => (fs.existsSync(path.join(control, "halts")) ? inForce().length : 0);

    it("starts nothing where the halts cannot be read", async () => {
      ensureControlFolder(control, "paper", OWNER);
      fs.rmSync(path.join(control, "stack.json"));
      change("bot-second", { state: "exited" });
      const told = await trading(root, ["start", "bot", "second"], { engine });
      expect([told.exitCode, state("id-bot-second")]).to.deep.equal([1, "exited"]);
      expect(told.error).to.include("stack.json is missing or cannot be read");
    });
  });

});
