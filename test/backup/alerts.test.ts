import { expect } from "chai";
import { eventually } from "../support/throwAwayStack";
import { BackupServiceRig } from "./serviceRig";

interface Alert {
  readonly id: string;
  readonly key: string;
  readonly acknowledged: boolean;
}

/** What the owner says of alerts reaches the container through the clone's own folder, which it can read and no more. */
describe("alerts of the backup container", function () {
  this.timeout(600_000);
  const rig = new BackupServiceRig();
  const seen = "backup.secondCopy.sameDisk";
  const other = "backup.clone.noRemote";

  before(async () => {
    await rig.prepare();
    await rig.startService();
  });
  after(() => rig.remove());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await rig.tellLogs();
  });

  const alerts = async () => (JSON.parse(await rig.ask("backup", "/v1/alerts")) as { active: Alert[] }).active;
  const alert = async (key: string) => (await alerts()).find((each) => each.key === key);

  it("are tried out from inside it, and leave nothing behind", async () => {
    const text = await rig.execute("backup", "curl", "--silent", "--request", "POST", "http://127.0.0.1:8080/v1/alerts/test");
    const { tried } = JSON.parse(text) as { tried: { what: string; arrived: boolean; answer: string }[] };
    expect(tried.map(({ what, arrived, answer }) => [what, arrived, answer])).to.deep.equal(["warning raised", "critical raised", "resolved", "heartbeat"].map((what) => [what, true, "HTTP 200"]));
    expect((await rig.received()).filter(({ key }) => key === "alerts.test").map(({ state, severity }) => `${state} ${severity}`)).to.deep.equal(["raised warning", "raised critical", "resolved critical"]);
    expect(await alert("alerts.test")).to.equal(undefined);
  });

  it("are told of no more once they are acknowledged, while others are", async () => {
    await rig.told(seen, "raised");
    const { id, acknowledged } = (await alert(seen))!;
    expect(acknowledged).to.equal(false);
    // As the owner's command leaves it: the stack's folder is the owner's alone.
    const folder = ".trading/stacks/test/control/acknowledged";
    const content = JSON.stringify({ at: new Date().toISOString(), who: "owner", severity: "warning" });
    await rig.inVolume("project", `mkdir -p ${folder}; echo '${content}' > ${folder}/${id}; chown -R 1000:1000 .trading; chmod 700 .trading/stacks/test; chmod 600 ${folder}/${id}`);
    await eventually("the container sees it", 30, async () => (await alert(seen))?.acknowledged);
    const before = (await rig.received()).filter(({ key }) => key === seen).length;
    await rig.allGood();
    // It began before the other one, and would have been repeated before it.
    await rig.told(other, "repeated", 180);
    expect((await rig.received()).filter(({ key }) => key === seen)).to.have.length(before);
    expect((await alert(other))?.acknowledged).to.equal(false);
  });
});
