import { createDecipheriv, pbkdf2 } from "node:crypto";
import { promisify } from "node:util";

const derive = promisify(pbkdf2);

/**
 * The line in a stack file by which Pulumi recognises the stack's passphrase; no secret by itself.
 *
 * @param {string} stackFile content of a Pulumi.<stack>.yaml
 * @returns {string | undefined}
 */
export function readSalt(stackFile) {
  return /^encryptionsalt:\s*["']?([^\s"']+)["']?\s*$/m.exec(stackFile)?.[1];
}

/**
 * Whether a passphrase is the one that a salt was made with. Pulumi's salt is `v1:<salt>:v1:<nonce>:<sealed word>`: the
 * word "pulumi", sealed with AES-256-GCM under the key that PBKDF2-HMAC-SHA-256 makes from passphrase and salt in a
 * million rounds.
 *
 * @param {string} passphrase
 * @param {string} salt
 * @throws when the salt has another form
 */
export async function opensSalt(passphrase, salt) {
  const [version, ownSalt, sealedVersion, nonce, sealed, ...rest] = salt.split(":");
  if (version !== "v1" || sealedVersion !== "v1" || !ownSalt || !nonce || !sealed || rest.length > 0) throw new Error(`encryptionsalt "${salt}" is not of the form this program knows`);
  const key = await derive(passphrase, Buffer.from(ownSalt, "base64"), 1_000_000, 32, "sha256");
  const box = Buffer.from(sealed, "base64");
  const opener = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"));
  opener.setAuthTag(box.subarray(-16));
  try {
    return Buffer.concat([opener.update(box.subarray(0, -16)), opener.final()]).toString("utf8") === "pulumi";
  } catch {
    return false;
  }
}
