import * as path from "node:path";
import { z } from "zod";
import { readRecord, writeWhole } from "./folder";

/** The newest drift check: containers do not know what was declared, and the guard tells by this what was found. */
const driftCheck = z.strictObject({
  format: z.literal(1),
  /** UTC, when what runs was compared with what is declared. */
  at: z.iso.datetime(),
  /** Things that are not as they were declared. */
  differences: z.int().min(0),
  /** The first of them, one line each, without their values. */
  found: z.array(z.string().max(300)).max(20),
});
export type DriftCheck = z.infer<typeof driftCheck>;

const file = (control: string) => path.join(control, "drift.json");

export function writeDriftCheck(control: string, record: DriftCheck): void {
  writeWhole(file(control), `${JSON.stringify(driftCheck.parse(record))}\n`);
}

/** @returns undefined where there was none, or its record cannot be read */
export function readDriftCheck(control: string): DriftCheck | undefined {
  return readRecord(file(control), driftCheck);
}
