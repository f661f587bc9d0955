import { expect } from "chai";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { acknowledge, acknowledgementOf } from "../../../../control/acknowledged";
import { ensureControlFolder, FOLDERS } from "../../../../control/folder";
import type { AlertChannel, AlertChannelOptions, Severity } from "../../../../services/shared/alerts/AlertChannel";
import { alarm, Bench, hour, minute } from "./support";

describe("an acknowledged alert", () => {
  let bench: Bench;
  let control: string;

  beforeEach(async () => {
    bench = await Bench.start();
    control = join(bench.folder, "control");
    ensureControlFolder(control, "paper", "owner");
  });
  afterEach(() => bench.close());

  const acknowledged: NonNullable<AlertChannelOptions["acknowledged"]> = (id) => acknowledgementOf(control, id)?.severity;
  const open = (): Promise<AlertChannel> => bench.open({ acknowledged });
  const see = (id: string, severity: Severity): void => acknowledge(control, id, { at: "2026-03-01T12:00:00.000Z", who: "owner", severity });
  const set = async (channel: AlertChannel, ...active: Parameters<AlertChannel["set"]>[0]): Promise<void> => {
    channel.set(active);
    await bench.time.settled();
  };
  const idOf = (channel: AlertChannel, key: string): string => channel.state().active.find((alert) => alert.key === key)!.id;

  for (const severity of ["critical", "warning"] as const) {
    it(`is told of every hour until then, and once more when it is over: ${severity}`, async () => {
      const channel = await open();
      await set(channel, alarm("disk", { severity }), alarm("other", { severity }));
      await bench.time.pass(2 * hour);
      expect(bench.told.filter((text) => text.startsWith("disk"))).to.deep.equal(["disk raised 1", "disk repeated 2", "disk repeated 3"]);
      see(idOf(channel, "disk"), severity);
      await bench.time.pass(5 * hour);
      expect(bench.told.filter((text) => text.startsWith("disk"))).to.have.length(3);
      expect(bench.told.filter((text) => text.startsWith("other"))).to.have.length(8);
      expect(channel.state().active.map(({ key, acknowledged: seen }) => [key, seen])).to.deep.equal([["disk", true], ["other", false]]);
      await set(channel, alarm("other", { severity }));
      expect(bench.told.at(-1)).to.equal("disk resolved 4");
    });
  }

  it("is told of at once, and again, when it becomes critical after it was seen as a warning", async () => {
    const channel = await open();
    await set(channel, alarm("disk"));
    see(idOf(channel, "disk"), "warning");
    await bench.time.pass(3 * hour);
    await set(channel, alarm("disk", { severity: "critical" }));
    expect(bench.told).to.deep.equal(["disk raised 1", "disk repeated 2"]);
    expect(channel.state().active[0]).to.include({ severity: "critical", acknowledged: false });
    await bench.time.pass(hour);
    expect(bench.told.at(-1)).to.equal("disk repeated 3");
    see(idOf(channel, "disk"), "critical");
    await set(channel, alarm("disk"));
    await bench.time.pass(3 * hour);
    expect(bench.told).to.have.length(3);
    expect(channel.state().active[0]).to.include({ severity: "warning", acknowledged: true });
  });

  it("stays so over a restart, and does not hold for the same trouble that comes back", async () => {
    const first = await open();
    await set(first, alarm("disk", { severity: "critical" }));
    const seen = idOf(first, "disk");
    see(seen, "critical");
    await first.close();
    const second = await open();
    await set(second, alarm("disk", { severity: "critical" }));
    await bench.time.pass(3 * hour);
    expect(bench.told).to.deep.equal(["disk raised 1"]);
    await set(second);
    await set(second, alarm("disk", { severity: "critical" }));
    expect(idOf(second, "disk")).not.to.equal(seen);
    await bench.time.pass(hour);
    expect(bench.told.slice(1)).to.deep.equal(["disk resolved 2", "disk raised 1", "disk repeated 2"]);
  });

  it("is delivered all the same while its receiver was away", async () => {
    const channel = await open();
    bench.receiver.setAway(true);
    await set(channel, alarm("disk", { severity: "critical" }));
    see(idOf(channel, "disk"), "critical");
    await bench.time.pass(hour);
    bench.receiver.setAway(false);
    await bench.time.pass(minute);
    expect(bench.told).to.deep.equal(["disk raised 1"]);
    await bench.time.pass(3 * hour);
    expect(bench.told).to.have.length(1);
  });

  const unreadable: [what: string, spoil: (file: string) => void][] = [
    ["the folder is gone", () => rmSync(control, { recursive: true })],
    ["the file is none", (file) => (rmSync(file), mkdirSync(file))],
  ];
  for (const [what, spoil] of unreadable) {
    it(`counts as not seen when ${what}`, async () => {
      const channel = await open();
      await set(channel, alarm("disk"));
      const id = idOf(channel, "disk");
      see(id, "warning");
      await bench.time.pass(30 * minute);
      spoil(join(control, FOLDERS.acknowledged, id));
      await bench.time.pass(30 * minute);
      expect(bench.told).to.deep.equal(["disk raised 1", "disk repeated 2"]);
    });
  }

  it("has no id that leads out of its folder", () => {
    expect(() => see("../halts/INC", "critical")).to.throw('"../halts/INC" is no id of an alert');
    expect(acknowledgementOf(control, "../stack.json")).to.equal(undefined);
  });
});
