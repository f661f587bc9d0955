import { expect } from "chai";
import { setTimeout as delay } from "node:timers/promises";
import { clientOrderId } from "../../domain/clientOrderId";
import { expectSound, watchStops } from "../support/ledger";
import { eventually, execute } from "../support/throwAwayStack";
import { explained, FaultRig, stack, startingCash, trader } from "./rig";

describe("the database restarted, killed, slow and full", function () {
  this.timeout(180_000);
  const services = ["livefeed", "broker", `bot-${trader}`];
  const rig = new FaultRig({ speed: 10 * 3600, databaseMegabytes: 400 });
  const { processes } = rig;

  before(() => rig.begin());
  after(() => rig.end());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await rig.tellLogs();
  });

  /** Waits until no service is ready; one that does not answer in time is not. */
  async function noneReady(): Promise<void> {
    for (const service of services) {
      await eventually(`${service} is not ready`, 40, async () => (await rig.readiness(service).catch(() => undefined))?.ready !== true);
    }
  }

  async function expectRecovery(): Promise<void> {
    await rig.connect();
    await rig.goesOn(60);
    await rig.allReady(30);
    expect(await rig.ledger.unprotected()).to.equal(0);
  }

  it("goes on after an orderly restart", async () => {
    await processes.stop("timescaledb");
    await noneReady();
    const id = clientOrderId(stack, trader, 0, "exit");
    const { status, body } = await processes.callBroker(trader, "/v1/intents", { clientOrderId: id, bar: 0, action: "exit" });
    expect(status).to.equal(503);
    expect((body as { error: string }).error).to.match(/^not possible now, try again: .*broker's lock/);
    await processes.start("timescaledb");
    await expectRecovery();
  });

  it("goes on after it was killed", async () => {
    await processes.kill("timescaledb");
    await noneReady();
    await processes.start("timescaledb");
    await expectRecovery();
  });

  it("goes on after it stood still for longer than any question waits", async () => {
    await processes.pause("timescaledb");
    await noneReady().finally(() => processes.unpause("timescaledb"));
    await expectRecovery();
  });

  it("keeps every position protected and every bar decided once while it has a twentieth of a processor, and goes on after it", async () => {
    /** Milliseconds that the database takes for a sum. */
    const sum = async (): Promise<number> => {
      const began = performance.now();
      await rig.ledger.rows("SELECT sum(number) FROM generate_series(1, 200000) AS number");
      return performance.now() - began;
    };
    const worked = async () => (await rig.ledger.rows("SELECT count(*)::int AS count FROM equity"))[0].count as number;
    const crashes = async () => (await execute("docker", ["inspect", "--format", "{{.RestartCount}}", ...services.map((service) => processes.name(service))])).stdout;
    await sum();
    const quick = Math.min(await sum(), await sum());
    const [ended, before] = [await crashes(), await worked()];
    const watch = await watchStops(processes, trader);
    await processes.limitProcessors("timescaledb", 0.05);
    const slow: number[] = [];
    for (const end = performance.now() + 10_000; performance.now() < end; await delay(1000)) slow.push(await sum());
    const during = (await worked()) - before;
    await processes.limitProcessors("timescaledb", 2);
    const { unprotected, looks } = await watch.end();
    process.stdout.write(`      a sum took ${quick.toFixed(0)} ms, then up to ${Math.max(...slow).toFixed(0)} ms; ${during} bars meanwhile\n`);
    expect(Math.max(...slow), "it was slow").to.be.greaterThan(5 * quick);
    expect(unprotected, `positions without a stop in ${looks} looks`).to.equal(0);
    expect(await crashes(), "no service ended over it").to.equal(ended);
    await expectRecovery();
  });

  it("goes on after its volume was full", async () => {
    await processes.fillUp("data");
    const full = async (): Promise<void> => {
      await eventually("PostgreSQL cannot write", 60, async () => /No space left on device/.test(await processes.logs("timescaledb", 50)));
      await eventually("a service is not ready", 40, async () => {
        const answers = await Promise.all(services.map((service) => rig.readiness(service).catch(() => undefined)));
        return answers.some((answer) => answer?.ready !== true);
      });
    };
    await full().finally(() => processes.giveRoom("data"));
    await expectRecovery();
  });

  it("has lost nothing and done nothing twice", async () => {
    await rig.settle();
    await rig.expectCandles();
    const seen = await expectSound(rig.ledger, { stack, startingCash, explained });
    const refused = await rig.ledger.rows("SELECT split_part(reason, ' on bar', 1) AS why, count(*)::int FROM orders WHERE status = 'rejected' GROUP BY 1 ORDER BY 2 DESC");
    process.stdout.write(`      ${seen.bars} bars, ${seen.late} missed, ${seen.trades} trades; refused: ${refused.map(({ why, count }) => `${count} ${why}`).join(", ") || "none"}\n`);
    expect(seen.trades).to.be.greaterThan(5);
  });
});
