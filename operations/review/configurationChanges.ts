import { byName, differences, type Difference } from "./differences";
import { isObject } from "./values";

/** Addresses that are as secret as a password, below `alerts`. */
const SECRET = ["webhook", "heartbeat", "backupHeartbeat"];
/** What decides how a bot trades, and how much. */
const STRATEGY = /^(interval|feed\.source|bots\.[^.]+(\.(strategy|symbol|image|settings\..+))?)$/;
const SIZING = /^bots\.[^.]+\.(startingCash|settings\.(riskFraction|maxExposure)|limits\.)|^limits\./;
/** Hashes over what is told anyway. */
const CONSEQUENCE = /^bots\.[^.]+\.configurationHash$/;

/** The places in which two configurations of a stack differ, addresses hidden. */
export function configurationChanges(before: unknown, after: unknown): Difference[] {
  return differences(byName(hidden(before, after, "(secret)")), byName(hidden(after, before, "another (secret)")), "").filter(({ path }) => !CONSEQUENCE.test(path));
}

/** A configuration with words in place of addresses: another word where the other configuration has another address. */
function hidden(configuration: unknown, other: unknown, another: string): unknown {
  if (!isObject(configuration) || !isObject(configuration["alerts"])) return configuration;
  const theirs = isObject(other) && isObject(other["alerts"]) ? other["alerts"] : {};
  const isAddress = (value: unknown) => value !== undefined && value !== "file";
  const shown = Object.entries(configuration["alerts"]).map(([key, value]) => {
    if (!SECRET.includes(key) || !isAddress(value)) return [key, value];
    return [key, isAddress(theirs[key]) && theirs[key] !== value ? another : "(secret)"];
  });
  return { ...configuration, alerts: Object.fromEntries(shown) };
}

/** Whether a difference changes what a bot does, or how much it may trade: then it belongs into the CHANGELOG. */
export function belongsIntoChangelog({ path }: Difference): boolean {
  return STRATEGY.test(path) || SIZING.test(path);
}
