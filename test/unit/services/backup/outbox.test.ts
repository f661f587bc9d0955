import { expect } from "chai";
import { mkdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { mountPoints, mountProblem } from "../../../../services/backup/mounts";
import { monthReport, reportPath } from "../../../../services/backup/monthReport";
import { Outbox } from "../../../../services/backup/outbox";
import { samplePoint, sampleProof, temporaryPaths } from "./samples";

describe("the outbox", () => {
  let home: Awaited<ReturnType<typeof temporaryPaths>>;
  let outbox: Outbox;
  beforeEach(async () => {
    home = await temporaryPaths();
    outbox = new Outbox(home.paths.outbox);
  });
  afterEach(() => home.remove());

  it("is empty before anything was put into it", async () => {
    expect(await outbox.list()).to.deep.equal([]);
    await outbox.done("reports/none.md");
  });

  it("keeps files until they are taken, whatever their folders", async () => {
    await outbox.add("reports/backups/2026-10-paper.md", "text");
    await outbox.add("reports/backups/2026-10-paper.json", "{}");
    expect(await outbox.list()).to.deep.equal(["reports/backups/2026-10-paper.json", "reports/backups/2026-10-paper.md"]);
    expect(String(await outbox.read("reports/backups/2026-10-paper.md"))).to.equal("text");
    await outbox.done("reports/backups/2026-10-paper.md");
    expect(await outbox.list()).to.deep.equal(["reports/backups/2026-10-paper.json"]);
  });

  it("does not show what a crash left half written", async () => {
    await mkdir(home.paths.outbox, { recursive: true });
    await writeFile(path.join(home.paths.outbox, "file.0a1b2c3d.partial"), "");
    expect(await outbox.list()).to.deep.equal([]);
  });

  for (const wrong of ["../points/20261121T101000Z.json", "/etc/passwd", "reports/../../lock", ""]) {
    it(`leads nowhere else: ${JSON.stringify(wrong)}`, async () => {
      const error = await outbox.read(wrong).catch((reason: Error) => reason);
      expect((error as Error).message).to.match(/is no path inside the outbox$/);
    });
  }
});

describe("mounts", () => {
  it("are read from mountinfo, blanks in their names as well", () => {
    const text = "36 35 98:0 / /backups rw,noatime master:1 - ext3 /dev/root rw\n37 35 98:0 / /second\\040copy rw - ext4 /dev/sdb rw\n";
    expect([...mountPoints(text)]).to.deep.equal(["/backups", "/second copy"]);
  });

  it("that are not there are named, though there is a folder", async () => {
    const home = await temporaryPaths();
    try {
      const info = path.join(home.root, "mountinfo");
      await writeFile(info, `36 35 98:0 / ${home.root} rw - ext3 /dev/root rw\n37 35 98:0 / ${home.root}/gone rw - ext3 /dev/root rw\n`);
      expect(await mountProblem(home.root, "write", info)).to.equal(null);
      expect(await mountProblem("/tmp", "read", info)).to.equal("nothing is mounted at /tmp");
      expect(await mountProblem(`${home.root}/gone`, "write", info)).to.equal(`${home.root}/gone cannot be written to`);
    } finally {
      await home.remove();
    }
  });
});

describe("the report of a month", () => {
  const tally = {
    jobs: { point: { good: 3, failed: 1, seconds: 7200, storedBytes: 5_000_000, lastFailure: "2026-10-02T00:00:00.000Z no | room\nat all" } },
    alarms: { "backup.job.point.failed": 1 },
  };
  const facts = {
    ...{ stack: "paper", month: "2026-10", tally },
    points: [samplePoint("20260930T235959Z"), samplePoint("20261001T000000Z"), samplePoint("20261031T235959Z", { databaseBytes: 2_000_000 }), samplePoint("20261101T000000Z")],
    proofs: [sampleProof("20261001T000000Z", "2026-10-15T00:00:00.000Z"), sampleProof("20261001T000000Z", "2026-11-15T00:00:00.000Z")],
  };

  it("tells people what ran, what is kept, what was proved and what was raised", () => {
    expect(monthReport(facts).markdown).to.equal(
      [
        "# Backups of paper, 2026-10",
        "",
        "| job | good | failed | hours in all | stored | last failure |",
        "|---|---|---|---|---|---|",
        "| point | 3 | 1 | 2.00 | 5.0 MB | 2026-10-02T00:00:00.000Z no \\| room at all |",
        "",
        "2 recovery points of this month are kept; the newest is 20261031T235959Z, of databases of 2.0 MB.",
        "",
        "## Restore tests",
        "- 2026-10-15T00:00:00.000Z: 20261001T000000Z (to latest) from the first copy in 12 s: passed",
        "",
        "## Alarms",
        "- backup.job.point.failed: 1 times",
        "",
      ].join("\n"),
    );
  });

  it("tells programs the same", () => {
    const report = JSON.parse(monthReport(facts).json) as Record<string, unknown>;
    expect(report).to.deep.include({ format: 1, stack: "paper", month: "2026-10", jobs: [{ job: "point", ...tally.jobs.point }], alarms: tally.alarms });
    expect((report["keptPoints"] as { id: string }[]).map(({ id }) => id)).to.deep.equal(["20261001T000000Z", "20261031T235959Z"]);
  });

  it("tells of a month in which nothing was", () => {
    const { markdown } = monthReport({ ...facts, month: "2026-08", tally: { jobs: {}, alarms: {} }, points: [], proofs: [] });
    expect(markdown).to.contain("| none ran |").and.contain("No recovery point of this month is kept.").and.contain("## Restore tests\nNone.").and.contain("## Alarms\nNone.");
  });

  it("has a place of its own for each stack", () => expect(reportPath("live", "2026-10")).to.equal("reports/backups/2026-10-live"));
});
