import { UsageError } from "./options.mjs";

/** The order in which the folders below `test/` are run: the quick ones first. One that is not named here comes last. */
const ORDER = Object.freeze(["unit", "program", "operations", "plugins", "setup", "integration", "browser", "faults", "backup", "runbooks"]);

/** Phases that need neither Docker nor Pulumi. @type {readonly string[]} */
export const NEEDS_ONLY_PACKAGES = Object.freeze(["unit", "program"]);

/**
 * Phases whose files run side by side, and how many at a time: each brings up a system of its own, and they wait more
 * than they compute. Where a test measures how soon something happens, it has the machine to itself.
 *
 * @type {Readonly<Record<string, number>>}
 */
export const SIDE_BY_SIDE = Object.freeze({ integration: 2, backup: 2, runbooks: 2 });

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
