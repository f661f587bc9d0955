import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Registry } from "prom-client";
import { readBrokerSight } from "../../../../control/brokerSight";
import { ensureControlFolder } from "../../../../control/folder";
import { haltsOf } from "../../../../control/LatchFolder";
import type { HaltLevel } from "../../../../control/levels";
import { incidentId, type Halt } from "../../../../control/records";
import { Halts } from "../../../../services/broker/Halts";
import { createMetrics, type BrokerMetrics } from "../../../../services/broker/metrics";
import type { Logger } from "../../../../services/shared/log";

const lifting = { liftedAt: "2026-01-01T00:00:00Z", liftedBy: "person", liftedWho: "somebody", liftedReason: "it is over" } as const;

function halt(level: HaltLevel, bot: string | null): Halt {
  return {
    ...{ format: 1, id: incidentId("INC", Date.now()), stack: "paper", bot, level, reason: "the test", by: "person", who: "somebody" },
    ...{ at: "2026-01-01T00:00:00Z", rule: null, cause: null, numbers: {}, runbook: null, open: [] },
  };
}

describe("the halts as the broker reads them", () => {
  let folder: string;
  let metrics: BrokerMetrics;
  let said: [string, object][];
  let clock: number;
  let halts: Halts;

  const log = {
    info: (facts: object, text: string) => said.push([text, facts]),
    warn: (facts: object, text: string) => said.push([text, facts]),
    error: (facts: object, text: string) => said.push([text, facts]),
  } as unknown as Logger;
  const begin = () => new Halts({ folder, stack: "paper", bots: ["one", "two"], metrics, log, clock: () => clock });
  const levels = async () => (await metrics.haltLevel.get()).values.map(({ value }) => value);
  const words = () => said.splice(0).map(([text]) => text);

  beforeEach(() => {
    folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "trading-halts-")), "control");
    ensureControlFolder(folder, "paper", "the test");
    metrics = createMetrics(new Registry());
    said = [];
    clock = 0;
    halts = begin();
  });
  afterEach(() => {
    halts.close();
    fs.rmSync(path.dirname(folder), { recursive: true });
  });

  it("are in force for whoever asks as soon as they are there, and told at the next look", async () => {
    expect(await levels()).to.deep.equal([0, 0]);
    const one = halt("pause", "one");
    haltsOf(folder).place(one);
    expect([halts.of("one").level, halts.of("two").level]).to.deep.equal(["pause", null]);
    expect(halts.seen.standings.get("one")?.level).to.equal(null);
    halts.look();
    expect(await levels()).to.deep.equal([1, 0]);
    expect(said).to.deep.equal([["the bot is halted", { bot: "one", level: "pause", before: null, incidents: [one.id], reason: `halted at level pause since 2026-01-01T00:00:00Z (${one.id}): the test` }]]);
    halts.look();
    expect(said, "once").to.have.length(1);

    const all = halt("kill", null);
    haltsOf(folder).place(all);
    halts.look();
    expect(await levels()).to.deep.equal([3, 3]);
    haltsOf(folder).lift(all.id, lifting);
    haltsOf(folder).lift(one.id, lifting);
    expect(halts.of("one").level).to.equal(null);
    halts.look();
    expect(await levels()).to.deep.equal([0, 0]);
    expect(words().slice(-2)).to.deep.equal(["the bot is no longer halted", "the bot is no longer halted"]);
  });

  it("hold from the first moment of a broker that starts under one", () => {
    haltsOf(folder).place(halt("reduce", null));
    halts.close();
    halts = begin();
    expect(halts.seen.standings.get("two")?.level).to.equal("reduce");
    expect(words()).to.deep.equal(["the bot is halted", "the bot is halted"]);
  });

  it("count as the worst for all where one cannot be read", async () => {
    fs.writeFileSync(path.join(folder, "halts", "INC-20260101-000000-0000.json"), "");
    expect([halts.of("one").level, halts.of("two").level]).to.deep.equal(["kill", "kill"]);
    halts.look();
    expect(await levels()).to.deep.equal([3, 3]);
    expect(halts.seen.problem).to.equal(null);
    expect(readBrokerSight(folder)).to.deep.include({ incidents: ["INC-20260101-000000-0000"], problem: null });
  });

  it("leave exits alone to go out where the folder is gone, which is said once", async () => {
    fs.renameSync(folder, `${folder}-away`);
    expect(halts.of("one").level).to.equal("reduce");
    halts.look();
    halts.look();
    expect(halts.seen.problem).to.equal(`${path.join(folder, "stack.json")} is missing or cannot be read`);
    expect(await levels()).to.deep.equal([2, 2]);
    expect(words()).to.deep.equal(["the control folder cannot be read: exits only", "the bot is halted", "the bot is halted"]);
    fs.renameSync(`${folder}-away`, folder);
    halts.look();
    expect([halts.seen.problem, halts.of("one").level]).to.deep.equal([null, null]);
  });

  it("of another stack are no halts of this one: nothing is known then", () => {
    ensureControlFolder(folder, "live", "the test");
    expect(halts.of("one").level).to.equal("reduce");
  });

  describe("and what the broker tells of them", () => {
    const at = () => readBrokerSight(folder)?.at;
    /** Puts a time that no clock of now can give in the place of the one that was told. */
    const forget = () => fs.rmSync(path.join(folder, "broker.json"));

    it("is there from the beginning, told when it changes, and every 5 s", () => {
      expect(readBrokerSight(folder)).to.deep.include({ incidents: [], problem: null });
      forget();
      clock = 4999;
      halts.look();
      expect(at(), "nothing new").to.equal(undefined);
      const one = halt("pause", "one");
      haltsOf(folder).place(one);
      halts.look();
      expect(readBrokerSight(folder)).to.deep.include({ incidents: [one.id], problem: null });
      forget();
      clock += 5000;
      halts.look();
      expect(readBrokerSight(folder)).to.deep.include({ incidents: [one.id], problem: null });
    });

    it("that it cannot be written is said once, and changes nothing of what holds", () => {
      forget();
      fs.mkdirSync(path.join(folder, "broker.json"));
      const one = halt("kill", "one");
      haltsOf(folder).place(one);
      halts.look();
      clock += 5000;
      halts.look();
      expect(words()).to.deep.equal(["the bot is halted", "what the broker holds to cannot be written into the control folder"]);
      expect(halts.of("one").level).to.equal("kill");
    });
  });
});
