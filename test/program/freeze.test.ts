import { expect } from "chai";
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { controlFolder, ensureControlFolder } from "../../control/folder";
import { freezesOf } from "../../control/LatchFolder";
import { PROJECT_ROOT } from "../support/throwAwayStack";
import type { Ran } from "./underMocks";

/** The program itself, in a folder with a `.trading` of its own. No Docker is asked before the freeze is. */
describe("the program of a frozen stack", function () {
  this.timeout(240_000);
  let root: string;
  before(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-frozen-"));
    fs.copyFileSync(path.join(PROJECT_ROOT, "index.ts"), path.join(root, "index.ts"));
    for (const folder of ["components", "config", "control", "domain", "images", "node_modules"]) fs.symlinkSync(path.join(PROJECT_ROOT, folder), path.join(root, folder), "junction");
    fs.mkdirSync(path.join(root, ".trading", "stacks", "paper"), { recursive: true });
    fs.writeFileSync(path.join(root, ".trading", "owner"), "owner-of-the-test");
    fs.writeFileSync(path.join(root, ".trading", "stacks", "paper", "key"), "5".repeat(64));
    const control = controlFolder(root, "paper");
    ensureControlFolder(control, "paper", "owner-of-the-test");
    freezesOf(control).place({
      ...{ format: 1, id: "FRZ-20261127-070501-4f2a", stack: "paper", bot: "refstrat01", reason: "3 decisions differ", by: "guard", who: "guard", at: "2026-11-27T07:05:01.000Z" },
      ...{ rule: "decision-mismatch", cause: "parity 7", numbers: { mismatches: 3 }, runbook: null, open: [], until: null },
    });
  });
  after(() => fs.rmSync(root, { recursive: true, force: true }));

  it("ends with one error of its own words, and declares nothing", async () => {
    const configuration = {
      "trading:mode": "paper",
      "trading:portBase": "8400",
      "trading:feed": '{"source":"synthetic"}',
      "trading:bots": '[{"name":"refstrat01","limits":{"orderQuantity":1,"orderNotional":12000}}]',
      "trading:backup": '{"enabled":false}',
    };
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", path.join(__dirname, "underMocks.ts"), root, "paper", JSON.stringify(configuration)], { cwd: PROJECT_ROOT });
    const { error, made } = JSON.parse(stdout.trim().split("\n").at(-1)!) as Ran;
    expect(error?.message).to.match(/^Stack paper is frozen: .*\n {2}FRZ-20261127-070501-4f2a since 2026-11-27 07:05:01 UTC by the guard \(rule decision-mismatch: mismatches = 3\), until it is lifted: 3 decisions differ\nThis up is refused: no good up is on record here/);
    expect(error?.isRunError).to.equal(true);
    expect(made).to.deep.equal([]);
  });
});
