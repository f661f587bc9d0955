import { duration, time } from "../format";
import type { AlertState, AlertView, PartAnswer, TriedView } from "./parts";

/** How each part stands, its alerts first; critical ones that nobody has acknowledged above all. */
export function alertsText(stack: string, answers: readonly PartAnswer<AlertState>[], now: number): string {
  if (answers.length === 0) return `Stack ${stack} has neither guard nor backup: nothing tells of alerts.\n`;
  const alerts = answers.flatMap(({ part, answer }) => (answer?.active ?? []).map((alert) => ({ part, alert })));
  const sorted = alerts.sort((one, other) => rank(one.alert) - rank(other.alert));
  const lines = [...sorted.flatMap(({ part, alert }) => alertLines(stack, part, alert, now)), ...(alerts.length === 0 && answers.every(({ problem }) => problem === null) ? ["Nothing is wrong."] : [])];
  const unmissed = answers.every(({ answer }) => answer !== undefined && !answer.heartbeatConfigured) ? ["Nobody notices when this machine is off or cut off: trading:alerts.heartbeat, docs/alerts.md"] : [];
  return `${[...lines, ...answers.map((answer) => partLine(answer, now)), ...unmissed].join("\n")}\n`;
}

/** One line for each thing that was sent. */
export function triedText(answers: readonly PartAnswer<TriedView[]>[]): string {
  const lines = answers.flatMap(({ part, answer, problem }) =>
    answer === undefined
      ? [`${part}: ${problem}`]
      : answer.map(({ what, configured, arrived, answer: said, milliseconds }) => `${part}: ${what} ${arrived ? `arrived (${said}, ${milliseconds} ms)` : configured ? `did NOT arrive: ${said} (${milliseconds} ms)` : `not sent: ${said}`}`),
  );
  return `${lines.join("\n")}\n`;
}

const rank = ({ severity, acknowledged }: AlertView) => (acknowledged ? 2 : 0) + (severity === "critical" ? 0 : 1);

function alertLines(stack: string, part: string, { id, key, severity, text, runbook, since, toldAt, acknowledged }: AlertView, now: number): string[] {
  const told = toldAt === null ? "NOBODY WAS TOLD YET" : `told ${ago(toldAt, now)}`;
  return [
    `${severity === "critical" ? "CRITICAL" : "warning "}  ${key} (${part}), since ${time(Date.parse(since))}, ${told}, ${acknowledged ? "acknowledged" : "not acknowledged"}`,
    `          ${text}`,
    `          ${runbook}`,
    ...(acknowledged ? [] : [`          npx trading alerts ack ${id} --stack ${stack}`]),
  ];
}

function partLine({ part, answer, problem }: PartAnswer<AlertState>, now: number): string {
  const head = part.padEnd(8);
  if (answer === undefined) return `${head}  ${problem}: what is wrong there is not known`;
  const { configured, undelivered, oldestUndeliveredAt, lastDeliveredAt, lastProblem, fileProblem, heartbeatConfigured, lastHeartbeatAt, lastHeartbeatProblem } = answer;
  const receiver = !configured
    ? "nobody is told: trading:alerts.webhook"
    : undelivered > 0
      ? `${undelivered} ${undelivered === 1 ? "notice waits" : "notices wait"} for the receiver${oldestUndeliveredAt === null ? "" : ` since ${time(Date.parse(oldestUndeliveredAt))}`}`
      : `all was delivered, last ${lastDeliveredAt === null ? "never" : ago(lastDeliveredAt, now)}`;
  const heartbeat = heartbeatConfigured ? `heartbeat ${lastHeartbeatAt === null ? "never" : ago(lastHeartbeatAt, now)}` : "sends no heartbeat";
  const problems = [lastProblem, fileProblem, lastHeartbeatProblem].filter((each) => each !== null);
  return `${head}  ${[receiver, heartbeat, ...problems].join("; ")}`;
}

function ago(iso: string, now: number): string {
  return `${duration((now - Date.parse(iso)) / 1000)} ago`;
}
