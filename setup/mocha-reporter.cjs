"use strict";
const { writeFileSync } = require("node:fs");
const { reporters } = require("mocha");

/** Mocha's own report, and beside it the counts in a file, which set-up adds up over all phases. */
module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const { output } = options.reporterOptions;
    runner.once("end", () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(output, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
};
