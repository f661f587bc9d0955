import { expect } from "chai";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { AlertChannel } from "../../../../services/shared/alerts/AlertChannel";
import { alarm, Bench, eventually, hour, minute } from "./support";

describe("alert channel's file", () => {
  let bench: Bench;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(async () => {
    if (child?.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    child = undefined;
    await bench.close();
  });

  async function set(channel: AlertChannel, ...active: Parameters<AlertChannel["set"]>[0]): Promise<void> {
    channel.set(active);
    await bench.time.settled();
  }

  /** Runs a channel in a process of its own that sets one alarm and can only be killed. */
  async function start(): Promise<ChildProcess> {
    const { stack, sender, file, addressFile, heartbeatFile, repeatMinutes } = bench.options();
    const program = `
      const { AlertChannel } = require(${JSON.stringify(resolve("services/shared/alerts/AlertChannel.ts"))});
      const { createLogger } = require(${JSON.stringify(resolve("services/shared/log.ts"))});
      const options = { ...${JSON.stringify({ stack, sender, file, addressFile, heartbeatFile, repeatMinutes })}, log: createLogger("test", "silent") };
      void AlertChannel.open(options).then((channel) => channel.set([${JSON.stringify(alarm("archive"))}]));
      setInterval(() => undefined, 1000);`;
    child = spawn(process.execPath, ["--require", "tsx/cjs", "--eval", program], { stdio: ["ignore", "inherit", "inherit"] });
    return child;
  }

  it("has a notice before it is first sent: killed in between, the next process delivers it with the same id", async function () {
    this.timeout(60_000);
    bench.receiver.reply = () => "hang";
    const killed = await start();
    const exited = once(killed, "exit");
    await eventually(() => bench.receiver.calls.length > 0 || killed.exitCode !== null);
    killed.kill("SIGKILL");
    expect(await exited).to.deep.equal([null, "SIGKILL"]);
    const [attempt] = bench.receiver.calls;

    bench.receiver.reply = () => 200;
    const channel = await bench.open();
    await bench.time.settled();
    expect(bench.receiver.notices.map(({ id, state }) => ({ id, state }))).to.deep.equal([{ id: JSON.parse(attempt!.text).id, state: "raised" }]);
    await set(channel, alarm("archive"));
    expect(bench.receiver.accepted).to.have.length(1);
    await set(channel);
    expect(bench.told).to.deep.equal(["archive raised 1", "archive resolved 2"]);
  });

  it("carries incidents over a restart: no second raise, the end told, an end that came meanwhile too", async () => {
    const first = await bench.open();
    await set(first, alarm("lasts"), alarm("ends"));
    await first.close();
    const second = await bench.open();
    await bench.time.settled();
    await set(second, alarm("lasts"));
    expect(bench.told).to.have.members(["lasts raised 1", "ends raised 1", "ends resolved 2"]);
    expect(second.state().lastDeliveredAt).to.equal(bench.time.wall());
  });

  it("repeats nothing that it does not know to last still", async () => {
    const first = await bench.open();
    await set(first, alarm("archive"));
    await first.close();
    bench.time.setWall(bench.time.wall() + 3 * hour);
    const second = await bench.open();
    await bench.time.pass(2 * hour);
    expect(bench.told).to.deep.equal(["archive raised 1"]);
    await set(second);
    expect(bench.told).to.deep.equal(["archive raised 1", "archive resolved 2"]);
  });

  for (const { name, set: jump, after } of [
    { name: "as it is", set: 0, after: 40 * minute },
    { name: "back a day", set: -24 * hour, after: hour },
    { name: "ahead a day", set: 24 * hour, after: 0 },
  ]) {
    it(`repeats in time after a restart with the clock ${name}`, async () => {
      const first = await bench.open();
      await set(first, alarm("archive"));
      await bench.time.pass(20 * minute);
      await first.close();
      bench.time.setWall(bench.time.wall() + jump);
      const second = await bench.open();
      await set(second, alarm("archive"));
      if (after > 0) {
        await bench.time.pass(after - 1000);
        expect(bench.told).to.deep.equal(["archive raised 1"]);
        await bench.time.pass(1000);
      }
      expect(bench.told).to.deep.equal(["archive raised 1", "archive repeated 2"]);
      await bench.time.pass(59 * minute);
      expect(bench.told).to.have.length(2);
    });
  }

  for (const [name, content] of [
    ["cut short", '{"format":1,"incidents":[{"id":"a'],
    ["empty", ""],
    ["of zeros", "\0".repeat(512)],
    ["of another format", '{"format":2}'],
    ["with an impossible time", '{"format":1,"incidents":[],"dropped":0,"lastDeliveredAt":1e300,"lastHeartbeatAt":null}'],
  ] as const) {
    it(`sets a damaged file aside: ${name}`, async () => {
      await writeFile(bench.file, content);
      const channel = await bench.open();
      await bench.time.settled();
      expect(JSON.parse(await readFile(bench.file, "utf8"))).to.include({ format: 1 });
      await set(channel, alarm("archive"));
      expect(bench.told).to.deep.equal(["archive raised 1"]);
      const aside = (await readdir(bench.folder)).find((entry) => entry.includes("damaged"))!;
      expect(aside).to.equal("alerts.json.damaged-20260301T120000Z");
      expect(await readFile(join(bench.folder, aside), "utf8")).to.equal(content);
      expect(bench.log.filter((line) => line.includes(aside))).to.have.length(1);
      await channel.close();
      const again = await bench.open();
      await set(again, alarm("archive"));
      expect(bench.told).to.have.length(1);
    });
  }

  it("sets aside what is no file at all", async () => {
    await mkdir(bench.file);
    const channel = await bench.open();
    await set(channel, alarm("archive"));
    expect(JSON.parse(await readFile(bench.file, "utf8")).incidents).to.have.length(1);
    expect(channel.state().fileProblem).to.equal(null);
  });

  it("delivers from memory while the disk is full, says so, and catches up afterwards", async function () {
    if (process.platform !== "linux") this.skip();
    const channel = await bench.open();
    await set(channel, alarm("before"));
    const before = await readFile(bench.file, "utf8");
    // Every write to /dev/full fails like one to a full disk.
    await symlink("/dev/full", `${bench.file}.new`);
    await set(channel, alarm("before"), alarm("disk-full"));
    await bench.time.pass(5 * minute);
    expect(bench.told).to.deep.equal(["before raised 1", "disk-full raised 1"]);
    expect(channel.state().fileProblem).to.include("ENOSPC");
    expect(channel.state()).to.include({ undelivered: 0, lastProblem: null });
    expect(await readFile(bench.file, "utf8")).to.equal(before);
    expect(bench.log.filter((line) => line.includes("cannot be written"))).to.have.length(1);

    await rm(`${bench.file}.new`);
    await bench.time.pass(minute);
    expect(channel.state().fileProblem).to.equal(null);
    await channel.close();
    const again = await bench.open();
    await set(again, alarm("before"), alarm("disk-full"));
    expect(bench.told).to.have.length(2);
  });

  it("tries again without a folder for the file, and never fails the caller", async () => {
    const channel = await bench.open({ file: join(bench.folder, "missing", "alerts.json") });
    await set(channel, alarm("archive"));
    expect(bench.told).to.deep.equal(["archive raised 1"]);
    expect(channel.state().fileProblem).to.include("ENOENT");
  });

  it("writes nothing while nothing changes", async () => {
    const channel = await bench.open();
    await set(channel, alarm("archive"));
    await rm(bench.file);
    for (let times = 0; times < 10; times++) channel.set([alarm("archive")]);
    await bench.time.pass(10 * minute);
    expect(await readdir(bench.folder)).not.to.include("alerts.json");
  });

  it("keeps what is active without a receiver, and tells of it when there is one", async () => {
    const alone = await bench.open({ addressFile: null });
    await set(alone, alarm("archive"), alarm("short"));
    await set(alone, alarm("archive"));
    await bench.time.pass(3 * hour);
    expect(alone.state()).to.include({ configured: false, undelivered: 0, oldestUndeliveredAt: null, dropped: 0 });
    expect(alone.state().active.map(({ key, announced }) => ({ key, announced }))).to.deep.equal([{ key: "archive", announced: false }]);
    await alone.close();
    const channel = await bench.open();
    await set(channel, alarm("archive"));
    expect(bench.told).to.deep.equal(["archive raised 1"]);
    expect(channel.state().active[0]!.announced).to.equal(true);
  });
});
