import { expect } from "chai";
import { EventEmitter, once } from "node:events";
import { createShutdown } from "../../../../services/shared/shutdown";
import { silent } from "./support";

describe("shutdown", () => {
  function make(deadlineMilliseconds = 1000) {
    const signals = new EventEmitter();
    const exits = new EventEmitter();
    const codes: number[] = [];
    const shutdown = createShutdown({
      log: silent,
      deadlineMilliseconds,
      process: signals,
      exit: (code) => {
        codes.push(code);
        exits.emit("exit");
      },
    });
    return { shutdown, signals, codes, exited: once(exits, "exit") };
  }

  for (const signal of ["SIGTERM", "SIGINT"]) {
    it(`stops on ${signal}, last registered first, and exits with 0`, async () => {
      const { shutdown, signals, codes, exited } = make();
      const order: string[] = [];
      shutdown.add("database", () => order.push("database"));
      shutdown.add("server", async () => {
        await Promise.resolve();
        order.push("server");
      });
      signals.emit(signal);
      expect(shutdown.signal.aborted).to.equal(true);
      await exited;
      expect(order).to.deep.equal(["server", "database"]);
      expect(codes).to.deep.equal([0]);
    });
  }

  it("stops once however often it is asked", async () => {
    const { shutdown, signals, codes } = make();
    let stops = 0;
    shutdown.add("work", () => stops++);
    signals.emit("SIGTERM");
    signals.emit("SIGINT");
    await shutdown.stop("third", 3);
    expect(stops).to.equal(1);
    expect(codes).to.deep.equal([0]);
  });

  it("goes on after a callback that fails and exits with 1", async () => {
    const { shutdown, codes } = make();
    let reached = false;
    shutdown.add("database", () => (reached = true));
    shutdown.add("server", () => {
      throw new Error("no");
    });
    await shutdown.stop("test");
    expect(reached).to.equal(true);
    expect(codes).to.deep.equal([1]);
  });

  it("exits with the code it is given", async () => {
    const { shutdown, codes } = make();
    await shutdown.stop("wrong source", 2);
    expect(codes).to.deep.equal([2]);
  });

  it("exits with 1 at the deadline when a callback hangs", async () => {
    const { shutdown, codes, exited } = make(5);
    shutdown.add("work", () => new Promise(() => undefined));
    void shutdown.stop("test");
    await exited;
    expect(codes).to.deep.equal([1]);
  });
});
