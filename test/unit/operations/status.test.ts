import { expect } from "chai";
import * as fs from "node:fs";
import { decimals, duration, percent, time } from "../../../operations/format";
import { writeDriftCheck } from "../../../control/driftRecord";
import { controlFolder, ensureControlFolder } from "../../../control/folder";
import { haltsOf } from "../../../control/LatchFolder";
import type { ContainerFact } from "../../../operations/engine";
import type { PageStatus } from "../../../operations/page";
import { changeWish } from "../../../operations/wishes";
import { container, FakeEngine, haltOf, healthyStack, makeClone, NOW, OWNER, pageStatus, trading } from "./support";

describe("status", () => {
  let root: string;
  beforeEach(() => (root = makeClone()));
  afterEach(() => fs.rmSync(root, { recursive: true }));
  const status = (containers: ContainerFact[], page: PageStatus | undefined, ...more: string[]) =>
    trading(root, ["status", ...more], { engine: new FakeEngine(containers), ...(page === undefined ? {} : { page }) });
  /** The healthy stack with one container in another condition. */
  const but = (service: string, changes: Partial<ContainerFact>) => healthyStack().map((fact) => (fact.service === service ? { ...fact, ...changes } : fact));
  const problems = (out: string) => [...out.matchAll(/^Problem {3}(.*)$/gm)].map(([, text]) => text);

  it("shows a healthy stack, one bot stopped by wish", async () => {
    await changeWish(root, "paper", "second", "stopped");
    const told = await status(but("bot-second", { state: "exited", health: undefined }), pageStatus());
    expect(told.error).to.equal("");
    expect(told.out).to.equal(
      [
        "Stack     paper (paper): healthy",
        "          Fills are simulated: no order leaves this machine",
        "┌────────────────┬─────────┬─────────┬─────────┬──────────────┬───────────┬──────────┬─────┐",
        "│ service        │ wish    │ state   │ health  │ image        │ up        │ restarts │ ok  │",
        "├────────────────┼─────────┼─────────┼─────────┼──────────────┼───────────┼──────────┼─────┤",
        "│ livefeed       │ running │ running │ healthy │ 0123456789ab │ 1 h 2 min │ 0        │ yes │",
        "│ timescaledb    │ running │ running │ healthy │ 0123456789ab │ 1 h 2 min │ 0        │ yes │",
        "│ mlflow         │ running │ running │ healthy │ 0123456789ab │ 1 h 2 min │ 0        │ yes │",
        "│ broker         │ running │ running │ healthy │ 0123456789ab │ 1 h 2 min │ 0        │ yes │",
        "│ performance    │ running │ running │ healthy │ 0123456789ab │ 1 h 2 min │ 0        │ yes │",
        "│ gui            │ running │ running │ healthy │ 0123456789ab │ 1 h 2 min │ 0        │ yes │",
        "│ guard          │ running │ running │ healthy │ 0123456789ab │ 1 h 2 min │ 0        │ yes │",
        "│ guard-proxy    │ running │ running │ healthy │ 0123456789ab │ 1 h 2 min │ 0        │ yes │",
        "│ backup         │ running │ running │ healthy │ 0123456789ab │ 1 h 2 min │ 0        │ yes │",
        "│ bot-refstrat01 │ running │ running │ healthy │ 0123456789ab │ 1 h 2 min │ 0        │ yes │",
        "│ bot-second     │ stopped │ exited  │ -       │ 0123456789ab │ -         │ 0        │ yes │",
        "└────────────────┴─────────┴─────────┴─────────┴──────────────┴───────────┴──────────┴─────┘",
        "Feed      BTCUSDT 1h: HEALTHY for 2 h 5 min, last candle 2024-02-29 23:00 UTC, lease for 45 s",
        "          found in the last hour: nothing",
        "Bot       refstrat01: equity 10250.50, cash 5800.00, position 0.1 bought at 42000.00, protective stop 41000.50",
        "          last decision 2024-02-29 23:00 UTC hold: in position",
        "          9 intended, 9 sent: all of it fits together, 0 refused by the broker",
        "Backup    newest point 20240229T230000Z, 1 h ago; any second from 2024-02-29 12:00 UTC to 2024-03-01 11:59 UTC",
        "          proved by a restore test 1 d 1 h ago (20240228T230000Z, second copy), second copy 30 min ago",
        "Trust     yes: Everything works",
        "Page      http://127.0.0.1:8400, read 2 s ago",
        "",
      ].join("\n"),
    );
    expect(told.exitCode).to.equal(0);
  });

  it("says everything in one JSON document", async () => {
    const told = await status(healthyStack(), pageStatus(), "--json");
    const report = JSON.parse(told.out) as Record<string, unknown> & { services: unknown[] };
    expect(Object.keys(report)).to.deep.equal(["stack", "mode", "fills", "healthy", "problems", "halts", "freezes", "promotion", "services", "page", "trust", "feeds", "bots", "guard", "backup", "warnings", "readAt"]);
    expect(report.services[0]).to.deep.equal({
      service: "livefeed",
      container: "trading-paper-livefeed",
      want: "running",
      state: "running",
      health: "healthy",
      image: "sha256:0123456789abcdef0123456789abcdef",
      uptimeSeconds: 3725,
      restarts: 0,
      ok: true,
      note: "",
    });
    expect([report.healthy, told.exitCode]).to.deep.equal([true, 0]);
  });

  it("warns of drift that the newest check found, and of none", async () => {
    const control = controlFolder(root, "paper");
    ensureControlFolder(control, "paper", OWNER);
    const warned = async (found: string[]) => {
      writeDriftCheck(control, { format: 1, at: "2024-03-01T04:30:00.000Z", differences: found.length, found });
      const { exitCode, out } = await status(healthyStack(), pageStatus());
      return [exitCode, ...[...out.matchAll(/^Warning {3}(.*)$/gm)].map(([, text]) => text)];
    };
    expect(await warned(["container trading-paper-broker: memory", "x"])).to.deep.equal([0, "drift: 2 found at 2024-03-01T04:30:00.000Z, first of them container trading-paper-broker: memory: npx trading drift --stack paper"]);
    expect(await warned([])).to.deep.equal([0]);
  });

  const conditions: [string, () => ContainerFact[], PageStatus | undefined, string[]][] = [
    ["nothing was ever brought up", () => [], undefined, ["no container of stack paper exists: npm run pulumi -- up --stack paper"]],
    ["the broker is gone", () => healthyStack().filter((fact) => fact.service !== "broker"), pageStatus(), ["broker: has no container: npm run pulumi -- up --refresh --stack paper"]],
    ["the database has ended", () => but("timescaledb", { state: "exited", exitCode: 1 }), pageStatus(), ["timescaledb: exited with exit code 1: npm run pulumi -- up --refresh --stack paper"]],
    ["the bot has ended", () => but("bot-refstrat01", { state: "exited", exitCode: 2 }), pageStatus(), ["bot-refstrat01: exited with exit code 2: npx trading start bot refstrat01 --stack paper"]],
    ["mlflow is unhealthy", () => but("mlflow", { health: "unhealthy" }), pageStatus(), ["mlflow: unhealthy: docker logs --tail 50 trading-paper-mlflow"]],
    ["the feed's container is starting", () => but("livefeed", { health: "starting" }), pageStatus(), ["livefeed: is starting: not healthy yet"]],
    ["a container is another clone's", () => but("gui", { owner: "c2" }), pageStatus(), ["gui: belongs to another clone"]],
    ["an undeclared bot runs", () => [...healthyStack(), container("bot-old")], pageStatus(), ["trading-paper-bot-old runs and is not declared: npm run pulumi -- up --stack paper"]],
    ["the page does not answer", healthyStack, undefined, ["gui: runs and its page at http://127.0.0.1:8400 does not answer"]],
    ["the port has another stack's page", healthyStack, pageStatus({ stack: "other" }), ["gui: http://127.0.0.1:8400 is the page of stack other"]],
    ["the page reads no database", healthyStack, pageStatus({ stale: true }), ["gui: its values are old, the database does not answer it"]],
    [
      "the feed is degraded",
      healthyStack,
      pageStatus({ feeds: [{ ...pageStatus().feeds[0]!, state: "DEGRADED", reason: "one candle is missing" }] }),
      ["feed BTCUSDT: DEGRADED (one candle is missing): no entries until it is HEALTHY again"],
    ],
    [
      "the feed has to be acknowledged",
      healthyStack,
      pageStatus({ feeds: [{ ...pageStatus().feeds[0]!, state: "DEGRADED", reason: "was DOWN", measures: { unacknowledged: "silence of 200 s" } }] }),
      ["feed BTCUSDT: DEGRADED (was DOWN): no entries until it is HEALTHY again; when you have looked into it: npx trading acknowledge-feed --stack paper --symbol BTCUSDT --reason TEXT"],
    ],
    [
      "orders do not fit decisions",
      healthyStack,
      pageStatus({ bots: [{ ...pageStatus().bots[0]!, reconciliation: { at: NOW, intended: 9, sent: 8, mismatch: "1 decision has no order" } }] }),
      ["broker: decisions, orders and fills of bot refstrat01 do not fit together: 1 decision has no order"],
    ],
    [
      "the backup raises a critical alarm",
      healthyStack,
      pageStatus({ backup: { ...pageStatus().backup!, alarms: [{ severity: "critical", text: "no good recovery point for 2 d" }, { severity: "warning", text: "no second copy is configured" }] } }),
      ["backup: no good recovery point for 2 d"],
    ],
    ["the backup service is silent", healthyStack, pageStatus({ backup: { ...pageStatus().backup!, problem: "no connection (ECONNREFUSED)" } }), ["backup: the service does not answer (no connection (ECONNREFUSED)): nothing is backed up now"]],
    ["the lease has run out", healthyStack, pageStatus({ feeds: [{ ...pageStatus().feeds[0]!, leaseUntil: NOW - 1 }] }), ["feed BTCUSDT: its lease has run out: no entries until it is renewed"]],
  ];
  for (const [name, containers, page, expected] of conditions) {
    it(`ends with 1 when ${name}`, async () => {
      const told = await status(containers(), page);
      expect(problems(told.out)).to.deep.equal(expected);
      expect(told.out).to.match(/^Stack {5}paper \(paper\): NOT HEALTHY\n/);
      expect(told.exitCode).to.equal(1);
    });
  }

  describe("of a stack that is halted", () => {
    const place = (more: Parameters<typeof haltOf>[0]) => {
      ensureControlFolder(controlFolder(root, "paper"), "paper", OWNER);
      const halt = haltOf(more);
      haltsOf(controlFolder(root, "paper")).place(halt);
      return halt.id;
    };
    const stopped = () => but("bot-second", { state: "exited", health: undefined });

    it("says who halted what, when and why, and what lifts it, the oldest first", async () => {
      const kill = place({ bot: "second", at: "2024-03-01T11:00:00.000Z", who: "guard", by: "guard", reason: "fell\ntoo far" });
      const pause = place({ level: "pause", at: "2024-03-01T10:00:00.000Z" });
      const told = await status(stopped(), pageStatus());
      expect(told.out).to.include(
        [
          "          Fills are simulated: no order leaves this machine",
          "Halt      pause, every bot, since 2024-03-01 10:00 UTC by owner: a test",
          `          to lift it: npx trading rearm --incident ${pause} --stack paper`,
          "Halt      kill, bot second, since 2024-03-01 11:00 UTC by guard: fell; too far",
          `          to lift it: npx trading rearm --incident ${kill} --stack paper`,
          "┌──",
        ].join("\n"),
      );
      expect(problems(told.out)).to.deep.equal([`halted at level pause (${pause}), every bot`, `halted at level kill (${kill}), bot second`]);
      expect(told.out).to.match(/│ bot-second {5}│ halted {2}│ exited .*│ yes │/);
      expect(told.exitCode).to.equal(1);
    });

    it("says that a bot runs although it is halted", async () => {
      place({ bot: "second" });
      expect(problems((await status(healthyStack(), pageStatus())).out)[1]).to.equal("bot-second: runs although it is halted, and none of its orders leaves: docker stop trading-paper-bot-second");
    });

    it("takes a record that cannot be read for the worst, and says how to lift it", async () => {
      ensureControlFolder(controlFolder(root, "paper"), "paper", OWNER);
      fs.writeFileSync(`${controlFolder(root, "paper")}/halts/INC-20240301-120000-0000.json`, "");
      const told = await status([], pageStatus());
      expect(told.out).to.include("Halt      kill, every bot, by not known: its record cannot be read, which counts as the worst\n          to lift it: npx trading rearm --incident INC-20240301-120000-0000 --stack paper\n");
    });

    it("says that it is not known where the folder cannot be read", async () => {
      ensureControlFolder(controlFolder(root, "paper"), "paper", OWNER);
      fs.rmSync(`${controlFolder(root, "paper")}/stack.json`);
      expect(problems((await status(healthyStack(), pageStatus())).out)[0]).to.match(/^whether trading is halted cannot be read \(.*stack\.json is missing or cannot be read\): exits only, and no bot is started$/);
    });

    it("is known with everything else down", async () => {
      place({ level: "pause" });
      const engine = new FakeEngine();
      engine.unreachable = true;
      expect((await trading(root, ["status"], { engine })).out).to.include("Halt      pause, every bot");
    });
  });

  it("misses no guard where the stack goes without", async () => {
    fs.appendFileSync(`${root}/Pulumi.paper.yaml`, "  trading:guard: { enabled: false }\n");
    const told = await status(healthyStack().filter(({ service }) => !service.startsWith("guard")), pageStatus());
    expect([told.exitCode, told.out.includes("guard")]).to.deep.equal([0, false]);
  });

  describe("of the guard", () => {
    const guard = (lease: { state: string; reason: string; until: number | null } | null, problem: string | null = null) => pageStatus({ guard: { problem, readAt: NOW, lease, actions: [] } });
    for (const [name, page, line, expected] of [
      ["grants entries", guard({ state: "GRANTED", reason: "", until: NOW + 12_000 }), "Guard     grants entries, lease for 12 s", []],
      ["has gone", guard({ state: "GRANTED", reason: "", until: NOW - 1 }, "no connection"), "Guard     grants entries, but its lease has run out", ["guard: does not answer (no connection): no entries when its lease has run out"]],
      ["withholds them", guard({ state: "WITHHELD", reason: "the clock jumped", until: null }), "Guard     withholds its lease: the clock jumped", ["guard: withholds its lease (the clock jumped): no entries"]],
      ["has not begun", guard(null), "Guard     has not granted anything yet", []],
    ] as const) {
      it(`says that it ${name}`, async () => {
        const told = await status(healthyStack(), page);
        expect(told.out).to.include(`\n${line}\n`);
        expect(problems(told.out)).to.deep.equal(expected);
      });
    }
  });

  it("tells a warning of the backup at every look, without calling the stack unhealthy", async () => {
    const backup = { ...pageStatus().backup!, secondCopy: { kind: "none", lastGood: null }, proof: null, alarms: [{ severity: "warning" as const, text: "no second copy is configured" }] };
    const told = await status(healthyStack(), pageStatus({ backup }));
    expect(told.out).to.include("never proved by a restore test, no second copy\n").and.to.include("Warning   backup: no second copy is configured\n");
    expect(told.exitCode).to.equal(0);
  });

  it("tells what was found, what does not fit, and what was refused, without calling findings alone unhealthy", async () => {
    const findings = [{ kind: "gap", severity: "DEGRADED", count: 2 }, { kind: "open jump", severity: "note", count: 1 }];
    const rejections = [{ kind: "lease", count: 2, lastAt: NOW, lastReason: "no lease" }, { kind: "order quantity", count: 1, lastAt: NOW, lastReason: "5 is above 1" }];
    const told = await status(healthyStack(), pageStatus({ feeds: [{ ...pageStatus().feeds[0]!, findings }], bots: [{ ...pageStatus().bots[0]!, reconciliation: null, rejections }] }));
    expect(told.out).to.include("          found in the last hour: 2 x gap (DEGRADED), 1 x open jump\n");
    expect(told.out).to.include("          intents and orders not counted yet, 3 refused by the broker\n");
    expect(told.exitCode).to.equal(0);
  });

  it("does not wait for Docker's next turn to see that a container is healthy", async () => {
    const engine = new FakeEngine(but("mlflow", { health: "starting" }));
    engine.passing.add("mlflow");
    expect((await trading(root, ["status"], { engine, page: pageStatus() })).exitCode).to.equal(0);
  });

  it("says that a bot runs against the wish", async () => {
    await changeWish(root, "paper", "refstrat01", "stopped");
    const told = await status(healthyStack(), pageStatus());
    expect(problems(told.out)).to.deep.equal(["bot-refstrat01: runs and is wished stopped: npx trading stop bot refstrat01 --stack paper"]);
    expect(told.exitCode).to.equal(1);
  });

  it("shows what it knows when Docker does not answer", async () => {
    const engine = new FakeEngine();
    engine.unreachable = true;
    const told = await trading(root, ["status"], { engine });
    expect(problems(told.out)).to.deep.equal(["Docker cannot be reached: is it running?"]);
    expect(told.out).to.include("│ livefeed       │ running │ unknown │ -      │").and.include("does not answer: feed, account and last decision are not known");
    expect(told.exitCode).to.equal(1);
  });

  it("takes a live bot without a promotion for as it should be while it does not run", async () => {
    const live = healthyStack().map((fact) => ({ ...fact, name: fact.name.replace("paper", "live") }));
    const made = live.map((fact) => (fact.service.startsWith("bot-") ? { ...fact, state: "created", health: undefined, startedAt: undefined } : fact));
    const told = await status(made, pageStatus({ stack: "live" }), "--stack", "live");
    expect(told.out).to.include("│ bot-refstrat01 │ not promoted │ created │");
    expect(told.exitCode).to.equal(0);
    const running = await status(live, pageStatus({ stack: "live" }), "--stack", "live");
    expect(problems(running.out)[0]).to.equal("bot-refstrat01: runs and has no promotion: npx trading stop bot refstrat01 --stack live");
    expect(running.exitCode).to.equal(1);
  });
});

describe("values for people", () => {
  for (const [seconds, text] of [
    [0, "0 s"],
    [59.9, "59 s"],
    [62, "1 min 2 s"],
    [3600, "1 h"],
    [3605, "1 h"],
    [90_000, "1 d 1 h"],
    [-5, "0 s"],
  ] as const) {
    it(`${seconds} s is ${text}`, () => expect(duration(seconds)).to.equal(text));
  }
  it("has - for what is not there", () => {
    expect([time(null), decimals(undefined, 2), decimals(null, 2), decimals(Number.NaN, 2), percent(undefined)]).to.deep.equal(["-", "-", "-", "-", "-"]);
    expect([time(0), decimals(1.005, 1), percent(0.12345)]).to.deep.equal(["1970-01-01 00:00 UTC", "1.0", "12.35 %"]);
  });
});
