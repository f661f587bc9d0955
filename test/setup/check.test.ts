import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { useTemporaryFolder } from "../unit/setup/temporaryFolder";

const PROJECT = path.resolve(__dirname, "..", "..");
const LEFT_OUT = new Set(["node_modules", ".tools", ".trading", ".git"]);

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

describe("npm start -- --check", function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();

  beforeEach(() => fs.cpSync(PROJECT, folder.path, { recursive: true, filter: (source) => !LEFT_OUT.has(path.relative(PROJECT, source)) }));

  function start(...args: string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      execFile(process.execPath, [path.join("setup", "start.mjs"), ...args], { cwd: folder.path }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
      });
    });
  }

  it("reports every item of a fresh clone with its fix, and changes nothing", async () => {
    const before = folder.list();
    const { code, stdout } = await start("--check", "--json");
    expect(code).to.equal(1);
    const { ok, items } = JSON.parse(stdout) as { ok: boolean; items: { name: string; ok: boolean; detail: string; fix?: string }[] };
    expect(ok).to.equal(false);
    expect(items.map(({ name }) => name)).to.deep.equal([
      "Node", "Pulumi CLI", "npm packages", "Docker", "certificates", "system image", "images", "Pulumi plugins", ".trading", "stack",
    ]);
    for (const item of items) {
      expect(item.detail, item.name).to.be.a("string").and.not.equal("");
      if (!item.ok) expect(item.fix, item.name).to.be.a("string").and.not.equal("");
    }
    const failing = items.filter((item) => !item.ok).map(({ name }) => name);
    expect(failing).to.include.members(["npm packages", "Pulumi plugins", ".trading", "stack"]).and.not.include("Node");
    expect(folder.list()).to.deep.equal(before);
  });

  it("says the same as a table", async () => {
    const { code, stdout } = await start("--check");
    expect(code).to.equal(1);
    expect(stdout).to.match(/^ok {6} Node {13}\d+\./m);
    expect(stdout).to.match(/^missing {2}npm packages {5}not installed\n +fix: `npm start` runs `npm ci`$/m);
  });

  for (const [args, message] of [
    [["--bogus"], 'unknown option "--bogus"; see npm start -- --help\n'],
    [["--port-base", "1"], '--port-base: "1" is no port from 1024 to 65000; see npm start -- --help\n'],
  ] as const) {
    it(`answers ${args.join(" ")} with one error and exit code 2`, async () => {
      expect(await start(...args)).to.deep.equal({ code: 2, stdout: "", stderr: message });
    });
  }

  it("tells what it is for", async () => {
    const { code, stdout } = await start("--help");
    expect(code).to.equal(0);
    expect(stdout).to.contain("Usage: npm start -- [options]");
  });
});
