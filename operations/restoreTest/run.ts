import { randomInt } from "node:crypto";
import type { IsolatedImage } from "../../components/IsolatedStack";
import { stackNames } from "../../config/names";
import { randomNumbers } from "../../domain/randomNumbers";
import { readCatalog } from "../backup/catalog";
import { dockerCode } from "../backup/docker";
import { loadImage } from "../backup/images";
import { dockerHost } from "../backup/restoreHost";
import { progressWriter } from "../backup/progressText";
import type { Target } from "../backup/restoreTarget";
import { toolSite } from "../backup/site";
import type { Copy, ToolSite } from "../backup/toolContainer";
import { dockerTools, type Tools } from "../backup/tools";
import type { Context } from "../context";
import { CommandError, failure } from "../errors";
import { owner, type DeclaredStack } from "../stack";
import type * as Applications from "./applications";
import { choose, nextKind, nextSource, proofTarget, type Kind, type POINTS, type SOURCES } from "./choice";
import { imagesFor } from "./images";
import { takeInterruptions } from "./interruption";
import { dataLossOf, nextDue, reportId, round, sumOf, type Check, type Durations, type RestoreTestReport } from "./report";
import { previousReport } from "./reportFiles";
import { restoreInto, type RestoringWorld } from "./restoring";
import { count, makeTemporaryStack, makeVolumes, remainsOf, remainsText, removeLeftOvers, takeDown, type Remains, type TemporaryStack } from "./temporaryStack";

export interface RestoreTestWish {
  readonly from: (typeof SOURCES)[number];
  readonly point: (typeof POINTS)[number];
  readonly trigger: RestoreTestReport["trigger"];
  /** Chooses anew what an earlier test chose. */
  readonly seed?: number;
}

/**
 * Brings a backup back beside everything that runs, in a stack of its own, and looks whether the systems run on it.
 * Whatever happens, what it made is taken down again before it returns; what a killed test left is taken down first.
 *
 * @returns what was found; it says itself whether the test passed
 * @throws {CommandError} when nothing could be tried: there is no backup, or Docker does not answer
 */
export async function runRestoreTest(context: Context, declared: DeclaredStack, wish: RestoreTestWish, tools: Tools = dockerTools()): Promise<RestoreTestReport> {
  const clone = owner(context.root);
  const backups = await backupsOf(context, declared);
  const began = context.now();
  const steps = new Steps(context, began);
  const swept = await removeLeftOvers(context.root, clone, began);
  const interruption = takeInterruptions(() => context.writeError("\ninterrupted: taking the temporary stack down; once more leaves that to the next restore-test\n"));
  const temporary = makeTemporaryStack(context.root, clone);
  context.whenInterrupted("the next npx trading restore-test removes what is left of this one");
  const test = new RestoreTest({ context, declared, wish, tools, temporary, steps, site: { ...backups, stack: temporary.name }, signal: interruption.signal });
  if (swept.length > 0) {
    test.notes.push(`what an earlier test had left when it was killed was removed: ${swept.join(", ")}`);
    steps.say(test.notes[0]!);
  }
  // Whatever is under way then fails, since its containers are gone.
  const cut = () => void takeDown(temporary).catch(() => undefined);
  interruption.signal.addEventListener("abort", cut, { once: true });
  try {
    await test.try();
  } catch (error) {
    test.failure = interruption.signal.aborted ? "it was interrupted" : error instanceof CommandError ? error.message : String((error as Error).stack ?? error);
  } finally {
    steps.say("taking the temporary stack down");
    test.checks.push(await cleanUp(temporary));
    interruption.giveBack();
  }
  await test.prove();
  return test.report(began);
}

/** The words of the steps, each with the seconds since the beginning. */
class Steps {
  constructor(
    private readonly context: Context,
    private readonly began: number,
  ) {}

  readonly say = (text: string): void => {
    this.context.writeError(`[${((this.context.now() - this.began) / 1000).toFixed(1).padStart(6)} s] ${text}\n`);
  };
}

