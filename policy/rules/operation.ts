import { MOST_GRACE_SECONDS } from "../bounds";
import { demand, entries, TYPES, UNKNOWN, type ResourceRule } from "../rule";

/** What does not tell that it is sick is taken for well. */
export const healthcheck: ResourceRule = {
  name: "healthcheck",
  description: "Every container has a health check that is run.",
  types: [TYPES.container],
  check: ({ properties }) =>
    demand(properties, "healthcheck", 'tests that begin with "CMD" or "CMD-SHELL", and a command', (check) => {
      if (check?.tests === UNKNOWN) return true;
      const [kind, ...command] = entries(check?.tests);
      return (kind === "CMD" || kind === "CMD-SHELL") && command.length > 0;
    }),
};

/** How a container ends, and comes again. */
export const lifecycle: ResourceRule = {
  name: "ends-and-restarts",
  description: "Every container is given time to end, and starts again after a crash and a reboot until it is stopped.",
  types: [TYPES.container],
  check: ({ properties }) => [
    // Without it the plugin kills at once: no SIGTERM, no order cancelled.
    ...demand(properties, "destroyGraceSeconds", `1 to ${MOST_GRACE_SECONDS} seconds`, (value) => value >= 1 && value <= MOST_GRACE_SECONDS),
    // `always` would start again what a halt stopped, as soon as the Engine is started.
    ...demand(properties, "restart", '"unless-stopped"', (value) => value === "unless-stopped"),
  ],
};

/** A log without a bound fills the disk, and with it the database stops. */
export const logs: ResourceRule = {
  name: "bounded-logs",
  description: "The log of every container is bounded in size and in number of files.",
  types: [TYPES.container],
  check: ({ properties }) => [
    ...demand(properties, "logDriver", '"json-file" or "local"', (driver) => driver === "json-file" || driver === "local"),
    ...demand(properties, "logOpts", "max-size and max-file, for example 10m and 3", (options) => /^[1-9]\d{0,2}[km]$/i.test(String(options?.["max-size"])) && /^[1-9]\d?$/.test(String(options?.["max-file"]))),
  ],
};
