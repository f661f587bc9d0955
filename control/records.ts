import { randomBytes } from "node:crypto";
import { z } from "zod";
import { HALT_LEVELS } from "./levels";

const text = (longest: number) => z.string().min(1).max(longest);
/** Name of a bot; null is every bot of the stack, those that are declared later included. */
const bot = z.string().regex(/^[a-z][a-z0-9]{0,30}$/).nullable();

/** Who did something: a person at the command line, a person at the page, the guard, the drill. */
export const ACTORS = ["person", "page", "guard", "drill"] as const;

const origin = {
  /** Incident id, for example `INC-20261127-070501-4f2a`. */
  id: z.string().regex(/^(INC|FRZ)-\d{8}-\d{6}-[0-9a-f]{4}$/),
  stack: text(60),
  bot,
  reason: text(2000),
  by: z.enum(ACTORS),
  /** The person's name at the machine, or what of ours acted. */
  who: text(200),
  /** UTC. */
  at: z.iso.datetime(),
  /** Rule that acted by itself, for example `drawdown`; null for a person. */
  rule: z.string().max(60).nullable(),
  /** What the rule saw, the same for as long as it is the same thing: lifted once, the rule does not act for it again. */
  cause: z.string().max(200).nullable(),
  /** The numbers it went by, for example {"drawdown": 0.131, "limit": 0.12}. */
  numbers: z.record(z.string().max(60), z.union([z.number(), z.string().max(200), z.null()])),
  /** Section of the runbook, for example `runbooks/Incident_Handling.md#4-1-...`. */
  runbook: z.string().max(200).nullable(),
  /** What was open then, one line for each bot, as far as it was known. */
  open: z.array(z.string().max(300)).max(50),
};

/** A halt as it stands in its file. It is never changed: it is there, or it is lifted. */
export const haltRecord = z.strictObject({ format: z.literal(1), ...origin, level: z.enum(HALT_LEVELS) });
export type Halt = z.infer<typeof haltRecord>;

/** A freeze of deploys and promotions. */
export const freezeRecord = z.strictObject({ format: z.literal(1), ...origin, until: z.iso.datetime().nullable() });
export type Freeze = z.infer<typeof freezeRecord>;

const lifting = { liftedAt: z.iso.datetime(), liftedBy: z.enum(ACTORS), liftedWho: text(200), liftedReason: z.string().max(2000) };
export const liftedHalt = haltRecord.extend(lifting);
export type LiftedHalt = z.infer<typeof liftedHalt>;
export const liftedFreeze = freezeRecord.extend(lifting);
export type LiftedFreeze = z.infer<typeof liftedFreeze>;

/** @param now epoch milliseconds */
export function incidentId(kind: "INC" | "FRZ", now: number): string {
  const digits = new Date(now).toISOString().replace(/[-:]/g, "");
  return `${kind}-${digits.slice(0, 8)}-${digits.slice(9, 15)}-${randomBytes(2).toString("hex")}`;
}
