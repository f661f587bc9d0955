import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { LocalWorkspace, PulumiCommand, type PulumiFn } from "@pulumi/pulumi/automation";
import { failure } from "../errors";
import type { TemporaryStack } from "./temporaryStack";

/** Kept apart from the owner's project: neither state nor settings of the two can meet. */
const PROJECT = "trading-restore-test";
/** Where Pulumi's own words begin that say what failed. */
const DIAGNOSTICS = /\nDiagnostics:\n([\s\S]*?)(?:\n\S|\n*$)/;
const LONGEST_MESSAGE = 2000;

/**
 * Brings a temporary stack up with an inline program; its state, with a passphrase of its own, is in the temporary
 * stack's folder and is never needed again: what it made is removed by its labels.
 *
 * @param signal ends Pulumi as Ctrl-C does
 * @throws {CommandError} with what Pulumi said
 */
export async function bringUp(root: string, stack: TemporaryStack, program: PulumiFn, signal: AbortSignal): Promise<void> {
  const { pulumiEnvironment, toolsFolder, executableSuffix } = await import("../../setup/environment.mjs");
  const { dockerEnvironment } = await import("../../setup/context.mjs");
  const at = (...names: string[]) => path.join(stack.folder, ...names);
  fs.mkdirSync(at("state"), { recursive: true });
  fs.writeFileSync(at("passphrase"), randomBytes(16).toString("hex"), { mode: 0o600 });
  // The health gate's program is started from the folder that Pulumi works in.
  fs.mkdirSync(at("components"), { recursive: true });
  fs.copyFileSync(path.join(root, "components", "waitUntilHealthy.mjs"), at("components", "waitUntilHealthy.mjs"));
  const base = { ...process.env, ...dockerEnvironment(process.env, os.homedir()) };
  const environment: Record<string, string | undefined> = { ...pulumiEnvironment({ root, base }), PULUMI_CONFIG_PASSPHRASE_FILE: at("passphrase"), PULUMI_BACKEND_URL: "file://./state" };
  // Wins over the file, and is the owner's own.
  delete process.env.PULUMI_CONFIG_PASSPHRASE;
  const tools = toolsFolder(root);
  const pulumiCommand = await PulumiCommand.get(fs.existsSync(path.join(tools, "bin", `pulumi${executableSuffix()}`)) ? { root: tools } : {}).catch((error: Error) => {
    throw failure(`the Pulumi CLI does not start (${firstLine(error.message)}): run \`npm start\` first`);
  });
  const workspace = await LocalWorkspace.createOrSelectStack(
    { projectName: PROJECT, stackName: stack.name, program },
    { workDir: stack.folder, pulumiCommand, envVars: definedOnly(environment) },
  );
  try {
    await workspace.up({ color: "never", suppressProgress: true, suppressOutputs: true, signal });
  } catch (error) {
    throw failure(`the temporary stack did not come up: ${pulumiProblem((error as Error).message)}`);
  }
}

/** What of Pulumi's output says why it failed. */
export function pulumiProblem(message: string): string {
  const said = DIAGNOSTICS.exec(message)?.[1] ?? message;
  const lines = said.split("\n").map((line) => line.trim()).filter((line) => line !== "" && !/^(Duration|Resources):/.test(line));
  return lines.join("; ").slice(0, LONGEST_MESSAGE);
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}

function definedOnly(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
