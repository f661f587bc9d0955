import * as path from "node:path";
import { z } from "zod";
import { readRecord, writeWhole } from "./folder";

/** What the broker has read of the halts: who placed one sees here that it is in force. */
const sight = z.strictObject({
  /** UTC, when the broker wrote this. */
  at: z.iso.datetime(),
  /** Ids of the halts that it holds to, and names of files that it cannot read. */
  incidents: z.array(z.string()),
  problem: z.string().nullable(),
});
export type BrokerSight = z.infer<typeof sight>;

export function writeBrokerSight(control: string, seen: BrokerSight): void {
  writeWhole(path.join(control, "broker.json"), `${JSON.stringify(seen)}\n`);
}

/** @returns undefined before the broker ever wrote it */
export function readBrokerSight(control: string): BrokerSight | undefined {
  return readRecord(path.join(control, "broker.json"), sight);
}
