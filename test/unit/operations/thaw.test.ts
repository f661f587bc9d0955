import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { readAudit } from "../../../control/audit";
import { controlFolder, ensureControlFolder } from "../../../control/folder";
import { freezesOf } from "../../../control/LatchFolder";
import { incidentId, type Freeze } from "../../../control/records";
import { FakeEngine, haltOf, healthyStack, makeClone, NOW, OWNER, pageStatus, trading } from "./support";

describe("thaw", () => {
  let root: string;
  let control: string;
  beforeEach(() => {
    root = makeClone();
    control = controlFolder(root, "paper");
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));
  const freeze = (): string => {
    ensureControlFolder(control, "paper", OWNER);
    const { level: _level, ...origin } = haltOf({ id: incidentId("FRZ", NOW), by: "guard", who: "the guard", rule: "decision-mismatch", reason: "it decided another way" });
    const made: Freeze = { ...origin, until: null };
    freezesOf(control).place(made);
    return made.id;
  };
  const inForce = () => freezesOf(control).inForce().entries.map(({ id }) => id);
  const thaw = (...more: string[]) => trading(root, ["thaw", "--reason", "found and mended", ...more]);

  it("does nothing, and says so, where nothing is frozen", async () => {
    expect(await thaw()).to.deep.include({ exitCode: 0, out: "Nothing of stack paper is frozen.\n", error: "" });
  });

  it("lifts all of them, keeps them, and says in the audit log who did and why", async () => {
    const ids = [freeze(), freeze()].sort();
    const told = await thaw("--json");
    expect(told.exitCode).to.equal(0);
    expect(JSON.parse(told.out)).to.deep.equal({ stack: "paper", lifted: ids, inForce: [] });
    expect(inForce()).to.deep.equal([]);
    expect(freezesOf(control).liftedOnes().map(({ id, liftedReason }) => [id, liftedReason])).to.deep.equal(ids.map((id) => [id, "found and mended"]));
    expect(readAudit(control).map(({ act, incident, rule, reason }) => [act, incident, rule, reason])).to.deep.equal(ids.map((id) => ["thaw", id, "decision-mismatch", "found and mended"]));
  });

  it("lifts one alone, and again does nothing", async () => {
    const [one, other] = [freeze(), freeze()];
    expect((await thaw("--incident", one)).out).to.equal(`Freeze ${one} of stack paper is lifted.\nStill     ${other}\n`);
    expect((await thaw("--incident", one)).out).to.equal(`Freeze ${one} of stack paper was lifted already.\nStill     ${other}\n`);
    expect(inForce()).to.deep.equal([other]);
  });

  it("lifts one that cannot be read", async () => {
    ensureControlFolder(control, "paper", OWNER);
    fs.writeFileSync(path.join(control, "freezes", "FRZ-20261127-070501-4f2a.json"), "");
    expect((await thaw()).out).to.equal("Freeze FRZ-20261127-070501-4f2a of stack paper is lifted.\n");
    expect(fs.readdirSync(path.join(control, "freezes"))).to.deep.equal([]);
  });

  it("names those that are in force where it knows none of that name", async () => {
    const id = freeze();
    const told = await thaw("--incident", "FRZ-20200101-000000-0000");
    expect([told.exitCode, told.error]).to.deep.equal([2, `error: stack paper has no freeze "FRZ-20200101-000000-0000" in force; in force: ${id}; nothing was lifted\n`]);
    expect(inForce()).to.deep.equal([id]);
  });

  it("is what status tells to do", async () => {
    const id = freeze();
    const told = await trading(root, ["status"], { engine: new FakeEngine(healthyStack()), page: pageStatus() });
    expect(told.out).to.include(`(${id}): it decided another way; to lift it: npx trading thaw --incident ${id} --reason "..." --stack paper\n`);
    expect(told.exitCode, told.out).to.equal(0);
  });
});
