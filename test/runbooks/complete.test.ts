import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { PROJECT_ROOT } from "../support/throwAwayStack";
import { TESTED_ELSEWHERE } from "./mapping";

describe("the runbooks", () => {
  it("have a test each, named like them", () => {
    const names = (folder: string, ending: string) => fs.readdirSync(folder).filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length));
    const tested = new Set(names(__dirname, ".test.ts"));
    const untested = names(path.join(PROJECT_ROOT, "runbooks"), ".md").filter((name) => !tested.has(name) && TESTED_ELSEWHERE[`${name}.md`] === undefined);
    expect(untested).to.deep.equal([]);
  });
});
