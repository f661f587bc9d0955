import { expect } from "chai";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { PassThrough, Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { run, ToolFailure, type RunOptions } from "../../../../services/backup/run";
import { standingStill } from "../../../../services/backup/standingStill";

const node = process.execPath;

/** Runs a program of Node's in a process of its own. */
function script(text: string, options: Partial<RunOptions> = {}) {
  return run(node, ["-e", text], { timeoutSeconds: 30, ...options });
}

async function failure(work: Promise<unknown>): Promise<ToolFailure> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(ToolFailure);
  return error as ToolFailure;
}

/** Letter that the kernel has for the state of a process; empty when there is none. */
async function stateOf(id: number): Promise<string> {
  return promisify(execFile)("ps", ["-o", "stat=", "-p", String(id)]).then(
    ({ stdout }) => stdout.trim().slice(0, 1),
    () => "",
  );
}

/** What has ended and was not waited for by anybody yet does not run. */
async function isRunning(id: number): Promise<boolean> {
  return !["", "Z"].includes(await stateOf(id));
}

/** Waits until something holds, within the test's own time. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(5);
}

/** Does some work while bots decide one after the other. */
async function whileBotsDecide<Result>(work: () => Promise<Result>): Promise<Result> {
  const candle = () => standingStill.candle("BTCUSDT 1h");
  const candles = setInterval(candle, 5);
  candle();
  try {
    return await work();
  } finally {
    clearInterval(candles);
  }
}

describe("running a program", function () {
  this.timeout(30_000);

  it("gives what the program said, and passes input on", async () => {
    const outcome = await script("process.stdin.pipe(process.stdout); console.error('aside')", { input: "given" });
    expect(outcome).to.deep.equal({ code: 0, stdout: "given", stderr: "aside\n" });
  });

  it("fails on every exit code that is not allowed, with the last lines of the error output", async () => {
    const error = await failure(script("for (let i = 0; i < 30; i++) console.error('line ' + i); process.exitCode = 7"));
    expect([error.reason, error.code, error.lines.length, error.lines.at(-1)]).to.deep.equal(["exit", 7, 20, "line 29"]);
    expect(error.message).to.contain("failed with exit code 7").and.to.contain("line 29");
    expect((await script("process.exit(3)", { allowedCodes: [0, 3] })).code).to.equal(3);
  });

  it("fails when the program is ended by a signal, is not there, or takes too long", async () => {
    const killed = await failure(script("process.kill(process.pid, 'SIGKILL')"));
    expect([killed.reason, killed.code]).to.deep.equal(["signal", null]);
    const absent = await failure(run("no-such-program", [], { timeoutSeconds: 5 }));
    expect([absent.reason, absent.message]).to.deep.equal(["start", "no-such-program could not be started (no such program)"]);
    const late = await failure(script("setInterval(() => 0, 1000)", { timeoutSeconds: 0.5 }));
    expect(late.reason).to.equal("timeout");
  });

  it("ends what the program started together with it when the caller gives up", async () => {
    const stop = new AbortController();
    let inner = 0;
    const text = "const c = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { stdio: 'inherit' }); console.log(c.pid); setInterval(() => 0, 1000)";
    const error = await failure(script(text, { signal: stop.signal, onLine: (line) => ((inner = Number(line)), stop.abort()) }));
    expect(error.reason).to.equal("aborted");
    expect(inner).to.be.greaterThan(0);
    expect(await isRunning(inner)).to.equal(false);
    expect((await failure(script("", { signal: stop.signal }))).message).to.contain("was not started");
  });

  it("stands still with what it started while bots decide, and goes on after that", async () => {
    const stop = new AbortController();
    let ids: number[] = [];
    const text = "const c = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)']); console.log(process.pid + ' ' + c.pid); setInterval(() => 0, 1000)";
    const ended = failure(script(text, { signal: stop.signal, onLine: (line) => (ids = line.split(" ").map(Number)) }));
    await until(async () => ids.length === 2);
    const states = async () => (await Promise.all(ids.map(stateOf))).join("");
    await whileBotsDecide(() => until(async () => (await states()) === "TT"));
    await until(async () => !(await states()).includes("T"));
    await whileBotsDecide(() => until(async () => (await states()) === "TT"));
    stop.abort();
    expect((await ended).reason).to.equal("aborted");
    expect(await Promise.all(ids.map(isRunning))).to.deep.equal([false, false]);
  });

  it("stands still from its begin on when it begins while bots decide", async () => {
    const states = () => promisify(execFile)("ps", ["-o", "stat=", "--ppid", String(process.pid)]).then(({ stdout }) => stdout.split("\n").map((line) => line.slice(0, 1)));
    await whileBotsDecide(async () => {
      const ended = script("console.log('done')");
      await until(async () => (await states()).includes("T"));
      expect((await ended).stdout).to.equal("done\n");
    });
  });

  it("gives lines as they come, the last one without a line end too", async () => {
    const lines: string[] = [];
    await script("process.stdout.write('one\\ntw'); setTimeout(() => process.stdout.write('o\\r\\nthree'), 50)", { onLine: (line) => lines.push(line) });
    expect(lines).to.deep.equal(["one", "two", "three"]);
  });

  it("fails when the input breaks off, or nobody takes the output", async () => {
    const broken = new Readable({ read() { this.destroy(new Error("disk gone")); } });
    expect((await failure(script("process.stdin.resume()", { input: broken }))).reason).to.equal("input");
    const closed = new PassThrough();
    setTimeout(() => closed.destroy(), 50);
    expect((await failure(script("setInterval(() => process.stdout.write('x'.repeat(65536)), 1)", { output: closed }))).reason).to.equal("output");
  });

  it("passes a large output on whole", async () => {
    const output = new PassThrough();
    let bytes = 0;
    output.on("data", (chunk: Buffer) => (bytes += chunk.length));
    await script("for (let i = 0; i < 100; i++) process.stdout.write('x'.repeat(100000))", { output });
    expect(bytes).to.equal(10_000_000);
  });
});
