import { expect } from "chai";
import { mkdirSync, renameSync } from "node:fs";
import { readAudit } from "../../../../control/audit";
import { writeDriftCheck } from "../../../../control/driftRecord";
import { freezesOf, haltsOf, LatchFolder } from "../../../../control/LatchFolder";
import { ControlDesk } from "../../../../services/guard/ControlDesk";
import type { ContainerState } from "../../../../services/guard/Engine";
import type { FactRows } from "../../../../services/guard/factsQuery";
import { Guard } from "../../../../services/guard/Guard";
import type { Alarm } from "../../../../services/shared/alerts/AlertChannel";
import { begin, botRow, controlFolder, factRows, feedRow, haltByPerson, hour, lift, settings, silent, stack } from "./support";

interface Query {
  readonly name?: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** A guard with a database, an Engine and clocks of the test's own. */
class Rig {
  readonly control = controlFolder();
  rows: FactRows = factRows();
  databaseFails = false;
  engineFails = false;
  wall = begin;
  monotonic = 0;
  readonly queries: Query[] = [];
  readonly called: string[] = [];
  alarms: readonly Alarm[] = [];
  readonly states = new Map<string, ContainerState>(settings.bots.map(({ container }) => [container, { running: true, startedAt: "a" }]));
  guard: Guard;

  constructor() {
    this.guard = this.make();
  }

  make(): Guard {
    const failing = () => Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" });
    const act = (name: string) => async (container: string) => {
      if (this.engineFails) throw new Error("no Engine");
      this.called.push(`${name} ${container.slice("trading-paper-".length)}`);
      this.states.set(container, name === "stop" ? { running: false, startedAt: "a" } : { running: true, startedAt: "b" });
    };
    return new Guard({
      ...{ stack, mode: "paper", settings, log: silent, firstStart: begin, desk: new ControlDesk(this.control.folder, stack), clocks: { wall: () => this.wall, monotonic: () => this.monotonic } },
      pool: {
        query: async (query: Query | string, values?: readonly unknown[]) => {
          const asked: Query = typeof query === "string" ? { text: query, values: values ?? [] } : query;
          if (this.databaseFails) throw failing();
          this.queries.push(asked);
          if (asked.text.includes("FROM candles")) return { rows: [{ bar: begin + hour }] };
          return { rows: asked.name === "guard-facts" ? [this.rows] : [] };
        },
      } as never,
      engine: {
        inspect: async (container) => {
          if (this.engineFails) throw new Error("no Engine");
          return this.states.get(container) ?? null;
        },
        stop: act("stop"),
        restart: act("restart"),
      },
      tell: (alarms) => (this.alarms = alarms),
    });
  }

  /** One turn and all that came of it. */
  async turn(after = 500): Promise<void> {
    this.wall += after;
    this.monotonic += after;
    this.rows = { ...this.rows, now: this.wall, feeds: this.rows.feeds.map((feed) => ({ ...feed, renewals: feed.renewals + 1 })) };
    await this.guard.turn();
    for (let step = 0; step < 10; step++) await new Promise(setImmediate);
  }

  /** Turns twice a second for so many seconds. */
  async pass(seconds: number): Promise<void> {
    for (let step = 0; step < 2 * seconds; step++) await this.turn();
  }

  get halts() {
    return haltsOf(this.control.folder).inForce().entries;
  }

  get lease(): string {
    return this.guard.state.lease.state;
  }

  actions(): string[] {
    return this.queries.filter(({ text }) => text.includes("guard_actions")).map(({ values }) => `${String(values[1])} ${String(values[3])} ${String(values[2])}`);
  }
}

const drop = { bot: "one", bar: begin + hour, equity: 5000 };
const first = { bot: "one", bar: begin, equity: 10_000 };

describe("the guard's turns", () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig.control.remove());

  const dropped = async () => {
    rig.rows = factRows({ equity: [first] });
    await rig.turn();
    rig.rows = factRows({ equity: [drop] });
    await rig.turn();
  };

  it("grant the lease and do nothing while all is well", async () => {
    await rig.pass(2);
    expect(rig.lease).to.equal("GRANTED");
    expect(rig.called).to.deep.equal([]);
    expect(rig.alarms).to.deep.equal([]);
    expect(rig.queries.filter(({ name }) => name === "guard-lease").length).to.equal(1);
    await rig.pass(5);
    expect(rig.queries.filter(({ name }) => name === "guard-lease").length).to.equal(2);
  });

  it("halt and stop a bot in the turn that sees its loss, and write it down everywhere", async () => {
    await dropped();
    expect(rig.called).to.deep.equal(["stop bot-one"]);
    expect(rig.halts.map(({ rule, bot, level, by, cause }) => `${by} ${rule} ${bot} ${level} ${cause}`).sort()).to.deep.equal(["guard daily-loss one kill 2026-01-05, counted from the beginning", "guard drawdown one kill counted from the beginning"]);
    expect(readAudit(rig.control.folder).map(({ act, rule }) => `${act} ${rule}`)).to.deep.equal(["halt daily-loss", "halt drawdown"]);
    expect(rig.actions()).to.deep.equal(["daily-loss halt one", "drawdown halt one"]);
    expect(rig.alarms.map(({ severity, runbook }) => `${severity} ${runbook}`).sort()).to.deep.equal(["critical runbooks/Incident_Handling.md, 4.1 Dagligt tab", "critical runbooks/Incident_Handling.md, 4.2 Drawdown"]);
    // The bot that is halted is no reason to hold the others back.
    expect(rig.lease).to.equal("GRANTED");
  });

