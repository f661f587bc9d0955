import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { faultSettings } from "../../../domain/faultScript";
import { findingKinds } from "../../../domain/feedQuality";

const runbook = fs.readFileSync(path.join(__dirname, "..", "..", "..", "runbooks", "LiveFeed_Runbook.md"), "utf8");

describe("the runbook of the feed", () => {
  it("says of everything that can be found what it means and what to do, once", () => {
    const rows = [...runbook.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$/gm)].map(([, kind]) => kind);
    expect(rows).to.have.members([...findingKinds]);
  });

  it("has a drill with every fault that can be scripted, as the configuration takes it", () => {
    const [, block = ""] = /```yaml\n([\s\S]*?)```/.exec(runbook) ?? [];
    const { faults } = (parse(block) as { "trading:feed": { faults: unknown[] } })["trading:feed"];
    const kinds = faults.map((fault) => faultSettings.parse(fault).kind);
    expect(new Set(kinds)).to.deep.equal(new Set(faultSettings.options.map((option) => option.shape.kind.value)));
  });
});
