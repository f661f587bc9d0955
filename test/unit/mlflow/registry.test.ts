import { expect } from "chai";
import fc from "fast-check";
import { MlflowClient } from "../../../mlflow/client";
import { aliasedVersion, registerVersion, setAlias, versionsWith, type ModelVersion } from "../../../mlflow/registry";
import { FakeMlflow, fates, type Fate } from "./fakeMlflow";

const run = { runId: "run1", artifactUri: "mlflow-artifacts:/1/run1/artifacts" };
const wanted = (key: Record<string, string> = {}, tags: Record<string, string> = { sharpe: "1" }): ModelVersion => ({ model: "RefStrat_01-BTCUSDT", key: { configurationHash: "c1", dataHash: "d1", ...key }, tags, description: "emaFast=20" });

describe("versions of a registered model", () => {
  let mlflow: FakeMlflow;
  beforeEach(async () => {
    mlflow = await FakeMlflow.start();
  });
  afterEach(() => mlflow.close());
  const client = (requestMilliseconds = 3000) => new MlflowClient(mlflow.url, { requestMilliseconds });
  const kept = () => mlflow.registry.versions.map(({ version, tags }) => ({ version, ...tags }));

  it("are made of a run, with key and tags", async () => {
    const found = await registerVersion(client(), wanted(), run);
    expect(found).to.deep.include({ model: "RefStrat_01-BTCUSDT", version: 1 });
    expect(mlflow.registry.versions).to.deep.equal([{ name: "RefStrat_01-BTCUSDT", version: 1, source: run.artifactUri, runId: "run1", tags: { configurationHash: "c1", dataHash: "d1", sharpe: "1" } }]);
  });

  it("are the same for the same key, with what was measured last, and others for another configuration or other data", async () => {
    await registerVersion(client(), wanted(), run);
    expect((await registerVersion(client(), wanted({}, { sharpe: "2", drawdown: "0.1" }), { ...run, runId: "run2" })).version).to.equal(1);
    expect((await registerVersion(client(), wanted({ dataHash: "d2" }), run)).version).to.equal(2);
    expect((await registerVersion(client(), wanted({ configurationHash: "c2" }), run)).version).to.equal(3);
    expect(kept()).to.deep.equal([
      { version: 1, configurationHash: "c1", dataHash: "d1", sharpe: "2", drawdown: "0.1" },
      { version: 2, configurationHash: "c1", dataHash: "d2", sharpe: "1" },
      { version: 3, configurationHash: "c2", dataHash: "d1", sharpe: "1" },
    ]);
    expect((await versionsWith(client(), "RefStrat_01-BTCUSDT", { configurationHash: "c1" })).map(({ version }) => version)).to.deep.equal([1, 2]);
    expect(await versionsWith(client(), "none", {})).to.deep.equal([]);
  });

  it("are left once when somebody else made one at the same time", async () => {
    // What the first search does not show yet.
    let hidden = true;
    mlflow.instead = (path) => (path === "model-versions/search" && hidden ? ((hidden = false), { status: 200, body: {} }) : undefined);
    mlflow.registry.call("POST registered-models/create", { name: "RefStrat_01-BTCUSDT" }, new URLSearchParams());
    mlflow.registry.call("POST model-versions/create", { name: "RefStrat_01-BTCUSDT", source: "", run_id: "", tags: [{ key: "configurationHash", value: "c1" }, { key: "dataHash", value: "d1" }] }, new URLSearchParams());
    expect((await registerVersion(client(), wanted(), run)).version).to.equal(1);
    expect(kept()).to.deep.equal([{ version: 1, configurationHash: "c1", dataHash: "d1", sharpe: "1" }]);
  });

  it("are there exactly once, and complete, whatever befalls the calls", async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom<Fate>(...fates), { maxLength: 10 }), async (befalls) => {
        mlflow.registry.versions.splice(0);
        const left = [...befalls];
        mlflow.fate = () => left.shift() ?? "answer";
        while ((await registerVersion(client(50), wanted({}, { sharpe: "3", trades: "9" }), run).catch(() => undefined)) === undefined) {
          // Whoever registers tries again from the beginning.
        }
        expect(kept().map(({ version: _version, ...tags }) => tags)).to.deep.equal([{ configurationHash: "c1", dataHash: "d1", sharpe: "3", trades: "9" }]);
      }),
      { numRuns: 40 },
    );
  });

  it("have aliases that stand for one of them, or for none", async () => {
    const { model, version } = await registerVersion(client(), wanted(), run);
    expect(await aliasedVersion(client(), "none", "paper")).to.equal(undefined);
    expect(await aliasedVersion(client(), model, "paper")).to.equal(undefined);
    await setAlias(client(), model, "paper", version);
    expect(await aliasedVersion(client(), model, "paper")).to.equal(1);
    await setAlias(client(), model, "paper", undefined);
    await setAlias(client(), model, "paper", undefined);
    expect(await aliasedVersion(client(), model, "paper")).to.equal(undefined);
  });
});
