import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { takeMutex, type Mutex } from "../../../../services/backup/mutex";

describe("the mutex of the backups", function () {
  before(function () {
    // flock is of the container's system.
    if (process.platform !== "linux") this.skip();
  });
  let folder: string;
  let lock: string;
  const held: Mutex[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "mutex-"));
    lock = path.join(folder, "lock");
  });
  afterEach(async () => {
    for (const mutex of held.splice(0)) await mutex.release();
    await rm(folder, { recursive: true, force: true });
  });
  const take = async (holder: string) => {
    const taken = await takeMutex(lock, holder, () => Date.UTC(2026, 10, 21));
    if (!("heldBy" in taken)) held.push(taken);
    return taken;
  };

  it("is had by one, and tells the other who has it", async () => {
    const first = await take("point");
    expect(first).not.to.have.property("heldBy");
    expect(await take("restore")).to.deep.equal({ heldBy: "point since 2026-11-21T00:00:00.000Z" });
    await (first as Mutex).release();
    expect(await readFile(lock, "utf8")).to.equal("");
    expect(await take("restore")).not.to.have.property("heldBy");
  });

  it("waits a moment for the name of one that has just got it", async () => {
    await take("point");
    await writeFile(lock, "");
    const asked = take("restore");
    await new Promise((resolve) => setTimeout(resolve, 60));
    await writeFile(lock, "point since then\n");
    expect(await asked).to.deep.equal({ heldBy: "point since then" });
    await writeFile(lock, "");
    expect(await take("restore")).to.deep.equal({ heldBy: "another job" });
  });

  it("is had by exactly one of many that come at once", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, (_, index) => take(`job ${index}`)));
    expect(all.filter((taken) => !("heldBy" in taken))).to.have.length(1);
  });

  it("is free as soon as a holder was killed", async () => {
    const script = `const { takeMutex } = require(${JSON.stringify(path.resolve("services/backup/mutex.ts"))});
      takeMutex(${JSON.stringify(lock)}, "victim").then((taken) => { console.log(JSON.stringify(taken)); setInterval(() => undefined, 1000); });`;
    const victim = spawn(process.execPath, ["--require", "tsx/cjs", "--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(victim.stdout, "data");
      expect(await take("other")).to.have.property("heldBy").that.matches(/^victim since /);
    } finally {
      victim.kill("SIGKILL");
      await once(victim, "close");
    }
    for (let attempt = 0; ; attempt++) {
      const taken = await take("other");
      if (!("heldBy" in taken)) return;
      if (attempt > 100) throw new Error(`still held by ${taken.heldBy}`);
    }
  });

  it("says that it was lost when its keeper is killed", async () => {
    const mutex = (await take("point")) as Mutex;
    const { execFileSync } = await import("node:child_process");
    const children = execFileSync("pgrep", ["--parent", String(process.pid), "--full", "flock --nonblock"], { encoding: "utf8" }).trim().split("\n");
    const lost = once(mutex.lost, "abort");
    for (const child of children) for (const cat of execFileSync("pgrep", ["--parent", child], { encoding: "utf8" }).trim().split("\n")) process.kill(Number(cat), "SIGKILL");
    await lost;
    expect((mutex.lost.reason as Error).message).to.match(/was lost/);
  });

  it("is an error where its file cannot be", async () => {
    const error = await takeMutex(path.join(folder, "missing", "lock"), "point").catch((reason: Error) => reason);
    expect((error as Error).message).to.match(/^the lock .* cannot be taken: .*No such file/);
  });
});
