import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { readAudit } from "../../../control/audit";
import { controlFolder, ensureControlFolder } from "../../../control/folder";
import { freezesOf } from "../../../control/LatchFolder";
import { incidentId, type Freeze } from "../../../control/records";
import { personHere } from "../../../operations/halts";
import { parseUntil } from "../../../operations/until";
import { FakeEngine, haltOf, healthyStack, makeClone, NOW, OWNER, pageStatus, trading } from "./support";

const after = (hours: number) => new Date(NOW + hours * 3_600_000).toISOString();

describe("--until of freeze", () => {
  const right: [text: string, end: string][] = [
    ["90min", "2024-03-01T13:30:00.000Z"],
    ["2h", "2024-03-01T14:00:00.000Z"],
    ["3d", "2024-03-04T12:00:00.000Z"],
    ["1w", "2024-03-08T12:00:00.000Z"],
    ["2024-03-01T13:00:00Z", "2024-03-01T13:00:00.000Z"],
    ["2024-03-01T14:00:00+01:00", "2024-03-01T13:00:00.000Z"],
  ];
  for (const [text, end] of right) it(`${text} is ${end}`, () => expect(parseUntil(text, NOW)).to.equal(end));
  const allowed = "allowed: a duration such as 90min, 2h, 3d or 1w, or a time with its zone such as 2026-12-01T08:00:00Z, at most 366 days from now";
  const wrong: [text: string, message: string][] = [
    ["tomorrow", `--until is "tomorrow"; ${allowed}`],
    ["", `--until is ""; ${allowed}`],
    ["2H", `--until is "2H"; ${allowed}`],
    ["-2h", `--until is "-2h"; ${allowed}`],
    ["1.5h", `--until is "1.5h"; ${allowed}`],
    ["367d", `--until is "367d"; ${allowed}`],
    ["2024-12-01", `--until is "2024-12-01"; ${allowed}`],
    ["2024-12-01T08:00:00", `--until is "2024-12-01T08:00:00"; ${allowed}`],
    ["2024-11-31T08:00:00Z", `--until is "2024-11-31T08:00:00Z"; ${allowed}`],
    ["0h", `--until is "0h", which is over; ${allowed}`],
    ["2024-03-01T12:00:00Z", `--until is "2024-03-01T12:00:00Z", which is over; ${allowed}`],
  ];
  for (const [text, message] of wrong) it(`"${text}" is refused`, () => expect(() => parseUntil(text, NOW)).to.throw(message));
});

describe("freeze", () => {
  let root: string;
  let control: string;
  beforeEach(() => {
    root = makeClone();
    control = controlFolder(root, "paper");
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));
  const freeze = (...more: string[]) => trading(root, ["freeze", "--reason", "on holiday", ...more], { engine: down() });
  const down = () => {
    const engine = new FakeEngine();
    engine.unreachable = true;
    return engine;
  };
  const inForce = () => freezesOf(control).inForce().entries;
  const placeGuards = (more: Partial<Freeze> = {}): Freeze => {
    ensureControlFolder(control, "paper", OWNER);
    const { level: _level, ...origin } = haltOf({ id: incidentId("FRZ", NOW), by: "guard", who: "guard", rule: "decision-mismatch", reason: "it decided another way" });
    const made: Freeze = { ...origin, until: null, ...more };
    freezesOf(control).place(made);
    return made;
  };

  it("is in force with Docker stopped, and says what it is, what stays allowed and what lifts it", async () => {
    const told = await freeze();
    const [made] = inForce();
    expect(told).to.deep.equal({
      exitCode: 0,
      error: "",
      out: [
        "Stack paper is frozen, until it is lifted: no change of it is deployed, and nothing is promoted.",
        `Freeze    ${made!.id} since 2024-03-01 12:00:00 UTC by ${personHere()}: on holiday`,
        "Allowed   halt, rearm, start and stop of bots, backup and restore, an up that changes nothing, a stable release again",
        `Lift it   npx trading thaw --incident ${made!.id} --reason "..." --stack paper`,
        "",
      ].join("\n"),
    });
    expect(made).to.deep.include({ stack: "paper", bot: null, by: "person", who: personHere(), at: after(0), until: null, rule: null, reason: "on holiday" });
    expect(readAudit(control).map(({ act, by, incident, reason }) => [act, by, incident, reason])).to.deep.equal([["freeze", "person", made!.id, "on holiday"]]);
  });

  it("works with the stack's file broken, and for a stack whose file is gone while its folder is there", async () => {
    fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), "config: [");
    expect((await freeze()).exitCode).to.equal(0);
    fs.rmSync(path.join(root, "Pulumi.paper.yaml"));
    expect((await freeze("--until", "2h")).exitCode).to.equal(0);
  });

  it("placed twice adds nothing and says what is in force; one that lasts longer is added", async () => {
    const { freeze: first } = JSON.parse((await freeze("--until", "2h", "--json")).out) as { freeze: Freeze };
    const again = await freeze("--until", "2024-03-01T14:00:00Z");
    expect(again.out).to.match(/^Stack paper is frozen already, until 2024-03-01 14:00:00 UTC: /).and.to.include(`Freeze    ${first.id} `);
    expect(inForce()).to.have.length(1);
    expect(JSON.parse((await freeze("--until", "1h", "--json")).out)).to.deep.equal({ stack: "paper", placed: false, freeze: first, inForce: [first.id], problems: [] });
    const longer = await freeze("--until", "3h");
    expect(longer.out).to.include(`Also      ${first.id} since 2024-03-01 12:00:00 UTC by ${personHere()}, until 2024-03-01 14:00:00 UTC: on holiday\n`);
    expect(inForce().map(({ until }) => until).sort()).to.deep.equal([after(2), after(3)]);
    expect(readAudit(control)).to.have.length(2);
  });

  it("is one of its own beside the guard's, and beside one that cannot be read", async () => {
    const guards = placeGuards({ numbers: { mismatches: 3 } });
    fs.writeFileSync(path.join(control, "freezes", "FRZ-20240301-115959-0000.json"), "");
    const told = await freeze();
    expect(told.out).to.include(`Also      ${guards.id} since 2024-03-01 12:00:00 UTC by the guard (rule decision-mismatch: mismatches = 3), until it is lifted: it decided another way\n`);
    expect(told.out).to.include("Also      FRZ-20240301-115959-0000: its record cannot be read, which counts as a freeze, until it is lifted\n");
    expect(inForce()).to.have.length(2);
  });

  it("puts those away whose time is over, with a line in the audit log", async () => {
    const over = placeGuards({ until: after(-1), by: "person", who: "anna", rule: null });
    await freeze();
    expect(inForce().map(({ reason }) => reason)).to.deep.equal(["on holiday"]);
    expect(freezesOf(control).liftedOnes().map(({ id, liftedBy, liftedWho, liftedReason }) => [id, liftedBy, liftedWho, liftedReason])).to.deep.equal([[over.id, "person", "anna", `its time was over at ${over.until}`]]);
    expect(readAudit(control).map(({ act, incident }) => [act, incident])[0]).to.deep.equal(["thaw", over.id]);
  });

  const wrong: [words: string[], error: string][] = [
    [["freeze"], "error: required option '--reason <text>' not specified\n"],
    [["freeze", "--reason", " "], "error: --reason has 0 characters; allowed: 1 to 2000\n"],
    [["freeze", "--reason", "x", "--stack", "nope"], 'error: there is no stack "nope" (Pulumi.nope.yaml is missing); known stacks: live, paper\n'],
    [["freeze", "--reason", "x", "--until", "soon"], 'error: --until is "soon"; allowed: a duration such as 90min, 2h, 3d or 1w, or a time with its zone such as 2026-12-01T08:00:00Z, at most 366 days from now\n'],
  ];
  for (const [words, error] of wrong) {
    it(`${words.join(" ")}: one line, exit code 2, and nothing is frozen`, async () => {
      expect(await trading(root, words)).to.deep.equal({ exitCode: 2, out: "", error });
      expect(fs.existsSync(control)).to.equal(false);
    });
  }

  it("says it where it cannot be written, and freezes nothing", async () => {
    ensureControlFolder(control, "paper", OWNER);
    fs.rmSync(path.join(control, "stack.json"));
    fs.mkdirSync(path.join(control, "stack.json"));
    const told = await freeze();
    expect([told.exitCode, told.out]).to.deep.equal([1, ""]);
    expect(told.error).to.match(/control cannot be made or written: /);
    expect(inForce()).to.deep.equal([]);
  });
});

