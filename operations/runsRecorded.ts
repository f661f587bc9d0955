import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { CLONE_FOLDER, readOwner } from "../config/clone";
import { stackPorts } from "../config/names";
import type { BacktestInput } from "./backtestReport";
import type { Context } from "./context";
import { keepRun, runsFolder, type KeptRun } from "./runs";
import { sendKeptRuns, type SendOptions } from "./runsToMlflow";
import { botContainer } from "./stack";

/** Whether MLflow has a run, for `--json`. */
export interface Recording {
  readonly state: "recorded" | "kept" | "not recorded";
  readonly experiment: string;
  readonly name: string;
  /** MLflow's own id of the run; null until it has it. */
  readonly runId: string | null;
  /** Page of the run; null until MLflow has it. */
  readonly url: string | null;
  /** The version of a registered model that was made of it, or found; null where there is none, or none yet. */
  readonly version: { readonly model: string; readonly version: number } | null;
  /** Runs of this stack that wait for MLflow. */
  readonly waiting: number;
  /** Why it is not recorded, or why others wait; null when there is nothing to say. */
  readonly reason: string | null;
}

/** A run that a command made. */
export interface MadeRun {
  readonly stack: string;
  readonly experiment: string;
  readonly name: string;
  /** One word for people: what is kept when the command is interrupted. */
  readonly what: string;
  readonly make: () => Promise<KeptRun>;
}

/**
 * Records a run in the stack's MLflow: written into the clone first, sent when MLflow answers, with what waits from
 * earlier ones. Whatever goes wrong is said and changes nothing of what was run.
 *
 * @param portBase first of the stack's ports on 127.0.0.1
 */
export async function recordRun(context: Context, portBase: number, { stack, experiment, name, what, make }: MadeRun, options: Omit<SendOptions, "url"> = {}): Promise<Recording> {
  const address = `http://127.0.0.1:${stackPorts(portBase).mlflow}`;
  const folder = runsFolder(context.root, stack);
  const base = { experiment, name, runId: null, url: null, version: null, waiting: 0 };
  let id: string;
  try {
    readOwner(context.root);
    const run = await make();
    id = run.start.id;
    keepRun(folder, run);
  } catch (error) {
    return { ...base, state: "not recorded", reason: (error as Error).message };
  }
  context.whenInterrupted(`the ${what} is kept in ${path.join(CLONE_FOLDER, "stacks", stack, "runs")} and sent to MLflow with the next one`);
  const { sent, waiting, reason } = await sendKeptRuns(folder, { url: address, ...options });
  const ours = sent.get(id);
  if (ours === undefined) return { ...base, state: "kept", waiting, reason };
  const experimentId = /^mlflow-artifacts:\/+([^/]+)\//.exec(ours.artifactUri)?.[1];
  const url = experimentId === undefined ? address : `${address}/#/experiments/${experimentId}/runs/${ours.runId}`;
  const version = ours.version === undefined ? null : { model: ours.version.model, version: ours.version.version };
  return { ...base, state: "recorded", runId: ours.runId, url, version, waiting, reason };
}

/** One line for people. */
export function recordingText({ state, experiment, name, url, version, waiting, reason }: Recording): string {
  if (state === "not recorded") return `not recorded in MLflow: ${reason}\n`;
  if (state === "recorded") {
    const others = waiting === 0 ? "" : `; ${waiting} earlier ${waiting === 1 ? "one still waits" : "ones still wait"}: ${reason}`;
    const registered = version === null ? "" : `; the configuration is version ${version.version} of the model ${version.model}`;
    return `recorded in MLflow as "${name}" in experiment ${experiment}: ${url}${registered}${others}\n`;
  }
  return `kept, ${reason ?? "MLflow does not answer"}; sent with the next backtest${waiting > 1 ? ` (${waiting} wait)` : ""}\n`;
}

/** What a backtest came of beside its settings. */
export interface Origin {
  /** Image that the stack's bot runs; null when there is no such container. */
  readonly image: string | null;
  /** SHA-256 of the candle file, in hexadecimal. */
  readonly fileHash: string;
}

export async function originOf(context: Context, { file, stack, bot }: Pick<BacktestInput, "file" | "stack" | "bot">): Promise<Origin> {
  const fileHash = createHash("sha256").update(fs.readFileSync(file)).digest("hex");
  // Without Docker, or without a container of this clone, a backtest has no image.
  const image = await Promise.resolve()
    .then(async () => {
      const container = await context.engine().container(botContainer(stack, bot));
      return container !== undefined && container.owner === readOwner(context.root) ? container.imageId : null;
    })
    .catch(() => null);
  return { image, fileHash };
}

