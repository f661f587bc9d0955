import type { ToolProgress } from "./toolMessages";

/** A step is told again when it got so much further. */
const STEP_PERCENT = 10;
/** What a step does without counting is told at most so often. */
const TEXT_MILLISECONDS = 5000;

/**
 * Makes of a tool's progress lines that a person can follow: each step when it begins, one that counts every ten per
 * cent, and another only now and then.
 *
 * @param write takes whole lines
 * @param now milliseconds
 */
export function progressWriter(write: (text: string) => void, now: () => number = Date.now): (progress: ToolProgress) => void {
  let last = "";
  let told = -STEP_PERCENT;
  let saidAt = -Infinity;
  return ({ step, text, done, total }) => {
    if (step !== last) {
      last = step;
      told = -STEP_PERCENT;
      saidAt = -Infinity;
    }
    if (done === undefined || total === undefined || total <= 0) {
      if (text === "" || now() - saidAt < TEXT_MILLISECONDS) return;
      saidAt = now();
      write(`        ${text}\n`);
      return;
    }
    const percent = Math.min(100, Math.floor((done / total) * 100));
    if (percent < told + STEP_PERCENT && !(percent === 100 && told < 100)) return;
    told = percent;
    write(`  ${String(percent).padStart(3)} %  ${text}\n`);
  };
}
