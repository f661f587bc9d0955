import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { execute, PROJECT_ROOT, ThrowAwayStack, type Outcome } from "../support/throwAwayStack";
import { testCommand, type TestCommand } from "./mapping";
import { runbookCommands } from "./powershell";

const FOLDER = path.join(PROJECT_ROOT, "runbooks");

/** 400 hourly candles that rise and fall. */
function candles(): string {
  const rows = Array.from({ length: 400 }, (_, index) => {
    const close = 1000 + 50 * Math.sin(index / 15);
    return [1_704_067_200_000 + index * 3_600_000, close, close + 5, close - 5, close, 1].map(String).join(",");
  });
  return ["open_time_ms,open,high,low,close,volume", ...rows, ""].join("\n");
}

/** A repository of its own with a change that can be taken back. */
async function makeRepository(folder: string): Promise<void> {
  const git = async (...args: string[]) => {
    const { code, text } = await execute("git", ["-c", "user.name=Test", "-c", "user.email=test@example.invalid", ...args], { cwd: folder });
    if (code !== 0) throw new Error(text);
  };
  const file = path.join(folder, "Pulumi.paper.yaml");
  await git("init", "--quiet");
  await git("config", "user.name", "Test");
  await git("config", "user.email", "test@example.invalid");
  for (const speed of [720, 60]) {
    fs.writeFileSync(file, `speed: ${speed}\n`);
    await git("add", ".");
    await git("commit", "--quiet", "--message", `Speed ${speed}`);
  }
}

for (const file of fs.readdirSync(FOLDER).filter((name) => name.endsWith(".md"))) {
  describe(`${file}: its commands work, in their order, on a stack that is up`, function () {
    this.timeout(10 * 60_000);
    this.bail(true);
    let stack: ThrowAwayStack;
    let repository: string;

    before(async () => {
      stack = await ThrowAwayStack.make({ files: { "candles.csv": candles() } });
      repository = fs.mkdtempSync(path.join(os.tmpdir(), "trading-runbook-"));
      await makeRepository(repository);
      const { code, text } = await stack.up();
      expect(code, text).to.equal(0);
    });
    after(async () => {
      if (repository !== undefined) fs.rmSync(repository, { recursive: true, force: true });
      await stack?.remove();
    });

    const script = (name: "start" | "pulumi") => {
      const { scripts } = JSON.parse(stack.read("package.json")) as { scripts: Record<string, string> };
      return path.join(stack.root, scripts[name]!.replace(/^node /, ""));
    };
    const run = ({ runner, argv }: TestCommand): Promise<Outcome> => {
      const own = { cwd: stack.root, env: stack.env };
      if (runner === "git") return execute("git", argv, { ...own, cwd: repository });
      if (runner === "docker") return execute("docker", argv, own);
      const program = runner === "trading" ? path.join(stack.root, "operations", "trading.mjs") : script(runner);
      return execute(process.execPath, [program, ...argv], own);
    };

    for (const command of runbookCommands(file, fs.readFileSync(path.join(FOLDER, file), "utf8"))) {
      it(`line ${command.line}: ${command.text}`, async () => {
        const tested = testCommand(command, { stack: stack.name, data: "candles.csv" });
        const { code, text } = await run(tested);
        // Set-up's report ends with 1 where the test's folder lacks something; a wrong command line is 2.
        if (tested.runner === "start") expect([code, text.includes(`stack            "${stack.name}" is there`)], text).to.deep.equal([code === 1 ? 1 : 0, true]);
        else expect(code, text).to.equal(0);
      });
    }
  });
}
