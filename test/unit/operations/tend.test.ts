import { Command } from "commander";
import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { writeDrill } from "../../../control/drills";
import { controlFolder, ensureControlFolder } from "../../../control/folder";
import type { Tools } from "../../../operations/backup/tools";
import type { Outcome } from "../../../operations/command";
import { restoreTestDue, tendCommand, type TendMeans } from "../../../operations/commands/tend";
import { failure } from "../../../operations/errors";
import { readTendRecord } from "../../../operations/tendRecord";
import { HaltDrillPostponed } from "../../../operations/haltDrill/obstacles";
import type { HaltDrillReport } from "../../../operations/haltDrill/report";
import type { RestoreTestReport } from "../../../operations/restoreTest/report";
import type { Context } from "../../../operations/context";
import type { DriftReport } from "../../../operations/drift/facts";
import { proofOf, recoveryPointOf } from "./restoreTestPoint";
import { FakeEngine, makeClone } from "./support";

const now = Date.parse("2026-11-21T12:00:00Z");
const point = recoveryPointOf("20261120T020000Z");

describe("tend", () => {
  describe("the turn of the restore test", () => {
    for (const [name, catalog, every, due, text] of [
      ["waits for the first recovery point", { points: [], proofs: [] }, "monthly", false, "there is no recovery point yet"],
      ["does not count a dump as one", { points: [recoveryPointOf("20261120T020000Z", { physical: null })], proofs: [] }, "monthly", false, "there is no recovery point yet"],
      ["comes at once when nothing was ever proved", { points: [point], proofs: [] }, "monthly", true, "due"],
      ["comes a month after the last that passed", { points: [point], proofs: [proofOf("2026-10-21T11:59:00Z")] }, "monthly", true, "due"],
      ["does not come before", { points: [point], proofs: [proofOf("2026-10-21T12:01:00Z")] }, "monthly", false, "due 2026-11-21 12:01 UTC"],
      ["comes every week where that is wanted", { points: [point], proofs: [proofOf("2026-11-14T11:59:00Z")] }, "weekly", true, "due"],
      ["is not over when the test failed", { points: [point], proofs: [proofOf("2026-11-19T12:00:00Z", { passed: false })] }, "monthly", true, "due"],
      ["waits a day after a test that failed", { points: [point], proofs: [proofOf("2026-11-21T02:00:00Z", { passed: false })] }, "monthly", false, "overdue; the last one failed and is tried again 2026-11-21 22:00 UTC"],
      ["does not wait for a failure of the future, when the clock was set back", { points: [point], proofs: [proofOf("2027-11-21T02:00:00Z", { passed: false })] }, "monthly", true, "due"],
    ] as const) {
      it(name, () => expect(restoreTestDue(catalog, every, now)).to.deep.equal({ due, text }));
    }
  });

  describe("as a command", () => {
    let root: string;
    let catalog: object;
    let calls: string[];
    beforeEach(() => {
      root = makeClone();
      calls = [];
      const control = controlFolder(root, "paper");
      ensureControlFolder(control, "paper", "c1");
      writeDrill(control, { format: 1, at: "2026-11-20T12:00:00.000Z", passed: true, passedAt: "2026-11-20T12:00:00.000Z", levels: [] });
      catalog = { points: [point], proofs: [proofOf("2026-11-20T12:00:00Z")], log: null };
    });
    afterEach(() => fs.rmSync(root, { recursive: true }));

    const tools: Tools = {
      run: async (_site, tool, request) => {
        calls.push(`${tool} ${JSON.stringify(request)}`);
        return tool === "points" ? (catalog as Record<string, unknown>) : { paths: [] };
      },
      hold: () => Promise.reject(new Error("not asked for")),
      endLeftOvers: () => Promise.reject(new Error("not asked for")),
    };
    const passedReport = { stack: "paper", passed: true, checks: [], recoverySeconds: 60, totalSeconds: 90 } as unknown as RestoreTestReport;
    const compared = { containers: 11, volumes: 20, networks: 1, images: 13, files: 0 };
    const noDrift: DriftReport = { stack: "paper", deployedAt: null, checkedAt: "2026-11-21T12:00:00.000Z", differences: [], compared, notLookedAt: [] };
    const passedDrill = { stack: "paper", passed: true, interrupted: false, checks: [], levels: [{ level: "pause", brokerSeconds: 0.21 }], totalSeconds: 20 } as unknown as HaltDrillReport;

    async function tend(more: Partial<TendMeans> = {}): Promise<Outcome> {
      let outcome: Outcome | undefined;
      const means: TendMeans = {
        tools,
        keepIncidentFiles: async () => null,
        checkDrift: async () => noDrift,
        settleReleases: async () => ({ soak: undefined, stable: undefined, committed: [], reason: null }),
        site: async () => ({ stack: "paper", mode: "paper", owner: "c1", image: "sha256:1", backupsOf: "paper", secondCopy: { kind: "none" } }),
        imagesNotArchived: async () => [],
        storeImages: async (_tools, _site, missing) => ({ stored: missing ?? [], already: [] }),
        removeLeftOvers: async () => [],
        alignAliases: async () => ({ aliases: [{ bot: "refstrat01", model: "RefStrat_01-BTCUSDT", alias: "paper", version: 3 }], reason: null }),
        test: async () => (calls.push("test"), { report: passedReport, files: ["reports/restore-tests/x.md"], uncommitted: null }),
        drill: async () => (calls.push("drill"), { report: passedDrill, files: ["reports/halt-drills/x.md"], uncommitted: null }),
        ...more,
      };
      const context: Context = {
        root,
        write: () => undefined,
        writeError: () => undefined,
        now: () => now,
        wait: async () => undefined,
        engine: () => new FakeEngine(),
        page: async () => undefined,
        ask: async () => undefined,
        whenInterrupted: () => undefined,
      };
      const command = tendCommand(
        context,
        (action) => async (...all) => {
          outcome = await action((all.at(-1) as Command).optsWithGlobals());
        },
        means,
      );
      await new Command("trading").option("--stack <name>", "", "paper").addCommand(command).parseAsync(["tend"], { from: "user" });
      return outcome!;
    }

    it("does nothing and ends well when nothing is due, again and again", async () => {
      for (let time = 0; time < 2; time++) {
        const { exitCode, document } = await tend();
        expect(exitCode).to.equal(0);
        expect((document as { parts: { due: boolean }[] }).parts.map(({ due }) => due)).to.deep.equal([false, false, false, false, false, false, false, false, false]);
      }
      expect(calls).to.not.include("test").and.not.include("drill");
      expect(readTendRecord(root, "paper")).to.deep.equal({ at: "2026-11-21T12:00:00.000Z", exitCode: 0, text: "nothing was due" });
    });

    it("runs the restore test when it is due, and stores the images that are missing", async () => {
      catalog = { points: [point], proofs: [], log: null };
      const { exitCode, text } = await tend({ imagesNotArchived: async () => ["broker"] });
      expect(exitCode).to.equal(0);
      expect(calls).to.include("test");
      expect(text).to.match(/put into the backup: broker/).and.match(/The restore test of stack paper passed/);
    });

    it("says which registered configuration each bot runs, and minds no MLflow that is away", async () => {
      expect((await tend()).text).to.include("bot refstrat01 trades version 3 of RefStrat_01-BTCUSDT: alias paper");
      const { exitCode, text } = await tend({ alignAliases: async () => ({ aliases: [], reason: "fetch failed: ECONNREFUSED" }) });
      expect([exitCode, text.includes("which version the stack runs is not known: fetch failed: ECONNREFUSED")]).to.deep.equal([0, true]);
    });

    it("does not end well when there is drift, names it nowhere but by its command, and does the rest", async () => {
      const differences = [{ kind: "container" as const, name: "trading-paper-broker", property: "memory", declared: "128 MiB", running: "256 MiB" }];
      const { exitCode, text } = await tend({ checkDrift: async () => ({ ...noDrift, differences }), imagesNotArchived: async () => ["broker"] });
      expect(exitCode).to.equal(1);
      expect(text).to.match(/put into the backup: broker/);
      expect(readTendRecord(root, "paper")?.text).to.match(/^drift: DRIFT: stack paper is not as it was deployed: 1 difference in 1 object\. See npx trading drift --stack paper; images/);
    });

    it("does not end well when drift cannot be told", async () => {
      expect((await tend({ checkDrift: () => Promise.reject(failure("Docker cannot be reached")) })).exitCode).to.equal(1);
      expect(readTendRecord(root, "paper")?.text).to.equal("drift: Docker cannot be reached");
    });

    it("removes what a killed restore test left, although no test is due", async () => {
      const { exitCode, text } = await tend({ removeLeftOvers: async () => ["restoretest0a1b2c"] });
      expect(exitCode).to.equal(0);
      expect(text).to.contain("removed what restore tests left that were killed: restoretest0a1b2c");
      expect(calls).to.not.include("test");
      expect(readTendRecord(root, "paper")?.text).to.match(/^left-overs: removed/);
    });

    it("does the others when one part fails, and does not end well", async () => {
      catalog = { points: [point], proofs: [], log: null };
      const { exitCode, text } = await tend({ imagesNotArchived: () => Promise.reject(failure("the backup service does not answer")) });
      expect(exitCode).to.equal(1);
      expect(text).to.match(/FAILED.*the backup service does not answer/);
      expect(calls).to.include("test");
      expect(readTendRecord(root, "paper")?.exitCode).to.equal(1);
    });

    it("does not end well when the restore test did not pass", async () => {
      catalog = { points: [point], proofs: [], log: null };
      const { exitCode } = await tend({ test: async () => ({ report: { ...passedReport, passed: false, failure: "MLflow does not start" }, files: [], uncommitted: null }) });
      expect(exitCode).to.equal(1);
      expect(readTendRecord(root, "paper")?.text).to.match(/MLflow does not start/);
    });

    describe("the halt drill", () => {
      beforeEach(() => fs.rmSync(path.join(controlFolder(root, "paper"), "drills.json")));
      const drillOf = ({ document }: Outcome) => (document as { parts: { part: string; good: boolean; due: boolean; text: string }[] }).parts.find(({ part }) => part === "halt drill")!;

      it("is made when it is due", async () => {
        const outcome = await tend();
        expect([outcome.exitCode, drillOf(outcome).text]).to.deep.equal([0, "The halt drill of stack paper passed: 0 checks; in force after: pause 0.21 s (20 s in all).; Report: reports/halt-drills/x.md, committed"]);
        expect(calls).to.include("drill");
      });

      it("waits where the stack is halted or holds a position, and ends well", async () => {
        const outcome = await tend({ drill: () => Promise.reject(new HaltDrillPostponed("bot refstrat01 has an open position of 0.1")) });
        expect(outcome.exitCode).to.equal(0);
        expect(drillOf(outcome)).to.deep.include({ good: true, due: false, text: "due: there was none yet, and waits: bot refstrat01 has an open position of 0.1; nothing was tried" });
      });

      it("does not end well when it failed", async () => {
        const report = { ...passedDrill, passed: false, failure: "the broker does not answer" };
        expect((await tend({ drill: async () => ({ report, files: ["x"], uncommitted: null }) })).exitCode).to.equal(1);
        expect(readTendRecord(root, "paper")?.text).to.match(/FAILED: the broker does not answer/);
      });

      it("is none for a live stack", async () => {
        fs.copyFileSync(path.join(root, "Pulumi.live.yaml"), path.join(root, "Pulumi.paper.yaml"));
        expect(drillOf(await tend())).to.deep.include({ good: true, due: false, text: "a halt is tried on paper alone" });
        expect(calls).to.not.include("drill");
      });
    });

    it("leaves everything to another one that is under way", async () => {
      let second: Outcome | undefined;
      catalog = { points: [point], proofs: [], log: null };
      await tend({
        test: async () => {
          second = await tend();
          return { report: passedReport, files: [], uncommitted: null };
        },
      });
      expect(second?.exitCode).to.equal(0);
      expect(second?.text).to.match(/Another tend of stack paper is under way: nothing was done/);
    });

    it("refuses a stack without a backup", async () => {
      fs.appendFileSync(path.join(root, "Pulumi.paper.yaml"), "  trading:backup: { enabled: false }\n");
      await tend().then(
        () => expect.fail("it has no backup"),
        (error: Error & { exitCode?: number }) => {
          expect(error.message).to.match(/has no backup: trading:backup.enabled is false/);
          expect(error.exitCode).to.equal(2);
        },
      );
    });
  });
});
