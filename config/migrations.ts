/** A stack's keys as they were written, without the namespace; nothing is known of them yet. */
export type RawValues = Readonly<Record<string, unknown>>;

/** What a configuration of an earlier version became. */
export interface Migrated {
  readonly values: RawValues;
  /** One line for each key that was read as another, with what to write in its place; never a value, which may be secret. */
  readonly warnings: readonly string[];
}

/** One change of the schema: raw values of the version before in, those of the version after out. Files that do not need it come back as they were. */
type Step = (values: RawValues) => Migrated;

/**
 * Every change of the schema that would refuse a file of before, oldest first; a new one is added at the end. A key that
 * moved is moved, a bound that became narrower is kept to. A limit of risk is never invented: a file from before there were
 * any is refused.
 */
const STEPS: readonly Step[] = [shorterParity, alertsOfTheirOwn];

/**
 * Brings the keys of an earlier version to the present one, so that the stack file of an old release still deploys.
 *
 * @param values what was read, before it is checked; wrong values are left for the schema to tell of
 */
export function migrateConfiguration(values: RawValues): Migrated {
  return STEPS.reduce<Migrated>(
    (so, step) => {
      const { values: next, warnings } = step(so.values);
      return { values: next, warnings: [...so.warnings, ...warnings] };
    },
    { values, warnings: [] },
  );
}

/** Days that one comparison with a replay may take in; up to 3660 were allowed before the replay was held in memory at once. */
const LONGEST_PARITY_DAYS = 1100;

function shorterParity(values: RawValues): Migrated {
  const { performance } = values;
  if (!isObject(performance) || typeof performance.parityDays !== "number" || performance.parityDays <= LONGEST_PARITY_DAYS) return { values, warnings: [] };
  return {
    values: { ...values, performance: { ...performance, parityDays: LONGEST_PARITY_DAYS } },
    warnings: [`trading:performance.parityDays: more than ${LONGEST_PARITY_DAYS} are no longer compared at a time, and ${LONGEST_PARITY_DAYS} are read; write that in its place`],
  };
}

/** Keys of the backups' alarms from before all parts of a stack told of what is wrong in one way, and where they stand now. */
const MOVED_ALERTS = [
  { key: "webhook", now: "webhook", file: "the file alarm-webhook is called alert-webhook now" },
  { key: "heartbeat", now: "backupHeartbeat", file: "the file alarm-heartbeat is called alert-backup-heartbeat now" },
  { key: "repeatMinutes", now: "repeatMinutes", file: undefined },
] as const;

function alertsOfTheirOwn(values: RawValues): Migrated {
  const { backup, alerts = {} } = values;
  if (!isObject(backup) || !isObject(backup.alarms) || !isObject(alerts)) return { values, warnings: [] };
  const alarms = { ...backup.alarms };
  const moved: Record<string, unknown> = {};
  const warnings: string[] = [];
  for (const { key, now, file } of MOVED_ALERTS) {
    if (!(key in alarms)) continue;
    const [from, to] = [`trading:backup.alarms.${key}`, `trading:alerts.${now}`];
    if (now in alerts) warnings.push(`${from}: not read, for ${to} is there as well; take it out`);
    else {
      moved[now] = alarms[key];
      warnings.push(`${from}: read as ${to}; write it there${file !== undefined && alarms[key] === "file" ? ` (${file})` : ""}`);
    }
    delete alarms[key];
  }
  if (warnings.length === 0) return { values, warnings };
  return { values: { ...values, backup: { ...backup, alarms }, alerts: { ...alerts, ...moved } }, warnings };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
