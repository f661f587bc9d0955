import type { HealthConfig } from "dockerode";
import type { ContainerInputs } from "./facts";
import { listText, under, yesOrNo, type Property } from "./properties";

/** Engines name it, or do not. */
const DEFAULT_SIGNAL = "SIGTERM";

/** What runs in a container, and how it is started, asked and stopped. */
export const PROCESS: readonly Property[] = [
  {
    what: "environment",
    inputs: ["envs"],
    ofImage: true,
    hidesUndeclared: true,
    declared: ({ envs }, image) => under("environment", { ...variables(image?.Env), ...variables(envs) }),
    running: ({ Config }) => under("environment", variables(Config.Env)),
  },
  {
    what: "command",
    inputs: ["command", "entrypoints"],
    ofImage: true,
    // Docker takes the image's command only where the entrypoint is the image's as well.
    declared: ({ command, entrypoints }, image) => ({
      entrypoint: listText(entrypoints ?? image?.Entrypoint),
      command: listText(command ?? (entrypoints ? [] : image?.Cmd)),
    }),
    running: ({ Config }) => ({ entrypoint: listText(Config.Entrypoint), command: listText(Config.Cmd) }),
  },
  {
    what: "user and working directory",
    inputs: ["user", "workingDir"],
    ofImage: true,
    declared: ({ user, workingDir }, image) => ({ user: user || image?.User || undefined, "working directory": workingDir || image?.WorkingDir || undefined }),
    running: ({ Config }) => ({ user: Config.User || undefined, "working directory": Config.WorkingDir || undefined }),
  },
  {
    what: "host name",
    inputs: ["hostname", "domainname"],
    ofEngine: true,
    declared: ({ hostname, domainname }) => ({ hostname, "domain name": domainname }),
    running: ({ Config }) => ({ hostname: Config.Hostname || undefined, "domain name": Config.Domainname || undefined }),
  },
  {
    what: "health check",
    inputs: ["healthcheck"],
    ofImage: true,
    declared: ({ healthcheck }, image) => ({ "health check": checkText(declaredCheck(healthcheck, image?.Healthcheck)) }),
    running: ({ Config }) => ({ "health check": checkText(Config.Healthcheck) }),
  },
  {
    what: "signal to stop",
    inputs: ["stopSignal"],
    ofImage: true,
    declared: ({ stopSignal }, image) => ({ "stop signal": stopSignal ?? (image === null ? undefined : (image as { StopSignal?: string }).StopSignal || DEFAULT_SIGNAL) }),
    running: ({ Config }) => ({ "stop signal": Config.StopSignal || DEFAULT_SIGNAL }),
  },
  {
    what: "time to stop",
    inputs: ["stopTimeout"],
    declared: ({ stopTimeout }) => ({ "stop timeout": seconds(stopTimeout) }),
    running: ({ Config }) => ({ "stop timeout": seconds(Config.StopTimeout) }),
  },
  {
    what: "init",
    inputs: ["init"],
    declared: ({ init }) => ({ init: yesOrNo(init) }),
    running: ({ HostConfig }) => ({ init: yesOrNo(HostConfig.Init) }),
  },
  {
    what: "terminal",
    inputs: ["tty", "stdinOpen"],
    declared: ({ tty, stdinOpen }) => ({ terminal: yesOrNo(tty), "open standard input": yesOrNo(stdinOpen) }),
    running: ({ Config }) => ({ terminal: yesOrNo(Config.Tty), "open standard input": yesOrNo(Config.OpenStdin) }),
  },
];

/** `NAME=value` as name -> value; a value may hold further equals signs. */
function variables(lines: readonly string[] | null | undefined): Record<string, string> {
  return Object.fromEntries((lines ?? []).map((line) => [line.split("=", 1)[0]!, line.slice(line.indexOf("=") + 1 || line.length)]));
}

function seconds(value: number | null | undefined): string | undefined {
  return value === undefined || value === null ? undefined : `${value} s`;
}

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Nanoseconds of a duration as the plugin takes it, for example `1m30s`. */
export function nanoseconds(duration: string | undefined): number {
  return [...(duration ?? "").matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)].reduce((sum, [, amount, unit]) => sum + Number(amount) * UNITS[unit!]!, 0);
}

/** What is not declared of a check, or is declared as nothing, comes from the image's. */
function declaredCheck(declared: ContainerInputs["healthcheck"], ofImage: HealthConfig | undefined): HealthConfig | undefined {
  if (declared === undefined) return ofImage;
  return {
    Test: declared.tests?.length ? [...declared.tests] : ofImage?.Test,
    Interval: nanoseconds(declared.interval) || ofImage?.Interval,
    Timeout: nanoseconds(declared.timeout) || ofImage?.Timeout,
    StartPeriod: nanoseconds(declared.startPeriod) || ofImage?.StartPeriod,
    StartInterval: nanoseconds(declared.startInterval) || ofImage?.StartInterval,
    Retries: declared.retries || ofImage?.Retries,
  };
}

function checkText(check: HealthConfig | undefined): string | undefined {
  if (!check?.Test?.length || check.Test[0] === "NONE") return undefined;
  const time = (name: string, value: number | undefined) => (value ? [`${name} ${value / 1e9} s`] : []);
  const times = [...time("every", check.Interval), ...time("timeout", check.Timeout), ...time("start period", check.StartPeriod), ...time("start interval", check.StartInterval), ...(check.Retries ? [`${check.Retries} retries`] : [])];
  return [JSON.stringify(check.Test), ...times].join(", ");
}
