/**
 * @typedef {object} Finding what a look at one item found
 * @property {boolean} ok
 * @property {string} detail
 * @property {string} [fix] what to do where it is not ok
 */

/**
 * @typedef {object} Step one thing that set-up sees to
 * @property {string} name
 * @property {readonly string[]} after names of the steps it needs
 * @property {(context: import("../context.mjs").Context) => Promise<Finding>} check looks and changes nothing
 * @property {(context: import("../context.mjs").Context, report: { at: (text: string) => void, say: (text: string) => void }) => Promise<string>} run
 *   does what is missing; gives what it did
 */

/** A step that cannot go on; the fix is for the person who started it. */
export class StepError extends Error {
  /** @param {string} message @param {string} [fix] @param {string} [step] */
  constructor(message, fix, step) {
    super(message);
    this.fix = fix;
    this.step = step;
  }
}

/**
 * Looks at everything and changes nothing.
 *
 * @param {readonly Step[]} steps
 * @param {import("../context.mjs").Context} context
 * @returns {Promise<(Finding & { name: string })[]>} in the order of the steps
 */
export async function checkAll(steps, context) {
  return Promise.all(steps.map(async (step) => ({ name: step.name, ...(await look(step, context)) })));
}

/** @param {Step} step @param {import("../context.mjs").Context} context @returns {Promise<Finding>} */
async function look(step, context) {
  try {
    return await step.check(context);
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error), ...(error instanceof StepError && error.fix ? { fix: error.fix } : {}) };
  }
}

/**
 * Does what is missing: each step as soon as those it comes after are done, so that slow ones run side by side. After
 * the first failure no further step begins.
 *
 * @param {readonly Step[]} steps
 * @param {import("../context.mjs").Context} context
 * @param {import("./progress.mjs").Progress} progress
 * @param {() => Promise<void>} abandon called at the first failure: ends what still runs
 * @throws {StepError} the first failure
 */
export async function runAll(steps, context, progress, abandon = async () => undefined) {
  /** @type {Map<string, Promise<void>>} */
  const begun = new Map();
  /** @type {StepError | undefined} */
  let failure;
  /** @param {Step} step @returns {Promise<void>} */
  const begin = (step) => {
    const known = begun.get(step.name) ?? runStep(step);
    begun.set(step.name, known);
    return known;
  };
  /** @param {Step} step */
  const runStep = async (step) => {
    await Promise.all(steps.filter((other) => step.after.includes(other.name)).map(begin));
    try {
      await perform(step, context, progress, () => failure !== undefined);
    } catch (error) {
      // What fails after the first failure fails because its programs were ended.
      if (failure) return;
      failure = error instanceof StepError ? new StepError(error.message, error.fix, step.name) : new StepError(error instanceof Error ? error.message : String(error), undefined, step.name);
      progress.line(step.name, "failed");
      progress.silence();
      await abandon();
    }
  };
  await Promise.all(steps.map(begin));
  progress.stop();
  if (failure) throw failure;
}

/**
 * @param {Step} step
 * @param {import("../context.mjs").Context} context
 * @param {import("./progress.mjs").Progress} progress
 * @param {() => boolean} isOver whether another step has failed
 */
async function perform(step, context, progress, isOver) {
  if (isOver()) return;
  const found = await look(step, context);
  if (isOver()) return;
  if (found.ok) {
    progress.line(step.name, found.detail);
    return;
  }
  progress.start(step.name, found.detail);
  const did = await step.run(context, { at: (text) => progress.at(step.name, text), say: (text) => progress.say(step.name, text) });
  const after = await look(step, context);
  if (!after.ok) throw new StepError(after.detail, after.fix);
  progress.done(step.name, did);
}
