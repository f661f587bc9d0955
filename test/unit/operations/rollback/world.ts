import * as fs from "node:fs";
import * as path from "node:path";
import type { Command } from "commander";
import { recordRelease } from "../../../../config/recordRelease";
import { readReleases, stableTag, stackConfigurationHash, writeRelease, type Release } from "../../../../config/releases";
import { parseStackFile } from "../../../../config/stackFile";
import type { Outcome, Wrap } from "../../../../operations/command";
import type { Context } from "../../../../operations/context";
import type { DeployMeans } from "../../../../operations/deploy/means";
import { failure } from "../../../../operations/errors";
import { GitRepository } from "../../../support/gitRepository";
import { imageId } from "../../config/release";
import { outcomeOf } from "../oneCommand";
import { container, FakeEngine, NOW, OWNER, PAPER_FILE } from "../support";

/** In place of a kill: nothing after it is done any more. */
export class Killed extends Error {}

const SERVICES = ["timescaledb", "mlflow", "broker", "bot-refstrat01", "bot-second"] as const;
/** What a clone has beside it. */
const IGNORED = ".trading/\n.tools/\n";

/**
 * A clone of a paper stack in a real Git repository, with an Engine, a database and a Pulumi of the test: its `up` does to
 * containers and records what the program does.
 */
export class RollbackWorld {
  readonly repository = new GitRepository();
  readonly engine: FakeEngine = new FakeEngine();
  /** What was done to the stack, in order. */
  readonly done: string[] = [];
  /** What the command said while it worked. */
  said = "";
  /** Digit of the images that a build of the folder gives. */
  built = "0";
  /** Digits of images that do not become healthy. */
  readonly sick = new Set<string>();
  /** Images that Docker has thrown away, and those of them that the backup has. */
  readonly gone = new Set<string>();
  readonly archived = new Set<string>();
  migrations = ["0004_a|2024-01-01T00:00:00Z", "0005_b|2024-01-01T00:00:00Z"];
  positions: string[] = [];
  databaseAnswers = true;
  /** Kills the command at the so manieth thing that is done. */
  killAt = Number.POSITIVE_INFINITY;
  private now = NOW;

  /** @param like a world to begin from as it stands, or a new clone of a stack that was never up */
  constructor(like?: RollbackWorld) {
    this.engine.meanwhile = (call) => (call.startsWith("stop ") ? this.does(call) : undefined);
    if (like !== undefined) {
      fs.cpSync(like.root, this.root, { recursive: true });
      this.engine.all = [...like.engine.all];
      [this.now, this.built] = [like.now, like.built];
      return;
    }
    fs.mkdirSync(path.join(this.root, ".trading", "stacks", "paper"), { recursive: true });
    fs.mkdirSync(path.join(this.root, "database", "migrations"), { recursive: true });
    fs.writeFileSync(path.join(this.root, ".trading", "owner"), OWNER);
    this.repository.init();
    this.repository.write(".gitignore", IGNORED);
    this.repository.write("Pulumi.paper.yaml", PAPER_FILE);
    this.repository.commit();
  }

  get root(): string {
    return this.repository.root;
  }

  private does(what: string): void {
    this.done.push(what);
    if (this.done.length >= this.killAt) throw new Killed(what);
  }

  /** Writes the stack's file, commits it and brings it up, well. @returns its release */
  async release(built: string, change: (file: string) => string = (file) => file): Promise<Release> {
    this.built = built;
    this.repository.write("Pulumi.paper.yaml", change(PAPER_FILE));
    this.repository.commit(`release ${built}`);
    const { code } = await this.up();
    if (code !== 0) throw new Error("the up of the test failed");
    return readReleases(this.root, "paper").at(-1)!;
  }

  /** Makes a release stable, as its soak does: its tag names a commit with its images pinned. */
  stable(release: Release): Release {
    const tag = stableTag("paper", release.id);
    this.repository.git("tag", tag, release.commit!);
    const marked = { ...release, stable: { at: release.confirmedAt, tag } };
    writeRelease(this.root, marked);
    return marked;
  }