  it("place no second halt for it, and none again once it was lifted, after a start of the guard as well", async () => {
    await dropped();
    await rig.pass(2);
    const placed = rig.halts;
    expect(placed).to.have.length(2);
    for (const halt of placed) lift(rig.control.folder, halt, rig.wall);
    rig.rows = factRows({ equity: [first, drop] });
    rig.guard = rig.make();
    await rig.pass(2);
    expect(rig.halts).to.deep.equal([]);
    expect(rig.alarms).to.deep.equal([]);
  });

  it("hold to a halt, and to what the rules found, while the database is away; the record follows", async () => {
    await rig.turn();
    rig.databaseFails = true;
    haltsOf(rig.control.folder).place(haltByPerson({ bot: "two" }));
    await rig.turn();
    expect(rig.called).to.deep.equal(["stop bot-two"]);
    expect(rig.actions()).to.deep.equal([]);
    await rig.pass(31);
    expect(rig.alarms.map(({ key }) => key)).to.deep.equal(["guard.blind.database"]);
    rig.databaseFails = false;
    await rig.turn();
    expect(rig.actions()).to.deep.equal(["bot-runs-halted stop two"]);
    expect(rig.alarms).to.deep.equal([]);
    expect(rig.lease).to.equal("GRANTED");
  });

  it("withhold the lease while the Engine does not answer, and tell of it", async () => {
    rig.engineFails = true;
    await rig.turn();
    await rig.turn();
    expect(rig.lease).to.equal("WITHHELD");
    expect(rig.alarms.map(({ key }) => key)).to.deep.equal(["guard.blind.engine"]);
    rig.engineFails = false;
    await rig.pass(6);
    expect(rig.lease).to.equal("GRANTED");
  });

  it("withhold it while the clocks disagree, and no longer", async () => {
    await rig.turn();
    rig.wall += 3_600_000;
    await rig.turn();
    expect(rig.lease).to.equal("WITHHELD");
    expect(rig.alarms[0]).to.include({ key: "guard.clock", severity: "critical" });
    await rig.pass(31);
    expect(rig.lease).to.equal("GRANTED");
    expect(rig.actions()).to.deep.equal(["clock withhold all", "clock grant all"].map((line) => line.replace("all", "null")));
  });

  it("restart a bot once, remember it across a start of the guard, and pause it then", async () => {
    const rows = factRows({ bots: [botRow({ bar: begin + hour }), botRow({ bot: "two" })] });
    rig.rows = rows;
    await rig.pass(602);
    expect(rig.called).to.deep.equal(["restart bot-one"]);
    rig.guard = rig.make();
    rig.rows = rows;
    await rig.pass(300);
    expect(rig.halts).to.deep.equal([]);
    await rig.pass(303);
    expect(rig.called).to.deep.equal(["restart bot-one"]);
    expect(rig.halts.map(({ rule, bot, level }) => `${rule} ${bot} ${level}`)).to.deep.equal(["no-decision one pause"]);
  });

  it("halt every bot of a market whose feed is DOWN, and freeze deploys for a decision that differs", async () => {
    rig.rows = factRows({ feeds: [feedRow({ symbol: "ETHUSDT", state: "DOWN" })], bots: [botRow({ parityId: 1, parityFrozen: true, parityVerdict: "differs", parityReason: "one" })] });
    await rig.pass(2);
    expect(rig.halts.map(({ rule, bot }) => `${rule} ${bot}`)).to.deep.equal(["feed-down two"]);
    expect(freezesOf(rig.control.folder).inForce().entries.map(({ rule, bot }) => `${rule} ${bot}`)).to.deep.equal(["decision-mismatch one"]);
    expect(rig.actions().sort()).to.deep.equal(["decision-mismatch freeze one", "feed-down halt two"]);
  });

  it("tell of drift that a check on the machine noted, until a later one found none", async () => {
    const note = (...found: string[]) => writeDriftCheck(rig.control.folder, { format: 1, at: new Date(rig.wall).toISOString(), differences: found.length, found });
    note("container trading-paper-broker: memory");
    await rig.pass(6);
    expect(rig.alarms.map(({ key, severity, runbook }) => `${key} ${severity} ${runbook}`)).to.deep.equal(["guard.drift warning runbooks/Incident_Handling.md, 4.13 Det kørende er ikke det erklærede"]);
    expect(rig.alarms[0]!.text).to.include("container trading-paper-broker: memory");
    note();
    await rig.pass(6);
    expect(rig.alarms).to.deep.equal([]);
    expect(rig.lease).to.equal("GRANTED");
  });

  it("stop a bot whose halt cannot be kept: without its control folder the guard places nothing, and vouches for nothing", async () => {
    rig.rows = factRows({ equity: [first] });
    await rig.turn();
    renameSync(rig.control.folder, `${rig.control.folder}-away`);
    mkdirSync(rig.control.folder);
    rig.rows = factRows({ equity: [drop] });
    await rig.turn();
    expect(rig.called).to.include("stop bot-one");
    expect(rig.lease).to.equal("WITHHELD");
    expect(rig.alarms.map(({ key }) => key)).to.deep.equal(["guard.blind.control"]);
  });

  it("stop a bot whose halt cannot be written, and place it when that is possible again", async () => {
    const { place } = LatchFolder.prototype;
    try {
      LatchFolder.prototype.place = () => {
        throw new Error("no room");
      };
      await dropped();
      expect(rig.called).to.include("stop bot-one");
      expect(rig.halts).to.deep.equal([]);
    } finally {
      LatchFolder.prototype.place = place;
    }
    rig.rows = factRows({ equity: [{ ...drop, bar: drop.bar + hour }] });
    await rig.turn();
    expect(rig.halts).to.have.length(2);
  });

  it("take the lease back at the end", async () => {
    await rig.turn();
    await rig.guard.close();
    expect(rig.lease).to.equal("WITHHELD");
  });
});
