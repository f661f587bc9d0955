/** How far a halt goes; each level forbids what the one before forbids, and more. */
export const HALT_LEVELS = ["pause", "reduce", "kill"] as const;
export type HaltLevel = (typeof HALT_LEVELS)[number];

/** What the levels mean, in words for the owner. */
export const LEVEL_MEANINGS: Readonly<Record<HaltLevel, string>> = {
  pause: "no entries; exits and stops are worked as usual",
  reduce: "exits only: no entries, and a stop only moves so that it risks less",
  kill: "no order of a bot leaves: open orders are cancelled, the bot's container is stopped; the protective stop of an open position stays",
};

/** What a bot may ask the broker for. A protective stop that already works is none of them: it stays at every level. */
export type Asked = { readonly action: "enter" | "exit" } | { readonly action: "moveStop"; readonly tightens: boolean };

/** Whether a level lets an order out. */
export function permits(level: HaltLevel | null, asked: Asked): boolean {
  switch (level) {
    case null:
      return true;
    case "pause":
      return asked.action !== "enter";
    case "reduce":
      return asked.action === "exit" || (asked.action === "moveStop" && asked.tightens);
    case "kill":
      return false;
  }
}

/** The further-reaching one. */
export function worse(one: HaltLevel | null, other: HaltLevel | null): HaltLevel | null {
  return rank(one) >= rank(other) ? one : other;
}

function rank(level: HaltLevel | null): number {
  return level === null ? -1 : HALT_LEVELS.indexOf(level);
}
