import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { ConfigurationError, parseStackConfiguration } from "../../../config/stackConfiguration";
import { defaultFeedQuality } from "../../../domain/feedQuality";
import { readStackFile } from "../../../config/stackFile";

const limits = { orderQuantity: 1, orderNotional: 12_000 };
const paper = { mode: "paper", portBase: 8400, feed: { source: "synthetic" }, bots: [{ name: "refstrat01", limits }] };
const live = { mode: "live", portBase: 8500, feed: { source: "synthetic" }, bots: [{ name: "refstrat01", limits }] };

function linesOf(values: Record<string, unknown>): string[] {
  try {
    parseStackConfiguration("paper", values);
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigurationError);
    return (error as Error).message.split("\n");
  }
  throw new Error("the configuration was accepted");
}

describe("stack configuration", () => {
  it("fills in the defaults, those of the strategy included", () => {
    const configuration = parseStackConfiguration("paper", paper);
    expect(configuration.bots[0]).to.deep.include({
      name: "refstrat01",
      image: "reference",
      strategy: "RefStrat_01",
      symbol: "BTCUSDT",
      startingCash: 10_000,
      settings: { emaFast: 20, emaSlow: 50, atrPeriod: 14, stopAtrMultiple: 3, riskFraction: 0.005, maxExposure: 1 },
    });
    expect(configuration.feed).to.deep.equal({ source: "synthetic", seed: 1, startTime: "2024-01-01T00:00:00Z", faults: [], warmupBars: 300, speed: 720, quality: defaultFeedQuality });
    expect(configuration.broker).to.deep.include({ feeRate: 0.001, slippageRate: 0.0005, decisionGraceSeconds: 10 });
  });

  it("completes the limits: a position's are those of an order, and the stack's exposure is the sum of the positions'", () => {
    const bots = [{ name: "a", limits }, { name: "b", limits: { ...limits, positionNotional: 20_000 } }];
    const configuration = parseStackConfiguration("paper", { ...paper, bots });
    expect(configuration.bots.map((bot) => bot.limits)).to.deep.equal([
      { ...limits, positionQuantity: 1, positionNotional: 12_000, ordersPerHour: 10, ordersPerDay: 60, secondsBetweenEntries: 3600 },
      { ...limits, positionQuantity: 1, positionNotional: 20_000, ordersPerHour: 10, ordersPerDay: 60, secondsBetweenEntries: 3600 },
    ]);
    expect(configuration.limits).to.deep.equal({ exposureNotional: 32_000, ordersPerHour: 100, ordersPerDay: 600 });
  });

  it("gives equal hashes to settings that trade alike, and others to those that do not", () => {
    const hash = (settings: object) => parseStackConfiguration("paper", { ...paper, bots: [{ name: "a", limits, settings }] }).bots[0]!.configurationHash;
    expect(hash({ emaFast: 20 })).to.equal(hash({}));
    expect(hash({ emaFast: 21 })).to.not.equal(hash({}));
  });

  for (const stack of ["paper", "live"]) {
    it(`accepts the project's own Pulumi.${stack}.yaml`, () => {
      expect(readStackFile(path.resolve(__dirname, "../../.."), stack).mode).to.equal(stack);
    });
  }

  const cases: [string, Record<string, unknown>, string[]][] = [
    ["an unknown key", { ...paper, speed: 3 }, ["  trading:speed = 3: unknown key; allowed here: mode, portBase, interval, bots, limits, broker, database, mlflow, performance, gui, livefeed, alerts, logLevel, backup, guard, release, soak, deploy, feed"]],
    ["an unknown mode", { ...paper, mode: "demo" }, ['  trading:mode = "demo": allowed: "paper", "live"']],
    ["a missing mode", { portBase: 1 }, ['  trading:mode = nothing: allowed: "paper", "live"']],
    ["an unknown feed", { ...paper, feed: { source: "magic" } }, ['  trading:feed.source = "magic": allowed: "synthetic", "recording", "exchange", "external"']],
    ["a replay speed in live", { ...live, feed: { source: "synthetic", speed: 60 } }, ["  trading:feed.speed = 60: unknown key; allowed here: source, seed, startTime, warmupBars, quality"]],
    ["scripted faults in live", { ...live, feed: { source: "synthetic", faults: [] } }, ["  trading:feed.faults = []: unknown key; allowed here: source, seed, startTime, warmupBars, quality"]],
    ["a recording in live", { ...live, feed: { source: "recording", file: "a.csv" } }, ['  trading:feed.source = "recording": allowed: "synthetic", "exchange", "external"']],
    ["a speed of nothing", { ...paper, feed: { source: "synthetic", speed: 0 } }, ["  trading:feed.speed = 0: allowed: more than 0"]],
    ["a speed in words", { ...paper, feed: { source: "synthetic", speed: "fast" } }, ['  trading:feed.speed = "fast": allowed: a number above 0 and up to 1000000, or "maximum"']],
    ["no bot", { ...paper, bots: [] }, ["  trading:bots = []: allowed: at least 1 entries"]],
    ["two bots of one name", { ...paper, bots: [{ name: "a", limits }, { name: "a", limits }] }, ['  trading:bots[1].name = "a": already used by another bot; allowed: a name of its own']],
    ["an image by tag", { ...paper, bots: [{ name: "a", limits, image: "mine:latest" }] }, ['  trading:bots[0].image = "mine:latest": allowed: reference, a local image id sha256:<64 hex>, or name@sha256:<64 hex>; never a tag']],
    ["an unknown strategy", { ...paper, bots: [{ name: "a", limits, strategy: "Moon" }] }, ['  trading:bots[0].strategy = "Moon": allowed: "RefStrat_01"']],
    ["a wrong strategy setting", { ...paper, bots: [{ name: "a", limits, settings: { emaFast: "x" } }] }, ['  trading:bots[0].settings.emaFast = "x": allowed: a value of type number']],
    ["an unknown strategy setting", { ...paper, bots: [{ name: "a", limits, settings: { ema: 1 } }] }, ["  trading:bots[0].settings.ema = 1: unknown key; allowed here: emaFast, emaSlow, atrPeriod, stopAtrMultiple, riskFraction, maxExposure"]],
    ["a symbol the recording does not have", { ...paper, feed: { source: "recording", file: "a.csv" }, bots: [{ name: "a", limits, symbol: "ETHUSDT" }] }, ['  trading:bots[0].symbol = "ETHUSDT": the recording has no such symbol; allowed: BTCUSDT']],
    ["a bot without limits", { ...paper, bots: [{ name: "a" }] }, ["  trading:bots[0].limits = nothing: allowed: the keys orderQuantity, orderNotional, positionQuantity, positionNotional, ordersPerHour, ordersPerDay, secondsBetweenEntries"]],
    ["a limit that is left out", { ...paper, bots: [{ name: "a", limits: { orderQuantity: 1 } }] }, ["  trading:bots[0].limits.orderNotional = nothing: allowed: a value of type number"]],
    ["a limit of nothing", { ...paper, bots: [{ name: "a", limits: { ...limits, orderQuantity: 0 } }] }, ["  trading:bots[0].limits.orderQuantity = 0: allowed: more than 0"]],
    ["a position smaller than an order", { ...paper, bots: [{ name: "a", limits: { ...limits, positionNotional: 11_999 } }] }, ["  trading:bots[0].limits.positionNotional = 11999: below orderNotional; allowed: at least 12000"]],
    ["a fault of another kind", { ...paper, feed: { source: "synthetic", faults: [{ kind: "storm", bar: 1 }] } }, ['  trading:feed.faults[0].kind = "storm": allowed: "gap", "duplicate", "revision", "outOfOrder", "stale", "flat", "jump", "clockSkew", "reconnectStorm"']],
    ["an exchange that is not known", { ...paper, feed: { source: "exchange", exchange: "mtgox" } }, ['  trading:feed.exchange = "mtgox": allowed: "binance", "coinbase", "kraken"']],
    ["a warm-up that the exchange cannot give", { ...paper, feed: { source: "exchange", exchange: "kraken", warmupBars: 701 } }, ["  trading:feed.warmupBars = 701: more than kraken gives; allowed: at most 700"]],
    ["a speed of a real market", { ...paper, feed: { source: "exchange", speed: 60 } }, ["  trading:feed.speed = 60: unknown key; allowed here: source, exchange, address, warmupBars, quality"]],
    ["an external feed without address", { ...paper, feed: { source: "external" } }, ["  trading:feed.address = nothing: allowed: an address such as http://host.docker.internal:8600"]],
    ["a feed that would be DOWN before it is DEGRADED", { ...paper, feed: { source: "synthetic", quality: { jump: { degraded: 0.5 } } } }, ["  trading:feed.quality.jump.degraded = 0.5: allowed: at most what down is"]],
    ["a port that programs may not use", { ...paper, portBase: 80 }, ["  trading:portBase = 80: allowed: at least 1024"]],
  ];
  for (const [name, values, expected] of cases) {
    it(`refuses ${name}`, () => {
      expect(linesOf(values).slice(1)).to.deep.equal(expected);
    });
  }

  it("lists everything that is wrong at once, with the number of keys", () => {
    const lines = linesOf({ ...paper, portBase: "x", nonsense: true, bots: [{ name: "Bad Name", limits, settings: { emaFast: 0 } }], broker: { feeRate: 2 } });
    expect(lines[0]).to.equal("Pulumi.paper.yaml has 5 wrong keys; nothing was changed:");
    expect(lines).to.have.length(6);
  });
});

describe("stack file", () => {
  it("is read as Pulumi writes it back, with every plain value as text", () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-stack-file-"));
    try {
      fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), 'encryptionsalt: v1:abc\nconfig:\n  trading:mode: paper\n  trading:portBase: "8400"\n  other:key: x\n  trading:feed:\n    source: synthetic\n    speed: 3600\n  trading:bots:\n    - name: refstrat01\n      limits: { orderQuantity: 0.5, orderNotional: 12000 }\n');
      expect(readStackFile(root, "paper").portBase).to.equal(8400);
    } finally {
      fs.rmSync(root, { recursive: true });
    }
  });

  it("names the known stacks when one does not exist", () => {
    expect(() => readStackFile(path.resolve(__dirname, "../../.."), "nowhere")).to.throw(/^there is no stack "nowhere" \(Pulumi\.nowhere\.yaml is missing\); known stacks: .*live, .*paper/);
  });
});
