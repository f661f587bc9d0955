import { createHmac } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

/** The ignored folder of a clone that holds Pulumi's state, the passphrase, the stacks' keys and the wishes for the bots. */
export const CLONE_FOLDER = ".trading";

function readRequired(root: string, ...segments: string[]): string {
  const file = path.join(root, CLONE_FOLDER, ...segments);
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8").trim();
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "is missing" : `cannot be read (${(error as Error).message})`;
    throw new Error(`${path.join(CLONE_FOLDER, ...segments)} ${reason}: run \`npm start\` first, or bring ${CLONE_FOLDER} back from the backup`);
  }
  if (text === "") throw new Error(`${path.join(CLONE_FOLDER, ...segments)} is empty: bring ${CLONE_FOLDER} back from the backup`);
  return text;
}

/** Identity of this clone, written into the labels of everything it makes. */
export function readOwner(root: string): string {
  return readRequired(root, "owner");
}

/** The stack's key, 64 hexadecimal digits, from which all its passwords are derived. */
export function readStackKey(root: string, stack: string): string {
  const key = readRequired(root, "stacks", stack, "key");
  if (!/^[0-9a-f]{64}$/.test(key)) {
    throw new Error(`${path.join(CLONE_FOLDER, "stacks", stack, "key")} does not hold 64 hexadecimal digits: bring ${CLONE_FOLDER} back from the backup`);
  }
  return key;
}

/** A file of the stack's folder that the owner made. @param why what needs it, for the message when it is missing */
export function readOwnersFile(root: string, stack: string, name: string, why: string): string {
  try {
    return readRequired(root, "stacks", stack, name);
  } catch (error) {
    throw new Error(`${why}: ${(error as Error).message.replace(/: .*$/s, "")}; write it there, or change the stack's file`);
  }
}

/**
 * Password for one purpose of one stack. Derived from the stack's key with HMAC-SHA-256, so that a role that is
 * declared later has one without anybody making it, and a rollback through Git can never bring an old one back.
 *
 * @param purpose for example `database/broker`
 * @returns 43 characters of base64url
 */
export function derivePassword(key: string, purpose: string): string {
  return createHmac("sha256", Buffer.from(key, "hex")).update(purpose).digest("base64url");
}
