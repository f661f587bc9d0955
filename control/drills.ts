import * as path from "node:path";
import { z } from "zod";
import { readRecord, writeWhole } from "./folder";
import { HALT_LEVELS } from "./levels";

/** The newest halt drill that came to an end of its own: the guard tells by it when one is overdue. */
const drill = z.strictObject({
  format: z.literal(1),
  /** UTC, when it ended. */
  at: z.iso.datetime(),
  passed: z.boolean(),
  /** UTC, when the newest that passed ended; null where none did. */
  passedAt: z.iso.datetime().nullable(),
  /** Seconds from each halt until the broker said that it holds to it; null where it did not, or was not asked. */
  levels: z.array(z.strictObject({ level: z.enum(HALT_LEVELS), seconds: z.number().min(0).nullable() })),
});
export type Drill = z.infer<typeof drill>;

const file = (control: string) => path.join(control, "drills.json");

export function writeDrill(control: string, record: Drill): void {
  writeWhole(file(control), `${JSON.stringify(drill.parse(record))}\n`);
}

/** @returns undefined where there was none, or its record cannot be read */
export function readDrill(control: string): Drill | undefined {
  return readRecord(file(control), drill);
}
