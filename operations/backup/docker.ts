import { spawn } from "node:child_process";
import { LABELS } from "../../config/names";
import { failure } from "../errors";

export interface DockerOutcome {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the Docker client, without a shell.
 *
 * @throws {CommandError} with what it said, when it fails
 */
export async function docker(words: readonly string[], input = ""): Promise<DockerOutcome> {
  const { code, ...outcome } = await dockerCode(words, input);
  if (code !== 0) throw failure(`docker ${words.slice(0, 2).join(" ")}: ${outcome.stderr.trim().replace(/\s*\n\s*/g, "; ") || `ended with exit code ${code ?? "none"}`}`);
  return outcome;
}

/** The same, where an exit code other than 0 is an answer. */
export function dockerCode(words: readonly string[], input = ""): Promise<DockerOutcome & { readonly code: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn("docker", words, { stdio: ["pipe", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (piece: string) => (stdout += piece));
    child.stderr.setEncoding("utf8").on("data", (piece: string) => (stderr += piece));
    // A program that ends early says itself why.
    child.stdin.on("error", () => undefined).end(input);
    child.on("error", (error: NodeJS.ErrnoException) =>
      reject(failure(error.code === "ENOENT" ? "there is no docker command: run `npm start -- --check`" : `docker: ${error.message}`)),
    );
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** What a volume is labelled with. */
export interface VolumeLabels {
  readonly owner: string;
  readonly stack: string;
  readonly service: string;
}

/** Makes a volume with the labels of this program; one of that name that is there already has to be this clone's. */
export async function ensureVolume(name: string, { owner, stack, service }: VolumeLabels): Promise<void> {
  const labels = { [LABELS.owner]: owner, [LABELS.stack]: stack, [LABELS.service]: service };
  const there = await dockerCode(["volume", "inspect", "--format", `{{index .Labels "${LABELS.owner}"}}`, name]);
  if (there.code === 0) {
    if (there.stdout.trim() !== owner) throw failure(`volume ${name} is there and is not of this clone: it was left as it is`);
    return;
  }
  await docker(["volume", "create", ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]), name]);
}

/** Removes a volume that is no longer needed; no error when it is gone. */
export async function removeVolume(name: string): Promise<void> {
  const { code, stderr } = await dockerCode(["volume", "rm", name]);
  if (code !== 0 && !/no such volume/i.test(stderr)) throw failure(`docker volume rm ${name}: ${stderr.trim()}`);
}
