import { expect } from "chai";
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { RUNBOOKS } from "../../../../domain/guard/verdict";

const root = path.resolve(__dirname, "../../../..");

describe("the runbook of each of the guard's rules", () => {
  for (const [rule, runbook] of Object.entries(RUNBOOKS)) {
    it(`is there for ${rule}`, () => {
      const [file, heading] = [runbook.slice(0, runbook.indexOf(", ")), runbook.slice(runbook.indexOf(", ") + 2)];
      expect(existsSync(path.join(root, file)), file).to.equal(true);
      const headings = readFileSync(path.join(root, file), "utf8")
        .split("\n")
        .filter((line) => /^#{2,3} /.test(line))
        .map((line) => line.replace(/^#+ /, "").trim());
      expect(headings).to.include(heading);
    });
  }
});
