import type { Context } from "../context";
import type { Engine } from "../engine";
import { CommandError, failure } from "../errors";
import { duration } from "../format";
import type { DeclaredStack } from "../stack";
import { backupContainer, BackupService } from "./backupService";
import { bringParts } from "./bringParts";
import { rowCounts, rowDifferences, type RowCounts } from "./losses";
import { progressWriter } from "./progressText";
import { botServices, type RestoreHost } from "./restoreHost";
import type { Phase, RestoreJournal, RestoreJournalFile } from "./restoreJournal";
import { partsOf, usersOf, type Part, type ToolCall } from "./restoreParts";
import { Services } from "./services";
import type { ToolSite } from "./toolContainer";
import type { ToolResult } from "./toolMessages";
import type { Hold, Tools } from "./tools";

/** What a restore works with. */
export interface RestoreWorld {
  readonly context: Context;
  readonly engine: Engine;
  readonly tools: Tools;
  readonly host: RestoreHost;
  readonly declared: DeclaredStack;
  readonly site: ToolSite;
  readonly journal: RestoreJournalFile;
  /** Makes the volume that holds what only the restore needs, and removes it. */
  readonly workspace: { make(): Promise<void>; remove(): Promise<void> };
}

/** What came of it. */
export interface Restored {
  readonly newPoint: string | null;
  /** How long services were stopped; null when they were stopped before this run of the command. */
  readonly downSeconds: number | null;
  /** Artifacts that MLflow's database refers to and that no backup has, in words. */
  readonly lost: readonly string[];
}

/** The restored data is not what it has to be: the old goes back into its place. */
class WrongData extends CommandError {
  constructor(message: string) {
    super(message, 1);
  }
}

/** One restore, from wherever its journal says it is. */
export class RestoreRun {
  private readonly services: Services;
  private readonly parts: readonly Part[];
  private readonly users: readonly string[];

  constructor(
    private readonly world: RestoreWorld,
    private state: RestoreJournal,
  ) {
    this.services = new Services(world.context, world.engine, world.declared);
    this.parts = partsOf(state);
    this.users = usersOf(state.kind, botServices(world.declared));
  }

  /**
   * Goes on to the end. Every step can be done again, so that it does not matter where an earlier run was interrupted.
   *
   * @throws {CommandError} when it could not; the journal then says where it is
   */
  async complete(): Promise<Restored> {
    const { tools, declared } = this.world;
    await tools.endLeftOvers(declared.stack);
    if (this.state.phase === "discarding") return await this.discard(null);
    if (this.state.phase === "finishing") return await this.finish();
    const hold = await this.takeHold();
    try {
      await this.exchange(hold);
    } catch (error) {
      if (!(error instanceof WrongData)) throw error;
      this.say(`${error.message}; going back to the old data`);
      await this.back(hold);
      this.world.journal.remove();
      throw failure(`${error.message}; the old data is in place again, and nothing of it was lost`);
    } finally {
      await hold.release().catch(() => undefined);
    }
    return await this.finish();
  }

  /** Puts everything back as it was; what was restored is dropped. */
  async goBack(): Promise<void> {
    if (this.state.phase === "discarding") throw failure("the restore was verified and the old data is being discarded: there is nothing to go back to; run the command without --go-back to finish it");
    await this.world.tools.endLeftOvers(this.world.declared.stack);
    const hold = await this.takeHold();
    try {
      await this.back(hold);
    } finally {
      await hold.release().catch(() => undefined);
    }
    // When the hold is released, since it is taken for this; before the journal goes, since it may be cut off.
    if (this.state.stoppedAt !== null) await this.adopt();
    this.world.journal.remove();
  }

  private async exchange(hold: Hold): Promise<void> {
    if (this.state.phase === "restoring") {
      const other = await this.holdOther();
      try {
        this.inForce("nothing of the stack was touched");
        const check = () => [hold, other].forEach((each) => each?.check());
        this.save(await bringParts(this.world, this.state, this.parts, { check, say: (text) => this.say(text), call: (call) => this.call(call) }));
      } finally {
        await other?.release().catch(() => undefined);
      }
      this.enter("swapping");
    }
    if (this.state.phase === "swapping") {
      this.inForce("services are stopped");
      this.say(`stopping ${this.users.join(", ")}`);
      await this.services.stop(this.users);
      hold.check();
      for (const part of this.parts) {
        this.say(`${part.name}: the restored takes the place of the old, which is kept`);
        await this.call(part.swap);
      }
      this.enter("checking");
    }
    if (this.state.phase === "checking") {
      this.inForce("services are stopped");
      await this.check();
      this.enter("upgrading");
    }
    if (this.state.phase === "upgrading") {
      this.inForce("services are stopped");
      await this.upgrade();
      this.enter("starting");
    }
    this.inForce("not all services are started");
    this.say("starting the services as they are wished");
    await this.services.start(this.users);
    this.enter("finishing");
  }

  /** Looks at the restored data through the server that is going to serve it. */
  private async check(): Promise<void> {
    const { world, state } = this;
    if (this.users.includes("timescaledb")) {
      this.say("starting the database");
      await this.asData(() => this.services.start(["timescaledb"]));
    }
    const expected: RowCounts = state.expected ?? {};
    const found = await world.host.content(state.stack, Object.keys(expected), new Date(0).toISOString());
    if (found instanceof CommandError) throw new WrongData(`the restored database cannot be read: ${found.message}`);
    const differences = rowDifferences(expected, rowCounts(found));
    if (differences.length > 0) throw new WrongData(`the restored database is not what was restored: ${differences.join("; ")}`);
    const tables = Object.values(expected).reduce((sum, each) => sum + Object.keys(each).length, 0);
    this.say(`the database serves what was restored: ${tables} tables, row for row`);
  }

