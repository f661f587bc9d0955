import { expect } from "chai";
import { PassThrough } from "node:stream";
import { hold } from "../../../../services/backup/holdTool";
import { takeMutex, type Mutex } from "../../../../services/backup/mutex";
import { temporaryPaths } from "./samples";
import { mkdir } from "node:fs/promises";

describe("the tool that holds the mutex", function () {
  before(function () {
    if (process.platform !== "linux") this.skip();
  });
  let home: Awaited<ReturnType<typeof temporaryPaths>>;
  let said: object[];
  let stop: AbortController;
  const run = () => ({ progress: (line: object) => void said.push(line), say: (line: object) => void said.push(line), signal: stop.signal });
  beforeEach(async () => {
    home = await temporaryPaths();
    await mkdir(home.paths.backups, { recursive: true });
    [said, stop] = [[], new AbortController()];
  });
  afterEach(() => home.remove());

  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  it("keeps it until its input ends", async () => {
    const input = new PassThrough();
    const held = hold({ holder: "restore", waitSeconds: 0 }, run(), home.paths, input);
    await until(() => said.length > 0);
    expect(said).to.deep.equal([{ kind: "held" }]);
    expect(await takeMutex(home.paths.lock, "point")).to.have.property("heldBy").that.matches(/^restore since /);
    input.end();
    expect(await held).to.deep.equal({ held: "restore" });
    const free = await takeMutex(home.paths.lock, "point");
    expect(free).not.to.have.property("heldBy");
    await (free as Mutex).release();
  });

  it("says at once who has it, when it is not to wait", async () => {
    const other = (await takeMutex(home.paths.lock, "point")) as Mutex;
    const error = await hold({ holder: "restore", waitSeconds: 0 }, run(), home.paths, new PassThrough()).catch((reason: Error) => reason);
    expect((error as Error).message).to.match(/^the backups are in use: point since /);
    await other.release();
  });

  it("waits, says for whom, and has it as soon as it is free", async () => {
    const other = (await takeMutex(home.paths.lock, "point")) as Mutex;
    const input = new PassThrough();
    const held = hold({ holder: "restore", waitSeconds: 60 }, run(), home.paths, input);
    await until(() => said.length > 0);
    expect(said[0]).to.have.property("text").that.matches(/^waits for point since /);
    await other.release();
    await until(() => said.length > 1);
    expect(said[1]).to.deep.equal({ kind: "held" });
    input.end();
    await held;
  });

  it("lets it go when its container is stopped", async () => {
    const held = hold({ holder: "restore", waitSeconds: 0 }, run(), home.paths, new PassThrough()).catch((reason: Error) => reason);
    await until(() => said.length > 0);
    stop.abort(new Error("stopped by SIGTERM"));
    expect(await held).to.be.instanceOf(Error);
    const free = await takeMutex(home.paths.lock, "point");
    expect(free).not.to.have.property("heldBy");
    await (free as Mutex).release();
  });
});
