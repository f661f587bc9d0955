import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { judgeSchemas, migrationNumber, olderServicesFollow, wayWithData, type DeployedSchemas } from "../../../../operations/rollback/schema";

const release = { id: "REL-20260101-000000-0001", stack: "live", schemaVersion: 5, backup: "20260101T000000Z" };
const applied = (...names: string[]) => names.map((name, index) => ({ name, at: `2026-02-0${index + 1}T10:00:00Z` }));
const deployed = (more: Partial<DeployedSchemas> = {}): DeployedSchemas => ({ migrations: applied("0004_a", "0005_b"), newestKnown: 5, timescale: "2.19.3", mlflow: "abc", ...more });
const nothing = { timescale: null, mlflow: null };
const none = () => false;

describe("whether a release can follow the databases", () => {
  for (const [what, databases, own, follows] of [
    ["the schema is the one it knows", deployed(), nothing, none],
    ["the schema is an older one, which it brings forward", deployed({ migrations: applied("0004_a") }), nothing, none],
    ["nobody answers, and nothing newer was ever deployed", deployed({ migrations: null, timescale: null, mlflow: null }), nothing, none],
    ["its own images know what is there", deployed(), { timescale: "2.19.3", mlflow: ["abc", "def"] }, none],
    ["its TimescaleDB is newer", deployed(), { timescale: "2.20.0", mlflow: null }, none],
    ["MLflow was never used", deployed({ mlflow: "" }), { timescale: null, mlflow: ["abc"] }, none],
  ] as const) {
    it(`can where ${what}`, () => expect(judgeSchemas(release, databases, own, follows)).to.deep.equal({ problems: [], notes: [] }));
  }

  it("can where what is newer says that older services can follow, and says so", () => {
    const verdict = judgeSchemas(release, deployed({ migrations: applied("0005_b", "0006_c", "0007_d") }), nothing, () => true);
    expect(verdict).to.deep.equal({ problems: [], notes: ["the database's schema is newer (0006_c, 0007_d), and older services can follow it"] });
  });

  for (const [what, databases, own, follows, text, restore] of [
    ["a migration is newer: back to the second before the first that it cannot follow", deployed({ migrations: applied("0005_b", "0006_c", "0007_d", "0008_e") }), nothing, (name: string) => name === "0006_c", /^migration 0007_d changed the database \(2026-02-03T10:00:00Z\) so that the services of REL-20260101-000000-0001, which know 5 migrations, cannot follow$/, "npx trading restore --stack live --to 2026-02-03T09:59:59Z"],
    ["nobody answers, and a newer one may be there", deployed({ migrations: null, newestKnown: 6 }), nothing, none, /^the database does not answer, and may have a newer schema \(6\) than the services of .* know \(5\)$/, "npx trading restore --stack live --to 20260101T000000Z"],
    ["a migration has a name without a number", deployed({ migrations: applied("by_hand") }), nothing, none, /^migration by_hand changed the database/, "npx trading restore --stack live --to 2026-02-01T09:59:59Z"],
    ["the database has a newer TimescaleDB, which no restore takes back", deployed({ timescale: "2.20.0" }), { timescale: "2.19.3", mlflow: null }, none, /has been brought to TimescaleDB 2\.20\.0, and the database's image of .* has 2\.19\.3/, null],
    ["MLflow's database has a revision it does not know", deployed({ mlflow: "abc,fff" }), { timescale: null, mlflow: ["abc"] }, none, /revision fff, which the MLflow of/, "npx trading restore --stack live --only mlflow --to 20260101T000000Z"],
  ] as const) {
    it(`cannot where ${what}`, () => {
      const { problems } = judgeSchemas(release, databases, own, follows);
      expect(problems).to.have.length(1);
      expect(problems[0]!.text).to.match(text);
      expect(problems[0]!.restore).to.equal(restore);
      const way = wayWithData(release, problems);
      expect(way).to.deep.equal(restore === null ? [] : ["npx trading rollback --stack live --to REL-20260101-000000-0001 --any-schema", restore]);
    });
  }
});

describe("the migrations of this project", () => {
  const folder = path.resolve(__dirname, "../../../../database/migrations");
  it("that came with releases say whether older services can follow", () => {
    for (const name of fs.readdirSync(folder)) {
      // Before the sixth there was no release that one could go back to.
      if (migrationNumber(name) <= 5) continue;
      expect(fs.readFileSync(path.join(folder, name), "utf8"), name).to.match(/^-- Older services: (can|cannot) follow\b/m);
    }
  });

  it("count as ones that cannot be followed where they say nothing, or something else", () => {
    expect(olderServicesFollow("-- Up Migration\n-- Older services: can follow: it only adds a table.\nCREATE TABLE a ();")).to.equal(true);
    for (const text of ["CREATE TABLE a ();", "-- Older services: cannot follow: it drops a column.", "SELECT '-- Older services: can follow';", "-- Older services: can followed"]) expect(olderServicesFollow(text), text).to.equal(false);
  });
});
