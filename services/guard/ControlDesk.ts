import * as fs from "node:fs";
import * as path from "node:path";
import { appendAudit, readAudit, type AuditEntry } from "../../control/audit";
import { readDriftCheck, type DriftCheck } from "../../control/driftRecord";
import { readDrill } from "../../control/drills";
import { FOLDERS } from "../../control/folder";
import { freezesOf, haltsOf, type LatchFolder } from "../../control/LatchFolder";
import { incidentId, type Freeze, type Halt, type LiftedFreeze, type LiftedHalt } from "../../control/records";
import { HaltReader, standingOf, type HaltsInForce } from "../../control/standing";
import type { GuardRule, Numbers, Verdict } from "../../domain/guard/verdict";
import { RUNBOOKS } from "../../domain/guard/verdict";

/** What the control folder says at one moment. */
export interface ControlSight {
  readonly halts: HaltsInForce;
  readonly freezes: readonly Freeze[];
  readonly liftedHalts: readonly LiftedHalt[];
  readonly liftedFreezes: readonly LiftedFreeze[];
  /** Bots that the owner wants stopped. */
  readonly wishedStopped: ReadonlySet<string>;
}

/** What the guard has restarted: the audit log remembers it for it. */
export interface RestartMemory {
  readonly bot: string;
  readonly cause: string;
  /** Epoch ms. */
  readonly at: number;
}

const who = "guard";
const none: ReadonlySet<string> = new Set();

/** The guard's hand on the control folder. */
export class ControlDesk {
  private readonly halts: HaltReader;
  private readonly haltFolder: LatchFolder<Halt, LiftedHalt>;
  private readonly freezeFolder: LatchFolder<Freeze, LiftedFreeze>;
  private liftedNames = "";
  private lifted: Pick<ControlSight, "liftedHalts" | "liftedFreezes"> = { liftedHalts: [], liftedFreezes: [] };

  constructor(
    readonly folder: string,
    private readonly stack: string,
  ) {
    this.halts = new HaltReader(folder, stack);
    this.haltFolder = haltsOf(folder);
    this.freezeFolder = freezesOf(folder);
  }

  /** What holds now; where the folder cannot be read, `halts.problem` says so and the rest is empty. */
  look(): ControlSight {
    const halts = this.halts.read();
    const unknown = { freezes: [], liftedHalts: [], liftedFreezes: [], wishedStopped: none };
    if (halts.problem !== null) return { halts, ...unknown };
    try {
      return { halts, freezes: this.freezeFolder.inForce().entries, ...this.liftedOnes(), wishedStopped: this.wishedStopped() };
    } catch (error) {
      return { halts: { ...halts, problem: `${this.folder} cannot be read: ${(error as Error).message}` }, ...unknown };
    }
  }

  /** Puts a halt into force: it is when this returns. @throws when it cannot be written */
  placeHalt(verdict: Verdict, level: Halt["level"], open: readonly string[], now: number): Halt {
    const halt: Halt = { ...this.record("INC", verdict, open, now), level };
    this.haltFolder.place(halt);
    return halt;
  }

  placeFreeze(verdict: Verdict, open: readonly string[], now: number): Freeze {
    const freeze: Freeze = { ...this.record("FRZ", verdict, open, now), until: null };
    this.freezeFolder.place(freeze);
    return freeze;
  }

  audit(entry: Pick<AuditEntry, "act" | "bot" | "reason"> & Partial<Pick<AuditEntry, "incident" | "level" | "numbers" | "open">> & { readonly rule: GuardRule }, now: number): void {
    appendAudit(this.folder, { at: new Date(now).toISOString(), by: "guard", who, incident: null, level: null, numbers: {}, open: [], ...entry, reason: entry.reason.slice(0, 2000) });
  }

  /** Restarts that the guard has written down. */
  restarts(): RestartMemory[] {
    return readAudit(this.folder).flatMap(({ act, by, bot, at, numbers }) => (act === "restart bot" && by === "guard" && bot !== null ? [{ bot, cause: String(numbers["cause"] ?? ""), at: Date.parse(at) }] : []));
  }

  /** Epoch ms of the newest halt drill, where it was passed; null otherwise. */
  lastDrill(): number | null {
    const passedAt = readDrill(this.folder)?.passedAt ?? null;
    return passedAt === null ? null : Date.parse(passedAt);
  }

  /** The newest comparison of what runs with what was deployed. */
  lastDriftCheck(): DriftCheck | undefined {
    return readDriftCheck(this.folder);
  }

  private record(kind: "INC" | "FRZ", verdict: Verdict, open: readonly string[], now: number) {
    const { rule, cause, bot, reason, numbers } = verdict;
    return {
      ...{ format: 1 as const, id: incidentId(kind, now), stack: this.stack, bot, reason: reason.slice(0, 2000), by: "guard" as const, who },
      ...{ at: new Date(now).toISOString(), rule, cause: cause.slice(0, 200), numbers: bounded(numbers), runbook: RUNBOOKS[rule], open: open.slice(0, 50).map((line) => line.slice(0, 300)) },
    };
  }

  /** Read again only when there are others: they are kept for ever. */
  private liftedOnes(): Pick<ControlSight, "liftedHalts" | "liftedFreezes"> {
    const names = fs.readdirSync(path.join(this.folder, FOLDERS.lifted)).sort().join("\n");
    if (names !== this.liftedNames) {
      this.lifted = { liftedHalts: this.haltFolder.liftedOnes(), liftedFreezes: this.freezeFolder.liftedOnes() };
      this.liftedNames = names;
    }
    return this.lifted;
  }

  private wishedStopped(): ReadonlySet<string> {
    const file = path.join(this.folder, "desired.json");
    if (!fs.existsSync(file)) return none;
    try {
      const { bots = {} } = JSON.parse(fs.readFileSync(file, "utf8")) as { bots?: Record<string, unknown> };
      return new Set(Object.keys(bots).filter((bot) => bots[bot] === "stopped"));
    } catch {
      // An unreadable wish starts nothing, and is no reason to stop what runs.
      return none;
    }
  }
}

/** Why a bot must not run, or null. */
export function reasonAgainstRunning({ halts, wishedStopped }: ControlSight, bot: string): string | null {
  const { level, reason } = standingOf(halts, bot);
  if (level === "kill") return reason;
  return wishedStopped.has(bot) ? `${bot} is wished stopped by its owner` : null;
}

/** As much as a record takes: a text of the database may be of any length, and a number may be none. */
function bounded(numbers: Numbers): Record<string, number | string | null> {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, typeof value === "string" ? value.slice(0, 200) : value !== null && !Number.isFinite(value) ? null : value]));
}
