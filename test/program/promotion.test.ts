import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stackContext } from "../../components/StackContext";
import { TradingStack } from "../../components/TradingStack";
import { backupSecrets } from "../../config/backupSecrets";
import { parseStackConfiguration } from "../../config/stackConfiguration";
import { IMAGE_NAMES } from "../../images/catalog";
import { brokerSettings } from "../../services/broker/settings";
import { guiSettingsSchema } from "../../services/gui/settings";
import { evidenceFor, evidenceItem, writeEvidence } from "../support/promotionEvidence";

const KEY = "5".repeat(64);
const images = Object.fromEntries(IMAGE_NAMES.map((name, index) => [name, `sha256:${index.toString(16).padStart(64, "0")}`]));
const values = { mode: "live", portBase: 8500, feed: { source: "synthetic" }, bots: [{ name: "refstrat01", limits: { orderQuantity: 1, orderNotional: 12_000 } }] };

interface Container {
  readonly name: string;
  readonly image: string;
  readonly start: boolean;
  readonly mustRun: boolean;
  readonly envs: readonly string[];
}

describe("the program of a live stack", function () {
  this.timeout(60_000);
  let root: string;
  before(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-live-"))));
  after(() => fs.rmSync(root, { recursive: true }));

  /** Declares a live stack against Pulumi's mocks. */
  async function declare(more: Record<string, unknown>) {
    const containers: Container[] = [];
    await pulumi.runtime.setMocks(
      {
        newResource: ({ type, name, inputs }) => {
          if (type === "docker:index/container:Container") containers.push(inputs as Container);
          return { id: `${name}-id`, state: type === "command:local:Command" ? { ...inputs, stdout: `${images["base"]}\n` } : (inputs as object) };
        },
        call: () => ({ stdout: "", stderr: "" }),
      },
      "trading",
      "live",
      false,
    );
    const configuration = parseStackConfiguration("live", { ...values, ...more });
    const context = stackContext("live", "live", "owner-of-the-test", KEY, "info");
    const imageHashes = Object.fromEntries(IMAGE_NAMES.map((name) => [name, `hash-of-${name}`]));
    const stack = new TradingStack("trading", { context, configuration, desiredState: { bots: {} }, halts: { halts: [], unreadable: [], problem: null }, imageHashes, verifyImages: async () => undefined, root, backupSecrets: backupSecrets(root, "live", configuration.backup, KEY) });
    const health = await new Promise<string>((resolve) => stack.health.apply(resolve));
    await pulumi.runtime.disconnect();
    const of = (service: string) => containers.find(({ name }) => name === `trading-live-${service}`)!;
    const settingsOf = (service: string) => JSON.parse(of(service).envs.find((entry) => entry.startsWith("SETTINGS="))!.slice("SETTINGS=".length)) as Record<string, unknown>;
    return { stack, health, of, settingsOf };
  }

  it("starts its bots with a promotion that covers them, from the images that were promoted", async () => {
    const evidence = evidenceFor("live", values, images);
    const { stack, of, settingsOf } = await declare({ release: writeEvidence(root, evidence) });
    expect(stack.bots).to.deep.equal([{ name: "refstrat01", running: true, reason: "wanted running" }]);
    expect(of("bot-refstrat01")).to.deep.include({ start: true, mustRun: true, image: images["bot"] });
    const until = Date.parse(evidence.at) + 7 * 86_400_000;
    expect(settingsOf("broker")["canary"]).to.deep.equal({ until: new Date(until).toISOString(), fraction: 0.1 });
    expect(brokerSettings.parse(settingsOf("broker")).canary).to.deep.equal({ until, fraction: 0.1 });
    expect(guiSettingsSchema.parse(settingsOf("gui")).canary).to.deep.equal({ until, fraction: 0.1 });
  });

  const shut: [when: string, more: () => Record<string, unknown>, reason: RegExp][] = [
    ["without a promotion", () => ({}), /^live has no promotion: the bot is made and not started$/],
    ["with evidence that is missing", () => ({ release: { images, promotion: { evidence: "reports/promotions/none.json" } } }), /reports\/promotions\/none\.json is missing: the bot is made and not started$/],
    [
      "with evidence that was changed",
      () => {
        const release = writeEvidence(root, evidenceFor("live", values, images));
        const file = path.join(root, release.promotion.evidence);
        fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace('"value": 40', '"value": 41'));
        return { release };
      },
      /was changed after it was written/,
    ],
    ["with another strategy than was promoted", () => ({ release: writeEvidence(root, evidenceFor("live", values, images)), bots: [{ ...values.bots[0], settings: { emaFast: 5 } }] }), /settings\.emaFast is 5 in live and 20 in PRO-/],
    ["with another image than was promoted", () => ({ release: { ...writeEvidence(root, evidenceFor("live", values, images)), images: { ...images, bot: `sha256:${"f".repeat(64)}` } } }), /other images were promoted: bot/],
  ];
  for (const [when, more, reason] of shut) {
    it(`comes up ${when} with its bots made and not started, and says why`, async () => {
      const { stack, health, of, settingsOf } = await declare(more());
      expect(health).to.equal("every container is as it is wanted");
      expect(of("bot-refstrat01")).to.deep.include({ start: false, mustRun: false });
      expect(stack.bots[0]!.reason).to.match(reason);
      for (const service of ["broker", "gui"]) expect(settingsOf(service)).not.to.have.property("canary");
    });
  }

  it("shows on its page what was overridden, and nothing where nothing was", async () => {
    const overridden = evidenceFor("live", values, images, { items: [evidenceItem({ holds: false, value: 12, overridden: "the exchange was away" })] });
    const { settingsOf } = await declare({ release: writeEvidence(root, overridden) });
    expect(settingsOf("gui")["notices"]).to.deep.equal([`${overridden.id} overrides a condition: paper.days of bot refstrat01 was 12, asked for at least 30: the exchange was away`]);
    expect(guiSettingsSchema.parse(settingsOf("gui")).notices).to.have.length(1);
    const plain = await declare({ release: writeEvidence(root, evidenceFor("live", values, images)) });
    expect(plain.settingsOf("gui")).not.to.have.property("notices");
  });

  it("has the same containers whatever the time is: the end of the first days is the broker's to notice", async () => {
    const evidence = evidenceFor("live", values, images, { at: "2020-01-01T00:00:00.000Z" });
    const { settingsOf } = await declare({ release: writeEvidence(root, evidence) });
    expect(settingsOf("broker")["canary"]).to.deep.equal({ until: "2020-01-08T00:00:00.000Z", fraction: 0.1 });
  });
});
