import { expect } from "chai";
import { eventually } from "../support/throwAwayStack";
import { FaultRig, trader } from "./rig";

describe("the volume of MLflow's artifacts full", function () {
  this.timeout(180_000);
  const rig = new FaultRig({ speed: 10 * 3600 });
  const { processes, ledger } = rig;

  before(async () => {
    await rig.begin({ mlflowUrl: "http://mlflow:5000" });
    await processes.startMlflow({ artifactMegabytes: 16 });
    await processes.fillUp("artifacts");
  });
  after(() => rig.end());
  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    await rig.tellLogs();
    process.stderr.write(`--- mlflow\n${await processes.logs("mlflow")}\n`);
  });

  const runs = () => ledger.rows("SELECT status, sent, mlflow_run_id IS NOT NULL AS known FROM runs ORDER BY started_at");

  it("the bot trades on, and stops as fast as ever", async () => {
    await eventually("the run is known to MLflow", 120, async () => (await runs())[0]?.known);
    await rig.goesOn(30, 50);
    await rig.allReady(30);
    expect(await processes.stop(`bot-${trader}`)).to.equal(0);
    expect(await runs()).to.deep.equal([{ status: "FINISHED", sent: false, known: true }]);
    expect(await processes.logs("mlflow", 1000)).to.match(/No space left on device/);
  });

  it("what could not be stored is sent when there is room again", async () => {
    await processes.giveRoom("artifacts");
    await processes.start(`bot-${trader}`);
    await eventually("the ended run is sent", 90, async () => (await runs())[0].sent);
    await rig.goesOn(30);
  });
});
