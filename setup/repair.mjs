import path from "node:path";
import { readIfThere } from "./common/files.mjs";
import { lastLines } from "./common/processes.mjs";
import { StepError } from "./common/schedule.mjs";
import { cloneFolder } from "./environment.mjs";
import { readStackState } from "./stack-files.mjs";

const KINDS = Object.freeze({ "docker:index/container:Container": "container", "docker:index/network:Network": "network" });

/**
 * What an interrupted run may have made without it being in Pulumi's state: the containers and networks it was creating.
 * A volume is not among them: Pulumi takes over the one that is there.
 *
 * @param {import("./stack-files.mjs").StackState} state
 * @returns {{ kind: "container" | "network", name: string }[]} containers first, because a network goes only when they are gone
 */
export function interruptedCreations({ pending }) {
  /** @type {{ kind: "container" | "network", name: string }[]} */
  const found = [];
  for (const { type, resource } of pending) {
    const kind = /** @type {Record<string, "container" | "network">} */ (KINDS)[resource.type];
    const name = resource.inputs?.name;
    if (type === "creating" && kind && typeof name === "string") found.push({ kind, name });
  }
  return found.sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0));
}

/**
 * Frees a stack of what an interrupted run left unfinished in its state, so that `up` can do it again. Pulumi keeps a
 * creation that was cut off in the state for ever, and creating again fails when the first attempt had come through after
 * all. So what came through and belongs to this clone is removed (no data is in it), and a refresh does the rest.
 *
 * @param {import("./context.mjs").Context} context
 * @param {{ say: (text: string) => void, at: (text: string) => void }} report
 * @returns {Promise<string>} what was done
 */
export async function repairInterrupted(context, report) {
  const { root, stack } = context;
  const state = await readStackState(root, stack);
  if (!state || state.pending.length === 0) return "nothing to repair";
  report.say(`an interrupted run left ${state.pending.length} unfinished operations: clearing them`);
  const owner = ((await readIfThere(path.join(cloneFolder(root), "owner"))) ?? "").trim();
  for (const { kind, name } of interruptedCreations(state)) {
    const made = await inspect(context, kind, name);
    // Another clone's object of the same name is none of ours; the program refuses it by name.
    if (!made || state.ids.has(made.id) || made.owner !== owner || made.stack !== stack) continue;
    report.say(`removing ${kind} ${name}, which that run was making`);
    if (kind === "container") await docker(context, ["stop", made.id]);
    await docker(context, [kind, "rm", made.id]);
  }
  const args = ["refresh", "--stack", stack, "--yes", "--skip-preview", "--clear-pending-creates", "--non-interactive"];
  const result = await context.processes.run("pulumi", args, { cwd: root, env: context.environment(), onLine: report.at, log: context.log("repair"), long: true });
  if (result.code !== 0) throw new StepError(`pulumi refresh failed:\n${lastLines(result, 8)}`, `see ${path.join(".tools", "logs", "repair.log")}`);
  return "unfinished operations cleared";
}

/**
 * @param {import("./context.mjs").Context} context
 * @param {"container" | "network"} kind
 * @param {string} name
 */
async function inspect(context, kind, name) {
  const labels = kind === "container" ? ".Config.Labels" : ".Labels";
  const result = await context.processes.run("docker", [kind, "inspect", "--format", `{"id":{{json .Id}},"labels":{{json ${labels}}}}`, name]);
  if (result.code !== 0) return undefined;
  const { id, labels: found } = JSON.parse(result.stdout);
  return { id, owner: found?.["trading.owner"], stack: found?.["trading.stack"] };
}

/** @param {import("./context.mjs").Context} context @param {string[]} args */
async function docker(context, args) {
  const result = await context.processes.run("docker", args);
  if (result.code !== 0) throw new StepError(`docker ${args.join(" ")} failed: ${lastLines(result, 2)}`);
}
