import { spawn } from "node:child_process";
import * as os from "node:os";
import { failure } from "../errors";

/** How a stack is previewed and brought up; tests put their own in its place. Each says whether it succeeded. */
export interface BringUp {
  preview(root: string, stack: string): Promise<boolean>;
  up(root: string, stack: string): Promise<boolean>;
}

export const pulumiBringUp: BringUp = {
  preview: (root, stack) => pulumi(root, ["preview", "--stack", stack, "--diff"]),
  // What was shown a moment ago was confirmed.
  up: (root, stack) => pulumi(root, ["up", "--stack", stack, "--yes", "--skip-preview"]),
};

/** Runs the Pulumi CLI with this clone's settings; what it says is seen as it comes, beside the command's own outcome. */
async function pulumi(root: string, words: readonly string[]): Promise<boolean> {
  const { pulumiEnvironment } = await import("../../setup/environment.mjs");
  const { dockerEnvironment } = await import("../../setup/context.mjs");
  const env = pulumiEnvironment({ root, base: { ...process.env, ...dockerEnvironment(process.env, os.homedir()) } }) as NodeJS.ProcessEnv;
  return await new Promise((resolve, reject) => {
    const child = spawn("pulumi", [...words, "--non-interactive"], { cwd: root, env, stdio: ["ignore", process.stderr.fd, process.stderr.fd] });
    child.on("error", (error: NodeJS.ErrnoException) => reject(failure(error.code === "ENOENT" ? "there is no program pulumi: npm start -- --check" : `pulumi: ${error.message}`)));
    child.on("close", (code) => resolve(code === 0));
  });
}