  /** Images of what the stack's file says, as the program has them. */
  private plannedOf(file: string): { images: Record<string, string>; imageNames: Record<string, string> } {
    const { release } = parseStackFile("paper", file);
    const id = (name: string) => (release.images as Record<string, string>)[name] ?? imageId(this.built);
    const imageNames = Object.fromEntries(["base", "timescaledb", "mlflow", "broker", "bot"].map((name) => [name, id(name)]));
    return { imageNames, images: Object.fromEntries(SERVICES.map((service) => [service, id(service.startsWith("bot-") ? "bot" : service)])) };
  }

  private async up(): Promise<{ code: number; stdout: string; stderr: string }> {
    const file = this.repository.read("Pulumi.paper.yaml");
    const { images, imageNames } = this.plannedOf(file);
    this.now += 60_000;
    const sick = SERVICES.find((service) => this.sick.has(images[service]!.at(-1)!));
    this.engine.all = SERVICES.map((service) => {
      const before = this.engine.all.find((each) => each.service === service);
      const same = before?.imageId === images[service];
      // The gate stops the bot that does not become healthy.
      const state = sick === service && service.startsWith("bot-") ? "exited" : "running";
      return container(service, { ...(same ? before : { id: `id-${service}-${this.now}`, createdAt: this.now }), imageId: images[service]!, state });
    });
    if (sick !== undefined) return { code: 255, stdout: `Updating (paper):\nDiagnostics:\n    error: container trading-paper-${sick} keeps ending\n\nResources:\n    1 updated\n`, stderr: "" };
    const configurationHash = stackConfigurationHash(parseStackFile("paper", file));
    await recordRelease(this.root, { stack: "paper", images, imageNames, configurationHash, stackFile: file, schemaVersion: this.migrations.length + 3 }, async () => "20240301T060000Z", this.now);
    return { code: 0, stdout: "Updating (paper):\n", stderr: "" };
  }

  readonly means: { -readonly [Key in keyof DeployMeans]: DeployMeans[Key] } = {
    pulumi: async (_root, words) => {
      if (words[0] === "up") {
        this.does("up");
        return await this.up();
      }
      if (words[0] === "preview") {
        const at = words.indexOf("--config-file");
        return { code: 0, stdout: `PREVIEWED ${at === -1 ? "the folder's file" : fs.readFileSync(words[at + 1]!, "utf8")}`, stderr: "" };
      }
      return { code: 0, stdout: JSON.stringify([{ name: "refstrat01", running: true, reason: "wanted running" }, { name: "second", running: false, reason: "stopped by the owner" }]), stderr: "" };
    },
    freeStack: async () => this.does("free"),
    images: () => ({
      isThere: async (image) => !this.gone.has(image),
      load: async (image) => {
        if (!this.archived.has(image)) return false;
        this.gone.delete(image);
        return true;
      },
    }),
    query: async (_stack, database, sql) => {
      if (!this.databaseAnswers) throw failure("the database does not answer: it is down");
      if (sql.includes("trading.migrations")) return `${this.migrations.join("\n")}\n`;
      if (sql.includes("accounts")) return `${this.positions.join("\n")}\n`;
      return database === "mlflow" ? "abc\n" : "2.19.3\n";
    },
    mlflowRevisions: async () => ["abc"],
    timescaleVersion: async () => "2.19.3",
  };

  /** Runs one command of the stack. */
  async run(make: (context: Context, wrap: Wrap, means: DeployMeans) => Command, argv: readonly string[], answer?: string): Promise<Outcome> {
    this.said = "";
    this.done.length = 0;
    return await outcomeOf((context, wrap) => make({ ...context, now: () => this.now }, wrap, this.means), argv, { root: this.root, engine: () => this.engine, answer, say: (text) => (this.said += text) });
  }

  /** What the containers run, one digit each. */
  get running(): string {
    return [...new Set(this.engine.all.map(({ imageId: id }) => id.at(-1)))].join("");
  }

  get file(): string {
    return this.repository.read("Pulumi.paper.yaml");
  }

  get uncommitted(): string {
    return this.repository.git("status", "--porcelain");
  }

  get subject(): string {
    return this.repository.git("log", "--max-count=1", "--format=%s");
  }

  remove(): void {
    this.repository.remove();
  }
}
