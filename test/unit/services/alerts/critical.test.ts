import { expect } from "chai";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AlertChannel } from "../../../../services/shared/alerts/AlertChannel";
import { alarm, Bench, eventually, minute } from "./support";

/** Waits for what a file says; the test's own time limit ends the wait. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe("what an alert channel remembers of what was critical", () => {
  let bench: Bench;
  let file: string;
  beforeEach(async () => {
    bench = await Bench.start();
    file = join(bench.folder, "critical.json");
  });
  afterEach(() => bench.close());

  const critical = (key: string) => alarm(key, { severity: "critical" });
  const open = (): Promise<AlertChannel> => bench.open({ criticalFile: file, addressFile: null });
  const stored = async () => JSON.parse(await readFile(file, "utf8").catch(() => "{}")) as { since: number; last: { at: number; key: string } | null };
  const start = () => bench.time.wall();

  it("is nothing at first, and known from then on", async () => {
    const began = start();
    const channel = await open();
    channel.set([alarm("a-warning")]);
    await bench.time.pass(minute);
    expect(channel.state().critical).to.deep.equal({ knownSince: began, lastAt: null, lastKey: null });
    await channel.close();
    expect(await stored()).to.deep.equal({ format: 1, since: began, last: null });
  });

  it("outlives its end, and a start", async () => {
    const began = start();
    const channel = await open();
    channel.set([alarm("a-warning"), critical("feed")]);
    await bench.time.pass(10 * minute);
    channel.set([critical("feed")]);
    await bench.time.pass(minute);
    channel.set([]);
    const expected = { knownSince: began, lastAt: began + 10 * minute, lastKey: "feed" };
    expect(channel.state().critical).to.deep.equal(expected);
    await channel.close();
    expect((await open()).state().critical).to.deep.equal(expected);
  });

  it("counts a warning that became critical from when it did", async () => {
    const began = start();
    const channel = await open();
    channel.set([alarm("disk")]);
    await bench.time.pass(minute);
    channel.set([critical("disk")]);
    expect(channel.state().critical).to.include({ lastAt: began + minute, lastKey: "disk" });
  });

  it("is on the disk within a minute while it lasts, so that a crash loses no more", async () => {
    const channel = await open();
    channel.set([critical("feed")]);
    const first = start();
    await until(async () => (await stored()).last?.at === first);
    await bench.time.pass(30_000);
    channel.set([critical("feed")]);
    await bench.time.pass(30_000);
    channel.set([critical("feed")]);
    await until(async () => (await stored()).last?.at === first + minute);
  });

  for (const [what, text] of [["damaged", '{"format":1,'], ["of a later version", '{"format":2,"since":1,"last":null}']] as const) {
    it(`begins anew where its file is ${what}, and says since when`, async () => {
      await writeFile(file, text);
      const began = start();
      const channel = await open();
      expect(channel.state().critical).to.deep.equal({ knownSince: began, lastAt: null, lastKey: null });
    });
  }

  it("is kept in memory while the disk takes nothing, and written when it does", async () => {
    const channel = await open();
    await until(async () => (await stored()).since !== undefined);
    await mkdir(`${file}.new`);
    channel.set([critical("feed")]);
    expect(channel.state().critical).to.include({ lastKey: "feed" });
    await eventually(() => bench.log.some((line) => line.includes("last wrong cannot be written")));
    await rm(`${file}.new`, { recursive: true });
    await until(async () => {
      channel.set([critical("feed")]);
      return (await stored()).last?.key === "feed";
    });
  });

  it("is not kept where nobody asked for it", async () => {
    const channel = await bench.open();
    channel.set([critical("feed")]);
    expect(channel.state().critical).to.equal(null);
  });
});
