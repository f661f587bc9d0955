import type { Release } from "../../config/releases";
import { shortImage, time } from "../format";
import { wayWithData, type SchemaVerdict } from "./schema";

/** What is known before a rollback begins. */
export interface RollbackFacts {
  readonly stack: string;
  readonly target: Release;
  /** Where its configuration was taken from. */
  readonly source: string;
  /** The release that runs; undefined where what runs is none. */
  readonly running: Release | undefined;
  /** Service -> id of the image its container runs; those that there are. */
  readonly containers: Readonly<Record<string, string>>;
  /** Images that were brought back from the backup, in words. */
  readonly broughtBack: readonly string[];
  readonly schema: SchemaVerdict;
  /** One line each; null where nobody says. */
  readonly positions: readonly string[] | null;
  readonly keepPositions: boolean;
  readonly anySchema: boolean;
  /** Halts and freezes in force, in words. */
  readonly inForce: readonly string[];
  /** What a freeze has against it; null where nothing. */
  readonly frozen: string | null;
  /** Where the stack's file is kept as it is now, when it is in no commit; null where Git has it. */
  readonly keptAs: string | null;
}

/** Why a rollback must not begin, one line each; empty when it may. Trading is stopped first, and rolled back second. */
export function rollbackRefusals(facts: Pick<RollbackFacts, "stack" | "target" | "schema" | "positions" | "keepPositions" | "anySchema" | "frozen">): string[] {
  const { stack, target, schema, positions, keepPositions, anySchema, frozen } = facts;
  const lines: string[] = [];
  if (frozen !== null) lines.push(frozen);
  if (!anySchema && schema.problems.length > 0) {
    lines.push(...schema.problems.map(({ text }) => `${text}.`));
    const way = wayWithData(target, schema.problems);
    if (way.length > 0) lines.push("To take the data back as well, in this order; the second shows what would be lost, and asks:", ...way.map((command) => `  ${command}`));
  }
  if (!keepPositions && (positions === null || positions.length > 0)) {
    lines.push(positions === null ? "whether positions are open is not known: neither the database nor the page answers." : `positions are open: ${positions.join("; ")}.`);
    lines.push(
      "Stop first, roll back second: a halt lets nothing in, and protective stops stay:",
      `  npx trading halt --stack ${stack} --level reduce --reason "..."`,
      "and when they are closed, or at once with --keep-positions:",
      `  npx trading rollback --stack ${stack} --to ${target.id} --keep-positions`,
    );
  }
  return lines;
}

/** What is going to happen, before the owner is asked. */
export function planText(facts: RollbackFacts): string {
  const { stack, target, source, running, containers, broughtBack, schema, positions, inForce, keptAs } = facts;
  const changed = Object.entries(target.images).filter(([service, id]) => containers[service] !== undefined && id.startsWith("sha256:") && containers[service] !== id);
  const images = changed.map(([service, id]) => `${service} ${shortImage(containers[service]!)} → ${shortImage(id)}`);
  const rows: [string, string][] = [
    ["Back to", `${releaseText(target)}; its stack file from ${source}`],
    ["Runs now", running === undefined ? "what an up left that was not good, or nobody recorded" : releaseText(running)],
    ["Images", images.join(", ") || "those that run"],
    ...(broughtBack.length === 0 ? [] : [["", `brought back from the backup: ${broughtBack.join(", ")}`] as [string, string]]),
    ["Database", [...schema.problems.map(({ text }) => `NOT AS THE RELEASE NEEDS IT: ${text}`), ...schema.notes].join("; ") || "its schema is one the release knows; no data is touched"],
    ["Positions", positions === null ? "not known" : positions.length === 0 ? "none open" : `${positions.join("; ")}; they stay, with their protective stops`],
    ...inForce.map((each): [string, string] => ["Stays", each]),
    ...(keptAs === null ? [] : [["Kept", `the stack's file as it is now, which is in no commit: ${keptAs}`] as [string, string]]),
  ];
  const lines = rows.map(([head, text]) => `  ${head.padEnd(10)}${text}`);
  return `Rollback of stack ${stack}:\n${lines.join("\n")}\n  Bots are stopped first, and started again as they are wished when the release is up.\n`;
}

function releaseText({ id, at, stable, commit, clean }: Release): string {
  const parts = [time(Date.parse(at)), stable === null ? "not stable" : `stable since ${time(Date.parse(stable.at))}`, ...(commit === null ? [] : [`commit ${commit.slice(0, 12)}${clean ? "" : " with changes"}`])];
  return `${id} (${parts.join(", ")})`;
}

/** How one goes forward again, as commands. */
export function wayForward(stack: string, left: Release | undefined, commit: string | null): string[] {
  return [
    ...(left === undefined ? [] : [`npx trading rollback --stack ${stack} --to ${left.id}`]),
    ...(commit === null ? [] : [`git revert --no-edit ${commit.slice(0, 12)}`, `npx trading deploy --stack ${stack}`]),
  ];
}