describe("status and thaw of freezes that end by themselves", () => {
  let root: string;
  beforeEach(() => {
    root = makeClone();
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));
  const place = (until: string | null): string => {
    const control = controlFolder(root, "paper");
    ensureControlFolder(control, "paper", OWNER);
    const { level: _level, ...origin } = haltOf({ id: incidentId("FRZ", NOW), who: "anna", reason: "on holiday" });
    freezesOf(control).place({ ...origin, until });
    return origin.id;
  };
  const status = async (...more: string[]) => trading(root, ["status", ...more], { engine: new FakeEngine(healthyStack()), page: pageStatus() });

  it("says who froze until when, and what was over lately", async () => {
    const [open, over] = [place(after(2)), place(after(-2))];
    place(after(-24 * 4));
    const told = await status();
    expect(told.exitCode).to.equal(0);
    expect(told.out.split("\n").filter((line) => /^(Frozen|Thawed)/.test(line))).to.deep.equal([
      `Frozen    deploys and promotions since 2024-03-01 12:00 UTC by anna until 2024-03-01 14:00 UTC (${open}): on holiday; to lift it: npx trading thaw --incident ${open} --reason "..." --stack paper`,
      `Thawed    deploys and promotions, frozen by anna until 2024-03-01 10:00 UTC (${over}): on holiday`,
    ]);
    const { freezes } = JSON.parse((await status("--json")).out) as { freezes: { incident: string; inForce: boolean }[] };
    expect(freezes.map(({ incident, inForce }) => [incident, inForce])).to.deep.equal([[open, true], [over, false]]);
  });

  it("thaw lifts what is in force and does not call lifted what was over", async () => {
    const [open, over] = [place(after(2)), place(after(-2))];
    const told = await trading(root, ["thaw", "--reason", "back", "--json"]);
    expect(JSON.parse(told.out)).to.deep.equal({ stack: "paper", lifted: [open], inForce: [] });
    const lifted = freezesOf(controlFolder(root, "paper")).liftedOnes();
    expect(Object.fromEntries(lifted.map(({ id, liftedReason }) => [id, liftedReason]))).to.deep.equal({ [open]: "back", [over]: `its time was over at ${after(-2)}` });
  });

  it("thaw does nothing without a reason", async () => {
    const id = place(null);
    expect(await trading(root, ["thaw"])).to.deep.equal({ exitCode: 2, out: "", error: "error: required option '--reason <text>' not specified\n" });
    expect(freezesOf(controlFolder(root, "paper")).inForce().entries.map((entry) => entry.id)).to.deep.equal([id]);
  });
});
