import { expect } from "chai";
import type { Release } from "../../../../config/releases";
import { parseStackFile } from "../../../../config/stackFile";
import { deployCommand } from "../../../../operations/commands/deploy";
import { RollbackWorld } from "./world";

describe("deploy", function () {
  this.timeout(60_000);
  let world: RollbackWorld;
  let good: Release;
  beforeEach(async () => {
    world = new RollbackWorld();
    good = world.stable(await world.release("1"));
  });
  afterEach(() => world.remove());
  const deploy = (...words: string[]) => world.run(deployCommand, words);
  /** What the owner is about to deploy, in a commit. */
  const changed = (onFailure?: string) => {
    world.built = "2";
    const file = world.file.replace("orderQuantity: 1,", "orderQuantity: 2,");
    world.repository.write("Pulumi.paper.yaml", onFailure === undefined ? file : `${file}  trading:deploy: { onFailure: ${onFailure} }\n`);
    world.repository.commit("a change");
  };

  it("previews, brings up what the folder says, and says what its bots do", async () => {
    changed();
    const { exitCode, text } = await deploy("--yes");
    expect([exitCode, world.running, world.done]).to.deep.equal([0, "2", ["free", "up"]]);
    expect(world.said).to.contain("PREVIEWED the folder's file");
    expect(text).to.equal("Stack paper is up and healthy (1 min).\nBot refstrat01: running\nBot second: not running: stopped by the owner\n");
  });

  it("asks, and deploys nothing unless the stack is named", async () => {
    changed();
    const error = await world.run(deployCommand, [], "live").then(() => undefined, (thrown: Error) => thrown);
    expect(error?.message).to.equal('"live" is not "paper": nothing was changed');
    expect(world.done).to.deep.equal([]);
    expect((await world.run(deployCommand, [], "paper")).exitCode).to.equal(0);
  });

  it("goes back to the last stable release by itself where the stack's file says so, positions or not", async () => {
    changed("rollback");
    world.sick.add("2");
    world.positions = ["refstrat01|0.5|42000|41000"];
    const { exitCode, text, document } = await deploy("--yes");
    expect([exitCode, world.running]).to.deep.equal([1, "1"]);
    expect(parseStackFile("paper", world.file).bots[0]!.limits.orderQuantity).to.equal(1);
    expect(world.subject).to.equal(`Rollback of stack paper to ${good.id}`);
    expect(text).to.match(new RegExp(`^The deploy of stack paper failed:\n  error: container trading-paper-timescaledb keeps ending\nIt was rolled back to ${good.id}, which is up and healthy \\(.*\\)\\.\nBot refstrat01: running\n[\\s\\S]*When it is mended:\n  git revert --no-edit [0-9a-f]{12}\n  npx trading deploy --stack paper\n$`));
    expect(document).to.deep.include({ result: "rolled back", target: good.id });
  });

  it("leaves it stopped in paper unless told otherwise, and says why and what next", async () => {
    changed();
    world.sick.add("2");
    const { exitCode, text } = await deploy("--yes");
    expect([exitCode, world.running]).to.deep.equal([1, "2"]);
    expect(world.engine.all.filter(({ service, state }) => service.startsWith("bot-") && state === "running")).to.deep.equal([]);
    expect(text).to.contain("error: container trading-paper-timescaledb keeps ending\nStopped: refstrat01, second; no bot runs. Protective stops stay with the broker.\nWhen it is mended: npx trading deploy --stack paper; to go back: npx trading rollback --stack paper\n");
  });

  it("leaves it stopped where it cannot go back, and says why not", async () => {
    changed("rollback");
    world.sick.add("1").add("2");
    const { exitCode, text } = await deploy("--yes");
    expect(exitCode).to.equal(1);
    expect(text).to.contain("It could not be rolled back:").and.to.contain(`release ${good.id} did not come up healthy:`).and.to.contain("no bot runs");
    expect(world.engine.all.filter(({ service, state }) => service.startsWith("bot-") && state === "running")).to.deep.equal([]);
  });

  it("stops nothing where no container was touched", async () => {
    world.means.pulumi = async (_root, words) => (words[0] === "preview" ? { code: 0, stdout: "", stderr: "" } : { code: 255, stdout: "", stderr: "Diagnostics:\n    error: names of stack paper are taken; nothing was changed\n" });
    const { exitCode, text } = await deploy("--yes");
    expect(exitCode).to.equal(1);
    expect(text).to.equal("The deploy of stack paper failed:\n  error: names of stack paper are taken; nothing was changed\nNo container was touched.\n");
    expect(world.done).to.deep.equal(["free"]);
  });

  for (const [what, prepare, message] of [
    ["the stack's file is wrong", () => world.repository.write("Pulumi.paper.yaml", "config: { trading:mode: paper }\n"), /Pulumi\.paper\.yaml has .* wrong keys/],
    ["Pulumi would not bring it up", () => void (world.means.pulumi = async () => ({ code: 255, stdout: "", stderr: "error: it cannot" })), /^the stack would not come up with this configuration:\nerror: it cannot\nnothing was changed$/],
  ] as const) {
    it(`touches nothing where ${what}`, async () => {
      prepare();
      const error = await deploy("--yes").then(() => undefined, (thrown: Error) => thrown);
      expect(error?.message).to.match(message);
      expect(world.done).to.deep.equal([]);
    });
  }
});
