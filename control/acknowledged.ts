import * as path from "node:path";
import { z } from "zod";
import { FOLDERS, readRecord, writeWhole } from "./folder";

/** That the owner has seen an alert, and how bad it was then: one that became worse is told of again. */
const acknowledgement = z.strictObject({ at: z.iso.datetime(), who: z.string().max(200), severity: z.enum(["warning", "critical"]) });
export type Acknowledgement = z.infer<typeof acknowledgement>;

/** Ids are made by the alert channels; anything else would be a path. */
const incident = /^[A-Za-z0-9-]{1,100}$/;

/** Keeps that an alert was seen; it is on the disk when this returns. @throws when the folder cannot be written */
export function acknowledge(control: string, id: string, seen: Acknowledgement): void {
  if (!incident.test(id)) throw new Error(`"${id}" is no id of an alert`);
  writeWhole(path.join(control, FOLDERS.acknowledged, id), `${JSON.stringify(acknowledgement.parse(seen))}\n`);
}

/** @returns undefined where nobody has seen it, and where that cannot be read: told once too often is better than never */
export function acknowledgementOf(control: string, id: string): Acknowledgement | undefined {
  return incident.test(id) ? readRecord(path.join(control, FOLDERS.acknowledged, id), acknowledgement) : undefined;
}
