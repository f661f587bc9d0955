import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { refuseWhileFrozen, type FreezeQuestion } from "../../../config/freezeGate";
import { stackConfigurationHash, writeRelease } from "../../../config/releases";
import { parseStackFile } from "../../../config/stackFile";
import { controlFolder, ensureControlFolder } from "../../../control/folder";
import { freezesOf } from "../../../control/LatchFolder";
import type { Freeze } from "../../../control/records";

const NOW = Date.parse("2026-11-27T12:00:00.000Z");
const image = `sha256:${"b".repeat(64)}`;
const file = (portBase: number) => `config:\n  trading:mode: paper\n  trading:portBase: ${portBase}\n  trading:feed: { source: synthetic }\n  trading:bots:\n    - { name: refstrat01, limits: { orderQuantity: 1, orderNotional: 12000 } }\n`;
const freeze = (more: Partial<Freeze> = {}): Freeze => ({
  ...{ format: 1, id: "FRZ-20261127-070501-4f2a", stack: "paper", bot: "refstrat01", reason: "3 decisions differ", by: "guard", who: "guard", at: "2026-11-27T07:05:01.000Z" },
  ...{ rule: "decision-mismatch", cause: "parity 7", numbers: { mismatches: 3 }, runbook: null, open: [], until: null },
  ...more,
});

describe("an up of a frozen stack", () => {
  let root: string;
  let said: string[];
  let asked: number;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-gate-"));
    [said, asked] = [[], 0];
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));
  const control = () => controlFolder(root, "paper");
  const frozenBy = (...freezes: readonly Freeze[]) => {
    ensureControlFolder(control(), "paper", "owner-1");
    for (const each of freezes) freezesOf(control()).place(each);
  };
  const released = () =>
    writeRelease(root, {
      ...{ format: 1, id: "REL-20261127-060000-4f2a", stack: "paper", at: "2026-11-27T06:00:00.000Z", commit: null, clean: false, pushed: null, images: {}, imageNames: { broker: image } },
      ...{ configurationHash: stackConfigurationHash(parseStackFile("paper", file(8400))), stackFile: file(8400), schemaVersion: 5, backup: null, health: "good", confirmedAt: "2026-11-27T06:00:00.000Z", stable: null },
    });
  /** @returns what it was refused with; undefined where it may go on */
  const up = async (portBase = 8400, more: Partial<FreezeQuestion> = {}) => {
    const images = async () => {
      asked += 1;
      return { broker: image };
    };
    try {
      await refuseWhileFrozen({ root, stack: "paper", control: control(), configuration: parseStackFile("paper", file(portBase)), preview: false, images, now: NOW, say: (text) => void said.push(text), ...more });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };

  it("goes on, and asks nothing, where nothing is frozen, where a freeze is over, and where there is no folder yet", async () => {
    expect(await up()).to.equal(undefined);
    frozenBy();
    expect(await up()).to.equal(undefined);
    frozenBy(freeze({ until: "2026-11-27T11:59:59.000Z" }));
    expect(await up()).to.equal(undefined);
    expect([said, asked]).to.deep.equal([[], 0]);
  });

  it("is refused by one message: who, since and until when, why and by which numbers, what it would change, the way out", async () => {
    released();
    frozenBy(freeze());
    expect(await up(8600)).to.equal(
      [
        "Stack paper is frozen: no change of it is deployed, and nothing is promoted.",
        "  FRZ-20261127-070501-4f2a since 2026-11-27 07:05:01 UTC by the guard (rule decision-mismatch: mismatches = 3), until it is lifted: 3 decisions differ",
        "This up is refused: it is no stable release, and differs from the last good one, REL-20261127-060000-4f2a, in trading:portBase; nothing was touched.",
        'To lift it: npx trading thaw --incident FRZ-20261127-070501-4f2a --reason "..." --stack paper',
        "Allowed meanwhile: halt, rearm, start and stop of bots, backup and restore, an up that changes nothing of what was deployed, and a stable release again (npx trading rollback --stack paper).",
      ].join("\n"),
    );
    expect(said).to.deep.equal([]);
  });

  it("names each freeze where there are several, and lifts all of them at once", async () => {
    frozenBy(freeze(), freeze({ id: "FRZ-20261127-080000-0001", by: "person", who: "anna", rule: null, numbers: {}, reason: "away", until: "2026-11-28T08:00:00.000Z" }));
    const told = await up();
    expect(told).to.include("\n  FRZ-20261127-080000-0001 since 2026-11-27 07:05:01 UTC by anna, until 2026-11-28 08:00:00 UTC: away\n");
    expect(told).to.include('\nTo lift it: npx trading thaw --reason "..." --stack paper\n');
  });

  it("is refused where no good up is on record", async () => {
    frozenBy(freeze());
    expect(await up()).to.include("\nThis up is refused: no good up is on record here, so that nothing can be known to stay as it is; nothing was touched.\n");
  });

  it("is refused where a freeze, or the folder, cannot be read", async () => {
    frozenBy();
    fs.writeFileSync(path.join(control(), "freezes", "FRZ-20261127-070501-0000.json"), "{");
    expect(await up()).to.include("FRZ-20261127-070501-0000: its record cannot be read");
    fs.rmSync(path.join(control(), "stack.json"));
    expect(await up()).to.include("whether it is frozen cannot be read");
  });

  it("is refused where nobody says which images it would run", async () => {
    released();
    frozenBy(freeze());
    const told = await up(8400, { images: () => Promise.reject(new Error("Docker is down")) });
    expect(told).to.include("\nThis up is refused: which images it would run cannot be told (Docker is down); nothing was touched.\n");
  });

  it("goes on where it changes nothing, and says why it may", async () => {
    released();
    frozenBy(freeze());
    expect(await up()).to.equal(undefined);
    expect(said).to.have.length(1);
    expect(said[0]).to.include("\nThis up is let through: it changes nothing of the last good release, REL-20261127-060000-4f2a.\n");
  });

  it("is only warned of in a preview, which says how it would end", async () => {
    released();
    frozenBy(freeze());
    expect(await up(8600, { preview: true })).to.equal(undefined);
    expect(await up(8400, { preview: true })).to.equal(undefined);
    expect(said[0]).to.include("\nAn up would be refused: it is no stable release, and differs from the last good one, REL-20261127-060000-4f2a, in trading:portBase.\n");
    expect(said[1]).to.include("\nAn up is let through: it changes nothing");
  });
});
