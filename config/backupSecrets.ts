import * as fs from "node:fs";
import { derivePassword, readOwnersFile } from "./clone";
import type { BackupConfiguration } from "./backupSchema";

/** What the backup container gets as files. */
export interface BackupSecrets {
  /** Key of pgBackRest's repository. */
  readonly databaseKey: string;
  /** Key of the first copy of everything else. */
  readonly filesKey: string;
  /** Key of the second copy: with it and the copy alone, everything comes back. */
  readonly recoveryKey: string;
  /** Where restic finds the second copy; undefined without one. */
  readonly secondCopyAddress: string | undefined;
}

/** Where the folder of a second copy is mounted in the containers that use it. */
export const SECOND_COPY_MOUNT = "/second-copy";

/** The key with which the second copy of a stack is opened. */
export function recoveryKey(key: string): string {
  return derivePassword(key, "backup/second-copy");
}

/**
 * Reads what the owner keeps in files, and derives the rest.
 *
 * @param root folder of the project
 * @param key the stack's key
 * @throws naming the file, or the key of the stack's file, that has to be mended
 */
export function backupSecrets(root: string, stack: string, configuration: BackupConfiguration, key: string): BackupSecrets {
  return {
    databaseKey: derivePassword(key, "backup/database"),
    filesKey: derivePassword(key, "backup/files"),
    recoveryKey: recoveryKey(key),
    secondCopyAddress: secondCopyAddress(root, stack, configuration),
  };
}

function secondCopyAddress(root: string, stack: string, { secondCopy }: BackupConfiguration): string | undefined {
  if (secondCopy.kind === "none") return undefined;
  if (secondCopy.kind === "path") return SECOND_COPY_MOUNT;
  const login = readOwnersFile(root, stack, "second-copy-login", "trading:backup.secondCopy needs user and password of the REST server");
  const at = login.indexOf(":");
  if (at < 1 || /\s/.test(login)) throw new Error(`.trading/stacks/${stack}/second-copy-login does not hold user:password`);
  const url = new URL(secondCopy.address);
  url.username = encodeURIComponent(login.slice(0, at));
  url.password = encodeURIComponent(login.slice(at + 1));
  return `rest:${url.href}`;
}

/**
 * Docker would make a folder that is missing, on whatever disk there is, and the second copy would lie beside the first.
 *
 * @throws when the configured folder is not there
 */
export function demandSecondCopyFolder({ secondCopy }: BackupConfiguration): void {
  if (secondCopy.kind !== "path") return;
  if (fs.statSync(secondCopy.path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new Error(`trading:backup.secondCopy.path = "${secondCopy.path}": no such folder; make it, or connect the disk it is on; nothing was changed`);
}
