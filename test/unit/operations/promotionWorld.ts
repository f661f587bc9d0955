import * as fs from "node:fs";
import { parse } from "yaml";
import { namespaceValues } from "../../../config/configurationValues";
import { stackConfigurationHash, writeRelease, type Release } from "../../../config/releases";
import { readStackFile } from "../../../config/stackFile";
import { writeDrill } from "../../../control/drills";
import { controlFolder, ensureControlFolder } from "../../../control/folder";
import { IMAGE_NAMES } from "../../../images/catalog";
import type { FoundRun } from "../../../mlflow/newestRun";
import type { Outcome } from "../../../operations/command";
import { promoteCommand, type PromoteMeans } from "../../../operations/commands/promote";
import type { DeployMeans } from "../../../operations/deploy/means";
import type { ContainerFact } from "../../../operations/engine";
import type { PageStatus } from "../../../operations/page";
import { GitRepository } from "../../support/gitRepository";
import { outcomeOf } from "./oneCommand";
import { kpis, newest, parity } from "./performanceAnswers";
import { container, FakeEngine, makeClone, NOW, OWNER, pageStatus } from "./support";

const DAY = 86_400_000;
const SERVICES = ["livefeed", "timescaledb", "mlflow", "broker", "performance", "gui", "guard", "guard-proxy", "backup", "bot-refstrat01"];
/** Id of a first-party image. */
export const idOf = (name: string) => `sha256:${Buffer.from(name).toString("hex").padEnd(64, "0")}`;
export const IMAGES = Object.fromEntries(IMAGE_NAMES.map((name) => [name, idOf(name)]));

export const PAPER = `config:
  trading:mode: paper
  trading:portBase: 8400
  trading:feed: { source: exchange }
  trading:bots:
    - name: refstrat01
      limits: { orderQuantity: 1, orderNotional: 12000 }
      settings: { emaFast: 18 }
`;

export const LIVE = `# The live stack.
config:
  trading:mode: live
  trading:portBase: 8500 # beside paper
  trading:feed:
    # Real time.
    source: exchange
  trading:backup:
    secondCopy: { kind: path, path: /media/disk }
  trading:bots:
    - name: refstrat01
      # Chosen by the owner.
      strategy: RefStrat_01
      limits:
        orderQuantity: 0.5 # BTC
        orderNotional: 12000
`;

/** Engine that knows which stack a container is of. */
class StackEngine extends FakeEngine {
  override async containers(stack?: string): Promise<ContainerFact[]> {
    return (await super.containers()).filter(({ name }) => name.startsWith(`trading-${stack}-`));
  }
}

/** A killed process: nothing of it goes on, and nothing is cleaned up. */
export class Killed extends Error {}

/** A clone with a paper stack that may be promoted, and all that is needed to know it. Each test changes what it is about. */
export class PromotionWorld extends GitRepository {
  readonly engine = new StackEngine(SERVICES.map((service) => container(service, { imageId: idOf(service === "bot-refstrat01" ? "bot" : service) })));
  page: PageStatus | undefined = pageStatus({
    feeds: [{ ...pageStatus().feeds[0]!, health: [{ hours: 168, healthy: 1, known: 168 * 3_600_000 }], measures: { missingCandles: 0, leftOpenCandles: 0, clockSkewMilliseconds: 20 } }],
    backup: { ...pageStatus().backup!, diskUsed: 0.4 },
    alerts: { active: [], unknown: [], undelivered: 0 },
  });
  evaluation: FoundRun["metrics"] = { outOfSampleSharpe: 1.1, standardError: 0.4, probability: 0.97, maxDrawdown: 0.08, trades: 40 };
  figures: Parameters<typeof kpis>[0] = { span: "all", bars: 960 };
  compared: Parameters<typeof parity>[0] = {};
  freeShare: number | null = 0.5;
  answer: string | undefined;
  /** Step after which the command is killed. */
  killAfter: string | undefined;
  /** What of Pulumi succeeds. */
  succeeds = { preview: true, up: true };
  /** What an `up` does to the Engine. */
  onUp: (() => void) | undefined;
  readonly pulumi: string[] = [];
  readonly steps: string[] = [];
  said = "";

  /** A world to copy: Git takes a while to make one. */
  static template(): PromotionWorld {
    const world = new PromotionWorld();
    world.begin();
    return world;
  }

