import { expect } from "chai";
import { MARKER, reviewMarkdown } from "../../../../operations/review/markdown";
import type { PreviewOutcome } from "../../../../operations/review/previewEvents";
import { riskIsRaised, verdictOf, type Review, type StackReview } from "../../../../operations/review/review";
import { stackReview, type StackFindings } from "../../../../operations/review/stackReview";
import type { StateResource } from "../../../../operations/review/plannedResources";

const BASE = { ref: "main", commit: "a".repeat(40) };
const HEAD = { ref: "bbbbbbbbb", commit: "b".repeat(40) };
const limits = { orderQuantity: 1, positionQuantity: 1 };
const configuration = (more: object = {}) => ({ configuration: { mode: "paper", bots: [{ name: "a", limits, settings: { emaFast: 20 }, ...more }] } });
const quiet: PreviewOutcome = { resources: [], policies: [], packs: [], problems: [] };

function review(findings: Partial<StackFindings> = {}): StackReview {
  return stackReview({ stack: "paper", before: configuration(), after: configuration(), state: [], preview: quiet, problems: [], migrations: [], changelog: [], ...findings });
}

function whole(stacks: readonly StackReview[], reasons: Review["reasonsForMoreRisk"] = []): Review {
  return { format: 1, base: BASE, head: HEAD, stacks, reasonsForMoreRisk: reasons };
}

const raised = { after: configuration({ limits: { ...limits, positionQuantity: 2 } }) };
const REASON = { commit: "c".repeat(40), reason: "Twice the capital" };

describe("the review of a stack", () => {
  for (const [name, findings, outcome] of [
    ["compared", {}, "compared"],
    ["new", { before: undefined, state: null }, "new"],
    ["gone", { after: undefined, preview: undefined }, "gone"],
    ["failed where it cannot be previewed", { problems: ["wrong key"] }, "failed"],
    ["failed where the preview says so", { preview: { ...quiet, problems: ["protected"] } }, "failed"],
  ] as const) {
    it(`is ${name}`, () => expect(review(findings).outcome).to.equal(outcome));
  }

  it("counts as raised what cannot be compared", () => {
    const { limits: found, limitsUnknown } = review({ before: { problem: "Pulumi.paper.yaml has a wrong key" } });
    expect([found, limitsUnknown]).to.deep.equal([[], "Pulumi.paper.yaml has a wrong key"]);
    expect(riskIsRaised(review({ before: { problem: "x" } }))).to.equal(true);
    expect(riskIsRaised(review())).to.equal(false);
  });

  for (const [name, changelog, pointedOut] of [
    ["without an entry", [], true],
    ["with an entry for another stack", ["- live: emaFast 20 → 21"], true],
    ["with an entry that names the stack", ["- Paper: emaFast 20 → 21"], false],
  ] as const) {
    it(`${pointedOut ? "points out" : "takes"} a strategy changed ${name} in CHANGELOG.md`, () => {
      const { meaning } = review({ after: configuration({ settings: { emaFast: 21 } }), changelog });
      expect(meaning.some(({ text }) => text.includes("CHANGELOG.md"))).to.equal(pointedOut);
    });
  }

  it("tells the worst first, whoever says it", () => {
    const state = { action: "untouched", urn: "urn", type: "docker:index/container:Container", retained: false, before: {}, after: {}, properties: [] } as const;
    const resources = [{ ...state, name: "timescaledb" }, { ...state, name: "gui", action: "replaced" }] as const;
    const { meaning } = review({ preview: { ...quiet, resources }, after: configuration({ settings: { emaFast: 21 } }) });
    expect(meaning.map(({ weight }) => weight)).to.deep.equal(["attention", "attention", "note", "note"]);
  });

  it("shows an image that is not built by what it would be built of", () => {
    const state: StateResource[] = [{ urn: "urn:pulumi:paper::trading::command:local:Command::image-bot", type: "command:local:Command", custom: true, inputs: { triggers: ["0123456789abcdef"] }, outputs: { stdout: `sha256:${"d".repeat(64)}` } }];
    const resource = { action: "replaced", urn: "urn", type: "docker:index/container:Container", name: "bot-a", retained: false, before: { image: `sha256:${"d".repeat(64)}` }, after: { image: `sha256:${"e".repeat(64)}` }, properties: ["image"] } as const;
    expect(review({ state, preview: { ...quiet, resources: [resource] } }).resources[0]!.differences).to.deep.equal([{ path: "image", before: "bot:01234567", after: "sha256:eeeeeeee…" }]);
  });
});

