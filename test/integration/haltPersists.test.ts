import { expect } from "chai";
import { busySettings, HaltedStack } from "../support/haltedStack";
import { PrivateDocker } from "../support/privateDocker";
import { eventually, ThrowAwayStack, wideLimits, type Outcome } from "../support/throwAwayStack";

/** One halt at level kill, and everything that could end it, in order: nothing but rearm does. */
describe("a halt at level kill stays in force", function () {
  this.timeout(900_000);
  const docker = new PrivateDocker();
  const bot = "bot-refstrat01";
  let stack: ThrowAwayStack;
  let halts: HaltedStack;
  let incident: string;
  let since: Date;

  const succeeds = (outcome: Outcome): Outcome => {
    expect(outcome.code, outcome.text).to.equal(0);
    return outcome;
  };
  const bots = (settings: object) => ({ backup: null, guard: null, bots: [{ name: "refstrat01", settings, limits: wideLimits }] });
  const up = async (...args: string[]) => succeeds(await stack.up(args, { timeoutSeconds: 600 }));
  /** It is in force, the broker as it is now holds to it, the bot does not run, and nothing has left. */
  const stays = async () => {
    expect(halts.inForce()).to.include(incident);
    await eventually("the bot does not run", 120, async () => !/^(running|restarting|paused)/.test(await halts.state(bot)));
    await halts.held(incident);
    await halts.goesOn(3, 180);
    expect(await halts.ordersSince(since)).to.deep.equal([]);
    expect(await halts.state(bot)).to.match(/^(exited|created)/);
  };
  const allBack = async () => {
    for (const service of ["timescaledb", "livefeed", "broker"]) await eventually(`${service} is back`, 180, async () => (await halts.state(service)) === "running healthy");
  };

  before(async () => {
    await docker.start();
    await docker.takeImages();
    stack = await ThrowAwayStack.make({ env: docker.env, configuration: bots(busySettings) });
    halts = new HaltedStack(stack);
    await up();
    await eventually("the bot trades", 120, async () => Number((await stack.query("SELECT count(*) FROM trading.fills"))[0]) > 0);
    const placed = await halts.halt("kill");
    expect(placed.outcome.code, placed.outcome.text).to.equal(0);
    incident = placed.halted.halt.id;
    since = placed.since;
  });
  after(async () => {
    await stack?.remove();
    await docker.remove();
  });

  it("when the broker's container is started again", async () => {
    succeeds(await stack.docker(["restart", stack.container("broker")]));
    await stays();
  });

  it("when somebody starts the bot's container by hand: the guard stops it", async () => {
    succeeds(await stack.docker(["start", stack.container(bot)]));
    await stays();
  });

  it("through an up, and one with --refresh", async () => {
    await up();
    await stays();
    await up("--refresh");
    await stays();
  });

  it("through a container that is gone and made anew", async () => {
    succeeds(await stack.docker(["rm", "--force", stack.container(bot), stack.container("broker")]));
    await up("--refresh");
    await stays();
  });

  it("through a changed configuration, which replaces the bot", async () => {
    const before = (await stack.containerIds())[bot];
    stack.configure(bots({ ...busySettings, emaFast: 3 }));
    await up();
    expect((await stack.containerIds())[bot]).to.not.equal(before);
    await stays();
  });

  it("through a changed image, which replaces the bot", async () => {
    const before = (await stack.containerIds())[bot];
    stack.write("services/bot/main.ts", `${stack.read("services/bot/main.ts")}\nconsole.error("a line more");\n`);
    await up();
    expect((await stack.containerIds())[bot]).to.not.equal(before);
    await stays();
  });

  it("through a restore", async () => {
    succeeds(await stack.trading(["backup", "--job", "point"], { timeoutSeconds: 600 }));
    succeeds(await stack.trading(["restore", "--to", "latest", "--confirm", stack.name], { timeoutSeconds: 800 }));
    await stays();
  });

  for (const [what, signal] of [
    ["a restart of Docker", "SIGTERM"],
    ["a power cut", "SIGKILL"],
  ] as const) {
    it(`through ${what}`, async () => {
      await docker.stop(signal);
      await docker.start();
      await allBack();
      await stays();
    });
  }

  it("when it is placed while Docker is stopped", async () => {
    await halts.rearmAll(180);
    expect(halts.inForce()).to.deep.equal([]);
    await docker.stop("SIGKILL");
    const placed = await halts.halt("kill");
    expect(placed.outcome.code, "the broker could not be asked").to.equal(1);
    expect(placed.outcome.text).to.include("Docker cannot be reached");
    incident = placed.halted.halt.id;
    since = placed.since;
    await docker.start();
    await allBack();
    await stays();
  });

  it("until rearm lifts it, and then the bot trades again", async () => {
    const before = new Date();
    await halts.rearmAll(180);
    await eventually("an order leaves", 180, async () => (await halts.ordersSince(before)).length > 0);
  });
});
