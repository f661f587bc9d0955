import { z } from "zod";
import { databaseContent } from "../../domain/backup/recoveryPoint";
import { failure } from "../errors";
import { rowsOf } from "./losses";
import type { Part } from "./restoreParts";
import type { Schemas } from "./restorePlan";
import type { ToolResult } from "./toolMessages";

const verification = z.object({ passed: z.boolean(), checks: z.array(z.object({ name: z.string(), passed: z.boolean(), detail: z.string() })).default([]) });

/**
 * What was looked at of a restored part. Artifacts are verified by the tool itself, which fails when they are not right.
 *
 * @returns names of the checks, all of which passed
 * @throws {CommandError} when one did not, or nothing was said
 */
export function demandVerified({ name, databases, bring }: Part, result: ToolResult): string[] {
  if (databases.length === 0) return [];
  const parsed = verification.safeParse(result["verification"]);
  if (!parsed.success) throw failure(`${bring.tool} does not say whether what it restored is right`);
  const { passed, checks } = parsed.data;
  const failed = checks.filter((check) => !check.passed);
  if (passed && failed.length === 0) return checks.map((check) => check.name);
  throw failure(`what was restored of ${name} is not right: ${failed.map((check) => `${check.name}: ${check.detail}`).join("; ") || "its verification did not pass"}`);
}

/** Rows of each database that a tool says it restored; one that restores a single database says it of that one alone. */
export function restoredRows({ databases, bring }: Part, { content }: ToolResult): Record<string, Record<string, number>> {
  const alone = databases.length === 1 ? { [databases[0]!]: content } : undefined;
  const all = z.record(z.string(), z.unknown()).safeParse(alone ?? content ?? {});
  return Object.fromEntries(
    databases.map((database) => {
      const parsed = databaseContent.safeParse(all.data?.[database]);
      if (!parsed.success) throw failure(`${bring.tool} does not say what ${database} holds`);
      return [database, rowsOf(parsed.data)] as const;
    }),
  );
}

const versions = z.object({ tradingSchema: z.string().nullable(), mlflowSchema: z.string().nullable() });

/** Schemas of what was restored: by the log that was read, they may be newer than the recovery point's. Null of a part without a database. */
export function restoredSchemas({ databases, bring }: Part, result: ToolResult): Schemas | null {
  if (databases.length === 0) return null;
  const parsed = versions.safeParse(result["versions"]);
  if (!parsed.success) throw failure(`${bring.tool} does not say of which schema it is what it restored`);
  return parsed.data;
}

/** References of MLflow's database to artifacts that a part found nowhere, in words; those of what was not restored are none. */
export function lostArtifacts(result: ToolResult): readonly string[] {
  return z.array(z.string()).catch([]).parse(result["lost"] ?? []);
}
