/** Whether `npm test -- --exhaustive` was asked for. */
export const exhaustive = process.env["TRADING_TESTS_EXHAUSTIVE"] === "1";

/**
 * Cases of one test that differ only in where the same fault strikes.
 *
 * @param always those that every run of the tests tries
 * @param rest those that take minutes more and show the same: for `npm test -- --exhaustive`
 */
export function variants<Case>(always: readonly Case[], rest: readonly Case[]): readonly Case[] {
  return exhaustive ? [...always, ...rest] : always;
}
