import { expect } from "chai";
import { Registry } from "prom-client";
import { createMetrics, type BrokerMetrics } from "../../../../services/broker/metrics";
import { Rejections } from "../../../../services/broker/Rejections";
import { silent } from "../shared/support";
import { scriptedDatabase } from "./support";

/** Values of one row of an insert, in the order of the columns. */
type Written = unknown[];

describe("the count of refused requests", () => {
  let statements: Written[];
  let failing: boolean;
  let metrics: BrokerMetrics;
  let rejections: Rejections;

  beforeEach(() => {
    statements = [];
    failing = false;
    metrics = createMetrics(new Registry());
    rejections = new Rejections({ database: databaseThat(), metrics, log: silent }, 3_600_000);
  });
  afterEach(() => rejections.close());

  /** A database that notes the values of every statement, or fails. */
  const databaseThat = () =>
    scriptedDatabase((_text, parameters) => {
      if (failing) throw new Error("away");
      statements.push([...parameters]);
      return [];
    });

  const counted = async () => (await metrics.rejections.get()).values.map(({ labels, value }) => [labels.bot, labels.kind, value]);

  it("makes one statement of ten thousand", async () => {
    for (let request = 0; request < 10_000; request++) rejections.count("one", request % 4 === 0 ? "malformed" : "throttled", `reason ${request}`);
    await rejections.flush();
    expect(statements).to.deep.equal([["one", "malformed", 2500, "reason 9996", "one", "throttled", 7500, "reason 9999"]]);
    expect(await counted()).to.deep.equal([["one", "malformed", 2500], ["one", "throttled", 7500]]);
  });

  it("writes nothing when there was nothing", async () => {
    await rejections.flush();
    rejections.count("one", "rule", "why");
    await rejections.flush();
    await rejections.flush();
    expect(statements).to.have.length(1);
  });

  it("loses no count while the database is away, and keeps the newest reason", async () => {
    rejections.count("one", "rule", "first");
    failing = true;
    await rejections.flush();
    rejections.count("one", "rule", "second");
    await rejections.flush();
    failing = false;
    await rejections.flush();
    expect(statements).to.deep.equal([["one", "rule", 2, "second"]]);
  });

  it("writes the rest at the end", async () => {
    rejections.count("unknown", "authentication", "x".repeat(5000));
    await rejections.close();
    expect(statements).to.deep.equal([["unknown", "authentication", 1, "x".repeat(200)]]);
  });
});