  copy(): PromotionWorld {
    const world = new PromotionWorld();
    fs.cpSync(this.root, world.root, { recursive: true });
    return world;
  }

  private begin(): void {
    const clone = makeClone();
    fs.cpSync(clone, this.root, { recursive: true });
    fs.rmSync(clone, { recursive: true });
    this.write("Pulumi.paper.yaml", PAPER);
    this.write("Pulumi.live.yaml", LIVE);
    this.write("docs/strategies/RefStrat_01.md", "# RefStrat_01\n\nA trend follower.\n");
    this.write("reports/restore-tests/2024-02-20T010000Z.json", JSON.stringify({ stack: "paper", passed: true, finishedAt: new Date(NOW - 10 * DAY).toISOString() }));
    this.write(".gitignore", ".trading/\n");
    for (const stack of ["paper", "live"]) ensureControlFolder(controlFolder(this.root, stack), stack, OWNER);
    const at = new Date(NOW - 5 * DAY).toISOString();
    writeDrill(controlFolder(this.root, "paper"), { format: 1, at, passed: true, passedAt: at, levels: [] });
    this.init().commit("first");
    this.release();
  }

  /** The release that paper runs. */
  release(more: Partial<Release> = {}, stack = "paper"): Release {
    const at = new Date(NOW - 40 * DAY).toISOString();
    const record: Release = {
      ...{ format: 1, id: "REL-20240121-120000-4f2a", stack, at, commit: this.git("rev-parse", "HEAD"), clean: true, pushed: true, images: Object.fromEntries(SERVICES.map((service) => [service, idOf(service === "bot-refstrat01" ? "bot" : service)])) },
      ...{ imageNames: IMAGES, configurationHash: stackConfigurationHash(readStackFile(this.root, stack)), stackFile: this.read(`Pulumi.${stack}.yaml`), schemaVersion: 5, backup: null, health: "good", confirmedAt: at, stable: null },
      ...more,
    };
    writeRelease(this.root, record);
    return record;
  }

  /** Subjects of all commits, newest first. */
  commits(): string[] {
    return this.git("log", "--format=%s").split("\n");
  }

  /** What is in no commit. */
  uncommitted(): string {
    return this.git("status", "--porcelain", "--untracked-files=all");
  }

  /** The keys of a stack's file as they are written. */
  values(stack: string): Record<string, any> {
    return namespaceValues((parse(this.read(`Pulumi.${stack}.yaml`)) as { config: Record<string, unknown> }).config);
  }

  async promote(...argv: string[]): Promise<Outcome> {
    const { configurationHash } = readStackFile(this.root, "paper").bots[0]!;
    const figures = newest([{ bot: "refstrat01", kpis: [kpis(this.figures)], parity: parity({ image: idOf("bot"), configurationHash, ...this.compared }) }]);
    this.engine.execution = { exitCode: 0, output: `${JSON.stringify(figures)}\n200` };
    const means: PromoteMeans = {
      find: async (_address, _experiment, { params }) => ({ runId: "r", name: "evaluation", startTime: NOW - DAY, metrics: this.evaluation, params: { configurationHash, ...params } }),
      freeShare: () => this.freeShare,
      deploy: this.deploy,
      reached: (step) => {
        this.steps.push(step);
        if (step === this.killAfter) throw new Killed(step);
      },
    };
    this.said = "";
    return await outcomeOf((context, wrap) => promoteCommand(context, wrap, means), argv, {
      ...{ root: this.root, engine: () => this.engine, answer: this.answer, say: (text) => void (this.said += text) },
      page: (port) => (port === 8400 ? this.page : undefined),
    });
  }

  private readonly deploy: DeployMeans = {
    pulumi: async (_root, words) => {
      if (words[0] === "stack") return { code: 0, stdout: JSON.stringify([{ name: "refstrat01", running: true, reason: "wanted running" }]), stderr: "" };
      const verb = words[0] as "preview" | "up";
      this.pulumi.push(`${verb} ${words[words.indexOf("--stack") + 1]}`);
      if (verb === "up") this.onUp?.();
      return this.succeeds[verb] ? { code: 0, stdout: "", stderr: "" } : { code: 255, stdout: "Diagnostics:\n    error: container trading-live-broker keeps ending\n", stderr: "" };
    },
    freeStack: async () => undefined,
    images: () => ({ isThere: async () => true, load: async () => false }),
    query: async () => "",
    mlflowRevisions: async () => [],
    timescaleVersion: async () => "",
  };
}
