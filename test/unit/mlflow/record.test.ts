import { expect } from "chai";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { failureText, MlflowClient, MlflowError } from "../../../mlflow/client";
import { metricsAt, thinned } from "../../../mlflow/points";
import { completeRun, openRun, runTag, type RunEnd, type RunStart } from "../../../mlflow/record";
import { artifactsTag, artifactsTagSchema } from "../../../mlflow/references";
import { FakeMlflow, fates, type Fate } from "./fakeMlflow";

const start: RunStart = {
  ...{ id: "00000000-0000-4000-8000-000000000001", experiment: "paper/RefStrat_01", name: "one", startTime: 1000 },
  ...{ tags: { stack: "paper", bot: "one" }, params: { emaFast: "20" } },
};

function end(points = 3): RunEnd {
  const text = async function* () {
    yield "bar,equity\n";
    yield "1,2\n";
  };
  return {
    ...{ status: "FINISHED", endTime: 2000 },
    metrics: Array.from({ length: points }, (_, step) => ({ key: "equity", value: step, timestamp: step, step })),
    artifacts: [{ name: "equity.csv", content: text }],
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

describe("a run in MLflow", () => {
  let mlflow: FakeMlflow;
  beforeEach(async () => (mlflow = await FakeMlflow.start()));
  afterEach(() => mlflow.close());
  const client = (requestMilliseconds = 5000): MlflowClient => new MlflowClient(mlflow.url, { requestMilliseconds, uploadMilliseconds: requestMilliseconds });

  it("is made with its true start, and completed", async () => {
    const opened = await openRun(client(), start);
    expect(mlflow.runs.get(opened.runId)!.status).to.equal("RUNNING");
    const completed = await completeRun(client(), start, end());
    expect(completed.runId).to.equal(opened.runId);
    const [run] = mlflow.activeRuns;
    expect({ ...run, points: run!.points.size }).to.deep.equal({
      ...{ runId: "run1", experiment: "1", name: "one", startTime: 1000, status: "FINISHED", endTime: 2000, deleted: false, points: 3 },
      tags: { stack: "paper", bot: "one", [runTag]: start.id, [artifactsTag]: JSON.stringify({ "equity.csv": { bytes: 15, sha256: sha256("bar,equity\n1,2\n") } }) },
      params: { emaFast: "20" },
      artifacts: { "equity.csv": "bar,equity\n1,2\n" },
    });
    expect(mlflow.experiments).to.have.all.keys("paper/RefStrat_01");
  });

  it("is told on connections that nobody can have closed: each call has its own", async () => {
    await completeRun(client(), start, end());
    expect(mlflow.connections).to.equal(mlflow.calls.length).and.to.be.greaterThan(5);
  });

  it("says that its files are there only after they are", async () => {
    mlflow.fate = (call) => (call.startsWith("PUT") ? "error 500" : "answer");
    expect(await completeRun(client(), start, end()).catch(failureText)).to.contain("500");
    expect(mlflow.activeRuns[0]!.tags).not.to.have.property(artifactsTag);
  });

  it("takes long curves in batches", async () => {
    await completeRun(client(), start, end(2500));
    expect(mlflow.activeRuns[0]!.points.size).to.equal(2500);
  });

  it("is not sent again once it has ended, so that many runs are sent by and by", async () => {
    await completeRun(client(), start, end(2500));
    const before = mlflow.calls.length;
    expect((await completeRun(client(), start, end(2500))).status).to.equal("FINISHED");
    expect(mlflow.calls.slice(before).filter((call) => call.startsWith("PUT") || call.endsWith("runs/update"))).to.deep.equal([]);
    expect(mlflow.calls.slice(before).filter((call) => call.endsWith("runs/log-batch"))).to.have.length(1);
  });

  it("is found again when the answer to its making was lost", async () => {
    mlflow.fate = (call) => (call.endsWith("runs/create") ? "cut after" : "answer");
    expect(await openRun(client(), start).then(() => "made", failureText)).to.match(/^fetch failed: /);
    mlflow.fate = () => "answer";
    expect((await openRun(client(), start)).runId).to.equal("run1");
    expect(mlflow.runs.size).to.equal(1);
  });

  it("is left once when an earlier try made another one late", async () => {
    const first = await openRun(client(), start);
    // What a search does not show yet: the server was still at it.
    mlflow.instead = (path) => (path === "runs/search" ? { status: 200, body: {} } : undefined);
    await openRun(client(), start);
    mlflow.instead = () => undefined;
    expect(mlflow.activeRuns).to.have.length(2);
    await completeRun(client(), start, end());
    expect(mlflow.activeRuns.map(({ runId, status }) => [runId, status])).to.deep.equal([[first.runId, "FINISHED"]]);
  });

  it("is not made again after somebody deleted it", async () => {
    const { runId } = await openRun(client(), start);
    mlflow.runs.get(runId)!.deleted = true;
    expect(await completeRun(client(), start, end())).to.include({ runId, deleted: true });
    expect(mlflow.runs.size).to.equal(1);
  });

  it("shares an experiment that somebody else made at the same time", async () => {
    mlflow.instead = (path, body) => {
      if (path === "experiments/create") mlflow.experiments.set(body.name, "7");
      return undefined;
    };
    expect((await openRun(client(), start)).artifactUri).to.match(/^mlflow-artifacts:\/7\//);
  });

  it("says what MLflow says, and why nobody answers", async () => {
    mlflow.fate = () => "error 503";
    const refused = await openRun(client(), start).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(MlflowError).and.to.include({ status: 503, message: 'MLflow: 503 UNKNOWN: "out of order"' });
    await mlflow.close();
    expect(await openRun(client(), start).catch(failureText)).to.equal("fetch failed: ECONNREFUSED");
  });

  it("gives up on a server that hangs", async () => {
    mlflow.fate = () => "hang before";
    expect(await openRun(client(50), start).catch(failureText)).to.contain("timeout");
  });

  it("refuses to write artifacts around the server", async () => {
    const run = { runId: "a", artifactUri: "s3://bucket/a" };
    expect(await client().putArtifact(run, "equity.csv", end().artifacts[0]!.content()).catch(failureText)).to.equal(
      "MLflow keeps the artifacts of run a at s3://bucket/a: only mlflow-artifacts:/ can be written",
    );
  });

  it("is there exactly once, and whole, whatever befalls the calls that send it", async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom<Fate>(...fates), { maxLength: 12 }), async (befalls) => {
        mlflow.runs.clear();
        const left = [...befalls];
        mlflow.fate = () => left.shift() ?? "answer";
        while ((await completeRun(client(50), start, end()).catch(() => undefined)) === undefined) {
          // Whoever sends tries again from the beginning.
        }
        const runs = mlflow.activeRuns;
        expect(runs).to.have.length(1);
        expect(runs[0]).to.deep.include({ status: "FINISHED", endTime: 2000, params: start.params, artifacts: { "equity.csv": "bar,equity\n1,2\n" } });
        expect(runs[0]!.points.size).to.equal(3);
        // What it says of its files is what they are, however often they were sent.
        const put = artifactsTagSchema.parse(JSON.parse(runs[0]!.tags[artifactsTag]!));
        expect(put).to.deep.equal({ "equity.csv": { bytes: 15, sha256: sha256("bar,equity\n1,2\n") } });
      }),
      { numRuns: 40 },
    );
  });
});

describe("points for MLflow", () => {
  const cases: [number, number, number[]][] = [
    [0, 3, []],
    [1, 3, [0]],
    [3, 3, [0, 1, 2]],
    [4, 3, [1, 3]],
    [10, 3, [1, 5, 9]],
  ];
  for (const [length, most, expected] of cases) {
    it(`thins ${length} to at most ${most}, the last among them`, () => expect(thinned(length, most)).to.deep.equal(expected));
  }

  it("leaves out what is no number", () => {
    expect(metricsAt({ sharpe: undefined, profit: 1.5, factor: Number.POSITIVE_INFINITY }, 7, 2)).to.deep.equal([{ key: "profit", value: 1.5, timestamp: 7, step: 2 }]);
  });
});
