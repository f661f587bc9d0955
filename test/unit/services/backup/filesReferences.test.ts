import { expect } from "chai";
import { artifactPath, ReferenceCheck, referencesOf } from "../../../../services/backup/files/references";

const sha256 = "a".repeat(64);
const root = "mlflow-artifacts:/1/r1/artifacts";

describe("what MLflow's database refers to", () => {
  const places: [string, string | null][] = [
    ["mlflow-artifacts:/1/abc/artifacts", "1/abc/artifacts"],
    ["mlflow-artifacts://host:5000/1/abc/artifacts", "1/abc/artifacts"],
    ["mlflow-artifacts:/1//abc/", "1/abc"],
    ["mlflow-artifacts:/1/../../etc", null],
    ["mlflow-artifacts:/", null],
    ["/artifacts/1/abc", "1/abc"],
    ["file:///artifacts/1/abc", "1/abc"],
    ["file:///elsewhere/1/abc", null],
    ["s3://bucket/1/abc", null],
    ["dummy-source", null],
  ];
  for (const [uri, path] of places) it(`finds ${uri} at ${path ?? "no place of ours"}`, () => expect(artifactPath(uri)).to.equal(path));

  it("is every file that a run's tag lists, and the folders of models", () => {
    const put = JSON.stringify({ "equity.csv": { bytes: 3, sha256 }, "trades.json": { bytes: 0, sha256 } });
    const found = referencesOf(
      [
        { run_uuid: "r1", artifact_uri: root, put },
        { run_uuid: "r2", artifact_uri: "mlflow-artifacts:/1/r2/artifacts", put: null },
        { run_uuid: "r3", artifact_uri: "s3://bucket/r3", put },
      ],
      [
        { of: "model a version 1", uri: "runs:/r1/model" },
        { of: "model b version 1", uri: "models:/m-1" },
        { of: "model c version 1", uri: "prompt-template" },
        { of: "model d version 1", uri: "gs://bucket/model" },
        { of: "model e version 1", uri: "runs:/gone/model" },
        { of: "logged model m-1", uri: "mlflow-artifacts:/1/models/m-1/artifacts" },
      ],
    );
    expect(found).to.deep.equal({
      references: [
        { path: "1/r1/artifacts/equity.csv", kind: "file", of: "run r1", bytes: 3, sha256 },
        { path: "1/r1/artifacts/trades.json", kind: "file", of: "run r1", bytes: 0, sha256 },
        { path: "1/r1/artifacts/model", kind: "folder", of: "model a version 1", bytes: null, sha256: null },
        { path: "1/models/m-1/artifacts", kind: "folder", of: "logged model m-1", bytes: null, sha256: null },
      ],
      elsewhere: ["gs://bucket/model", "s3://bucket/r3"],
    });
  });

  for (const put of ["", "[]", '{"x":{"bytes":-1}}', '{"x":1}']) {
    it(`is not guessed from a tag such as ${put || "an empty one"}`, () => {
      expect(() => referencesOf([{ run_uuid: "r1", artifact_uri: root, put }], [])).to.throw("MLflow's run r1: its tag trading.artifacts is not the list of artifacts");
    });
  }

  const file = { path: "1/a/x", kind: "file", of: "run a", bytes: 3, sha256 } as const;
  const folder = { path: "1/m/artifacts", kind: "folder", of: "model m", bytes: null, sha256: null } as const;
  const looks: [string, [string, number][], string[]][] = [
    ["all there", [["1/a/x", 3], ["1/m/artifacts/deep/MLmodel", 1]], []],
    ["a file gone", [["1/m/artifacts/MLmodel", 1]], ["1/a/x (run a)"]],
    ["another size", [["1/a/x", 4], ["1/m/artifacts/MLmodel", 1]], ["1/a/x (run a): 4 bytes instead of 3"]],
    ["a folder whose name only begins alike", [["1/a/x", 3], ["1/m/artifacts2/MLmodel", 1]], ["1/m/artifacts (model m)"]],
    ["a model that is a single file", [["1/a/x", 3], ["1/m/artifacts", 1]], []],
    ["nothing there", [], ["1/a/x (run a)", "1/m/artifacts (model m)"]],
  ];
  for (const [what, seen, missing] of looks) {
    it(`is held against what is there: ${what}`, () => {
      const check = new ReferenceCheck([file, folder]);
      for (const [path, bytes] of seen) check.see(path, bytes);
      expect(check.missing()).to.deep.equal(missing);
    });
  }
});