describe("the verdict of a review", () => {
  const mandatory = { pack: "trading", policy: "p", level: "mandatory", resource: null, message: "m" };
  for (const [name, stacks, reasons, verdict] of [
    ["nothing changed", [review()], [], "fine"],
    ["limits raised", [review(), review(raised)], [], "unexplained"],
    ["limits raised on purpose", [review(raised)], [REASON], "fine"],
    ["limits lowered", [review({ before: raised.after })], [], "fine"],
    ["one stack that fails", [review(), review({ problems: ["x"] })], [REASON], "failed"],
    ["a mandatory rule that is not kept", [review({ preview: { ...quiet, policies: [mandatory] } })], [], "failed"],
    ["an advisory rule that is not kept", [review({ preview: { ...quiet, policies: [{ ...mandatory, level: "advisory" }] } })], [], "fine"],
    ["a failure and limits raised", [review({ ...raised, problems: ["x"] })], [], "failed"],
  ] as const) {
    it(`is ${verdict} with ${name}`, () => expect(verdictOf(whole(stacks, reasons))).to.equal(verdict));
  }
});

describe("a review as Markdown", () => {
  it("begins with the line by which its comment is found again, and names both commits", () => {
    const lines = reviewMarkdown(whole([review()])).split("\n");
    expect(lines[0]).to.equal(MARKER);
    expect(lines[1]).to.equal("# What `bbbbbbbb` would do");
    expect(lines[3]).to.contain("Compared with `main` (aaaaaaaa)");
    expect(lines).to.include("| paper | 0 | 0 | 0 | 0 | 0 | as before | - |").and.include("Nothing changes.");
  });

  it("says first that limits are raised and how to say that it is meant, or why it is", () => {
    expect(reviewMarkdown(whole([review(raised)]))).to.contain("🛑 **Risk limits are raised** in paper, and no commit says why.").and.to.contain("`Risk-Limits-Raised: why`").and.to.contain("- ⚠️ max position of a 1 → 2 (raised)");
    expect(reviewMarkdown(whole([review(raised)], [REASON]))).to.contain("**Risk limits are raised** in paper, on purpose: “Twice the capital” (cccccccc).");
  });

  it("tells what is replaced, where it differs, and which rules are not kept", () => {
    const resource = { action: "replaced", urn: "urn", type: "docker:index/container:Container", name: "gui", retained: false, before: { memory: 128 }, after: { memory: 192 }, properties: ["memory"] } as const;
    const finding = { pack: "trading", policy: "loopback-only", level: "mandatory", resource: "gui", message: "port on 0.0.0.0 | all" };
    const text = reviewMarkdown(whole([review({ preview: { resources: [resource], policies: [finding], packs: ["trading"], problems: [] } })]));
    expect(text).to.contain("| replaced | container gui | `memory`: `128` → `192` |");
    expect(text).to.contain("| loopback-only | mandatory | gui | port on 0.0.0.0 \\| all |").and.to.contain("| **1 not kept** |");
  });

  it("shows why a stack cannot be previewed, as it was said", () => {
    const text = reviewMarkdown(whole([review({ problems: ["Pulumi.paper.yaml has a wrong key:\n  trading:x"] })]));
    expect(text).to.contain("## paper (cannot be previewed)").and.to.contain("```\nPulumi.paper.yaml has a wrong key:\n  trading:x\n```").and.to.contain("| paper | - | - | - | - | - |");
  });

  it("lets nothing that a commit says be more than its words", () => {
    const text = reviewMarkdown(whole([review(raised)], [{ commit: "d".repeat(40), reason: "<img src=x> @everyone | a\nb" }]));
    expect(text).to.contain("“&lt;img src=x> @\u200beveryone \\| a; b”");
  });

  it("fits into a comment, however much differs", () => {
    const many = Array.from({ length: 3000 }, (_, index) => ({ action: "added", urn: `urn${index}`, type: "docker:index/volume:Volume", name: `volume-${index}`, retained: false, before: null, after: {}, properties: [] }) as const);
    const text = reviewMarkdown(whole([review({ preview: { ...quiet, resources: many } })]));
    expect(text.length).to.be.lessThan(65_536);
    expect(text).to.match(/\nThe rest is in preview\.json\.\n$/);
  });
});
