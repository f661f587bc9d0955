import { GUARD_BOUNDS, RISK_BOUNDS, type RiskBounds } from "../bounds";
import { LABELS } from "../../config/names";
import { environmentOf, labelOf, TYPES, UNKNOWN, type DeclaredResource, type ResourceRule, type Violation } from "../rule";

/**
 * Bounds of the limits themselves, where they take effect: in the settings that the broker, and in live the guard, are
 * started with. A limit that is missing there is one that does not bind.
 */
export const riskLimits: ResourceRule = {
  name: "risk-limits-bounded",
  description: "No stack file can set a risk limit beyond the bounds of policy/bounds.ts.",
  types: [TYPES.container],
  check: (resource) => {
    const service = labelOf(resource, LABELS.service);
    if ((service !== "broker" && service !== "guard") || resource.properties.envs === UNKNOWN) return [];
    const mode = environmentOf(resource).get("TRADING_MODE");
    if (mode !== "paper" && mode !== "live") return [{ property: "envs TRADING_MODE", value: mode, allowed: '"paper" or "live"' }];
    const settings = settingsOf(resource);
    if (settings === undefined) return [{ property: "envs SETTINGS", value: environmentOf(resource).get("SETTINGS"), allowed: "the limits, as JSON" }];
    if (service === "guard") return mode === "live" ? thresholds(settings) : [];
    return [...brokerLimits(settings, RISK_BOUNDS[mode]), ...(mode === "live" && settings.guard !== true ? [{ property: "SETTINGS.guard", value: settings.guard, allowed: "true: live trades under a guard" }] : [])];
  },
};

function settingsOf(resource: DeclaredResource): Record<string, any> | undefined {
  try {
    return JSON.parse(environmentOf(resource).get("SETTINGS") ?? "") as Record<string, any>;
  } catch {
    return undefined;
  }
}

function brokerLimits(settings: Record<string, any>, bounds: RiskBounds): Violation[] {
  const bots: readonly Record<string, any>[] = Array.isArray(settings.bots) ? settings.bots : [];
  return [
    ...(bots.length > 0 ? [] : [{ property: "SETTINGS.bots", value: settings.bots, allowed: "at least one bot, with its limits" }]),
    ...bots.flatMap(({ limits = {}, startingCash }, index) => {
      const at = `SETTINGS.bots[${index}].limits`;
      const position = Math.min(bounds.notional, bounds.leverage === Infinity ? Infinity : bounds.leverage * Number(startingCash));
      return [
        ...atMost(`${at}.orderNotional`, limits.orderNotional, position, notionalReason(bounds)),
        ...atMost(`${at}.positionNotional`, limits.positionNotional, position, notionalReason(bounds)),
        ...atMost(`${at}.ordersPerHour`, limits.ordersPerHour, bounds.ordersPerHour),
        ...atMost(`${at}.ordersPerDay`, limits.ordersPerDay, bounds.ordersPerDay),
        ...(limits.secondsBetweenEntries >= bounds.secondsBetweenEntries ? [] : [{ property: `${at}.secondsBetweenEntries`, value: limits.secondsBetweenEntries, allowed: `at least ${bounds.secondsBetweenEntries}` }]),
      ];
    }),
    ...atMost("SETTINGS.limits.exposureNotional", settings.limits?.exposureNotional, bounds.exposureNotional),
  ];
}

function notionalReason({ notional, leverage }: RiskBounds): string {
  return leverage === Infinity ? "" : ` (the smaller of ${notional} and ${leverage} times startingCash)`;
}

function thresholds({ thresholds: set = {} }: Record<string, any>): Violation[] {
  return Object.entries(GUARD_BOUNDS).flatMap(([key, most]) => atMost(`SETTINGS.thresholds.${key}`, set[key], most));
}

/** A limit that is absent or no number does not hold. */
function atMost(property: string, value: unknown, most: number, why = ""): Violation[] {
  return typeof value === "number" && value <= most ? [] : [{ property, value, allowed: `at most ${most}${why}` }];
}
