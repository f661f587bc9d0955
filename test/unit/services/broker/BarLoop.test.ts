import { expect } from "chai";
import { Registry } from "prom-client";
import { BarLoop } from "../../../../services/broker/BarLoop";
import { createMetrics } from "../../../../services/broker/metrics";
import { simulatedVenue } from "../../../../services/broker/venue";
import type { Database } from "../../../../services/shared/database";
import { createLogger } from "../../../../services/shared/log";
import { defaultExecution } from "../../../../domain/execution";

/** A database that answers every question with what the test says. */
function databaseThat(answer: () => never): Database {
  return { db: new Proxy({}, { get: () => answer }) } as unknown as Database;
}

describe("a bot's bar loop", () => {
  it("survives what goes wrong, says so, and tries again when it is woken", async () => {
    const metrics = createMetrics(new Registry());
    let questions = 0;
    const loop = new BarLoop({
      ...{ bot: "one", venue: simulatedVenue(defaultExecution), graceMilliseconds: 1000, metrics },
      database: databaseThat(() => {
        questions++;
        throw new Error(`trouble ${questions}`);
      }),
      log: createLogger("broker", "silent"),
    });
    loop.wake();
    loop.wake();
    await loop.close();
    // Woken twice, but closed during the first turn.
    expect([questions, loop.status.error]).to.deep.equal([1, "trouble 1"]);
    expect((await metrics.errors.get()).values).to.deep.equal([{ labels: { bot: "one" }, value: 1 }]);
    loop.wake();
    expect(questions).to.equal(1);
  });

  it("takes another turn for what woke it during a turn", async () => {
    let questions = 0;
    const loop: BarLoop = new BarLoop({
      ...{ bot: "one", venue: simulatedVenue(defaultExecution), graceMilliseconds: 1000 },
      metrics: createMetrics(new Registry()),
      database: databaseThat(() => {
        questions++;
        if (questions === 1) loop.wake();
        throw new Error(`trouble ${questions}`);
      }),
      log: createLogger("broker", "silent"),
    });
    loop.wake();
    await new Promise((resolve) => setImmediate(resolve));
    expect(loop.status.error).to.equal("trouble 2");
    await loop.close();
  });
});
