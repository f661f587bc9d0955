import { UsageError } from "./options.mjs";

/** The order in which the folders below `test/` are run: the quick ones first. One that is not named here comes last. */
const ORDER = Object.freeze(["unit", "program", "operations", "plugins", "setup", "integration", "browser", "faults", "backup", "runbooks"]);

/** Phases that need neither Docker nor Pulumi. @type {readonly string[]} */
export const NEEDS_ONLY_PACKAGES = Object.freeze(["unit", "program"]);

/**
 * Phases whose files are run in one pool, so many at a time: each file brings up what it needs, and waits for much of its
 * time. Those of the first play markets bar by bar and leave a processor to each; those of the second bring up whole systems.
 *
 * @type {readonly Readonly<{ phases: readonly string[], jobs: number }>[]}
 */
const POOLS = Object.freeze([
  { phases: Object.freeze(["operations", "plugins", "setup", "faults"]), jobs: 2 },
  { phases: Object.freeze(["integration", "browser", "backup", "runbooks"]), jobs: 3 },
]);

/** Phases beside the pools of which several files are run at a time: they share nothing. @type {Readonly<Record<string, number>>} */
const JOBS = Object.freeze({ unit: 2 });

/**
 * Files of the pools that take longest, the longest first: begun last, one of them would keep all the others waiting.
 *
 * @type {readonly string[]}
 */
const BEGUN_FIRST = Object.freeze([
  ...["backup/restore", "backup/service", "backup/bareMetal", "runbooks/Backup_And_Restore", "backup/files", "integration/performance", "backup/secondCopy"],
  ...["integration/halt", "integration/stack", "integration/haltPersists", "backup/restoreInterrupted", "integration/liveBesidePaper", "runbooks/Deployment", "integration/guard", "integration/exchangeFeed"],
].map((name) => `${name}.test.ts`));

/**
 * @typedef {object} Run one run of the test runner
 * @property {string} name
 * @property {readonly string[]} files below `test/`, with `/` between folders
 * @property {number} jobs files at a time
 */

/**
 * @param {readonly string[]} phases in their order
 * @param {readonly string[]} files all that hold tests, below `test/`, with `/` between folders
 * @returns {Run[]}
 */
export function runsOf(phases, files) {
  const below = (/** @type {string} */ phase) => files.filter((file) => file.startsWith(`${phase}/`)).sort();
  const pools = POOLS.map(({ jobs, ...pool }) => ({ phases: phases.filter((phase) => pool.phases.includes(phase)), jobs })).filter((pool) => pool.phases.length > 0);
  const alone = phases.filter((phase) => pools.every((pool) => !pool.phases.includes(phase))).map((phase) => ({ name: phase, files: below(phase), jobs: JOBS[phase] ?? 1 }));
  const pooled = pools.map(({ phases: together, jobs }) => {
    const all = together.flatMap(below);
    const first = BEGUN_FIRST.filter((file) => all.includes(file));
    return { name: together.join(", "), files: [...first, ...all.filter((file) => !first.includes(file))], jobs };
  });
  return [...alone, ...pooled];
}

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {boolean} crashed
 */

/**
 * @param {readonly string[]} wanted names from the command line; none stands for all
 * @param {readonly string[]} folders those below `test/` that hold tests
 * @returns {string[]}
 * @throws {UsageError} for a name that is no phase, or one without tests
 */
export function choosePhases(wanted, folders) {
  const rank = (/** @type {string} */ folder) => (ORDER.includes(folder) ? ORDER.indexOf(folder) : ORDER.length);
  const there = [...folders].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const unknown = wanted.filter((name) => !there.includes(name));
  if (unknown.length > 0) throw new UsageError(`no tests called ${unknown.map((name) => `"${name}"`).join(", ")}; there are: ${there.join(", ") || "none"}`);
  return wanted.length === 0 ? there : there.filter((phase) => wanted.includes(phase));
}

/**
 * What a phase came to. One that ended badly without a failed test, or told nothing, counts as a failure of its own.
 *
 * @param {number | null} code exit code of the test runner
 * @param {string | undefined} report what it wrote about its tests
 * @returns {Counts}
 */
export function countPhase(code, report) {
  const counts = report === undefined ? { passed: 0, failed: 0, skipped: 0 } : JSON.parse(report);
  const crashed = report === undefined || (code !== 0 && counts.failed === 0);
  return { ...counts, failed: counts.failed + (crashed ? 1 : 0), crashed };
}

/**
 * The last line of a run. A run without any test is no success.
 *
 * @param {readonly Counts[]} counts
 * @returns {{ text: string, ok: boolean }}
 */
export function closingLine(counts) {
  const sum = (/** @type {"passed" | "failed" | "skipped"} */ key) => counts.reduce((total, one) => total + one[key], 0);
  const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
  return { text: `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`, ok: failed === 0 && passed > 0 };
}
