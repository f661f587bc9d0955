import { expect } from "chai";
import type { AlertChannel } from "../../../../services/shared/alerts/AlertChannel";
import { alarm, Bench, eventually, hour, minute } from "./support";

describe("alert channel", () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(() => bench.close());

  async function set(channel: AlertChannel, ...active: Parameters<AlertChannel["set"]>[0]): Promise<void> {
    channel.set(active);
    await bench.time.settled();
  }

  it("tells of an alarm once when it begins, and once when it is over", async () => {
    const channel = await bench.open();
    const began = bench.time.wall();
    await set(channel, alarm("archive", { severity: "critical" }));
    await bench.time.pass(5 * minute);
    await set(channel, alarm("archive", { severity: "critical" }));
    expect(channel.state()).to.deep.include({ configured: true, undelivered: 0, oldestUndeliveredAt: null, lastDeliveredAt: began, lastProblem: null });
    expect(channel.state().active).to.deep.equal([{ ...alarm("archive", { severity: "critical" }), id: bench.receiver.notices[0]!.incident, since: began, announced: true, toldAt: began, acknowledged: false }]);
    await set(channel);
    expect(channel.state().active).to.deep.equal([]);

    const [raised, resolved] = bench.receiver.notices;
    expect(bench.receiver.notices).to.have.length(2);
    expect(raised).to.deep.equal({
      ...{ format: 1, id: `${raised!.incident}-1`, incident: raised!.incident, stack: "paper", sender: "backup", key: "archive", state: "raised" },
      ...{ severity: "critical", text: "archive is wrong", runbook: "runbooks/Backup_And_Restore.md" },
      ...{ since: "2026-03-01T12:00:00.000Z", resolvedAt: null, at: "2026-03-01T12:00:00.000Z", count: 1, announced: false },
    });
    expect(resolved).to.deep.equal({
      ...{ ...raised, id: `${raised!.incident}-2`, state: "resolved" },
      ...{ resolvedAt: "2026-03-01T12:05:00.000Z", at: "2026-03-01T12:05:00.000Z", count: 2, announced: true },
    });
    expect(bench.receiver.calls.map(({ method, headers }) => `${method} ${headers["content-type"]}`)).to.deep.equal(Array(2).fill("POST application/json; charset=utf-8"));
  });

  it("repeats what lasts, counted from the last delivery", async () => {
    const channel = await bench.open({ repeatMinutes: 30 });
    await set(channel, alarm("archive"));
    await bench.time.pass(29 * minute);
    expect(bench.told).to.deep.equal(["archive raised 1"]);
    await bench.time.pass(minute);
    expect(bench.told).to.deep.equal(["archive raised 1", "archive repeated 2"]);
    await bench.time.pass(2 * hour);
    expect(bench.told.slice(2)).to.deep.equal(["archive repeated 3", "archive repeated 4", "archive repeated 5", "archive repeated 6"]);
    expect(new Set(bench.receiver.notices.map(({ incident }) => incident)).size).to.equal(1);
  });

  it("tells of another text only when it is told of again", async () => {
    const channel = await bench.open();
    for (let passed = 0; passed < 60; passed++) {
      await set(channel, alarm("archive", { text: `${passed} minutes behind` }));
      await bench.time.pass(minute);
    }
    await bench.time.settled();
    expect(bench.receiver.notices.map(({ text }) => text)).to.deep.equal(["0 minutes behind", "59 minutes behind"]);
  });

  it("tells at once, and only once, of one that became critical", async () => {
    const channel = await bench.open();
    await set(channel, alarm("disk"));
    for (let times = 0; times < 5; times++) {
      await set(channel, alarm("disk", { severity: "critical" }));
      await set(channel, alarm("disk"));
    }
    expect(bench.receiver.notices.map(({ state, severity }) => `${state} ${severity}`)).to.deep.equal(["raised warning", "repeated critical"]);
  });

  it("makes a new incident of an alarm that comes back", async () => {
    const channel = await bench.open();
    await set(channel, alarm("archive"));
    await set(channel);
    await set(channel, alarm("archive"));
    expect(bench.told).to.deep.equal(["archive raised 1", "archive resolved 2", "archive raised 1"]);
    const [first, , second] = bench.receiver.notices;
    expect(second!.incident).not.to.equal(first!.incident);
  });

  it("delivers everything after an hour without the receiver, repeated ones once", async () => {
    const channel = await bench.open({ repeatMinutes: 10 });
    await set(channel, alarm("lasts"), alarm("ends"));
    bench.receiver.setAway(true);
    await bench.time.pass(20 * minute);
    await set(channel, alarm("lasts"), alarm("new"));
    await bench.time.pass(20 * minute);
    await set(channel, alarm("lasts", { text: "still wrong" }), alarm("new"), alarm("short"));
    await bench.time.pass(5 * minute);
    await set(channel, alarm("lasts", { text: "still wrong" }), alarm("new"));
    await bench.time.pass(15 * minute);

    const before = bench.told.length;
    const state = channel.state();
    expect(before).to.equal(2);
    expect(state).to.include({ undelivered: 4, oldestUndeliveredAt: Date.parse("2026-03-01T12:10:00Z") });
    expect(state.lastProblem).to.match(/^(UND_ERR_SOCKET|ECONNRESET)$/);
    // The pause grew to a minute: an hour is some 60 tries and not 3600.
    expect(bench.receiver.connections).to.be.within(55, 75);

    bench.receiver.setAway(false);
    await bench.time.pass(minute);
    expect(bench.told.slice(before)).to.have.members(["lasts repeated 2", "ends resolved 3", "new raised 1", "short resolved 2"]);
    const short = bench.receiver.notices.find(({ key }) => key === "short")!;
    expect(short).to.include({ announced: false, since: "2026-03-01T12:40:00.000Z", resolvedAt: "2026-03-01T12:45:00.000Z", text: "short is wrong" });
    expect(bench.receiver.notices.find(({ key, state: what }) => key === "lasts" && what === "repeated")!.text).to.equal("still wrong");
    expect(channel.state()).to.include({ undelivered: 0, lastProblem: null, dropped: 0 });
  });

  it("keeps the order of a key's notices, whatever the receiver takes", async () => {
    const channel = await bench.open();
    bench.receiver.setAway(true);
    for (let times = 0; times < 3; times++) {
      await set(channel, alarm("flapping"));
      await set(channel);
    }
    await set(channel, alarm("flapping"));
    bench.receiver.setAway(false);
    let asked = 0;
    bench.receiver.reply = () => (asked++ % 2 === 0 ? 503 : 200);
    await bench.time.pass(10 * minute);
    expect(bench.told).to.deep.equal(["flapping resolved 2", "flapping resolved 2", "flapping resolved 2", "flapping raised 1"]);
    expect(new Set(bench.receiver.notices.map(({ incident }) => incident)).size).to.equal(4);
  });

  it("sends a refused notice again with the same id, and later each time", async () => {
    const channel = await bench.open();
    bench.receiver.reply = () => 500;
    await set(channel, alarm("archive"));
    expect(channel.state()).to.include({ undelivered: 1, lastProblem: "HTTP 500", lastDeliveredAt: null });
    await bench.time.pass(7000);
    // After 0, 1, 3 and 7 seconds.
    expect(bench.receiver.calls).to.have.length(4);
    expect(new Set(bench.receiver.calls.map(({ text }) => JSON.parse(text).id)).size).to.equal(1);
    bench.receiver.reply = () => 200;
    await bench.time.pass(8000);
    expect(bench.told).to.deep.equal(["archive raised 1"]);
    expect(channel.state()).to.include({ undelivered: 0, lastProblem: null });
    expect(bench.log.filter((line) => line.includes("did not get through"))).to.have.length(1);
  });

  it("is not held up by a notice that the receiver chokes on", async () => {
    const channel = await bench.open();
    bench.receiver.reply = ({ text }) => (text.includes("poison") ? 400 : 200);
    await set(channel, alarm("poison", { severity: "critical" }), alarm("archive"), alarm("disk"));
    await bench.time.pass(5000);
    expect(bench.told).to.have.members(["archive raised 1", "disk raised 1"]);
    await bench.time.pass(30 * minute);
    const calls = bench.receiver.calls.length;
    await set(channel, alarm("poison", { severity: "critical" }), alarm("archive"), alarm("disk"), alarm("late"));
    expect(bench.told).to.include("late raised 1");
    expect(bench.receiver.calls.length - calls).to.be.at.most(2);
    expect(channel.state()).to.include({ undelivered: 1, lastProblem: "HTTP 400" });
  });

  it("sends a critical alarm before the warnings", async () => {
    const channel = await bench.open();
    await set(channel, alarm("small"), alarm("other"), alarm("large", { severity: "critical" }));
    expect(bench.told[0]).to.equal("large raised 1");
  });

  it("gives up a receiver that takes the notice in and says nothing", async () => {
    const channel = await bench.open({ requestMilliseconds: 250 });
    bench.receiver.reply = () => "hang";
    await set(channel, alarm("archive"));
    expect(channel.state()).to.include({ undelivered: 1, lastProblem: "no answer within 0.25 s" });
    bench.receiver.reply = () => 200;
    await bench.time.pass(minute);
    expect(bench.told).to.include("archive raised 1");
    expect(channel.state()).to.include({ undelivered: 0, lastProblem: null });
  });

  for (const status of [301, 302, 303, 307, 308]) {
    it(`follows no redirect: ${status}`, async () => {
      const channel = await bench.open();
      bench.receiver.reply = ({ path }) => (path === "/elsewhere" ? 200 : { status, headers: { location: "/elsewhere" } });
      await set(channel, alarm("archive"));
      expect(channel.state().lastProblem).to.match(new RegExp(`^HTTP ${status}: it redirects`));
      expect(channel.state().undelivered).to.equal(1);
      expect(bench.receiver.calls.map(({ method }) => method)).to.deep.equal(["POST"]);
    });
  }

  it("goes by time that passed when the clock is set back a day, or ahead", async () => {
    const channel = await bench.open();
    await set(channel, alarm("archive"));
    await bench.time.pass(30 * minute);
    bench.time.setWall(bench.time.wall() - 24 * hour);
    await set(channel, alarm("archive"));
    await bench.time.pass(30 * minute);
    expect(bench.told).to.deep.equal(["archive raised 1", "archive repeated 2"]);
    bench.time.setWall(bench.time.wall() + 48 * hour);
    await set(channel, alarm("archive"));
    await bench.time.pass(59 * minute);
    expect(bench.told).to.have.length(2);
    await bench.time.pass(minute);
    expect(bench.told).to.have.length(3);
    bench.time.setWall(Date.parse("2026-01-01T00:00:00Z"));
    await set(channel);
    expect(bench.receiver.notices.at(-1)).to.include({ state: "resolved", resolvedAt: "2026-03-01T12:00:00.000Z", at: "2026-01-01T00:00:00.000Z" });
  });

  it("keeps no more than 200 that are over, and says which it gives up", async () => {
    const channel = await bench.open();
    await set(channel, alarm("told"));
    bench.receiver.setAway(true);
    await set(channel);
    const many = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => alarm(`alarm-${from + index}`));
    await set(channel, ...many(0, 300));
    expect(channel.state()).to.include({ undelivered: 301, dropped: 0 });
    await set(channel, ...many(250, 300));
    expect(channel.state()).to.include({ undelivered: 250, dropped: 51 });
    bench.receiver.setAway(false);
    await bench.time.pass(minute);
    const keys = bench.receiver.notices.map(({ key, state }) => `${key} ${state}`);
    // Whom the receiver knows of stays, though it is the oldest.
    expect(keys).to.include("told resolved").and.include("alarm-51 resolved").and.include("alarm-299 raised").and.not.include("alarm-50 resolved");
    expect(bench.log.filter((line) => line.includes("is given up"))).to.have.length(51);
  });

  it("takes the worse one of a key that is given twice", async () => {
    const channel = await bench.open();
    await set(channel, alarm("disk", { text: "one" }), alarm("disk", { text: "two", severity: "critical" }), alarm("disk", { text: "three" }));
    expect(bench.receiver.notices.map(({ text }) => text)).to.deep.equal(["two"]);
  });

  it("waits for the delivery in progress when it is closed, and takes nothing more", async () => {
    const channel = await bench.open();
    let answer: (status: number) => void = () => undefined;
    bench.receiver.reply = () => new Promise<number>((resolve) => (answer = resolve));
    channel.set([alarm("archive")]);
    await eventually(() => bench.receiver.calls.length === 1);
    const closed = channel.close(60_000);
    channel.set([]);
    expect(channel.state()).to.include({ undelivered: 1 });
    answer(200);
    await closed;
    expect(channel.state()).to.include({ undelivered: 0 });
    expect(channel.state().active).to.have.length(1);
    const next = await bench.open();
    await set(next, alarm("archive"));
    expect(bench.told).to.deep.equal(["archive raised 1"]);
  });

  it("cuts a delivery off that takes too long when it is closed; the next start sends it again", async () => {
    const channel = await bench.open();
    bench.receiver.reply = () => "hang";
    channel.set([alarm("archive")]);
    await eventually(() => bench.receiver.calls.length === 1);
    await channel.close(20);
    expect(channel.state()).to.include({ undelivered: 1 });
    bench.receiver.reply = () => 200;
    await bench.open();
    await bench.time.settled();
    expect(bench.receiver.calls.map(({ text }) => text)).to.have.length(2).and.satisfy(([one, other]: string[]) => one === other);
  });

  it("takes note of what comes while a delivery goes on: an end, a worse state, another alarm", async () => {
    const channel = await bench.open();
    const answers: ((status: number) => void)[] = [];
    bench.receiver.reply = () => new Promise<number>((resolve) => answers.push(resolve));
    channel.set([alarm("ends")]);
    await eventually(() => answers.length === 1);
    channel.set([alarm("other")]);
    answers[0]!(500);
    // News came while it failed: the next try does not wait.
    await eventually(() => answers.length === 2);
    channel.set([alarm("other", { severity: "critical" })]);
    bench.receiver.reply = () => 200;
    answers[1]!(200);
    await bench.time.settled();
    await bench.time.pass(minute);
    const told = bench.receiver.notices.map(({ key, state, severity, announced }) => `${key} ${state} ${severity} ${announced}`);
    expect(told).to.have.members(["ends resolved warning false", "other raised warning false", "other repeated critical true"]);
  });

  it("lets a render decide on method, headers and body", async () => {
    const channel = await bench.open({ render: ({ text, key }) => ({ method: "PUT", headers: { "x-title": key }, body: text }) });
    await set(channel, alarm("archive"));
    expect(bench.receiver.calls.map(({ method, headers, text }) => [method, headers["x-title"], text])).to.deep.equal([["PUT", "archive", "archive is wrong"]]);
  });
});
