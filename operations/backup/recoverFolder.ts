import * as fs from "node:fs";
import * as path from "node:path";
import { recoveryKey } from "../../config/backupSecrets";
import { CLONE_FOLDER } from "../../config/clone";
import { failure } from "../errors";

/** Where the recovered folder lies until it is known to be the right one: Git ignores it as it does the rest. */
export const RECOVERED = "recovered";

/** What of two folders matters for whether one may be brought into the other. */
export interface FolderFacts {
  readonly owner: string | undefined;
  readonly passphrase: string | undefined;
  /** Stack -> its key. */
  readonly keys: Readonly<Record<string, string>>;
}

/** Whether everything of the stack is there already, under the very key that the second copy is opened with. */
export function isThere(stack: string, { owner, passphrase, keys }: FolderFacts, key: string): boolean {
  const own = keys[stack];
  return own !== undefined && recoveryKey(own) === key && owner !== undefined && passphrase !== undefined;
}

/**
 * Whether the recovered folder may be brought into the one that is there.
 *
 * @param key the recovery key it was opened with
 * @throws {CommandError} when either of them would be damaged
 */
export function demandMergeable(stack: string, recovered: FolderFacts, there: FolderFacts, key: string): void {
  const own = recovered.keys[stack];
  if (own === undefined) throw failure(`the second copy holds no key of stack ${stack}; it holds: ${Object.keys(recovered.keys).join(", ") || "none"}; nothing was changed`);
  if (recoveryKey(own) !== key) throw failure(`the second copy is not that of stack ${stack}: its key does not belong to the recovery key; nothing was changed`);
  const present = there.keys[stack];
  if (present !== undefined && present !== own) {
    throw failure(
      `${CLONE_FOLDER}/stacks/${stack}/key is there and is another one: everything of stack ${stack} made here would be lost. When nothing was made with it, take the folder ${CLONE_FOLDER} out of the way (rename it) and run the command again; nothing was changed`,
    );
  }
  const others = Object.keys(there.keys).filter((name) => name !== stack);
  const differs = (mine: string | undefined, theirs: string | undefined) => mine !== undefined && mine !== theirs;
  const alike = !differs(there.passphrase, recovered.passphrase) && !differs(there.owner, recovered.owner);
  if (alike || (others.length === 0 && present === undefined)) return;
  throw failure(
    `${CLONE_FOLDER} belongs to other stacks (${[...others, ...(present === undefined ? [] : [stack])].join(", ")}) with a passphrase or an owner of its own: recover stack ${stack} in a clone of its own; nothing was changed`,
  );
}

/** Reads what matters of a `.trading` folder. */
export function folderFacts(folder: string): FolderFacts {
  const stacks = path.join(folder, "stacks");
  const names = fs.existsSync(stacks) ? fs.readdirSync(stacks) : [];
  const keys = names.flatMap((name) => {
    const key = readIfThere(path.join(stacks, name, "key"));
    return key === undefined ? [] : [[name, key] as const];
  });
  return { owner: readIfThere(path.join(folder, "owner")), passphrase: readIfThere(path.join(folder, "passphrase")), keys: Object.fromEntries(keys) };
}

/** Brings the stack's own files, owner and passphrase into the folder. Pulumi's state is kept beside them, for reading. */
export function bringIn(recovered: string, folder: string, stack: string): void {
  fs.mkdirSync(path.join(folder, "state"), { recursive: true, mode: 0o700 });
  if (process.platform !== "win32") fs.chmodSync(folder, 0o700);
  const from = path.join(recovered, "stacks", stack);
  const to = path.join(folder, "stacks", stack);
  fs.mkdirSync(to, { recursive: true, mode: 0o700 });
  // What of a command was running when the backup was made, is not running here.
  const passing = /\.(lock|tmp)$|^(restore|recover)\.json$/;
  for (const name of fs.readdirSync(from)) {
    if (!passing.test(name) && name !== "key") fs.cpSync(path.join(from, name), path.join(to, name), { recursive: true });
  }
  const state = findState(recovered, stack);
  if (state !== undefined) fs.copyFileSync(state, path.join(to, OLD_STATE));
  for (const name of ["owner", "passphrase"]) place(path.join(recovered, name), path.join(folder, name));
  // Last: whoever finds the key finds the rest as well.
  place(path.join(from, "key"), path.join(to, "key"));
}

/** Puts a file at its place, whole or not at all. */
function place(from: string, to: string): void {
  const temporary = `${to}.${process.pid}.tmp`;
  fs.copyFileSync(from, temporary);
  fs.chmodSync(temporary, 0o600);
  fs.renameSync(temporary, to);
}

/**
 * Takes Pulumi's state of the stack aside: it names containers and volumes that are gone, and Pulumi would not fill again
 * the volumes of secrets whose names have not changed. What is made anew takes over the recovered volumes by their names.
 */
export function setStateAside(folder: string, stack: string): void {
  const state = findState(folder, stack);
  if (state === undefined) return;
  fs.renameSync(state, path.join(folder, "stacks", stack, OLD_STATE));
  fs.rmSync(`${state}.bak`, { force: true });
}

/** Pulumi's state of the machine that is gone. */
const OLD_STATE = "state-before-recovery.json";

function findState(folder: string, stack: string): string | undefined {
  const root = path.join(folder, "state", ".pulumi", "stacks");
  if (!fs.existsSync(root)) return undefined;
  return fs
    .readdirSync(root)
    .map((project) => path.join(root, project, `${stack}.json`))
    .find((file) => fs.existsSync(file));
}

function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8").trim();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
