import { expect } from "chai";
import { haltsOf } from "../../../../control/LatchFolder";
import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { BotKeeper } from "../../../../services/guard/BotKeeper";
import { ControlDesk } from "../../../../services/guard/ControlDesk";
import type { ContainerState } from "../../../../services/guard/Engine";
import { controlFolder, haltByPerson, lift, settings, silent, stack } from "./support";

describe("the bots' containers", () => {
  let control: ReturnType<typeof controlFolder>;
  let desk: ControlDesk;
  let called: string[];
  let found: string[];
  let state: ContainerState | null;
  let now: number;
  /** Runs while the Engine does what it was asked for. */
  let meanwhile: () => void;

  beforeEach(() => {
    control = controlFolder();
    desk = new ControlDesk(control.folder, stack);
    called = [];
    found = [];
    now = 0;
    meanwhile = () => undefined;
    state = { running: true, startedAt: "a" };
  });
  afterEach(() => control.remove());

  const kept = (fails = false) => {
    const act = async (name: string, container: string, grace: number) => {
      called.push(`${name} ${container} ${grace}`);
      meanwhile();
      if (fails) throw new Error("no Engine");
    };
    const engine = {
      inspect: async () => {
        if (fails) throw new Error("no Engine");
        return state;
      },
      stop: async (container: string, grace: number) => {
        await act("stop", container, grace);
        state = { running: false, startedAt: "a" };
      },
      restart: (container: string, grace: number) => act("restart", container, grace),
    };
    return new BotKeeper({ bots: settings.bots.slice(0, 1), engine, desk, log: silent, clock: () => now, onFound: (bot, reason) => found.push(`${bot}: ${reason}`) });
  };
  /** Ends when nothing of a look is under way any more. */
  const looked = async (keeper: BotKeeper) => {
    keeper.enforce(desk.look());
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  };

  it("are left alone while nothing holds them", async () => {
    const keeper = kept();
    await looked(keeper);
    expect(called).to.deep.equal([]);
    expect(keeper.of("one").state).to.deep.equal({ running: true, startedAt: "a" });
  });

  for (const level of ["pause", "reduce"] as const) {
    it(`run at level ${level}`, async () => {
      haltsOf(control.folder).place(haltByPerson({ level }));
      await looked(kept());
      expect(called).to.deep.equal([]);
    });
  }

  it("are stopped with their grace under a kill, again and again", async () => {
    haltsOf(control.folder).place(haltByPerson({ bot: null }));
    const keeper = kept();
    await looked(keeper);
    expect(called).to.deep.equal(["stop trading-paper-bot-one 30"]);
    expect(found[0]).to.match(/^one: halted at level kill/);
    now += 500;
    state = { running: true, startedAt: "b" };
    await looked(keeper);
    expect(called).to.have.length(1);
    now += 500;
    await looked(keeper);
    expect(called).to.have.length(2);
  });

  it("are stopped where a halt cannot be read", async () => {
    writeFileSync(path.join(control.folder, "halts", "INC-20260105-000000-0000.json"), "{");
    await looked(kept());
    expect(called).to.deep.equal(["stop trading-paper-bot-one 30"]);
  });

  it("are stopped where the owner wants it", async () => {
    writeFileSync(path.join(control.folder, "desired.json"), JSON.stringify({ bots: { one: "stopped" } }));
    await looked(kept());
    expect(called).to.have.length(1);
  });

  it("are not stopped by a halt that was lifted while it was looked", async () => {
    const halt = haltByPerson();
    haltsOf(control.folder).place(halt);
    const sight = desk.look();
    lift(control.folder, halt);
    const keeper = kept();
    keeper.enforce(sight);
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    expect(called).to.deep.equal([]);
  });

  it("are restarted with their grace", async () => {
    expect(await kept().restart("one")).to.equal(null);
    expect(called).to.deep.equal(["restart trading-paper-bot-one 30"]);
  });

  for (const level of ["pause", "reduce", "kill"] as const) {
    it(`are not restarted while they are halted at level ${level}`, async () => {
      haltsOf(control.folder).place(haltByPerson({ level }));
      expect(await kept().restart("one")).to.match(/halted at level/);
      expect(called).to.deep.equal([]);
    });
  }

  it("are not restarted while they are wished stopped, nor while what holds them cannot be read", async () => {
    writeFileSync(path.join(control.folder, "desired.json"), JSON.stringify({ bots: { one: "stopped" } }));
    expect(await kept().restart("one")).to.match(/wished stopped/);
    writeFileSync(path.join(control.folder, "stack.json"), "{}");
    expect(await kept().restart("one")).to.match(/cannot be read/);
    expect(called).to.deep.equal([]);
  });

  it("are stopped again when a halt came while they were restarted", async () => {
    meanwhile = () => haltsOf(control.folder).inForce().entries.length === 0 && haltsOf(control.folder).place(haltByPerson());
    expect(await kept().restart("one")).to.match(/halted at level kill/);
    expect(called).to.deep.equal(["restart trading-paper-bot-one 30", "stop trading-paper-bot-one 30"]);
  });

  it("are tried to be stopped again when the Engine was away, which is known then", async () => {
    haltsOf(control.folder).place(haltByPerson());
    const keeper = kept(true);
    await looked(keeper);
    expect(keeper.of("one").problem).to.equal("no Engine");
    keeper.stop("one");
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    keeper.stop("one");
    expect(called).to.have.length(2);
  });
});
