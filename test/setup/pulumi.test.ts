import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { useTemporaryFolder } from "../unit/setup/temporaryFolder";

const SETUP = path.resolve(__dirname, "..", "..", "setup");

/** Stands where set-up puts the CLI: says how it was called, waits for an interrupt when told to, and ends with code 7. */
const PULUMI = `#!${process.execPath}
const { PULUMI_HOME, PULUMI_CONFIG_PASSPHRASE_FILE, PULUMI_BACKEND_URL } = process.env;
process.exitCode = 7;
if (process.argv[2] === "up") {
  const timer = setInterval(() => undefined, 1000);
  process.on("SIGINT", () => { console.log("interrupted"); clearInterval(timer); });
}
console.log(JSON.stringify({ args: process.argv.slice(2), folder: process.cwd(), PULUMI_HOME, PULUMI_CONFIG_PASSPHRASE_FILE, PULUMI_BACKEND_URL }));
`;

describe("npm run pulumi", function () {
  this.timeout(30_000);
  const folder = useTemporaryFolder();

  before(function () {
    // Windows starts no script in the place of a program.
    if (process.platform === "win32") this.skip();
  });
  beforeEach(() => fs.cpSync(SETUP, path.join(folder.path, "setup"), { recursive: true, filter: (source) => !source.startsWith(path.join(SETUP, "plugins")) }));

  function install() {
    folder.write(".tools/bin/pulumi", PULUMI);
    fs.chmodSync(path.join(folder.path, ".tools", "bin", "pulumi"), 0o755);
  }

  function run(args: string[], env: NodeJS.ProcessEnv, onOutput: (child: ReturnType<typeof spawn>) => void = () => undefined) {
    return new Promise<{ code: number | null; text: string }>((resolve) => {
      const child = spawn(process.execPath, [path.join(folder.path, "setup", "pulumi.mjs"), ...args], { cwd: path.dirname(folder.path), env, stdio: ["ignore", "pipe", "pipe"] });
      let text = "";
      child.stdout.on("data", (chunk) => {
        text += chunk;
        onOutput(child);
      });
      child.stderr.on("data", (chunk) => (text += chunk));
      child.on("close", (code) => resolve({ code, text }));
    });
  }

  it("runs the clone's CLI with the clone's settings, from wherever it is called, and ends with its exit code", async () => {
    install();
    const { code, text } = await run(["stack", "output", "--json", "a b"], { ...process.env, PULUMI_BACKEND_URL: "s3://other" });
    expect(code).to.equal(7);
    expect(JSON.parse(text)).to.deep.equal({
      args: ["stack", "output", "--json", "a b"],
      folder: folder.path,
      PULUMI_HOME: path.join(folder.path, ".tools", "pulumi-home"),
      PULUMI_CONFIG_PASSPHRASE_FILE: path.join(folder.path, ".trading", "passphrase"),
    });
  });

  it("has the policy pack judge a preview", async () => {
    install();
    const { text } = await run(["preview", "--stack", "paper"], process.env);
    expect((JSON.parse(text) as { args: string[] }).args).to.deep.equal(["preview", "--policy-pack", "policy", "--stack", "paper"]);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`hands ${signal} on as the interrupt that Pulumi finishes its work on`, async () => {
      install();
      let sent = false;
      const { code, text } = await run(["up"], process.env, (child) => {
        if (!sent) sent = child.kill(signal);
      });
      expect(code).to.equal(7);
      expect(text).to.match(/interrupted\n$/);
    });
  }

  it("says what to do before there is a CLI", async () => {
    expect(await run(["version"], { PATH: folder.path })).to.deep.equal({ code: 1, text: "There is no Pulumi CLI yet: run `npm start` first.\n" });
  });
});