  /** The restored schema may be an older one, and roles or their passwords others than this stack's. */
  private async upgrade(): Promise<void> {
    const { host, declared } = this.world;
    if (this.users.includes("timescaledb")) await this.services.start(["timescaledb"]);
    if (this.state.kind === "mlflow") return;
    this.say("bringing schema and roles up to date");
    await this.asData(() => host.migrate(declared));
  }

  /** A database that does not start, or takes no schema, is wrong data as well. */
  private async asData(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof CommandError) throw new WrongData(error.message);
      throw error;
    }
  }

  /** A restored stack begins a history of its own: it has a recovery point before the old data goes. */
  private async finish(): Promise<Restored> {
    const { context, engine, declared } = this.world;
    this.inForce("the restored data is in use; the old is kept");
    await this.adopt();
    this.say("taking a recovery point of the restored data");
    const service = new BackupService(context, engine, await backupContainer(context, engine, declared.stack));
    const run = await service.runJob("point", (text) => this.say(`  ${text}`));
    if (run.outcome !== "good") {
      throw failure(`restored, verified and running, but no new recovery point could be taken (${run.reason}); the old data is kept: run the command again when that is mended`);
    }
    this.enter("discarding");
    return await this.discard(run.point);
  }

  /**
   * The archive takes the log of another database only when it was told so, and a cluster may be one: another stack's is, and
   * one of the second copy where all else was lost and a new database has begun meanwhile.
   */
  private async adopt(): Promise<void> {
    const { stack, fromStack, from, kind } = this.state;
    if (kind !== "all" || (fromStack === stack && from === "first")) return;
    await this.world.tools.run(this.ownSite(), "adopt-database", {}, { onProgress: this.progress() });
  }

  private async discard(newPoint: string | null): Promise<Restored> {
    const { stoppedAt, lost } = this.state;
    this.inForce("the restored data is in use; of the old not everything is discarded");
    for (const part of this.parts) {
      this.say(`${part.name}: discarding the old`);
      await this.call(part.discard);
    }
    await this.world.workspace.remove();
    this.world.journal.remove();
    return { newPoint, downSeconds: this.startedAt === undefined || stoppedAt === null ? null : (this.startedAt - Date.parse(stoppedAt)) / 1000, lost };
  }

  /** When all services ran again, in this run of the command. */
  private startedAt: number | undefined;

  /** The journal stays: going back is done when it is removed. */
  private async back(hold: Hold): Promise<void> {
    const touched = this.state.stoppedAt !== null;
    this.enter("goingBack");
    if (touched) {
      this.inForce("services are stopped");
      this.say(`stopping ${this.users.join(", ")}`);
      await this.services.stop(this.users);
      hold.check();
      for (const part of [...this.parts].reverse()) {
        this.say(`${part.name}: the old takes its place again`);
        await this.call(part.unswap);
      }
      this.say("starting the services as they are wished");
      await this.services.start(this.users);
    }
    for (const part of this.parts) await this.call(part.discard);
    await this.world.host.dropUnused(this.world.site);
    await this.world.workspace.remove();
  }

  private takeHold(): Promise<Hold> {
    return this.world.tools.hold(this.ownSite(), `restore of stack ${this.state.stack}`, this.progress());
  }

  /** The other stack's backups while they are read: its own retention would remove some of them meanwhile. */
  private async holdOther(): Promise<Hold | undefined> {
    const { stack, fromStack } = this.state;
    if (fromStack === stack) return undefined;
    return await this.world.tools.hold({ ...this.world.site, stack: fromStack }, `restore of stack ${stack}`, this.progress());
  }

  /** The stack's own backups, whosever are restored. */
  private ownSite(): ToolSite {
    return { ...this.world.site, backupsOf: this.state.stack };
  }

  private call({ tool, request, second }: ToolCall): Promise<ToolResult> {
    return this.world.tools.run(this.world.site, tool, request, { second, onProgress: this.progress() });
  }

  private progress() {
    return progressWriter((text) => this.world.context.writeError(text));
  }

  private enter(phase: Phase): void {
    if (phase === "finishing") {
      this.startedAt = this.world.context.now();
      const { stoppedAt } = this.state;
      if (stoppedAt !== null) this.say(`everything runs on the restored data; services were stopped for ${duration((this.startedAt - Date.parse(stoppedAt)) / 1000)}`);
    }
    // Together with the phase: whoever goes back sees by it that services may be stopped.
    this.save({ phase, ...(phase === "swapping" ? { stoppedAt: new Date(this.world.context.now()).toISOString() } : {}) });
  }

  private save(change: Partial<RestoreJournal>): void {
    this.state = { ...this.state, ...change };
    this.world.journal.write(this.state);
  }

  private say(text: string): void {
    this.world.context.writeError(`- ${text}\n`);
  }

  private inForce(text: string): void {
    const { stack } = this.state;
    this.world.context.whenInterrupted(`${text}; npx trading restore --stack ${stack} goes on, npx trading restore --stack ${stack} --go-back goes back`);
  }
}
