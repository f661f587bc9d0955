import { isObject } from "./values";

/** A bound of a stack that is not what it was. */
export interface LimitChange {
  /** Where it stands, for example `bots.refstrat01.limits.positionQuantity`. */
  readonly key: string;
  /** What it bounds, in words. */
  readonly words: string;
  /** Null where there was, or is, no such bound. */
  readonly before: Limit | null;
  readonly after: Limit | null;
  /** More can be lost than before. */
  readonly raised: boolean;
}

type Limit = number | boolean;

/** What a limit bounds, and whether more can be lost with a higher or a lower one; `on` is a protection that must stay on. */
interface Rule {
  readonly words: string;
  readonly riskier: "higher" | "lower" | "off";
}

const higher = (words: string): Rule => ({ words, riskier: "higher" });

/** Bounds of each bot, below `bots.<name>.limits`. */
const OF_BOT: Readonly<Record<string, Rule>> = {
  orderQuantity: higher("max order quantity"),
  orderNotional: higher("max order notional"),
  positionQuantity: higher("max position"),
  positionNotional: higher("max position notional"),
  ordersPerHour: higher("max orders an hour"),
  ordersPerDay: higher("max orders a day"),
  secondsBetweenEntries: { words: "seconds between entries", riskier: "lower" },
};

/** Bounds of the stack, by the key they stand under. */
const OF_STACK: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  limits: { exposureNotional: higher("max exposure of all bots"), ordersPerHour: higher("max orders of all bots an hour"), ordersPerDay: higher("max orders of all bots a day") },
  broker: { priceCollar: higher("how far from the last close an entry may fill") },
  guard: {
    enabled: { words: "guard", riskier: "off" },
    dailyLossShare: higher("daily loss that halts"),
    drawdownShare: higher("drawdown that halts"),
    exposureShare: higher("exposure that halts"),
    feedDegradedSeconds: higher("seconds of a degraded feed that halt"),
    decisionMinutes: higher("minutes without a decision that halt"),
    trackingErrorWarnShare: higher("tracking error that warns"),
    trackingErrorFreezeShare: higher("tracking error that freezes"),
    trackingErrorReduceShare: higher("tracking error that halts"),
    clockSeconds: higher("seconds clocks may be apart"),
    haltDrillDays: higher("days between halt drills"),
  },
};

/** Below `promotion.canary`. */
const OF_CANARY: Readonly<Record<string, Rule>> = {
  days: { words: "first days after a promotion", riskier: "lower" },
  fraction: higher("part of each entry in the first days after a promotion"),
};

/**
 * The bounds that differ. A bot that is new may lose what it could not lose before; one that is gone can lose nothing.
 *
 * @param before configuration of the stack with its defaults; null where there was no such stack
 * @param after the same; null where there is none any more
 */
export function limitChanges(before: unknown, after: unknown): LimitChange[] {
  const [old, now] = [limitsOf(before), limitsOf(after)];
  const gone = [...botsOf(before).keys()].filter((name) => !botsOf(after).has(name));
  return [...new Map([...old, ...now]).keys()].flatMap((key): LimitChange[] => {
    const [from, to] = [old.get(key)?.value ?? null, now.get(key)?.value ?? null];
    if (from === to) return [];
    const { words, riskier } = (now.get(key) ?? old.get(key))!.rule;
    const ofGoneBot = after === null || gone.some((name) => key.startsWith(`bots.${name}.`));
    return [{ key, words, before: from, after: to, raised: !ofGoneBot && isRaised(from, to, riskier) }];
  });
}

function isRaised(before: Limit | null, after: Limit | null, riskier: Rule["riskier"]): boolean {
  if (riskier === "off") return before !== false && after !== true;
  // A bound that is gone bounds nothing; one where there was nothing to bound lets in something new.
  if (after === null || before === null) return true;
  return riskier === "higher" ? Number(after) > Number(before) : Number(after) < Number(before);
}

function limitsOf(configuration: unknown): Map<string, { readonly value: Limit; readonly rule: Rule }> {
  const found = new Map<string, { readonly value: Limit; readonly rule: Rule }>();
  const take = (at: string, values: unknown, rules: Readonly<Record<string, Rule>>, of = "") => {
    if (!isObject(values)) return;
    for (const [key, rule] of Object.entries(rules)) {
      const value = values[key];
      if (typeof value === "number" || typeof value === "boolean") found.set(`${at}.${key}`, { value, rule: { ...rule, words: `${rule.words}${of}` } });
    }
  };
  for (const [name, bot] of botsOf(configuration)) take(`bots.${name}.limits`, bot["limits"], OF_BOT, ` of ${name}`);
  if (!isObject(configuration)) return found;
  for (const [key, rules] of Object.entries(OF_STACK)) take(key, configuration[key], rules);
  if (isObject(configuration["promotion"])) take("promotion.canary", configuration["promotion"]["canary"], OF_CANARY);
  return found;
}

function botsOf(configuration: unknown): Map<string, Readonly<Record<string, unknown>>> {
  const bots = isObject(configuration) && Array.isArray(configuration["bots"]) ? (configuration["bots"] as unknown[]) : [];
  return new Map(bots.flatMap((bot) => (isObject(bot) && typeof bot["name"] === "string" ? [[bot["name"], bot] as const] : [])));
}
