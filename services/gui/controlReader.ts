import { readBrokerSight, type BrokerSight } from "../../control/brokerSight";
import { freezesOf, type InForce, type LatchFolder } from "../../control/LatchFolder";
import type { Freeze, LiftedFreeze } from "../../control/records";
import { HaltReader, type HaltsInForce } from "../../control/standing";

/** What the control folder says now. */
export interface ControlFacts {
  readonly halts: HaltsInForce;
  readonly freezes: InForce<Freeze>;
  /** Undefined before the broker ever wrote it. */
  readonly sight: BrokerSight | undefined;
}

/** Reads the control folder each time it is asked; a few small files, and those that never change only once. */
export class ControlReader {
  private readonly halts: HaltReader;
  private readonly freezes: LatchFolder<Freeze, LiftedFreeze>;

  /** @param folder where the control folder is mounted */
  constructor(
    readonly folder: string,
    stack: string,
  ) {
    this.halts = new HaltReader(folder, stack);
    this.freezes = freezesOf(folder);
  }

  /** Never throws: a folder that cannot be read is said by `halts.problem`. */
  read(): ControlFacts {
    const halts = this.halts.read();
    if (halts.problem !== null) return { halts, freezes: { entries: [], unreadable: [] }, sight: undefined };
    const sight = readBrokerSight(this.folder);
    try {
      return { halts, sight, freezes: this.freezes.inForce() };
    } catch (error) {
      const problem = `${this.folder} cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`;
      return { halts: { ...halts, problem }, sight, freezes: { entries: [], unreadable: [] } };
    }
  }
}