/** Where the backups of the stack are. Docker would make a volume that is not there, and the test would look at nothing. */
async function backupsOf(context: Context, declared: DeclaredStack): Promise<ToolSite> {
  const site = await toolSite(context, declared);
  const volume = stackNames(declared.stack).volume("backups");
  if ((await dockerCode(["volume", "inspect", volume])).code !== 0) throw failure(`stack ${declared.stack} has no backups here (no volume ${volume}): npm run pulumi -- up --stack ${declared.stack} makes the container that takes them`);
  return site;
}

async function cleanUp(temporary: TemporaryStack): Promise<Check> {
  const name = "nothing of the test is left";
  let before: Remains;
  let left: Remains;
  try {
    before = await remainsOf(temporary);
    left = await takeDown(temporary);
  } catch (error) {
    return { part: "clean-up", name, passed: false, detail: `it is not known: ${(error as Error).message}` };
  }
  const { containers, networks, volumes } = before;
  const removed = `${containers.length} containers, ${networks.length} networks and ${volumes.length} volumes were removed`;
  return { part: "clean-up", name, passed: count(left) === 0, detail: count(left) === 0 ? `${removed}; none is left` : `left: ${remainsText(left)}` };
}

interface TestWorld {
  readonly context: Context;
  readonly declared: DeclaredStack;
  readonly wish: RestoreTestWish;
  readonly tools: Tools;
  readonly temporary: TemporaryStack;
  readonly steps: Steps;
  /** Tools that read the stack's backups and write into the temporary stack. */
  readonly site: ToolSite;
  readonly signal: AbortSignal;
}

/** One test, and what is known of it so far: a report can be made of it at any time. */
class RestoreTest {
  readonly checks: Check[] = [];
  readonly notes: string[] = [];
  failure: string | null = null;
  private readonly seed: number;
  private from: Copy | null = null;
  private kind: Kind | null = null;
  private target: Target | null = null;
  private targetAt: number | null = null;
  private seconds: Durations = { fetch: null, restore: null, recover: null, verify: null, artifacts: null, applications: null };
  private newest: readonly string[] = [];
  private restoredVersions: Readonly<Record<string, unknown>> | null = null;
  private images: Readonly<Record<string, string>> = {};

  constructor(private readonly world: TestWorld) {
    this.seed = world.wish.seed ?? randomInt(2 ** 31);
  }

  /** @throws {CommandError} where it cannot go on */
  async try(): Promise<void> {
    const { context, tools, temporary, steps, site, signal } = this.world;
    const random = randomNumbers(this.seed);
    // First of all: a tool that mounts one that is not there makes it, and it bears no label then.
    await makeVolumes(temporary);
    const hold = await tools.hold(site, "restore test", progressWriter(context.writeError));
    try {
      const restoring: RestoringWorld = { tools, site, say: steps.say, writeProgress: context.writeError, freeBytes: () => dockerHost().freeBytes(site), now: context.now };
      await this.choose(random);
      const { target, from } = this;
      signal.throwIfAborted();
      const { images, note } = await imagesFor(context.root, target!.base, (id) => loadImage(tools, site, id, from!), steps.say);
      this.images = images;
      if (note !== null) this.notes.push(note);
      const restored = await restoreInto(restoring, temporary, from!, target!);
      hold.check();
      this.seconds = { ...this.seconds, ...restored.seconds };
      this.checks.push(...restored.checks);
      if (restored.lost.length > 0) this.notes.push(`${restored.lost.length} artifacts that MLflow's database refers to are in no backup, since they came after the newest that were stored: ${restored.lost.slice(0, 5).join(", ")}`);
      this.newest = restored.newest;
      this.restoredVersions = restored.versions;
      signal.throwIfAborted();
      const wrong = this.checks.filter(({ passed }) => !passed);
      // A restore would go no further, and would leave the stack as it is.
      if (wrong.length > 0) throw failure(`what was restored is not what the backup says: ${wrong.map(({ name, detail }) => `${name}: ${detail}`).join("; ")}`);
      await this.runApplications(images, random);
    } finally {
      await hold.release().catch(() => undefined);
    }
  }

