import { expect } from "chai";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const GATE = path.resolve(__dirname, "../../../components/waitUntilHealthy.mjs");
const now = new Date().toISOString();

interface State {
  readonly Status: string;
  readonly Running: boolean;
  readonly ExitCode?: number;
  readonly RestartCount?: number;
}

/** The gate against a Docker client of the test: what it asks for, what it does about it, and what it says. */
describe("the health gate", function () {
  this.timeout(30_000);
  let folder: string;
  let control: string;
  before(function () {
    // The client's stand-in is a script, which only a shell could run there.
    if (process.platform === "win32") this.skip();
  });
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "trading-gate-"));
    control = path.join(folder, "stacks", "live", "control");
    fs.mkdirSync(path.join(control, "halts"), { recursive: true });
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** @param passes whether the container's own check does */
  function gate(state: State, options: { readonly bot?: boolean; readonly wanted?: string; readonly passes?: boolean; readonly stops?: boolean; readonly limitSeconds?: number } = {}) {
    const { bot = true, wanted = "running", passes = false, stops = true, limitSeconds = 0 } = options;
    const container = { RestartCount: state.RestartCount ?? 0, Config: { Healthcheck: { Test: ["CMD", "check"] } }, State: { ExitCode: 0, Error: "", StartedAt: now, ...state } };
    const client = `#!${process.execPath}
const fs = require("fs"); const words = process.argv.slice(2);
fs.appendFileSync(${JSON.stringify(path.join(folder, "asked"))}, words.join(" ") + "\\n");
if (words[0] === "container") process.stdout.write(${JSON.stringify(JSON.stringify([container]))});
if (words[0] === "logs") process.stdout.write("what it said last\\n");
if (words[0] === "exec") process.exit(${passes ? 0 : 1});
if (words[0] === "stop") process.exit(${stops ? 0 : 1});
`;
    fs.writeFileSync(path.join(folder, "docker"), client, { mode: 0o755 });
    const words = [GATE, "trading-live-bot-a", wanted, String(limitSeconds), ...(bot ? [control, "a"] : [])];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8", env: { ...process.env, PATH: `${folder}${path.delimiter}${process.env.PATH}` } });
    return { status, said: `${stdout}${stderr}`, asked: fs.readFileSync(path.join(folder, "asked"), "utf8").trimEnd().split("\n") };
  }
  const back = "to go back to the last stable release: npx trading rollback --stack live";

  it("lets a healthy bot through, and touches nothing", () => {
    const { status, asked } = gate({ Status: "running", Running: true }, { passes: true });
    expect(status).to.equal(0);
    expect(asked).to.deep.equal(["container inspect trading-live-bot-a", "exec trading-live-bot-a check"]);
  });

  for (const [what, state, reason] of [
    ["does not become healthy", { Status: "running", Running: true }, /container trading-live-bot-a did not become healthy within 0 s: the health check failed/],
    ["keeps ending", { Status: "restarting", Running: true, ExitCode: 3, RestartCount: 2 }, /container trading-live-bot-a keeps ending \(exit code 3, restarted 2 times\)/],
    ["is paused", { Status: "paused", Running: true }, /container trading-live-bot-a is paused/],
  ] as const) {
    it(`stops a bot that ${what}, says why, and how to go back`, () => {
      const { status, said, asked } = gate(state);
      expect(status).to.equal(1);
      expect(said).to.match(reason).and.to.include("its last log lines:\nwhat it said last\n").and.to.include("bot a was stopped; ").and.to.include(back);
      expect(asked.slice(-2)).to.deep.equal(["logs --tail 20 trading-live-bot-a", "stop trading-live-bot-a"]);
    });
  }

  it("stops no bot that does not run, and says how to go back", () => {
    const { status, said, asked } = gate({ Status: "exited", Running: false, ExitCode: 3 });
    expect(status).to.equal(1);
    expect(said).to.match(/is exited \(exit code 3\) although it is wanted running/).and.to.include(back);
    expect(asked.at(-1)).to.equal("logs --tail 20 trading-live-bot-a");
  });

  it("says how to halt a bot that cannot be stopped", () => {
    const { status, said } = gate({ Status: "running", Running: true }, { stops: false });
    expect(status).to.equal(1);
    expect(said).to.include("bot a could NOT be stopped").and.to.include("npx trading halt --stack live --level kill");
  });

  it("leaves a service that is no bot as it is: others need it", () => {
    const { status, said, asked } = gate({ Status: "running", Running: true }, { bot: false });
    expect(status).to.equal(1);
    expect(said).not.to.include("npx trading rollback");
    expect(asked.at(-1)).to.equal("logs --tail 20 trading-live-bot-a");
  });

  it("stops a bot that was wished stopped meanwhile, and is content", () => {
    fs.writeFileSync(path.join(control, "desired.json"), JSON.stringify({ bots: { a: "stopped" } }));
    const { status, said, asked } = gate({ Status: "running", Running: true });
    expect([status, asked.at(-1)]).to.deep.equal([0, "stop trading-live-bot-a"]);
    expect(said).to.include("was wished stopped while this ran");
  });
});
