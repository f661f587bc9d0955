import { setTimeout as delay } from "node:timers/promises";
import { expect } from "chai";
import { Progress } from "../../../setup/common/progress.mjs";
import { checkAll, runAll, StepError, type Step } from "../../../setup/common/schedule.mjs";
import type { Context } from "../../../setup/context.mjs";

const context = {} as Context;

/** Steps over a set of things that are there, and what was done in which order. */
function world(present: string[] = []) {
  const there = new Set(present);
  const events: string[] = [];
  const step = (name: string, after: string[], work: () => Promise<void> = async () => undefined): Step => ({
    name,
    after,
    check: async () => (there.has(name) ? { ok: true, detail: "there" } : { ok: false, detail: "missing", fix: `make ${name}` }),
    run: async () => {
      events.push(`begin ${name}`);
      await work();
      there.add(name);
      events.push(`end ${name}`);
      return "made";
    },
  });
  const lines: string[] = [];
  return { there, events, step, lines, progress: new Progress((line: string) => void lines.push(line.replace(/^ *\d+ s +/, "").replace(/ +/g, " ").replace(/\(\d+\.\d s\)/, "(n s)"))) };
}

describe("the schedule of steps", () => {
  it("does nothing where nothing is missing", async () => {
    const { step, events, lines, progress } = world(["a", "b"]);
    await runAll([step("a", []), step("b", ["a"])], context, progress);
    expect(events).to.deep.equal([]);
    expect(lines).to.deep.equal(["a there", "b there"]);
  });

  it("waits for what a step needs, and runs the others side by side", async () => {
    const { step, events, progress, lines } = world();
    const steps = [step("slow", [], () => delay(30)), step("quick", []), step("last", ["slow", "quick"])];
    await runAll(steps, context, progress);
    expect(events).to.deep.equal(["begin slow", "begin quick", "end quick", "end slow", "begin last", "end last"]);
    expect(lines).to.include.members(["slow missing", "slow made (n s)", "last made (n s)"]);
  });

  it("waits for what is listed later too, and begins it once", async () => {
    const { step, events, progress } = world();
    await runAll([step("b", ["a"]), step("c", ["a", "b"]), step("a", ["not part of this run"])], context, progress);
    expect(events).to.deep.equal(["begin a", "end a", "begin b", "end b", "begin c", "end c"]);
  });

  it("begins no further step after a failure, ends what runs, and says the first one", async () => {
    const { step, events, progress } = world();
    let endSlow = () => undefined as void;
    const broken: Step = { ...step("broken", []), run: async () => Promise.reject(new StepError("it broke", "mend it")) };
    const slow = step("slow", [], () => new Promise<void>((_, reject) => (endSlow = () => reject(new Error("ended")))));
    const failure = await runAll([slow, broken, step("next", ["broken"]), step("later", ["slow"])], context, progress, async () => endSlow()).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(StepError).and.include({ message: "it broke", fix: "mend it", step: "broken" });
    expect(events).to.deep.equal(["begin slow"]);
  });

  it("does not believe a step that did not bring what it promised", async () => {
    const { step, progress } = world();
    const liar: Step = { ...step("liar", []), run: async () => "made" };
    const failure = await runAll([liar], context, progress).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(StepError).and.include({ message: "missing", fix: "make liar", step: "liar" });
  });

  it("only looks when asked to check, and tells of a step that cannot be looked at", async () => {
    const { step, events } = world(["a"]);
    const blind: Step = { ...step("blind", []), check: () => Promise.reject(new StepError("cannot see", "light it")) };
    expect(await checkAll([step("a", []), step("b", ["a"]), blind], context)).to.deep.equal([
      { name: "a", ok: true, detail: "there" },
      { name: "b", ok: false, detail: "missing", fix: "make b" },
      { name: "blind", ok: false, detail: "cannot see", fix: "light it" },
    ]);
    expect(events).to.deep.equal([]);
  });
});
