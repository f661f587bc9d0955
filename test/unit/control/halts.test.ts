import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { appendAudit, readAudit, type AuditEntry } from "../../../control/audit";
import { readBrokerSight, writeBrokerSight } from "../../../control/brokerSight";
import { ensureControlFolder, problemOf } from "../../../control/folder";
import { haltsOf } from "../../../control/LatchFolder";
import { incidentId, type Halt } from "../../../control/records";
import { HaltReader } from "../../../control/standing";

const NOW = Date.parse("2026-11-27T07:05:01.250Z");
const lifting = { liftedAt: "2026-11-27T08:00:00.000Z", liftedBy: "person", liftedWho: "owner", liftedReason: "mended" } as const;

describe("the control folder", () => {
  let root: string;
  let folder: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-control-"));
    folder = path.join(root, "paper", "control");
    ensureControlFolder(folder, "paper", "owner-1");
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  const halt = (more: Partial<Halt> = {}): Halt => ({
    ...{ format: 1, id: incidentId("INC", NOW), stack: "paper", bot: null, level: "kill", reason: "the market is mad", by: "person", who: "owner" },
    ...{ at: new Date(NOW).toISOString(), rule: null, cause: null, numbers: {}, runbook: null, open: [] },
    ...more,
  });
  const place = (more: Partial<Halt> = {}) => {
    const made = halt(more);
    haltsOf(folder).place(made);
    return made.id;
  };
  const of = (bot: string) => new HaltReader(folder, "paper").of(bot);
  const file = (id: string) => path.join(folder, "halts", `${id}.json`);

  it("is open to programs of other users, below a folder that is the owner's alone", function () {
    if (process.platform === "win32") this.skip();
    const mode = (name: string) => fs.statSync(path.join(folder, name)).mode & 0o777;
    expect(["..", ".", "halts", "lifted", "audit.jsonl"].map(mode)).to.deep.equal([0o700, 0o777, 0o777, 0o777, 0o666]);
  });

  it("is made again without losing what is in it", () => {
    const id = place();
    ensureControlFolder(folder, "paper", "owner-1");
    expect(of("a").incidents).to.deep.equal([id]);
  });

  it("lets the programs of other users read what was brought back for the owner alone", function () {
    if (process.platform === "win32") this.skip();
    const files = ["stack.json", "audit.jsonl", path.join("halts", `${place()}.json`)].map((name) => path.join(folder, name));
    for (const each of files) fs.chmodSync(each, 0o600);
    fs.chmodSync(path.join(folder, "halts"), 0o700);
    ensureControlFolder(folder, "paper", "owner-1");
    expect(files.map((each) => (fs.statSync(each).mode & 0o777).toString(8))).to.deep.equal(["644", "666", "644"]);
    expect(fs.statSync(path.join(folder, "halts")).mode & 0o777).to.equal(0o777);
  });

  it("names an incident by its second", () => expect(incidentId("INC", NOW)).to.match(/^INC-20261127-070501-[0-9a-f]{4}$/));

  describe("a halt", () => {
    it("is in force for the bots it is about, in this reader and in one that was there before", () => {
      const reader = new HaltReader(folder, "paper");
      expect(reader.of("a")).to.deep.equal({ level: null, incidents: [], reason: null });
      const id = place({ bot: "a", level: "pause" });
      expect(reader.of("a")).to.deep.equal({ level: "pause", incidents: [id], reason: `halted at level pause since 2026-11-27T07:05:01.250Z (${id}): the market is mad` });
      expect(reader.of("b").level).to.equal(null);
    });

    it("of all bots holds each of them, and of several the worst counts", () => {
      place({ level: "pause" });
      place({ bot: "a", level: "reduce" });
      expect([of("a").level, of("b").level]).to.deep.equal(["reduce", "pause"]);
      expect(of("a").incidents).to.have.length(2);
    });

    it("is over when it is lifted, and is kept with who did and why", () => {
      const id = place();
      const reader = new HaltReader(folder, "paper");
      expect(reader.of("a").level).to.equal("kill");
      expect(haltsOf(folder).lift(id, lifting)).to.equal(true);
      expect(reader.of("a").level).to.equal(null);
      expect(haltsOf(folder).lift(id, lifting)).to.equal(false);
      expect(haltsOf(folder).liftedOnes()).to.deep.equal([{ ...halt(), id, ...lifting }]);
    });

    it("stays in force where its lifting was cut off in between", () => {
      const id = place();
      const text = fs.readFileSync(file(id));
      haltsOf(folder).lift(id, lifting);
      fs.writeFileSync(file(id), text);
      expect(of("a").level).to.equal("kill");
      expect(haltsOf(folder).lift(id, lifting)).to.equal(true);
      expect(of("a").level).to.equal(null);
    });

    it("that is half written is none yet", () => {
      fs.writeFileSync(`${file(incidentId("INC", NOW))}.4711.tmp`, '{"format":');
      expect(of("a").level).to.equal(null);
    });

    for (const [what, text] of [
      ["empty, as on a full disk", ""],
      ["cut off", '{"format": 1, "id"'],
      ["of a later version", JSON.stringify({ ...halt(), format: 2 })],
      ["another's, under this name", JSON.stringify(halt({ id: "INC-20200101-000000-0000" }))],
    ] as const) {
      it(`that is ${what} counts as the worst, for every bot, until it is lifted`, () => {
        const id = "INC-20261127-070501-4f2a";
        fs.writeFileSync(file(id), text);
        expect(of("a").level).to.equal("kill");
        expect(of("a").incidents).to.deep.equal([id]);
        expect(haltsOf(folder).lift(id, lifting)).to.equal(true);
        expect(of("a").level).to.equal(null);
      });
    }

    it("refuses what is no record, and leaves nothing", () => {
      expect(() => place({ level: "maybe" as "kill" })).to.throw(/level/);
      expect(fs.readdirSync(path.join(folder, "halts"))).to.deep.equal([]);
    });
  });

  it("on a full disk a halt leaves its name, which counts as the worst", function () {
    if (process.platform !== "linux" || !fs.existsSync("/dev/full")) this.skip();
    // What is written next goes to a device that is always full.
    const id = incidentId("INC", NOW);
    fs.symlinkSync("/dev/full", `${file(id)}.${process.pid}.tmp`);
    haltsOf(folder).place(halt({ id, bot: "a", level: "pause" }));
    expect(fs.statSync(file(id)).size).to.equal(0);
    expect([of("a").level, of("b").level]).to.deep.equal(["kill", "kill"]);
  });

  for (const [what, damage] of [
    ["gone", () => fs.rmSync(folder, { recursive: true })],
    ["an empty one, as where a mount is missing", () => (fs.rmSync(folder, { recursive: true }), fs.mkdirSync(folder))],
    ["another stack's", () => fs.writeFileSync(path.join(folder, "stack.json"), '{"stack":"live"}')],
    ["without the folder of the halts", () => fs.rmSync(path.join(folder, "halts"), { recursive: true })],
  ] as const) {
    it(`that is ${what} lets exits out and no more`, () => {
      const reader = new HaltReader(folder, "paper");
      expect(reader.of("a").level).to.equal(null);
      damage();
      expect(reader.of("a")).to.deep.include({ level: "reduce", incidents: [] });
      expect(reader.of("a").reason).to.match(/cannot be read .*: exits only/);
    });
  }

  it("is not of a stack whose name it does not bear", () => {
    expect(problemOf(folder, "paper")).to.equal(null);
    expect(problemOf(folder, "live")).to.match(/is of stack "paper"/);
  });

  it("keeps acts in their order, and does without a line that was cut off", () => {
    const act = (reason: string): AuditEntry => ({ at: "2026-11-27T07:05:01Z", act: "halt", by: "person", who: "owner", incident: null, bot: null, level: "kill", reason, rule: null, numbers: {}, open: [] });
    appendAudit(folder, act("one"));
    appendAudit(folder, act("two"));
    fs.appendFileSync(path.join(folder, "audit.jsonl"), '{"at":"2026');
    expect(readAudit(folder).map(({ reason }) => reason)).to.deep.equal(["one", "two"]);
    appendAudit(folder, act("three"));
    expect(readAudit(folder).map(({ reason }) => reason)).to.deep.equal(["one", "two", "three"]);
  });

  it("keeps what the broker saw, and says nothing of what is damaged", () => {
    expect(readBrokerSight(folder)).to.equal(undefined);
    const seen = { at: "2026-11-27T07:05:01Z", incidents: ["INC-1"], problem: null };
    writeBrokerSight(folder, seen);
    expect(readBrokerSight(folder)).to.deep.equal(seen);
    fs.writeFileSync(path.join(folder, "broker.json"), "{");
    expect(readBrokerSight(folder)).to.equal(undefined);
  });
});
