import { Command } from "commander";
import { acknowledge, acknowledgementOf } from "../../control/acknowledged";
import { appendAudit } from "../../control/audit";
import { controlFolder, ensureControlFolder } from "../../control/folder";
import { alertParts, askForAlerts, tryEach } from "../alerts/parts";
import { alertsText, triedText } from "../alerts/text";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT, failure, usage } from "../errors";
import { personHere } from "../halts";
import { declaredStack, owner } from "../stack";

/** `alerts`: what is wrong now, as every part that tells of it says; to acknowledge one, and to try the way out. */
export function alertsCommand(context: Context, wrap: Wrap): Command {
  const command = new Command("alerts")
    .description("show what is wrong and who was told; exit code 1 when something critical is not acknowledged, or a part does not answer")
    .action(wrap((options) => list(context, options)));
  command
    .command("ack")
    .description("say that you have seen an alert: it is not told of again before it is over, or becomes critical")
    .argument("<id>", "its id, or enough of it, as `npx trading alerts` shows it")
    .action(wrap((options, id) => acknowledgeOne(context, options, id!)));
  command
    .command("test")
    .description("send one notice of each kind and a heartbeat from every part now, and say what arrived")
    .action(wrap((options) => tryOut(context, options)));
  return command;
}

async function list(context: Context, { stack }: GlobalOptions): Promise<Outcome> {
  const parts = alertParts(declaredStack(context.root, stack).configuration);
  const answers = await askForAlerts(context, stack, parts);
  const bad = answers.some(({ answer }) => answer === undefined || answer.active.some(({ severity, acknowledged }) => severity === "critical" && !acknowledged));
  return { exitCode: bad ? EXIT.failed : EXIT.ok, text: alertsText(stack, answers, context.now()), document: { stack, parts: answers.map(({ part, answer, problem }) => ({ part, problem, ...answer })) } };
}

async function acknowledgeOne(context: Context, { stack }: GlobalOptions, id: string): Promise<Outcome> {
  const parts = alertParts(declaredStack(context.root, stack).configuration);
  const control = controlFolder(context.root, stack);
  const answers = await askForAlerts(context, stack, parts);
  const active = answers.flatMap(({ part, answer }) => (answer?.active ?? []).map((alert) => ({ part, alert })));
  const exact = active.filter(({ alert }) => alert.id === id);
  const [found, ...others] = exact.length > 0 ? exact : active.filter(({ alert }) => id !== "" && alert.id.startsWith(id));
  if (found === undefined) {
    // One that is over by now was acknowledged all the same.
    if (acknowledgementOf(control, id) !== undefined) return done(stack, id, "was acknowledged already, and is over");
    const silent = answers.filter(({ answer }) => answer === undefined).map(({ part, problem }) => `; ${part} may know it and does not answer: ${problem}`);
    const known = active.map(({ part, alert }) => `${alert.id} (${part}: ${alert.key})`).join(", ") || "none is active";
    const message = `no alert of stack ${stack} has the id "${id}"; allowed: ${known}${silent.join("")}`;
    throw silent.length > 0 ? failure(message, { stack }) : usage(message);
  }
  if (others.length > 0) throw usage(`"${id}" is the beginning of several ids; allowed: ${[found, ...others].map(({ alert }) => alert.id).join(", ")}`);

  const { part, alert } = found;
  if (alert.acknowledged) return done(stack, alert.id, `${alert.key} was acknowledged already`);
  ensureControlFolder(control, stack, owner(context.root));
  const [at, who] = [new Date(context.now()).toISOString(), personHere()];
  // The record first: what has been done without it nobody could explain.
  appendAudit(control, { at, act: "acknowledge", by: "person", who, incident: alert.id, bot: null, level: null, reason: `${part}: ${alert.text}`.slice(0, 2000), rule: alert.key.slice(0, 60), numbers: {}, open: [] });
  acknowledge(control, alert.id, { at, who, severity: alert.severity });
  return done(stack, alert.id, `${alert.key} is acknowledged: it is not told of again before it is over${alert.severity === "warning" ? " or becomes critical" : ""}`);
}

function done(stack: string, id: string, text: string): Outcome {
  return { exitCode: EXIT.ok, text: `${text}.\n`, document: { stack, acknowledged: id } };
}

async function tryOut(context: Context, { stack }: GlobalOptions): Promise<Outcome> {
  const parts = alertParts(declaredStack(context.root, stack).configuration);
  if (parts.length === 0) throw failure(`stack ${stack} has neither guard nor backup: nothing tells of alerts`, { stack });
  const answers = await tryEach(context, stack, parts);
  // Who configured no heartbeat is told so; without a receiver nobody would ever hear anything.
  const bad = answers.some(({ answer }) => answer === undefined || answer.some(({ what, configured, arrived }) => !arrived && (configured || what !== "heartbeat")));
  return { exitCode: bad ? EXIT.failed : EXIT.ok, text: triedText(answers), document: { stack, parts: answers.map(({ part, problem, answer }) => ({ part, problem, tried: answer ?? [] })) } };
}