  private async choose(random: () => number): Promise<void> {
    const { declared, wish, steps, context, tools, site } = this.world;
    const first = await readCatalog(tools, site, "first");
    const source = nextSource(wish.from, first.proofs, declared.configuration.backup.secondCopy.kind !== "none");
    if (source.note !== null) this.notes.push(source.note);
    this.from = source.from;
    this.kind = nextKind(wish.point, first.proofs);
    const stock = source.from === "first" ? first : await readCatalog(tools, site, "second");
    this.target = choose(this.kind, stock, source.from, random);
    // The newest moment is lost from now on; any other from itself on.
    this.targetAt = this.target.to.kind === "latest" ? context.now() : Date.parse(this.target.at);
    steps.say(`from the ${source.from} copy, ${this.kind}: to ${this.target.at}, held against recovery point ${this.target.base.id}`);
  }

  private async runApplications(images: Readonly<Record<IsolatedImage, string>>, random: () => number): Promise<void> {
    const { context, declared, temporary, steps, signal } = this.world;
    // Pulumi is loaded only here: every other command starts without it.
    const { runApplications } = require("./applications") as typeof Applications;
    const began = context.now();
    const found = (check: Check) => void this.checks.push(check);
    const note = (text: string) => void this.notes.push(text);
    await runApplications({ root: context.root, declared, temporary, images, say: steps.say, random, signal, found, note });
    this.seconds = { ...this.seconds, applications: (context.now() - began) / 1000 };
  }

  private get passed(): boolean {
    return this.failure === null && this.checks.every(({ passed }) => passed);
  }

  /** Writes into the backups that this was tried, and how it ended: the alarm of a test that is overdue goes by it. */
  async prove(): Promise<void> {
    const { target, kind, from } = this;
    // Interrupted by the owner: that says nothing of the backup.
    if (target === null || kind === null || from === null || this.world.signal.aborted) return;
    const proof = { point: target.base.id, provedAt: new Date(this.world.context.now()).toISOString(), from, to: proofTarget(kind, target.to), restoreSeconds: sumOf(this.seconds), passed: this.passed };
    try {
      await this.world.tools.run(this.world.site, "prove", { proof });
    } catch (error) {
      this.failure ??= `that the backup was proved could not be written down: ${(error as Error).message}`;
    }
  }

  report(began: number): RestoreTestReport {
    const { context, declared, temporary, wish } = this.world;
    const { target } = this;
    const finished = context.now();
    const { physical } = target?.base ?? { physical: null };
    return {
      format: 1,
      id: reportId(began),
      stack: declared.stack,
      temporaryStack: temporary.name,
      trigger: wish.trigger,
      startedAt: new Date(began).toISOString(),
      finishedAt: new Date(finished).toISOString(),
      passed: this.passed,
      failure: this.failure,
      from: this.from,
      kind: this.kind,
      target: target?.to ?? null,
      seed: this.seed,
      point:
        target === null || physical === null
          ? null
          : {
              ...{ id: target.base.id, snapshotAt: target.base.snapshotAt, label: physical.label, type: physical.type, databaseBytes: target.base.databaseBytes },
              artifacts: target.artifacts === null ? null : { point: target.artifacts.point, snapshot: target.artifacts.snapshot },
            },
      versions: target === null ? null : { saved: target.base.versions, restored: this.restoredVersions },
      images: this.images,
      seconds: Object.fromEntries(Object.entries(this.seconds).map(([name, value]: [string, number | null]) => [name, value === null ? null : round(value)])) as unknown as Durations,
      recoverySeconds: sumOf(this.seconds),
      totalSeconds: round((finished - began) / 1000),
      dataLoss: this.targetAt === null ? { newestEvent: null, beforeTarget: null, beforeTest: null } : dataLossOf(this.newest, this.targetAt, began),
      checks: this.checks,
      notes: this.notes,
      previous: previousReport(context.root, declared.stack, began),
      nextDue: new Date(nextDue(finished, declared.configuration.backup.restoreTest)).toISOString(),
    };
  }
}

