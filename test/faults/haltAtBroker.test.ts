import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { readBrokerSight } from "../../control/brokerSight";
import { ensureControlFolder } from "../../control/folder";
import { haltsOf } from "../../control/LatchFolder";
import type { HaltLevel } from "../../control/levels";
import { incidentId } from "../../control/records";
import { clientOrderId } from "../../domain/clientOrderId";
import type { Intent } from "../../domain/orders";
import { eventually } from "../support/throwAwayStack";
import { HandFeed } from "./handFeed";
import { accepted, FaultRig, sourceCandles, stack, type Answer } from "./rig";

/** Bar by bar on a market that the test plays, with bots that it plays: what the broker lets out under a halt. */
describe("a halt at the broker", function () {
  this.timeout(120_000);
  const bots = ["seeker", "holder", "keeper"] as const;
  const [seeker, holder, keeper] = bots;
  const rig = new FaultRig({ bots });
  const { processes, ledger } = rig;
  const feed = new HandFeed(ledger, sourceCandles(400));
  const placed = new Set<string>();

  before(async () => {
    await rig.prepare();
    await feed.begin(60);
    await processes.startBroker();
    await ready();
    for (const bot of bots) await rig.register(bot);
    await step();
    expect(await rig.enter(holder)).to.deep.equal(accepted);
    // With a stop that no bar which is made to reach the other one comes near.
    const { close } = feed.passed.at(-1)!;
    expect(await rig.submit(keeper, { action: "enter", quantity: 0.01, stopPrice: Math.floor(close * 52) / 100 })).to.deep.equal(accepted);
    await step();
  });
  after(() => rig.end());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await rig.tellLogs(40);
    for (const id of placed) rearm(id);
  });

  const step = () => feed.step(bots);
  const ready = () => eventually("the broker is ready", 30, async () => (await rig.readiness("broker").catch(() => undefined))?.ready);

  function halt(level: HaltLevel, bot: string | null = null): string {
    const id = incidentId("INC", Date.now());
    const at = new Date().toISOString();
    haltsOf(processes.control).place({ format: 1, id, stack, bot, level, reason: "the test", by: "person", who: "the test", at, rule: null, cause: null, numbers: {}, runbook: null, open: [] });
    placed.add(id);
    return id;
  }
  function rearm(id: string): void {
    placed.delete(id);
    haltsOf(processes.control).lift(id, { liftedAt: new Date().toISOString(), liftedBy: "person", liftedWho: "the test", liftedReason: "it is over" });
  }
  /** Waits until the broker says that it holds to exactly these. */
  const told = (...incidents: string[]) =>
    eventually(`the broker holds to ${incidents.join(", ") || "no halt"}`, 20, async () => JSON.stringify(readBrokerSight(processes.control)?.incidents) === JSON.stringify(incidents));

  const accountOf = async (bot: string) => (await ledger.rows("SELECT quantity::float, stop_price::float AS stop, processed_bar AS bar FROM accounts WHERE bot = $1", bot))[0] as { quantity: number; stop: number | null; bar: Date };
  const newestOrder = async (bot: string) => (await ledger.rows("SELECT action, status, reason FROM orders WHERE bot = $1 ORDER BY bar DESC, created_at DESC LIMIT 1", bot))[0] as { action: string; status: string; reason: string | null };
  const fillCount = async (bot: string) => (await ledger.rows("SELECT count(*)::int AS count FROM fills WHERE bot = $1", bot))[0].count as number;

  /** Writes a bot's decision on its last bar. @returns what hands it in */
  async function decided(bot: string, intent: Intent): Promise<() => Promise<Answer>> {
    const { bar } = await accountOf(bot);
    const id = clientOrderId(stack, bot, bar.getTime(), intent.action);
    await ledger.rows(
      "INSERT INTO decisions (bot, bar, action, reason, indicators, intent, client_order_id, late) VALUES ($1, $2, $3, 'the test', '{}', $4, $5, false)",
      ...[bot, bar, intent.action, JSON.stringify(intent), id],
    );
    return () => processes.callBroker(bot, "/v1/intents", { clientOrderId: id, bar: bar.getTime(), ...intent }) as Promise<Answer>;
  }
  const entry: Intent = { action: "enter", quantity: 0.01, stopPrice: Math.floor(sourceCandles(1)[0]!.close * 60) / 100 };

  function expectHalted(answer: Answer, level: HaltLevel): void {
    expect(answer.status).to.equal(422);
    expect(answer.body.reason).to.match(new RegExp(`^halted at level ${level} since `));
  }

  it("keeps an entry out that comes right after it, and lets the next one in after the rearm", async () => {
    const id = halt("pause");
    expectHalted(await rig.enter(seeker), "pause");
    expect(await newestOrder(seeker)).to.deep.include({ action: "enter", status: "rejected" });
    rearm(id);
    await step();
    expect(await rig.enter(seeker)).to.deep.equal(accepted);
    const before = await fillCount(seeker);
    await step();
    expect(await fillCount(seeker)).to.equal(before + 1);
    expect(await rig.submit(seeker, { action: "exit" })).to.deep.equal(accepted);
    await step();
    expect((await accountOf(seeker)).quantity).to.equal(0);
  });

  it("of one bot leaves the others alone", async () => {
    halt("pause", holder);
    expect(await rig.enter(seeker)).to.deep.equal(accepted);
    halt("pause", seeker);
    const before = await fillCount(seeker);
    await step();
    expect(await newestOrder(seeker)).to.deep.include({ action: "enter", status: "cancelled" });
    expect((await newestOrder(seeker)).reason).to.match(/^halted at level pause since /);
    expect(await fillCount(seeker), "the entry that waited for its bar").to.equal(before);
  });

  it("at level reduce lets a stop rise and an exit out, and no entry", async () => {
    const id = halt("reduce");
    const { stop } = await accountOf(holder);
    expectHalted(await rig.submit(holder, { action: "moveStop", stopPrice: stop! - 1 }), "reduce");
    await step();
    expect(await rig.submit(holder, { action: "moveStop", stopPrice: stop! + 1 })).to.deep.equal(accepted);
    expectHalted(await rig.enter(seeker), "reduce");
    await step();
    expect((await accountOf(holder)).stop).to.equal(stop! + 1);
    expect(await rig.submit(holder, { action: "exit" })).to.deep.equal(accepted);
    await step();
    expect((await accountOf(holder)).quantity).to.equal(0);
    rearm(id);
    expect(await rig.enter(holder)).to.deep.equal(accepted);
    await step();
    expect((await accountOf(holder)).quantity).to.be.greaterThan(0);
  });

  it("at level kill lets nothing out, cancels an exit that waited, and leaves the protective stop to fill", async () => {
    expect(await rig.submit(holder, { action: "exit" })).to.deep.equal(accepted);
    const id = halt("kill");
    await told(id);
    expectHalted(await rig.submit(keeper, { action: "exit" }), "kill");
    expectHalted(await rig.enter(seeker), "kill");
    await step();
    expect(await newestOrder(holder)).to.deep.include({ action: "exit", status: "cancelled" });
    const { quantity, stop } = await accountOf(holder);
    expect(quantity).to.be.greaterThan(0);
    expect(await processes.ask("broker", "/metrics")).to.contain(`trading_halt_level{bot="${holder}"} 3`);
    const said = await rig.readiness("broker");
    expect(said.ready).to.equal(true);
    expect(said.reason).to.contain(`halted: ${seeker} at level kill (${id})`);

    await feed.hold(bots);
    const candle = await feed.next({ low: stop! - 1 });
    await eventually("the bar is worked", 30, async () => (await accountOf(holder)).bar.getTime() === candle.openTime);
    expect((await accountOf(holder)).quantity).to.equal(0);
    const [filled] = await ledger.rows("SELECT reason FROM fills WHERE bot = $1 ORDER BY id DESC LIMIT 1", holder);
    expect(filled).to.deep.equal({ reason: "stop" });
    await eventually("all have worked it", 30, async () => (await accountOf(keeper)).bar.getTime() === candle.openTime);
  });

  it("that came while the broker was gone holds from its first moment on", async () => {
    await step();
    expect(await rig.enter(seeker)).to.deep.equal(accepted);
    const before = await fillCount(seeker);
    await processes.kill("broker");
    const id = halt("pause");
    await feed.hold(bots);
    const candle = await feed.next();
    await processes.start("broker");
    await eventually("the bar is worked", 30, async () => (await accountOf(seeker)).bar.getTime() === candle.openTime);
    expect(await newestOrder(seeker)).to.deep.include({ action: "enter", status: "cancelled" });
    expect(await fillCount(seeker)).to.equal(before);
    await told(id);
    await ready();
    expectHalted(await rig.enter(seeker), "pause");
  });

  it("that came while the broker stood still lets nothing out when it goes on", async () => {
    await step();
    expect(await rig.enter(seeker)).to.deep.equal(accepted);
    const before = await fillCount(seeker);
    const submit = await decided(holder, entry);
    // The child of the container's init.
    const signal = (name: "STOP" | "CONT") => processes.execute("broker", "sh", "-c", `kill -${name} $(cat /proc/1/task/1/children)`);
    await signal("STOP");
    const answer = submit();
    const id = halt("pause");
    await feed.hold(bots);
    const candle = await feed.next();
    await signal("CONT");
    // Refused for the halt, or as too late where the bar was worked first; the halt is asked first.
    expectHalted(await answer, "pause");
    await eventually("the bar is worked", 30, async () => (await accountOf(seeker)).bar.getTime() === candle.openTime);
    expect(await newestOrder(seeker)).to.deep.include({ action: "enter", status: "cancelled" });
    expect(await fillCount(seeker)).to.equal(before);
    await told(id);
  });

  it("that came while the database stood still is in force meanwhile and after it", async () => {
    await step();
    const submit = await decided(seeker, entry);
    const before = await fillCount(seeker);
    await processes.pause("timescaledb");
    const answer = submit().catch((error: Error) => error);
    const id = halt("kill");
    await told(id).finally(() => processes.unpause("timescaledb"));
    const said = await answer;
    if (!(said instanceof Error)) expect([422, 503]).to.include(said.status);
    await rig.connect();
    await ready();
    await step();
    expect(await fillCount(seeker)).to.equal(before);
    expect(await ledger.rows("SELECT FROM orders WHERE status = 'accepted'")).to.deep.equal([]);
  });

  it("that cannot be read counts as level kill for every bot", async () => {
    await step();
    const name = "INC-20260101-000000-0000";
    const file = path.join(processes.control, "halts", `${name}.json`);
    fs.writeFileSync(file, "{");
    try {
      for (const answer of [await rig.enter(seeker), await rig.submit(keeper, { action: "exit" })]) {
        expect(answer).to.deep.equal({ status: 422, body: { status: "rejected", reason: `halted at level kill: ${name}.json cannot be read, which counts as the worst` } });
      }
      await told(name);
    } finally {
      fs.rmSync(file);
    }
    await told();
    await step();
    expect(await rig.enter(seeker)).to.deep.equal(accepted);
    await step();
  });

  describe("beside the guard's lease", () => {
    before(async () => {
      await processes.discard("broker");
      await processes.startBroker({ settings: { guard: true } });
      await ready();
    });

    const lease = (state: string, seconds: number) =>
      ledger.rows(
        `INSERT INTO guard_status (state, reason, lease_until, renewals) VALUES ($1, 'the test', clock_timestamp() + make_interval(secs => $2), 1)
         ON CONFLICT ("only") DO UPDATE SET state = $1, lease_until = excluded.lease_until, renewals = guard_status.renewals + 1, updated_at = clock_timestamp()`,
        ...[state, seconds],
      );
    const refused = (reason: string) => ({ status: 422, body: { status: "rejected", reason: `no entry without the guard's lease: ${reason}` } });
    const cases: [string, () => Promise<unknown>, object][] = [
      ["is not let in where no guard ever ran", async () => undefined, refused("no guard has ever run here")],
      ["is not let in when the lease has run out", () => lease("GRANTED", -1), refused("the guard is GRANTED (the test)")],
      ["is not let in when the guard withholds the lease", () => lease("WITHHELD", 15), refused("the guard is WITHHELD (the test)")],
      ["is not let in by a lease that is longer than a guard's", () => lease("GRANTED", 60), refused("it would run for 60 s, no lease is longer than 15 s")],
      ["is let in with both leases", () => lease("GRANTED", 15), accepted],
    ];
    for (const [name, given, answer] of cases) {
      it(`an entry ${name}`, async () => {
        await step();
        const { quantity } = await accountOf(holder);
        expect(quantity).to.equal(0);
        await given();
        expect(await rig.enter(holder)).to.deep.equal(answer);
      });
    }

    it("an exit needs none of the two", async () => {
      await step();
      await lease("WITHHELD", 0);
      await ledger.rows("UPDATE feed_status SET lease_until = NULL");
      const stop = (await accountOf(holder)).stop!;
      expect(await rig.submit(keeper, { action: "exit" })).to.deep.equal(accepted);
      expect(await rig.submit(holder, { action: "moveStop", stopPrice: stop + 1 })).to.deep.equal(accepted);
      await step();
      expect((await accountOf(keeper)).quantity).to.equal(0);
      expect((await accountOf(holder)).stop).to.equal(stop + 1);
    });
  });

  describe("without the control folder", () => {
    before(async () => {
      await processes.discard("broker");
      await processes.startBroker();
      await ready();
    });

    it("lets exits out and nothing else, is not ready, and goes on when the folder is there again", async () => {
      fs.rmSync(processes.control, { recursive: true });
      const refused = await rig.enter(seeker);
      expect(refused.status).to.equal(422);
      expect(refused.body.reason).to.match(/^halted: whether trading is halted cannot be read \(.*\): exits only$/);
      expect(await rig.submit(holder, { action: "exit" })).to.deep.equal(accepted);
      const said = await eventually("it says so", 20, async () => {
        const readiness = await rig.readiness("broker");
        return !readiness.ready && readiness.reason;
      });
      expect(said).to.equal("whether trading is halted cannot be read, so that only exits are let out: /control/stack.json is missing or cannot be read");
      await step();
      expect((await accountOf(holder)).quantity).to.equal(0);

      ensureControlFolder(processes.control, stack, "the test");
      const id = halt("pause");
      expect(await processes.stop("broker")).to.equal(0);
      await processes.start("broker");
      await told(id);
      await ready();
    });
  });
});
