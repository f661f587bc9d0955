import { treeRemark } from "../../config/gitState";
import type { Release } from "../../config/releases";
import { NONE, time } from "../format";
import { plainTable } from "../statusText";
import { changesOf } from "./changes";
import { settledText, soakText, type Settled } from "./settle";

/** One line of the table, and one entry of the JSON document. */
export interface ReleaseEntry {
  readonly id: string;
  readonly at: string;
  readonly confirmedAt: string;
  /** Whether it is the one that runs. */
  readonly running: boolean;
  readonly commit: string | null;
  readonly clean: boolean;
  readonly pushed: boolean | null;
  readonly stable: Release["stable"];
  /** Whether it is stable, and why not where it is not. */
  readonly standing: string;
  /** Against the release before. */
  readonly changes: readonly string[];
  readonly images: Release["images"];
  readonly configurationHash: string;
  readonly schemaVersion: number;
  readonly backup: string | null;
}

/** @param releases oldest first */
export function releaseEntries(releases: readonly Release[], { soak }: Pick<Settled, "soak">): ReleaseEntry[] {
  return releases.map((release, index) => {
    const { id, at, confirmedAt, commit, clean, pushed, stable, images, configurationHash, schemaVersion, backup } = release;
    const running = index === releases.length - 1;
    const standing = stable !== null ? `stable since ${time(Date.parse(stable.at))}` : !running ? "replaced before it was" : soak === undefined ? "not yet" : soakText(soak);
    return { id, at, confirmedAt, running, commit, clean, pushed, stable, standing, changes: changesOf(releases[index - 1], release), images, configurationHash, schemaVersion, backup };
  });
}

export interface ReleasesFound {
  readonly stack: string;
  /** Oldest first. */
  readonly entries: readonly ReleaseEntry[];
  readonly unreadable: readonly string[];
  readonly settled: Settled;
}

/** The table, the newest first. */
export function releasesText({ stack, entries, unreadable, settled }: ReleasesFound): string {
  const lines: string[] = [];
  if (entries.length === 0) lines.push(`Stack ${stack} has no release yet: npm run pulumi -- up --stack ${stack} leaves one`);
  else {
    const rows = [...entries].reverse().map((entry) => [entry.id, time(Date.parse(entry.at)), entry.commit?.slice(0, 10) ?? NONE, treeRemark(entry) ?? "clean, pushed", entry.standing, entry.changes.join("; ")]);
    lines.push(plainTable(["release", "when", "commit", "tree", "stable", "what changed"], rows).trimEnd());
  }
  const done = settledText({ ...settled, soak: undefined });
  if (done !== null) lines.push(done);
  for (const name of unreadable) lines.push(`.trading/stacks/${stack}/releases/${name} is no record of a release of ${stack}: bring it back from the backup, or remove it`);
  return `${lines.join("\n")}\n`;
}
