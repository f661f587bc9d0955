import { createHash, timingSafeEqual } from "node:crypto";

const digest = (text: string): Buffer => createHash("sha256").update(text, "utf8").digest();

/** Tells whose token an Authorization header carries. */
export class TokenCheck {
  private readonly digests: readonly { readonly bot: string; readonly digest: Buffer }[];

  /** @param tokens token by bot name */
  constructor(tokens: ReadonlyMap<string, string>) {
    this.digests = [...tokens].map(([bot, token]) => ({ bot, digest: digest(token) }));
  }

  /**
   * Compares with every known token in constant time, so that an answer's time tells nothing of a token.
   * @param header the value of the Authorization header
   * @returns the name of the bot, or null
   */
  botOf(header: string | undefined): string | null {
    const token = /^Bearer ([^\s]{1,512})$/i.exec(header ?? "")?.[1];
    const given = digest(token ?? "");
    let found: string | null = null;
    for (const known of this.digests) {
      if (timingSafeEqual(known.digest, given) && token !== undefined) found = known.bot;
    }
    return found;
  }
}
