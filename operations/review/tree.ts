import * as fs from "node:fs";
import * as path from "node:path";
import { CLONE_FOLDER } from "../../config/clone";
import { failure } from "../errors";
import { exportCommit, type ReviewedCommit } from "./commits";
import { checkpoint } from "./madeUpState";
import type { StateResource } from "./plannedResources";

/**
 * What stands for the secrets of a clone in a review. None of it opens anything: it is the same for base and head, so that a
 * secret differs only where the program makes another one of it.
 */
export const PLACEHOLDERS = {
  owner: "0".repeat(16),
  key: "0".repeat(64),
  passphrase: "a review has no passphrase",
  /** Files of a stack that its configuration may ask for. */
  files: {
    "alert-webhook": "https://review.invalid/alerts",
    "alert-heartbeat": "https://review.invalid/heartbeat",
    "alert-backup-heartbeat": "https://review.invalid/backup-heartbeat",
    "second-copy-login": "review:review",
  },
} as const;

/** Keys of a stack's file that belong to the owner's passphrase. */
const OF_PASSPHRASE = /^(encryptionsalt|secretsprovider|encryptedkey):.*\r?\n?/gm;
const STACK_FILE = /^Pulumi\.([a-z][a-z0-9-]{0,30})\.yaml$/;
const LOCK = "package-lock.json";

/** Makes a folder hold the project as it is in a commit, ready to be previewed: packages, tools, a throw-away `.trading`. */
export async function prepareTree(root: string, { commit }: ReviewedCommit, folder: string, install: (folder: string) => Promise<void>): Promise<void> {
  fs.mkdirSync(folder);
  await exportCommit(root, commit, folder);
  if (!fs.existsSync(path.join(folder, "Pulumi.yaml"))) throw failure(`commit ${commit.slice(0, 12)} holds no Pulumi.yaml: there is nothing to preview`);
  if (sameText(path.join(root, LOCK), path.join(folder, LOCK))) fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"), "junction");
  else await install(folder);
  // What decides over an image, and what was bundled of the same inputs before.
  for (const name of ["certificates", "bundles"]) {
    const kept = path.join(root, ".tools", name);
    if (fs.existsSync(kept)) fs.cpSync(kept, path.join(folder, ".tools", name), { recursive: true });
  }
  const clone = path.join(folder, CLONE_FOLDER);
  fs.mkdirSync(clone, { mode: 0o700 });
  fs.writeFileSync(path.join(clone, "owner"), PLACEHOLDERS.owner);
  for (const stack of stacksOf(folder)) {
    const own = path.join(clone, "stacks", stack);
    fs.mkdirSync(own, { recursive: true });
    fs.writeFileSync(path.join(own, "key"), PLACEHOLDERS.key);
    for (const [name, content] of Object.entries(PLACEHOLDERS.files)) fs.writeFileSync(path.join(own, name), content);
    const file = path.join(folder, `Pulumi.${stack}.yaml`);
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace(OF_PASSPHRASE, ""));
  }
}

/** Names of the project's stacks: those that have a file. */
export function stacksOf(folder: string): string[] {
  return fs.readdirSync(folder).flatMap((name) => STACK_FILE.exec(name)?.[1] ?? []).sort();
}

/** Puts a state in the place of a stack's; null for one in which nothing was ever made. */
export function putState(folder: string, project: string, stack: string, resources: readonly StateResource[] | null): void {
  const state = path.join(folder, CLONE_FOLDER, "state", ".pulumi");
  fs.mkdirSync(path.join(state, "stacks", project), { recursive: true });
  // States of one backend are kept by project since version 1.
  fs.writeFileSync(path.join(state, "meta.yaml"), "version: 1\n");
  fs.writeFileSync(path.join(state, "stacks", project, `${stack}.json`), checkpoint(project, stack, resources));
}

/** Whether two files say the same, whatever their line ends. */
function sameText(one: string, other: string): boolean {
  const read = (file: string) => (fs.existsSync(file) ? fs.readFileSync(file, "utf8").replaceAll("\r\n", "\n") : undefined);
  return read(one) === read(other);
}
