/** Wall milliseconds between two lines about the same work. */
const between = 2000;

/**
 * Makes of counts lines that a person can follow, on standard error: the first after two seconds, so that short work is silent.
 * @param write takes whole lines
 * @param now milliseconds of a clock that never goes back
 */
export function sweepProgress(write: (text: string) => void, now: () => number = () => performance.now()): (done: number, all: number) => void {
  let told = now();
  let first: { readonly time: number; readonly done: number } | undefined;
  return (done, all) => {
    const time = now();
    // Threads take a while to start: how fast they are is told from the first run on.
    first ??= { time, done };
    if (time - told < between || done === first.done || done === all) return;
    told = time;
    const left = ((time - first.time) / (done - first.done)) * (all - done);
    write(`- ${done} of ${all} runs, about ${Math.max(1, Math.round(left / 1000))} s left\n`);
  };
}
