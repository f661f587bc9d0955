import { spawn } from "node:child_process";
import * as path from "node:path";
import { expect } from "chai";

const POLICY = path.resolve(__dirname, "..", "..", "policy");

describe("the program that runs the policy pack", function () {
  this.timeout(60_000);

  it("says at which port it answers, as the first line, and ends when the CLI is gone", async () => {
    const child = spawn(process.execPath, [path.join(POLICY, "runtime", "pulumi-analyzer-policy-trading"), "127.0.0.1:1", "."], { cwd: POLICY, stdio: ["pipe", "pipe", "pipe"] });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    let errors = "";
    child.stderr.on("data", (chunk) => (errors += chunk));
    const first = await Promise.race([new Promise<string>((resolve) => child.stdout.once("data", (chunk) => resolve(String(chunk)))), ended]);
    expect(first, errors).to.match(/^\d+\n$/);
    child.stdin.end();
    expect(await ended, errors).to.equal(0);
    expect(errors).to.equal("");
  });
});
