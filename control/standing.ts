import { problemOf } from "./folder";
import { haltsOf, type LatchFolder } from "./LatchFolder";
import { worse, type HaltLevel } from "./levels";
import type { Halt, LiftedHalt } from "./records";

/** How one bot stands. */
export interface Standing {
  readonly level: HaltLevel | null;
  /** Incidents that hold it, for words: the files' names where they cannot be read. */
  readonly incidents: readonly string[];
  /** Why, in a sentence; null while it is not held. */
  readonly reason: string | null;
}

/** The halts that are in force, or why that is not known. */
export interface HaltsInForce {
  readonly halts: readonly Halt[];
  readonly unreadable: readonly string[];
  /** The folder itself cannot be read, or is not this stack's. */
  readonly problem: string | null;
}

/** Reads the halts of a stack each time it is asked: what was read a moment ago is not what holds now. */
export class HaltReader {
  private readonly halts: LatchFolder<Halt, LiftedHalt>;

  /** @param folder the control folder, on the machine or where it is mounted */
  constructor(
    private readonly folder: string,
    private readonly stack: string,
  ) {
    this.halts = haltsOf(folder);
  }

  read(): HaltsInForce {
    const problem = problemOf(this.folder, this.stack);
    if (problem !== null) return { halts: [], unreadable: [], problem };
    try {
      const { entries, unreadable } = this.halts.inForce();
      return { halts: entries, unreadable, problem: null };
    } catch (error) {
      return { halts: [], unreadable: [], problem: `${this.folder} cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}` };
    }
  }

  of(bot: string): Standing {
    return standingOf(this.read(), bot);
  }
}

/**
 * The worst of the halts that are about a bot. A halt that cannot be read is taken for the worst there is. Where the folder
 * cannot be read nothing is known: then a bot may get out of its position and no more.
 */
export function standingOf({ halts, unreadable, problem }: HaltsInForce, bot: string): Standing {
  if (problem !== null) return { level: "reduce", incidents: [], reason: `whether trading is halted cannot be read (${problem}): exits only` };
  const about = halts.filter((halt) => halt.bot === null || halt.bot === bot);
  if (unreadable.length > 0) {
    return { level: "kill", incidents: [...about.map(({ id }) => id), ...unreadable.map((name) => name.replace(/\.json$/, ""))], reason: `halted at level kill: ${unreadable.join(", ")} cannot be read, which counts as the worst` };
  }
  const level = about.reduce<HaltLevel | null>((most, halt) => worse(most, halt.level), null);
  if (level === null) return { level, incidents: [], reason: null };
  const worst = about.find((halt) => halt.level === level)!;
  return { level, incidents: about.map(({ id }) => id), reason: `halted at level ${level} since ${worst.at} (${worst.id}): ${worst.reason}` };
}

/** How a halt is lifted, as the owner's command. */
export function rearmCommandOf(stack: string, incident: string): string {
  return `npx trading rearm --incident ${incident} --stack ${stack}`;
}
