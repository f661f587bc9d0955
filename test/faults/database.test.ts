import { expect } from "chai";
import { setTimeout as delay } from "node:timers/promises";
import { clientOrderId } from "../../domain/clientOrderId";
import { expectSound } from "../support/ledger";
import { eventually } from "../support/throwAwayStack";
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
    const answer = await processes.callBroker(trader, "/v1/intents", { clientOrderId: id, bar: 0, action: "exit" });
    expect(answer).to.deep.equal({ status: 503, body: { error: "not possible now, try again" } });
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

  it("goes on after it had a twentieth of a processor", async () => {
    await processes.limitProcessors("timescaledb", 0.05);
    await delay(10_000);
    await processes.limitProcessors("timescaledb", 2);
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
