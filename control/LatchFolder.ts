import * as fs from "node:fs";
import * as path from "node:path";
import type { z } from "zod";
import { FOLDERS, readRecord, syncFolder, writeWhole } from "./folder";
import { freezeRecord, haltRecord, liftedFreeze, liftedHalt, type Freeze, type Halt, type LiftedFreeze, type LiftedHalt } from "./records";

/** What is in force. `unreadable` names files that are no record: what they say is not known, so the worst is assumed. */
export interface InForce<Entry> {
  readonly entries: readonly Entry[];
  readonly unreadable: readonly string[];
}

export interface Lifting {
  readonly liftedAt: string;
  readonly liftedBy: Halt["by"];
  readonly liftedWho: string;
  readonly liftedReason: string;
}

/**
 * Records each of which is a file: it is in force while the file is there. A record is never changed, so that several who
 * write at once, in containers and out of them, need no lock; and what was read once is known by its name.
 */
export class LatchFolder<Entry extends { readonly id: string }, Lifted> {
  private readonly known = new Map<string, Entry>();
  private readonly folder: string;

  /** @param control the control folder */
  constructor(
    private readonly control: string,
    name: "halts" | "freezes",
    private readonly record: z.ZodType<Entry>,
    private readonly lifted: z.ZodType<Lifted>,
  ) {
    this.folder = path.join(control, FOLDERS[name]);
  }

  /** @throws when the folder cannot be read */
  inForce(): InForce<Entry> {
    const entries: Entry[] = [];
    const unreadable: string[] = [];
    for (const name of fs.readdirSync(this.folder).sort()) {
      if (!name.endsWith(".json")) continue;
      const entry = this.known.get(name) ?? this.read(name);
      if (entry === "gone") continue;
      if (entry === undefined) unreadable.push(name);
      else {
        this.known.set(name, entry);
        entries.push(entry);
      }
    }
    return { entries, unreadable };
  }

  /**
   * Puts a record into force; it is, on the disk too, when this returns. On a full disk an empty file takes its place: it
   * says nothing, and so counts as the worst.
   *
   * @throws when not even that is possible
   */
  place(entry: Entry): void {
    const file = path.join(this.folder, `${entry.id}.json`);
    try {
      writeWhole(file, `${JSON.stringify(this.record.parse(entry), null, 2)}\n`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      fs.closeSync(fs.openSync(file, "w", 0o644));
      syncFolder(this.folder);
    }
  }

  /**
   * Takes a record out of force and keeps it among the lifted ones.
   *
   * @returns false where it is not in force
   */
  lift(id: string, lifting: Lifting): boolean {
    const name = `${id}.json`;
    const file = path.join(this.folder, name);
    if (!fs.existsSync(file)) return false;
    const entry = this.read(name);
    // Kept first: cut off in between, it is in force still.
    if (entry !== undefined && entry !== "gone") writeWhole(path.join(this.control, FOLDERS.lifted, name), `${JSON.stringify(this.lifted.parse({ ...entry, ...lifting }), null, 2)}\n`);
    fs.rmSync(file, { force: true });
    syncFolder(this.folder);
    this.known.delete(name);
    return true;
  }

  /** Those that were lifted, oldest first; one that cannot be read is left out. */
  liftedOnes(): Lifted[] {
    const folder = path.join(this.control, FOLDERS.lifted);
    return fs
      .readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .sort()
      .flatMap((name) => {
        const entry = readRecord(path.join(folder, name), this.lifted);
        return entry === undefined ? [] : [entry];
      });
  }

  /** @returns undefined where it is no record; "gone" where it was lifted meanwhile */
  private read(name: string): Entry | "gone" | undefined {
    const file = path.join(this.folder, name);
    const entry = readRecord(file, this.record);
    if (entry === undefined && !fs.existsSync(file)) return "gone";
    // A record under another's name could never be lifted by its id.
    return entry !== undefined && `${entry.id}.json` === name ? entry : undefined;
  }
}

export function haltsOf(control: string): LatchFolder<Halt, LiftedHalt> {
  return new LatchFolder<Halt, LiftedHalt>(control, "halts", haltRecord, liftedHalt);
}

export function freezesOf(control: string): LatchFolder<Freeze, LiftedFreeze> {
  return new LatchFolder<Freeze, LiftedFreeze>(control, "freezes", freezeRecord, liftedFreeze);
}
