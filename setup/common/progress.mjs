/** Prints what the steps do: a line when one starts and when it ends, and now and then where a long one is. */
export class Progress {
  /** @type {Map<string, { started: number, last: string, printed: number }>} */
  #running = new Map();
  #started = Date.now();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /** @param {(line: string) => void} print @param {{ every?: number }} [settings] `every`: milliseconds between lines about a long step */
  constructor(print, { every = 15_000 } = {}) {
    this.print = print;
    this.every = every;
  }

  /** @param {string} name @param {string} text */
  line(name, text) {
    const seconds = Math.round((Date.now() - this.#started) / 1000);
    this.print(`${String(seconds).padStart(4)} s  ${name.padEnd(18)} ${text}`);
  }

  /** @param {string} name @param {string} text */
  start(name, text) {
    const now = Date.now();
    this.#running.set(name, { started: now, last: "", printed: now });
    this.line(name, text);
    this.#timer ??= setInterval(() => this.#remind(), 1000).unref();
  }

  /** Where a running step is; said when the step has been silent for long. @param {string} name @param {string} text */
  at(name, text) {
    const step = this.#running.get(name);
    if (step) step.last = text.trim();
  }

  /** Something about a running step that is said at once. @param {string} name @param {string} text */
  say(name, text) {
    const step = this.#running.get(name);
    if (step) step.printed = Date.now();
    this.line(name, text);
  }

  /** @param {string} name @param {string} text */
  done(name, text) {
    const step = this.#running.get(name);
    this.#running.delete(name);
    this.line(name, step ? `${text} (${((Date.now() - step.started) / 1000).toFixed(1)} s)` : text);
  }

  /** Says nothing more. */
  silence() {
    this.stop();
    this.print = () => undefined;
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#running.clear();
  }

  #remind() {
    const now = Date.now();
    for (const [name, step] of this.#running) {
      if (now - step.printed < this.every) continue;
      step.printed = now;
      const seconds = Math.round((now - step.started) / 1000);
      this.line(name, `still at it for ${seconds} s${step.last ? `: ${step.last.slice(0, 100)}` : ""}`);
    }
  }
}
