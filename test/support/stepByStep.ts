/**
 * Leaves out what comes after the first failure of a suite whose tests each start from the one before. Mocha's own `bail`
 * would also end all files that run beside it.
 */
export function stepByStep(suite: Mocha.Suite): void {
  let failed = false;
  suite.beforeEach("nothing failed before", function () {
    if (failed) this.skip();
  });
  suite.afterEach("whether it failed", function () {
    failed ||= this.currentTest?.state === "failed";
  });
}
