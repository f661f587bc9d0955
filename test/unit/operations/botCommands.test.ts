import { expect } from "chai";
import * as fs from "node:fs";
import { readDesiredState } from "../../../config/desiredState";
import { changeWish } from "../../../operations/wishes";
import { container, FakeEngine, healthyStack, makeClone, pageStatus, trading } from "./support";

describe("stop bot and start bot", () => {
  let root: string;
  let engine: FakeEngine;
  beforeEach(() => {
    root = makeClone();
    engine = new FakeEngine(healthyStack());
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));
  const wishes = () => readDesiredState(root, "paper").bots;
  const state = (id: string) => engine.all.find((fact) => fact.id === id)?.state;

  it("writes the wish before it touches the container", async () => {
    let wishWhenStopped: unknown;
    engine.meanwhile = (call) => {
      if (call.startsWith("stop")) wishWhenStopped = wishes();
    };
    const told = await trading(root, ["stop", "bot"], { engine, page: pageStatus() });
    expect(told).to.deep.equal({
      exitCode: 0,
      out:
        "Bot refstrat01 of stack paper is stopped.\n" +
        "Wish: stopped; it holds until: npx trading start bot refstrat01 --stack paper\n" +
        "When it was stopped: position 0.1 bought at 42000.00, protective stop 41000.50.\n" +
        "Protective stops stay with the broker, which goes on working them.\n",
      error: "",
    });
    expect(wishWhenStopped).to.deep.equal({ refstrat01: "stopped" });
    expect(engine.calls).to.deep.equal(["inspect", "stop id-bot-refstrat01 30", "inspect"]);
  });

  it("gives the container its own grace and says when it was killed", async () => {
    engine.all = [container("bot-second", { stopTimeout: 45 })];
    engine.exitCode = 137;
    const told = await trading(root, ["stop", "bot", "second"], { engine });
    expect(engine.calls).to.include("stop id-bot-second 45");
    expect(told.out).to.include("Bot second of stack paper is stopped (it did not end within its grace and was killed).\n");
    expect(told.out).to.include("Open position: not known, the page does not answer.\n");
    expect(wishes()).to.deep.equal({ second: "stopped" });
  });

  it("can be run twice", async () => {
    await trading(root, ["stop", "bot"], { engine });
    const told = await trading(root, ["stop", "bot", "--json"], { engine });
    expect(told.exitCode).to.equal(0);
    expect(JSON.parse(told.out)).to.deep.equal({ stack: "paper", bot: "refstrat01", wish: "stopped", wishBefore: "stopped", state: "exited", killed: false, position: null });
    expect(engine.calls.filter((call) => call.startsWith("stop"))).to.have.length(1);

    await trading(root, ["start", "bot"], { engine });
    const again = await trading(root, ["start", "bot"], { engine });
    expect(again).to.deep.equal({ exitCode: 0, out: "Bot refstrat01 of stack paper is running and healthy.\nWish: running (as before)\n", error: "" });
    expect(engine.calls.filter((call) => call.startsWith("start"))).to.have.length(1);
  });

  it("keeps the wish when Docker is down, and says what is in force", async () => {
    engine.unreachable = true;
    const told = await trading(root, ["stop", "bot"], { engine });
    expect(told.exitCode).to.equal(1);
    expect(told.error).to.equal(
      'error: Docker cannot be reached: is it running?; the wish "stopped" of bot refstrat01 is in force, its container may still run: npx trading stop bot refstrat01 --stack paper again\n',
    );
    expect(wishes()).to.deep.equal({ refstrat01: "stopped" });
  });

  it("stops a bot that has no container by wish alone", async () => {
    const told = await trading(root, ["stop", "bot"], { engine: new FakeEngine() });
    expect(told.exitCode).to.equal(0);
    expect(told.out).to.match(/^Bot refstrat01 of stack paper has no container; it will not be started by the next up\.\n/);
    expect(wishes()).to.deep.equal({ refstrat01: "stopped" });
  });

  it("does not say it started a bot that has no container", async () => {
    const told = await trading(root, ["start", "bot"], { engine: new FakeEngine() });
    expect(told.exitCode).to.equal(1);
    expect(told.error).to.equal(
      'error: container trading-paper-bot-refstrat01 does not exist; the wish "running" is in force: npm run pulumi -- up --refresh --stack paper makes and starts it\n',
    );
  });

  it("waits until a started bot is healthy", async () => {
    engine.all = [container("bot-refstrat01", { state: "exited", health: undefined })];
    engine.started = { state: "running", health: "starting" };
    let looks = 0;
    engine.meanwhile = (call) => {
      if (call === "inspect" && ++looks === 5) engine.all = [container("bot-refstrat01")];
    };
    const told = await trading(root, ["start", "bot"], { engine });
    expect([told.exitCode, looks]).to.deep.equal([0, 5]);
  });

  for (const [name, after, said] of [
    ["ends at once", { state: "exited", health: undefined, exitCode: 2 }, "was started and ended with exit code 2"],
    ["restarts again and again", { state: "restarting", health: undefined }, "was started and is restarting after 90 s"],
    ["becomes unhealthy", { state: "running", health: "unhealthy" }, "was started and is unhealthy"],
    ["never becomes healthy", { state: "running", health: "starting" }, "was started and is starting after 90 s"],
  ] as const) {
    it(`fails with its last log lines when a started bot ${name}`, async () => {
      engine.all = [container("bot-refstrat01", { state: "exited", health: undefined })];
      engine.started = after;
      const told = await trading(root, ["start", "bot"], { engine });
      expect(told.exitCode).to.equal(1);
      expect(told.error).to.equal(`error: bot refstrat01 ${said}; its wish stays "running"; last lines of its log:\nlast line\n`);
    });
  }

  it("follows the last wish when another command changes it meanwhile", async () => {
    engine.meanwhile = async (call) => {
      if (call.startsWith("stop")) await changeWish(root, "paper", "refstrat01", "running");
    };
    const told = await trading(root, ["stop", "bot"], { engine });
    expect(told.exitCode).to.equal(1);
    expect(told.error).to.equal("error: another command wished bot refstrat01 running meanwhile: it runs\n");
    expect(state("id-bot-refstrat01")).to.equal("running");
  });

  it("leaves a container of another clone as it is", async () => {
    engine.all = [container("bot-refstrat01", { owner: "c2" })];
    const told = await trading(root, ["stop", "bot"], { engine });
    expect(told.exitCode).to.equal(1);
    expect(told.error).to.match(/^error: container trading-paper-bot-refstrat01 belongs to another clone of this project and was left as it is: use another stack name and port base here;/);
    expect(state("id-bot-refstrat01")).to.equal("running");
  });

  it("refuses to start a live bot without a promotion, and changes nothing", async () => {
    const told = await trading(root, ["start", "bot", "--stack", "live"], { engine });
    expect(told).to.deep.equal({ exitCode: 1, out: "", error: "error: bot refstrat01 of stack live may not be started: live has no promotion; nothing was changed\n" });
    expect([engine.calls, readDesiredState(root, "live").bots]).to.deep.equal([[], {}]);
  });

  it("stops a named bot although the stack's file is wrong", async () => {
    fs.writeFileSync(`${root}/Pulumi.paper.yaml`, "config:\n  trading:mode: paper\n");
    const named = await trading(root, ["stop", "bot", "second"], { engine });
    expect([named.exitCode, named.error, state("id-bot-second")]).to.deep.equal([0, "", "exited"]);
    const unnamed = await trading(root, ["stop", "bot"], { engine });
    expect(unnamed.exitCode).to.equal(2);
    expect(unnamed.error).to.match(/^error: Pulumi\.paper\.yaml has .*\n[^]*\nName the bot to stop it all the same: npx trading stop bot NAME --stack paper\n$/);
    const started = await trading(root, ["start", "bot", "second"], { engine });
    expect([started.exitCode, state("id-bot-second")]).to.deep.equal([2, "exited"]);
  });

  it("does not guess at wishes that cannot be read", async () => {
    fs.writeFileSync(`${root}/.trading/stacks/paper/desired.json`, '{"bots":');
    const told = await trading(root, ["stop", "bot"], { engine });
    expect(told.exitCode).to.equal(1);
    expect(told.error).to.match(/^error: \.trading.stacks.paper.desired\.json is not JSON/);
    expect(engine.calls).to.deep.equal([]);
  });

  it("says what to run first where npm start never ran", async () => {
    fs.rmSync(`${root}/.trading/owner`);
    const told = await trading(root, ["stop", "bot"], { engine });
    expect(told.error).to.match(/^error: \.trading.owner is missing: run `npm start` first/);
    expect(told.exitCode).to.equal(1);
  });
});
