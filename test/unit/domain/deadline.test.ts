import { expect } from "chai";
import { setTimeout as pause } from "node:timers/promises";
import * as v8 from "node:v8";
import * as vm from "node:vm";
import { deadline } from "../../../domain/deadline";

/** Node's own collector, as it may run at any time. */
function collectGarbage(): void {
  v8.setFlagsFromString("--expose-gc");
  (vm.runInNewContext("gc") as () => void)();
}

describe("a deadline", () => {
  /** Waits in the way a request does: nothing but the listener's signal is left. */
  function waiting(milliseconds: number, other: AbortSignal): Promise<string> {
    return new Promise((resolve) => {
      const signal = AbortSignal.any([other, deadline(milliseconds)]);
      signal.addEventListener("abort", () => resolve((signal.reason as Error).name), { once: true });
    });
  }

  it("comes for all who wait with another signal, whatever is collected as garbage meanwhile", async () => {
    const { signal } = new AbortController();
    const names = Promise.all(Array.from({ length: 50 }, () => waiting(200, signal)));
    for (let round = 0; round < 5; round++) {
      await pause(10);
      collectGarbage();
    }
    expect(new Set(await names)).to.deep.equal(new Set(["TimeoutError"]));
  });

  it("is not waited for when the other signal comes first", async () => {
    const controller = new AbortController();
    const name = waiting(60_000, controller.signal);
    controller.abort(new Error("stopped"));
    expect(await name).to.equal("Error");
  });
});
