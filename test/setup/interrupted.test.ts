import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "chai";
import { processIdentity } from "../../setup/common/identity.mjs";
import { LockedError, takeLock } from "../../setup/common/lock.mjs";
import { lastLines, Processes } from "../../setup/common/processes.mjs";
import { createContext } from "../../setup/context.mjs";
import { cloneStep } from "../../setup/steps/clone.mjs";
import { useTemporaryFolder } from "../unit/setup/temporaryFolder";

const SETUP = path.resolve(__dirname, "..", "..", "setup");
const url = (...segments: string[]) => JSON.stringify(pathToFileURL(path.join(SETUP, ...segments)).href);

/** Runs a script that uses set-up's modules in a process of its own, which can be killed. */
function runScript(script: string): ChildProcess {
  return spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
}

const ended = (child: ChildProcess) => new Promise((resolve) => (child.exitCode !== null || child.signalCode !== null ? resolve(undefined) : child.once("exit", resolve)));
const says = (child: ChildProcess, word: string) => new Promise<string>((resolve) => child.stdout!.on("data", (text: Buffer) => text.toString().includes(word) && resolve(text.toString())));

describe("a set-up that was killed", function () {
  this.timeout(120_000);
  const folder = useTemporaryFolder();

  it("leaves no half passphrase, key or identity, at whatever moment", async () => {
    folder.write("Pulumi.yaml", "name: trading\n");
    folder.write("Pulumi.paper.yaml", "config:\n  trading:mode: paper\n  trading:portBase: 8400\n");
    const script = `
      const { cloneStep } = await import(${url("steps", "clone.mjs")});
      const { rm } = await import("node:fs/promises");
      const root = ${JSON.stringify(folder.path)};
      const context = { root, stack: "paper", interactive: false };
      console.log("ready");
      for (;;) {
        await cloneStep.run(context, { at() {}, say() {} });
        await rm(root + "/.trading", { recursive: true });
      }`;
    for (let round = 0; round < 8; round += 1) {
      const child = runScript(script);
      await says(child, "ready");
      await delay(round * 7);
      child.kill("SIGKILL");
      await ended(child);
      const context = createContext({ root: folder.path });
      const whole = new RegExp("^([\\w-]{43}|[0-9a-f]{16}|[0-9a-f]{64})\\n$");
      const kept = folder.list().filter((name) => /(passphrase|owner|key)$/.test(name));
      for (const name of kept) expect(folder.read(name), `${name} in round ${round}`).to.match(whole);
      const before = kept.map((name) => folder.read(name));
      await cloneStep.run(context, { at: () => undefined, say: () => undefined });
      expect(kept.map((name) => folder.read(name))).to.deep.equal(before);
      expect((await cloneStep.check(context)).ok).to.equal(true);
    }
  });

  it("gives up its lock, which a living one keeps", async () => {
    const file = path.join(folder.path, "run", "lock");
    const child = runScript(`
      const { takeLock } = await import(${url("common", "lock.mjs")});
      await takeLock(${JSON.stringify(file)}, "npm start");
      console.log("taken");
      setInterval(() => undefined, 1000);`);
    await says(child, "taken");
    const refusal = await takeLock(file, "npm test").then(() => undefined, (error: unknown) => error);
    expect(refusal).to.be.instanceOf(LockedError).with.property("message", `npm start is already running in this folder (process ${child.pid}): wait until it has ended`);
    child.kill("SIGKILL");
    await ended(child);
    const release = await takeLock(file, "npm test");
    await release();
    expect(fs.existsSync(file)).to.equal(false);
  });

  it("has its lock taken over by exactly one of those who come after", async () => {
    const file = path.join(folder.path, "lock");
    fs.writeFileSync(file, JSON.stringify({ pid: 999_999_999, identity: "gone", what: "npm start" }));
    const attempts = await Promise.allSettled(Array.from({ length: 6 }, () => takeLock(file, "npm start")));
    expect(attempts.filter((attempt) => attempt.status === "fulfilled")).to.have.length(1);
  });

  it("leaves programs running that the next one ends, and no other program", async function () {
    if (process.platform === "win32") this.skip();
    const recordFolder = path.join(folder.path, "run");
    const child = runScript(`
      const { Processes } = await import(${url("common", "processes.mjs")});
      const processes = new Processes({ recordFolder: ${JSON.stringify(recordFolder)} });
      processes.run("sh", ["-c", "sleep 600 & sleep 600"], { long: true });
      setInterval(() => undefined, 1000);`);
    const record = await eventually(() => fs.existsSync(recordFolder) && fs.readdirSync(recordFolder).find((name) => name.endsWith(".json")));
    child.kill("SIGKILL");
    await ended(child);
    const { pid } = JSON.parse(folder.read(`run/${record}`)) as { pid: number };
    expect(await processIdentity(pid)).to.be.a("string");
    // A number that another program has by now is left alone.
    folder.write("run/child-1.json", JSON.stringify({ pid: process.pid, identity: "another one", ending: "SIGKILL", group: true, command: "sleep" }));

    const said: string[] = [];
    await new Processes({ recordFolder }).endLeftovers((line: string) => void said.push(line));
    expect(await processIdentity(pid)).to.equal(undefined);
    expect(said).to.deep.equal([`ending what an interrupted run left: sh -c sleep 600 & sleep 600 (process ${pid})`]);
    expect(fs.readdirSync(recordFolder)).to.deep.equal([]);
  });

  it("ends what it started when it is interrupted", async function () {
    if (process.platform === "win32") this.skip();
    const processes = new Processes({ recordFolder: path.join(folder.path, "run") });
    const began = Date.now();
    const result = processes.run("sh", ["-c", "sleep 600 & sleep 600"], { long: true });
    await delay(100);
    await processes.endAll();
    expect(await result).to.include({ code: null });
    expect(Date.now() - began).to.be.below(10_000);
    expect(folder.list()).to.deep.equal(["run"]);
  });
});

describe("programs that set-up runs", function () {
  this.timeout(30_000);
  const folder = useTemporaryFolder();
  const processes = () => new Processes({ recordFolder: folder.path });

  it("are told apart: missing, failed, hanging and silent ones", async () => {
    const node = (script: string, options = {}) => processes().run(process.execPath, ["--eval", script], options);
    expect(await processes().run("no-such-program", [])).to.include({ code: null, missing: true });
    expect(await node('console.error("no"); process.exit(3)')).to.deep.include({ code: 3, stderr: "no\n", missing: false, timedOut: false });
    expect(await node("setInterval(() => 0, 1000)", { timeout: 300 })).to.include({ code: null, timedOut: true });
    expect(await node("setInterval(() => 0, 1000)", { silence: 300 })).to.include({ code: null, timedOut: true });
    expect(await node('let n = 0; const t = setInterval(() => { console.log(n); if (++n === 8) clearInterval(t); }, 100)', { silence: 2000 })).to.include({ code: 0, timedOut: false });
  });

  it("get their input, and their lines are handed on whole", async () => {
    const lines: string[] = [];
    const echo = 'process.stdin.on("data", (d) => { const s = String(d); process.stdout.write(s.slice(0, 5)); setTimeout(() => process.stdout.write(s.slice(5)), 50); })';
    const result = await processes().run(process.execPath, ["--eval", echo], { input: "first line\nsecond", onLine: (line: string) => void lines.push(line) });
    expect(lines).to.deep.equal(["first line", "second"]);
    expect(lastLines(result, 1)).to.equal("second");
  });
});

async function eventually<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look();
    if (found) return found;
    await delay(20);
  }
}
