import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { hiddenParts, hide, reasonOf, restic, ResticFailure, wordsOf, type Repository } from "../../../../services/backup/files/restic";
import { isWhole, readSummary } from "../../../../services/backup/files/snapshots";

describe("what restic says", () => {
  const codes: [number | null, string][] = [
    [1, "failed"],
    [2, "unknown"],
    [3, "incomplete"],
    [10, "missing"],
    [11, "locked"],
    [12, "password"],
    [130, "interrupted"],
    [99, "unknown"],
    [null, "ended"],
  ];
  for (const [code, reason] of codes) it(`exit code ${code} is "${reason}"`, () => expect(reasonOf(code)).to.equal(reason));

  const texts: [string, string[], string][] = [
    ["its own error", ['{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}'], "wrong password or no key found"],
    ["the error of an item", ['{"message_type":"error","error":{"message":"lstat x: gone"},"item":"x"}'], "lstat x: gone"],
    ["plain lines and JSON once each", ["no space left on device", "no space left on device", '{"message_type":"status","percent_done":1}', "{broken"], "no space left on device | {broken"],
    ["several lines in one", ['{"message":"Fatal: one\\ntwo"}'], "one two"],
    ["nothing", [], ""],
  ];
  for (const [what, lines, words] of texts) it(`is told in words: ${what}`, () => expect(wordsOf(lines)).to.equal(words));

  const address = "rest:https://owner:p%40ss-word@backup.example:8000/trading/";
  const shown: string[] = [
    `unable to open ${address}`,
    'Head "https://owner:***@backup.example:8000/trading/config": dial tcp',
    "rest:https://owner:***@backup.example:8000/trading/",
    "lookup backup.example on 127.0.0.11:53: no such host",
    "p@ss-word and p%40ss-word",
    "https://backup.example:8000/trading/data/",
  ];
  for (const text of shown) {
    it(`never shows the address in "${text}"`, () => {
      const hidden = hide(text, hiddenParts(address));
      expect(hidden).to.contain("<address>").and.not.to.match(/backup\.example|p@ss|p%40ss|owner/);
    });
  }

  it("keeps other words, also where the user's name is a single letter", () => {
    expect(hide("unable to open a repository", hiddenParts("rest:http://a:bcdefgh@h.example/"))).to.equal("unable to open a repository");
    expect(hide("nothing to hide", [])).to.equal("nothing to hide");
    expect(hiddenParts("sftp:somewhere")).to.include("sftp:somewhere");
  });

  const summary = { message_type: "summary", snapshot_id: "a".repeat(64), total_files_processed: 3, total_bytes_processed: 10, data_added_packed: 7, files_new: 1 };
  it("has a summary of its snapshot as its last line", () => {
    expect(readSummary(`{"message_type":"status"}\n${JSON.stringify(summary)}\n`, "x")).to.deep.equal({ snapshot: "a".repeat(64), files: 3, bytes: 10, storedBytes: 7 });
  });
  for (const [what, text] of [
    ["nothing", ""],
    ["a status alone", '{"message_type":"status","percent_done":1}'],
    ["a summary without a snapshot", JSON.stringify({ ...summary, snapshot_id: "" })],
    ["words", "done"],
  ] as const) {
    it(`is no success with ${what}`, () => expect(() => readSummary(text, "the first copy")).to.throw("the first copy: restic backup ended without a summary of its snapshot"));
  }

  const counts: [string, [number, number], [number, number], [number, number], boolean][] = [
    ["all there", [3, 30], [3, 30], [3, 30], true],
    ["files came meanwhile", [4, 40], [3, 30], [5, 50], true],
    ["files went meanwhile", [2, 20], [3, 30], [2, 20], true],
    ["a file too few", [2, 30], [3, 30], [3, 30], false],
    ["bytes too few", [3, 29], [3, 30], [3, 30], false],
    ["nothing where there is something", [0, 0], [3, 30], [3, 30], false],
    ["nothing where there is nothing", [0, 0], [0, 0], [0, 0], true],
  ];
  const counted = ([files, bytes]: [number, number]) => ({ files, bytes });
  for (const [what, taken, before, after, whole] of counts) {
    it(`is ${whole ? "" : "not "}whole: ${what}`, () => expect(isWhole(counted(taken), counted(before), counted(after))).to.equal(whole));
  }
});

describe("a restic that could not store, and goes on for ever", function () {
  this.timeout(30_000);
  const repository: Repository = { name: "the first copy", place: { kind: "folder", path: "/nowhere" }, passwordFile: "/nowhere", hidden: [] };
  const searched = process.env["PATH"];
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "restic-unit-"));

  /** What is found as restic says this on its error output and then does nothing, until it is asked to end. */
  const says = (...lines: string[]) => {
    fs.writeFileSync(path.join(folder, "restic"), `#!/bin/sh\n${lines.map((line) => `echo '${line}' >&2\n`).join("")}exec sleep 60\n`, { mode: 0o700 });
    process.env["PATH"] = `${folder}${path.delimiter}${searched}`;
  };
  const failureOf = (work: Promise<unknown>) => work.then(() => expect.fail("it did not fail"), (error: ResticFailure) => ({ reason: error.reason, message: error.message }));

  afterEach(() => void (process.env["PATH"] = searched));
  after(() => fs.rmSync(folder, { recursive: true }));

  it("is ended, and told with its own words", async () => {
    says("Save(<data/7a1902b0da>) failed: write x: no space left on device");
    expect(await failureOf(restic(repository, ["backup"], { timeoutSeconds: 25 }))).to.deep.equal({
      reason: "failed",
      message: "the first copy: restic backup could not store, and was ended since it did not end by itself: Save(<data/7a1902b0da>) failed: write x: no space left on device",
    });
  });

  it("is told as ended by whoever ended it before", async () => {
    says("Save(<index/7a1902b0da>) failed: write x: no space left on device");
    expect(await failureOf(restic(repository, ["backup"], { timeoutSeconds: 25, signal: AbortSignal.timeout(500) }))).to.have.property("reason", "ended");
  });

  it("is waited for after a lock that it makes anew, and a try that it repeats", async () => {
    says("Save(<lock/7a1902b0da>) failed: write x: no space left on device", "Save(<data/7a1902b0da>) returned error, retrying after 1s: write x: no space left on device");
    const { reason, message } = await failureOf(restic(repository, ["backup"], { timeoutSeconds: 7 }));
    expect([reason, message.split(":")[1]]).to.deep.equal(["ended", " restic backup was ended"]);
  });
});
