import { expect } from "chai";
import type { AlertChannel, Notice } from "../../../../services/shared/alerts/AlertChannel";
import { renderNtfy } from "../../../../services/shared/alerts/ntfy";
import { channelOptions } from "../../../../services/shared/alerts/settings";
import { alarm, Bench, hour, minute } from "./support";

const notice: Notice = {
  ...{ format: 1, id: "6f1c-2", incident: "6f1c", stack: "live", sender: "guard", key: "guard.drawdown", state: "raised", severity: "critical" },
  ...{ text: "Bot refstrat01 fell by 12.6 %: it is halted at level kill.", runbook: "runbooks/Incident_Handling.md, 4.2 Drawdown" },
  ...{ since: "2026-11-27T07:10:00.000Z", resolvedAt: null, at: "2026-11-27T07:10:00.000Z", count: 1, announced: false },
};

describe("a notice for ntfy", () => {
  const loudness: [state: Notice["state"], severity: Notice["severity"], title: string, priority: string, tag: string][] = [
    ["raised", "critical", "live: CRITICAL guard.drawdown", "5", "rotating_light"],
    ["repeated", "critical", "live: STILL CRITICAL guard.drawdown", "5", "rotating_light"],
    ["resolved", "critical", "live: over guard.drawdown", "3", "white_check_mark"],
    ["raised", "warning", "live: warning guard.drawdown", "3", "warning"],
    ["repeated", "warning", "live: still a warning guard.drawdown", "2", "warning"],
    ["resolved", "warning", "live: over guard.drawdown", "2", "white_check_mark"],
  ];
  for (const [state, severity, title, priority, tag] of loudness) {
    it(`is as loud as it is urgent: ${severity} ${state}`, () => {
      expect(renderNtfy({ ...notice, state, severity })).to.deep.include({
        method: "POST",
        headers: { "content-type": "text/plain; charset=utf-8", title, priority, tags: `${tag},live,guard` },
      });
    });
  }

  const bodies: [what: string, more: Partial<Notice>, lines: string[]][] = [
    ["lasts: the words, since when, the page, and how to acknowledge it", {}, [notice.text, "", "Since 2026-11-27 07:10 UTC. runbooks/Incident_Handling.md, 4.2 Drawdown", "Seen it: npx trading alerts ack 6f1c --stack live"]],
    ["is over: from when to when", { state: "resolved", resolvedAt: "2026-11-27T08:00:00.000Z", announced: true }, [notice.text, "", "From 2026-11-27 07:10 UTC to 2026-11-27 08:00 UTC. runbooks/Incident_Handling.md, 4.2 Drawdown"]],
    [
      "is over before anybody was told",
      { state: "resolved", resolvedAt: "2026-11-27T08:00:00.000Z" },
      [notice.text, "", "It began and ended while this could not be delivered.", "From 2026-11-27 07:10 UTC to 2026-11-27 08:00 UTC. runbooks/Incident_Handling.md, 4.2 Drawdown"],
    ],
  ];
  for (const [what, more, lines] of bodies) it(`says of one that ${what}`, () => expect(renderNtfy({ ...notice, ...more }).body.split("\n")).to.deep.equal(lines));

  it("has headers of ASCII, whatever the words are", () => {
    const { headers } = renderNtfy({ ...notice, stack: "prøve", key: "line\r\nend" });
    for (const value of Object.values(headers)) expect(value).to.match(/^[\x20-\x7e]+$/);
    const word = /^=\?UTF-8\?B\?(.+)\?=$/.exec(headers["title"]!)![1]!;
    expect(Buffer.from(word, "base64").toString()).to.equal("prøve: CRITICAL line\r\nend");
  });

  for (const [what, letter] of [["one byte", "x"], ["two bytes", "ø"], ["three bytes", "…"], ["four bytes", "🚨"]] as const) {
    it(`stays a message, and is cut between letters of ${what}`, () => {
      for (const length of [3000, 3999, 4000]) {
        const { body } = renderNtfy({ ...notice, text: letter.repeat(Math.floor(length / letter.length)) });
        expect(Buffer.byteLength(body)).to.be.at.most(3800);
        expect(body).to.match(/ack 6f1c --stack live$/).and.not.include("\ufffd");
      }
    });
  }
});

describe("an alert channel with ntfy", () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(() => bench.close());

  const open = (): Promise<AlertChannel> => bench.open({ ...channelOptions({ webhook: true, format: "ntfy", heartbeat: false, repeatMinutes: 60 }, bench.folder), sender: "guard" });
  const seen = (): string[] => bench.receiver.accepted.map(({ headers, text }) => `${headers["priority"]} ${headers["title"]}: ${text.split("\n")[0]}`);

  it("sends letters of every language, as UTF-8", async () => {
    const channel = await open();
    channel.set([alarm("guard.clock", { text: "Uret går 7 s forkert – ret det 🕰" })]);
    await bench.time.settled();
    expect(seen()).to.deep.equal(["3 paper: warning guard.clock: Uret går 7 s forkert – ret det 🕰"]);
    expect(bench.receiver.calls[0]).to.deep.include({ method: "POST", path: "/hooks/s3cr3t-path" });
  });

  it("loses nothing of an hour without the receiver and a restart in between", async () => {
    const first = await open();
    first.set([alarm("lasts", { severity: "critical" }), alarm("ends")]);
    await bench.time.settled();
    bench.receiver.setAway(true);
    await bench.time.pass(20 * minute);
    first.set([alarm("lasts", { severity: "critical" }), alarm("new", { severity: "critical" })]);
    await bench.time.pass(10 * minute);
    await first.close(0);
    const second = await open();
    await bench.time.settled();
    second.set([alarm("lasts", { severity: "critical" })]);
    await bench.time.pass(hour / 2);
    expect(seen()).to.have.length(2);

    bench.receiver.setAway(false);
    await bench.time.pass(minute);
    expect(seen().slice(0, 2)).to.have.members(["5 paper: CRITICAL lasts: lasts is wrong", "3 paper: warning ends: ends is wrong"]);
    expect(seen().slice(2)).to.have.members(["2 paper: over ends: ends is wrong", "3 paper: over new: new is wrong", "5 paper: STILL CRITICAL lasts: lasts is wrong"]);
    expect(bench.receiver.accepted.find(({ headers }) => headers["title"] === "paper: over new")!.text).to.include("It began and ended while this could not be delivered.");
    expect(second.state()).to.include({ undelivered: 0, lastProblem: null });
  });
});
