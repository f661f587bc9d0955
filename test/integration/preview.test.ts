import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { derivePassword } from "../../config/clone";
import type { Review, StackReview } from "../../operations/review/review";
import { PLACEHOLDERS } from "../../operations/review/tree";
import { ReviewedClone } from "../support/reviewedClone";
import type { Outcome } from "../support/throwAwayStack";

/** An address that is as secret as a password; it stands in a stack's file. */
const WEBHOOK = "https://hooks.example/a-secret-that-nobody-guesses";

/** What a review must never show: passwords, also those that only stand for others, and addresses. */
const SECRETS = [WEBHOOK, PLACEHOLDERS.key, PLACEHOLDERS.passphrase, ...["database/postgres", "database/broker", "broker-token/refstrat01", "backup/second-copy"].map((purpose) => derivePassword(PLACEHOLDERS.key, purpose))].flatMap((secret) => [secret, Buffer.from(secret).toString("base64")]);

describe("a review of commits", function () {
  this.timeout(600_000);
  let clone: ReviewedClone;
  let project: string;

  before(async () => {
    clone = await ReviewedClone.make();
    for (const stack of ["paper", "live"]) clone.replace(`Pulumi.${stack}.yaml`, "config:\n", `config:\n  trading:alerts: { webhook: "${WEBHOOK}" }\n`);
    project = await clone.commit("Alerts");
  });
  after(() => clone.remove());

  function documentOf({ stdout, text }: Outcome): Review & { readonly exitCode: number } {
    for (const secret of SECRETS) expect(text).not.to.contain(secret);
    return JSON.parse(stdout) as ReturnType<typeof documentOf>;
  }
  const stackOf = (review: Review, name: string) => review.stacks.find(({ stack }) => stack === name)!;
  const shown = ({ resources }: StackReview) => resources.map(({ action, kind, name }) => `${action} ${kind} ${name}`).sort();
  const words = ({ meaning }: StackReview) => meaning.map(({ text }) => text);

  it("tells that a changed bot replaces the bot, and nothing else that trades", async () => {
    clone.replace("services/bot/main.ts", "\n", '\nprocess.title = "changed";\n');
    await clone.commit("Another bot");
    const output = path.join(clone.root, ".tools", "output");
    const outcome = await clone.preview(["--base", project, "--json", "--output", output]);
    expect(outcome.code, outcome.text).to.equal(0);
    const review = documentOf(outcome);
    for (const stack of ["live", "paper"]) {
      const found = stackOf(review, stack);
      expect(shown(found), stack).to.deep.equal(["changed command backup-secrets-files", "replaced command image-bot", "replaced container bot-refstrat01"]);
      expect(found.counts).to.include({ added: 0, removed: 0, replaced: 2, changed: 1 });
      expect(found.outcome).to.equal("compared");
      expect(words(found)).to.include("database untouched");
    }
    expect(words(stackOf(review, "paper"))[0]).to.equal("paper bot refstrat01 replaced: about 20 s without a bot; its protective stop is worked meanwhile");
    expect(words(stackOf(review, "live"))[0]).to.equal("live bot refstrat01 replaced; it is not started");
    expect(words(stackOf(review, "live")).some((text) => /^image bot [0-9a-f]{8} → [0-9a-f]{8}$/.test(text))).to.equal(true);
    expect(JSON.parse(fs.readFileSync(path.join(output, "preview.json"), "utf8"))).to.deep.equal(review);
    // The image is built when it is needed, so that its id is not known yet.
    expect(fs.readFileSync(path.join(output, "preview.md"), "utf8")).to.contain("| replaced | container bot-refstrat01 | `envs`: ").and.to.contain("`image`: `bot:");
  });

  it("marks a raised limit, ends with 2 while no commit says why, and leaves the other stack untouched", async () => {
    await clone.git(["checkout", "--quiet", project]);
    clone.replace("Pulumi.live.yaml", "orderQuantity: 0.5", "orderQuantity: 1");
    await clone.commit("More");
    const outcome = await clone.preview(["--base", project, "--json"]);
    expect(outcome.code, outcome.text).to.equal(2);
    const review = documentOf(outcome);
    const live = stackOf(review, "live");
    expect(live.limits.map(({ key, before, after, raised }) => [key, before, after, raised])).to.deep.equal([
      ["bots.refstrat01.limits.orderQuantity", 0.5, 1, true],
      ["bots.refstrat01.limits.positionQuantity", 0.5, 1, true],
    ]);
    expect(words(live)).to.include("max position of refstrat01 0.5 → 1 (raised)").and.to.satisfy((all: string[]) => all.some((text) => text.includes("CHANGELOG.md has no new entry that names live")));
    expect(shown(live)).to.include("replaced container broker").and.not.to.include("replaced container bot-refstrat01");
    const paper = stackOf(review, "paper");
    expect([shown(paper), paper.limits, paper.configuration, words(paper)]).to.deep.equal([[], [], [], []]);
    expect(paper.counts.untouched).to.equal(live.counts.untouched + live.resources.length);
  });

  it("takes the reason of a commit for it", async () => {
    // One stack is enough for this.
    await clone.git(["rm", "--quiet", "Pulumi.paper.yaml"]);
    const base = await clone.commit("Live alone");
    clone.replace("Pulumi.live.yaml", "orderQuantity: 1", "orderQuantity: 2");
    await clone.commit("Twice as much\n\nRisk-Limits-Raised: The drill of last week went well");
    const outcome = await clone.preview(["--base", base]);
    expect(outcome.code, outcome.text).to.equal(0);
    for (const secret of SECRETS) expect(outcome.text).not.to.contain(secret);
    expect(outcome.stdout).to.contain("**Risk limits are raised** in live, on purpose: “The drill of last week went well”").and.to.contain("- ⚠️ max position of refstrat01 1 → 2 (raised)");
    expect(fs.readdirSync(path.join(clone.root, ".tools", "reviews")), "nothing is left").to.deep.equal([]);
    expect(await clone.git(["status", "--porcelain"])).to.equal("");
  });
});
