import { createHash, timingSafeEqual } from "node:crypto";

const digest = (text: string): Buffer => createHash("sha256").update(text, "utf8").digest();

/** Whether an Authorization header carries this token; compared in constant time. */
export function isBearer(header: string | undefined, token: string): boolean {
  const given = /^Bearer ([^\s]{1,512})$/i.exec(header ?? "")?.[1];
  return timingSafeEqual(digest(given ?? ""), digest(token)) && given !== undefined;
}
