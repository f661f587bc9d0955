import type { local } from "@pulumi/command";
import type { Unwrap } from "@pulumi/pulumi";
import { randomBytes } from "node:crypto";
import { check } from "../provider/check";
import { diff } from "../provider/diff";
import { Context, Resource, Subject } from "../provider/provider";
import { Attribute, isObject, Properties, Schema, UNKNOWN } from "../provider/schema";
import { execute, Execution, Output } from "./process";

type Args = Unwrap<local.CommandArgs>;

const text: Attribute = { type: "string" };
const assets: Attribute = { type: "list", problem: () => "assets and archives are not served by the stand-in plugin" };

const schema: Schema = {
  create: text,
  update: text,
  delete: text,
  dir: text,
  environment: { type: "map" },
  interpreter: { type: "list" },
  stdin: text,
  logging: text,
  triggers: { type: "list", replaces: true },
  addPreviousOutputInEnv: { type: "boolean" },
  assetPaths: assets,
  archivePaths: assets,
} satisfies Record<keyof local.CommandArgs, Attribute>;

/** Runs one of the texts; the outputs of the run before are in its environment unless that is turned off. */
async function run(command: string | undefined, args: Args, previous: Output | undefined, context: Context, urn: string): Promise<Output> {
  if (command === undefined) return previous ?? { stdout: "", stderr: "" };
  const before =
    previous && args.addPreviousOutputInEnv !== false
      ? { PULUMI_COMMAND_STDOUT: previous.stdout, PULUMI_COMMAND_STDERR: previous.stderr }
      : {};
  const { dir, interpreter, stdin, logging } = args;
  const execution: Execution = { command, dir, interpreter, stdin, logging, environment: { ...before, ...args.environment } };
  return execute(execution, context, urn);
}

function plainInputs(inputs: Properties): Properties {
  const { __defaults, ...plain } = inputs;
  return plain;
}

function outputOf(state: Properties): Output {
  return { stdout: String(state.stdout ?? ""), stderr: String(state.stderr ?? "") };
}

export const commandResource: Resource = {
  check({ type, name }, olds, news, seed) {
    const { inputs, failures } = check({ schema, type, name, olds, news, seed });
    return { inputs: plainInputs(inputs), failures };
  },

  diff(_subject, _state, oldInputs, inputs) {
    const changes = diff(schema, oldInputs, inputs);
    // A change within the list of triggers replaces without being named as the reason.
    const replaceReasons = changes.filter((change) => change.replaces && change.path in schema).map((change) => change.path);
    return { changes, deleteBeforeReplace: false, replaceReasons };
  },

  async create({ urn, name }: Subject, inputs, preview, context) {
    if (preview) return { id: "", state: { ...inputs, stdout: UNKNOWN, stderr: UNKNOWN } };
    const output = await run((inputs as Args).create, inputs as Args, undefined, context, urn);
    return { id: `${name}${randomBytes(4).toString("hex")}`, state: { ...inputs, ...output } };
  },

  async update({ urn }, _id, state, oldInputs, inputs, preview, context) {
    const args = inputs as Args;
    if (preview) {
      // As in the official plugin an added or dropped argument leaves the old output as the preview's guess.
      const changed = Object.keys(inputs).some((key) => oldInputs[key] !== undefined && JSON.stringify(oldInputs[key]) !== JSON.stringify(inputs[key]));
      return changed ? { ...inputs, stdout: UNKNOWN, stderr: UNKNOWN } : { ...inputs, ...outputOf(state) };
    }
    return { ...inputs, ...(await run(args.update ?? args.create, args, outputOf(state), context, urn)) };
  },

  read: async (id, state, inputs) => ({ id, state, inputs }),

  async delete({ urn }, _id, state, context) {
    const args = state as Args;
    if (args.delete !== undefined) await run(args.delete, args, outputOf(state), context, urn);
  },
};

/** The function `command:local:run`: runs a command without a resource and gives its outputs. */
export async function runFunction(args: Properties, context: Context): Promise<Properties> {
  if (typeof args.command !== "string") throw new Error("command:local:run needs the argument command");
  const output = await run(args.command, args as Args, undefined, context, "");
  return { ...args, ...(isObject(args.environment) && { environment: args.environment }), ...output };
}
