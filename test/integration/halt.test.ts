import { expect } from "chai";
import { busySettings, HaltedStack } from "../support/haltedStack";
import { eventually, ThrowAwayStack, wideLimits, type Outcome } from "../support/throwAwayStack";

/** Halts of one stack on real Docker, whatever else is down or frozen. What is measured is told, and judged by the benchmark. */
describe("a halt", function () {
  this.timeout(600_000);
  const bot = "bot-refstrat01";
  let stack: ThrowAwayStack;
  let halts: HaltedStack;

  const configuration = (limits = wideLimits) => ({ guard: null, bots: [{ name: "refstrat01", settings: busySettings, limits }] });
  const succeeds = (outcome: Outcome): Outcome => {
    expect(outcome.code, outcome.text).to.equal(0);
    return outcome;
  };

  before(async () => {
    stack = await ThrowAwayStack.make({ configuration: configuration() });
    halts = new HaltedStack(stack);
    succeeds(await stack.up([], { timeoutSeconds: 500 }));
    await eventually("the bot trades", 90, async () => Number((await stack.query("SELECT count(*) FROM trading.fills"))[0]) > 0);
  });
  after(() => stack?.remove());
  afterEach(async function () {
    if (this.currentTest?.state !== "failed" || stack === undefined) return;
    for (const service of ["broker", "guard", bot]) process.stderr.write(`--- ${service}\n${(await stack.docker(["logs", "--tail", "15", stack.container(service)])).text}\n`);
  });
  const tell = (what: string, { halted, outcome }: Awaited<ReturnType<HaltedStack["halt"]>>) => {
    const stopped = halted.bots.map(({ seconds }) => `, bot stopped after ${seconds.toFixed(2)} s`).join("");
    process.stderr.write(`      ${what}: broker ${halted.broker.state} after ${halted.broker.seconds.toFixed(2)} s${stopped}; the command took ${outcome.seconds.toFixed(2)} s\n`);
  };

  it("at level pause keeps every entry in while the bot goes on deciding", async () => {
    const refused = async () => Number((await stack.query("SELECT coalesce(sum(count), 0) FROM trading.rejections WHERE kind = 'halted'"))[0]);
    const before = await refused();
    const told = await halts.halt("pause");
    tell("all up", told);
    expect([told.outcome.code, told.halted.broker.state]).to.deep.equal([0, "confirmed"]);
    await eventually("an entry is refused", 180, async () => (await refused()) > before);
    expect(await stack.query(`SELECT client_order_id FROM trading.orders WHERE action = 'enter' AND status <> 'rejected' AND created_at > '${told.since.toISOString()}'`)).to.deep.equal([]);
    expect(await halts.state(bot)).to.match(/^running/);
    await halts.rearmAll();
    await eventually("entries leave again", 180, async () => (await stack.query(`SELECT client_order_id FROM trading.orders WHERE action = 'enter' AND status <> 'rejected' AND created_at > '${new Date(Date.now() - 60_000).toISOString()}'`)).length > 0);
  });

  it("at level kill stops the bot, and has a file of its incident", async () => {
    const told = await halts.halt("kill");
    tell("all up", told);
    expect([told.outcome.code, told.halted.broker.state, await halts.state(bot)]).to.deep.equal([0, "confirmed", "exited"]);
    expect(told.halted.bots).to.have.length(1);
    // The guard may have been first.
    expect(told.halted.bots[0]).to.deep.include({ bot: "refstrat01", after: "exited", killed: false });
    await halts.goesOn();
    expect(await halts.ordersSince(told.since)).to.deep.equal([]);
    expect(halts.incidentFile(told.halted.halt.id)).to.include("a test");
    const refused = await stack.trading(["start", "bot"]);
    expect([refused.code, refused.text.includes(`npx trading rearm --incident ${told.halted.halt.id}`)]).to.deep.equal([1, true]);
    expect((await stack.trading(["status"])).code).to.equal(1);
    await halts.rearmAll();
    expect(halts.incidentFile(told.halted.halt.id)).to.include("## Stoppet er ophævet");
  });

  it("is placed and lifted while the stack is frozen: plain pulumi up changes nothing of it, and may only bring up again what is there", async () => {
    const before = await stack.containerIds();
    succeeds(await stack.trading(["freeze", "--reason", "a test of freezes"]));
    try {
      stack.configure(configuration({ ...wideLimits, orderQuantity: 999 }));
      const warned = succeeds(await stack.pulumi(["preview"]));
      expect(warned.text).to.include("a test of freezes").and.include("An up would be refused: ").and.include(`npx trading changelog --stack ${stack.name} --reason`);
      const refused = await stack.up();
      expect(refused.code, refused.text).to.not.equal(0);
      expect(refused.text).to.include("a test of freezes").and.include("trading:bots[0].limits.orderQuantity").and.include("nothing was touched");
      expect(refused.text).to.not.match(/^\s+at /m);
      expect(await stack.containerIds()).to.deep.equal(before);
      const told = await halts.halt("pause");
      expect([told.outcome.code, told.halted.broker.state]).to.deep.equal([0, "confirmed"]);
      await halts.rearmAll();
      stack.configure(configuration());
      expect(succeeds(await stack.up()).text).to.include("This up is let through: it changes nothing of the last good release");
      expect(await stack.containerIds()).to.deep.equal(before);
    } finally {
      stack.configure(configuration());
      succeeds(await stack.trading(["thaw", "--reason", "the test is over"]));
    }
  });

  // What neither the command nor the broker has to do with is away all at once.
  for (const services of [["timescaledb"], ["guard"], [bot], ["broker"], ["gui", "mlflow", "livefeed"]]) {
    for (const [how, back] of [
      ["stopped", "start"],
      ["frozen", "unpause"],
    ] as const) {
      it(`holds with ${services.join(", ")} ${how}, and when it is back`, async () => {
        for (const service of services) await (how === "stopped" ? halts.stop(service) : halts.freeze(service));
        let told: Awaited<ReturnType<HaltedStack["halt"]>>;
        try {
          told = await halts.halt("kill");
          tell(`${services.join(", ")} ${how}`, told);
          expect(told.outcome.code, told.outcome.text).to.equal(0);
          expect(told.halted.broker.state).to.equal(!services.includes("broker") ? "confirmed" : how === "stopped" ? "down" : "frozen");
          expect(await halts.state(bot)).to.match(/^exited/);
        } finally {
          // A bot that was frozen has been ended by the halt.
          for (const service of services) if (service !== bot) succeeds(await stack.docker([back, stack.container(service)]));
        }
        await halts.held(told.halted.halt.id);
        await halts.goesOn();
        expect(await halts.ordersSince(told.since)).to.deep.equal([]);
        expect(await halts.state(bot)).to.match(/^exited/);
        await halts.rearmAll(180);
      });
    }
  }

  it("kills a bot that does not heed SIGTERM, and none of its orders leaves meanwhile", async () => {
    const deaf = 'setInterval(() => {\n  process.removeAllListeners("SIGTERM");\n  process.on("SIGTERM", () => undefined);\n}, 200).unref();\n';
    stack.write("services/bot/main.ts", `${stack.read("services/bot/main.ts")}\n${deaf}`);
    await stack.noteChangedImages();
    succeeds(await stack.up([], { timeoutSeconds: 500 }));
    const told = await halts.halt("kill");
    tell("a bot that does not heed SIGTERM", told);
    expect([told.outcome.code, told.halted.bots[0]?.killed, told.halted.bots[0]?.after]).to.deep.equal([0, true, "exited"]);
    // The halt was in force long before the command ended.
    expect(await halts.ordersSince(new Date(Date.parse(told.halted.halt.at) + told.halted.broker.seconds * 1000))).to.deep.equal([]);
  });
});
