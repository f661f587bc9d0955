import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { recordedHealth } from "../../components/recordedHealth";
import { stackContext } from "../../components/StackContext";
import type { Deployed } from "../../components/TradingStack";
import { readReleases, releaseFolder, stackConfigurationHash } from "../../config/releases";
import { parseStackConfiguration } from "../../config/stackConfiguration";
import { GitRepository } from "../support/gitRepository";

const configuration = parseStackConfiguration("paper", { mode: "paper", portBase: 65_400, feed: { source: "synthetic" }, bots: [{ name: "refstrat01", limits: { orderQuantity: 1, orderNotional: 12_000 } }] });
const deployed: Deployed = { images: { broker: `sha256:${"1".repeat(64)}` }, imageNames: { broker: `sha256:${"1".repeat(64)}` }, schemaVersion: 5 };
const stackFile = "config:\n  trading:mode: paper\n";

describe("the health of a stack", () => {
  let repository: GitRepository;
  beforeEach(() => {
    repository = new GitRepository();
    repository.init().write("Pulumi.paper.yaml", stackFile);
    repository.write(".gitignore", ".trading/\n");
    repository.commit();
  });
  afterEach(() => repository.remove());

  const health = async (preview: boolean, healthy: pulumi.Output<string> = pulumi.output("healthy")) => {
    const nothing = { newResource: () => ({ id: undefined, state: {} }), call: () => ({}) };
    await pulumi.runtime.setMocks(nothing, "trading", "paper", preview);
    const context = stackContext("paper", "paper", "owner-of-the-test", "5".repeat(64), "info");
    return recordedHealth({ health: healthy, deployed: pulumi.output(Promise.resolve(deployed)) as pulumi.Output<Deployed> }, { context, configuration, root: repository.root });
  };
  const valueOf = (output: pulumi.Output<string>) => (output as unknown as { promise(): Promise<string> }).promise();

  it("comes with the record of its release", async () => {
    expect(await valueOf(await health(false))).to.equal("healthy");
    const [release, ...others] = readReleases(repository.root, "paper");
    expect(others).to.deep.equal([]);
    expect(release).to.deep.include({ ...deployed, stackFile, configurationHash: stackConfigurationHash(configuration), commit: repository.git("rev-parse", "HEAD"), clean: true, backup: null });
  });

  it("is the same after a commit alone, and so is the release", async () => {
    const first = await valueOf(await health(false));
    repository.commit("a commit more");
    const [release] = readReleases(repository.root, "paper");
    expect(await valueOf(await health(false))).to.equal(first);
    expect(readReleases(repository.root, "paper").map(({ id, commit }) => [id, commit])).to.deep.equal([[release!.id, release!.commit]]);
  });

  it("takes the stack's file as it was when the program began", async () => {
    let good: (text: string) => void = () => undefined;
    const output = await health(false, pulumi.output(new Promise<string>((resolve) => (good = resolve))));
    repository.write("Pulumi.paper.yaml", "config: {}\n");
    good("healthy");
    await valueOf(output);
    expect(readReleases(repository.root, "paper")[0]!.stackFile).to.equal(stackFile);
  });

  it("is not good where the stack's file is not in its place", async () => {
    fs.rmSync(path.join(repository.root, "Pulumi.paper.yaml"));
    const problem = await health(false).catch((error: Error) => error);
    expect(problem).to.be.instanceOf(pulumi.RunError).and.have.property("message").that.matches(/^Pulumi\.paper\.yaml, which a release records, cannot be read \(ENOENT/);
    expect(await valueOf(await health(true)), "a preview needs none").to.equal("healthy");
  });

  it("leaves no record in a preview", async () => {
    expect(await valueOf(await health(true))).to.equal("healthy");
    expect(readReleases(repository.root, "paper")).to.deep.equal([]);
  });

  it("leaves no record of an up that was not good", async () => {
    const problem = await valueOf(await health(false, pulumi.output(Promise.reject(new Error("container broker is sick"))))).catch((error: Error) => error.message);
    expect(problem).to.equal("container broker is sick");
    expect(readReleases(repository.root, "paper")).to.deep.equal([]);
  });

  it("is not good where its release cannot be recorded", async () => {
    fs.mkdirSync(path.dirname(releaseFolder(repository.root, "paper")), { recursive: true });
    fs.writeFileSync(releaseFolder(repository.root, "paper"), "in the way");
    const problem = await valueOf(await health(false)).catch((error: Error) => error);
    expect(problem).to.be.instanceOf(pulumi.RunError);
    expect((problem as Error).message).to.match(/^healthy, but the release could not be recorded in \.trading\/stacks\/paper\/releases \((EEXIST|ENOTDIR).*\): mend that and run `up` again$/);
  });
});
