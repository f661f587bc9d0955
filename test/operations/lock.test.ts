import { expect } from "chai";
import { execFileSync, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { underLock } from "../../operations/lock";
import { ended, inProcess, said } from "./processes";

const HOLD_FOR_EVER = `
  const { underLock } = require("./operations/lock.ts");
  underLock(process.argv[1], () => { console.log("held"); return new Promise(() => setInterval(() => undefined, 1000)); });`;

const COUNT = `
  const { underLock } = require("./operations/lock.ts");
  const fs = require("node:fs");
  const [, lock, counter] = process.argv;
  (async () => {
    for (let index = 0; index < 20; index++) {
      await underLock(lock, async () => {
        const value = Number(fs.readFileSync(counter, "utf8"));
        await new Promise((resolve) => setImmediate(resolve));
        fs.writeFileSync(counter, String(value + 1));
      });
    }
  })();`;

describe("the lock of the wishes", function () {
  this.timeout(30_000);
  let folder: string;
  let lock: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "trading-lock-"));
    lock = path.join(folder, "desired.json.lock");
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    fs.rmSync(folder, { recursive: true });
  });
  const ticket = (more: object) => fs.writeFileSync(lock, JSON.stringify({ token: "t", process: process.pid, host: os.hostname(), since: Date.now(), ...more }));

  it("lets one process in at a time, and leaves nothing behind", async () => {
    const counter = path.join(folder, "counter");
    fs.writeFileSync(counter, "0");
    const workers = [1, 2, 3].map(() => inProcess(COUNT, lock, counter));
    children.push(...workers);
    expect(await Promise.all(workers.map(ended))).to.deep.equal([0, 0, 0]);
    expect(fs.readFileSync(counter, "utf8")).to.equal("60");
    expect(fs.readdirSync(folder)).to.deep.equal(["counter"]);
  });

  it("is free again at once when its holder was killed, also for several who find it so", async () => {
    const holder = inProcess(HOLD_FOR_EVER, lock);
    children.push(holder);
    expect(await said(holder)).to.equal("held\n");
    holder.kill("SIGKILL");
    await ended(holder);
    let inside = 0;
    let most = 0;
    await Promise.all(
      [1, 2, 3, 4, 5].map(() =>
        underLock(lock, async () => {
          most = Math.max(most, ++inside);
          await new Promise((resolve) => setImmediate(resolve));
          inside--;
        }),
      ),
    );
    expect(most).to.equal(1);
    expect(fs.readdirSync(folder)).to.deep.equal([]);
  });

  it("names the holder when it is not free in time", async () => {
    ticket({});
    const error = await underLock(lock, () => undefined, { timeoutMilliseconds: 50 }).catch((caught: Error) => caught);
    expect((error as Error).message).to.equal(`another command (process ${process.pid}) holds ${lock}: wait for it, or remove the file when that is no command of this program`);
  });

  it("takes a process of another machine for alive", async () => {
    ticket({ process: deadProcess(), host: "elsewhere" });
    const error = await underLock(lock, () => undefined, { timeoutMilliseconds: 50 }).catch((caught: Error) => caught);
    expect(error).to.be.an("error");
  });

  it("counts an old lock as left behind although its process number is in use again", async () => {
    ticket({ since: Date.now() - 61_000 });
    expect(await underLock(lock, () => "in")).to.equal("in");
  });

  it("is free again after the work has failed", async () => {
    await underLock(lock, () => Promise.reject(new Error("no"))).catch(() => undefined);
    expect(fs.readdirSync(folder)).to.deep.equal([]);
  });
});

/** Number of a process that has ended. */
function deadProcess(): number {
  return Number(execFileSync(process.execPath, ["--print", "process.pid"], { encoding: "utf8" }));
}
