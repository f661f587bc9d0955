import { expect } from "chai";
import type { Command } from "commander";
import * as fs from "node:fs";
import type { JobRun } from "../../../domain/backup/jobs";
import type { Outcome, Wrap } from "../../../operations/command";
import { backupCommand, type BackupMeans } from "../../../operations/commands/backup";
import { backupsCommand } from "../../../operations/commands/backups";
import type { Context } from "../../../operations/context";
import type { Execution } from "../../../operations/engine";
import { CommandError, failure } from "../../../operations/errors";
import { outcomeOf } from "./oneCommand";
import { recoveryPoint, RestoreWorldFake } from "./restoreWorld";
import { container, FakeEngine, makeClone, NOW } from "./support";

interface JobView {
  running: { since: string; step: string } | null;
  lastRun: JobRun | null;
}
const iso = (seconds: number) => new Date(NOW + seconds * 1000).toISOString();
const run = (job: JobRun["job"], from: number, to: number, more: Partial<JobRun> = {}): JobRun => ({
  ...{ job, startedAt: iso(from), finishedAt: iso(to), outcome: "good", reason: "all of it", bytes: 22_500_000, storedBytes: 5200, point: "20240301T120000Z" },
  ...more,
});

/** The backup service: a job that is asked for runs for three looks, and then has ended. */
class Service extends FakeEngine {
  readonly asked: string[] = [];
  readonly jobs: Record<string, JobView> = Object.fromEntries(["point", "dump", "copy", "prune", "check"].map((job) => [job, { running: null, lastRun: null }]));
  outcomes: Record<string, Partial<JobRun>> = {};
  looks = 0;
  refusal: { status: number; error: string } | undefined;
  silentFrom = Infinity;
  waitingFor: string | null = null;

  override async execute(_id: string, command: readonly string[]): Promise<Execution> {
    const answer = (status: number, body: unknown) => ({ exitCode: 0, output: `${JSON.stringify(body)}\n${status}` });
    this.looks += 1;
    // A command that waits for what never comes ends here, and not the test's patience.
    if (this.looks > Math.min(this.silentFrom, 500)) return { exitCode: 7, output: "curl: (7) Failed to connect" };
    const job = /\/jobs\/(\w+)$/.exec(command.at(-1)!)?.[1];
    if (job !== undefined) {
      if (this.refusal) return answer(this.refusal.status, { error: this.refusal.error });
      this.asked.push(job);
      if (this.jobs[job]!.running !== null) return answer(202, { job, state: "running" });
      this.jobs[job]!.running = { since: iso(this.looks), step: "begins" };
      return answer(202, { job, state: "asked" });
    }
    const status = answer(200, { jobs: this.jobs, waitingFor: this.waitingFor, imagesNotArchived: ["gui"] });
    for (const [name, view] of Object.entries(this.jobs)) {
      if (view.running === null || !this.asked.includes(name)) continue;
      const step = { begins: "the database", "the database": "the clone" }[view.running.step];
      if (step !== undefined) view.running = { ...view.running, step };
      else {
        view.lastRun = { ...run(name as JobRun["job"], this.looks, this.looks + 8), startedAt: view.running.since, ...this.outcomes[name] };
        view.running = null;
      }
    }
    return status;
  }
}

describe("backup and backups", () => {
  let root: string;
  let service: Service;
  beforeEach(() => {
    root = makeClone();
    service = new Service([container("backup")]);
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  let said = "";
  async function told(make: (context: Context, wrap: Wrap) => Command, argv: readonly string[]): Promise<Outcome | CommandError> {
    said = "";
    try {
      return await outcomeOf(make, argv, { root, engine: () => service, say: (text) => void (said += text) });
    } catch (error) {
      if (error instanceof CommandError) return error;
      throw error;
    }
  }

  const world = new RestoreWorldFake();
  const means: BackupMeans = { tools: world.tools, site: (context, declared) => world.means.site(context, declared, "paper"), storeImages: async () => ({ stored: ["gui"], already: ["broker"] }) };
  const backup = (...argv: string[]) => told((context, wrap) => backupCommand(context, wrap, means), argv);
  const text = (result: Outcome | CommandError) => (result instanceof CommandError ? result.message : result.text);

  it("takes a recovery point, shows what is being done, and says how it ended", async () => {
    const result = await backup();
    expect(text(result)).to.match(/^point: good in \d+ s, 22\.5 MB, 5\.2 kB stored, recovery point 20240301T120000Z; all of it\n$/);
    expect(said).to.equal("- point\n        begins\n        the database\n        the clone\n  good: all of it\n");
    expect(service.asked).to.deep.equal(["point"]);
  });

  it("waits for the run that is under way, and does not take the one before for it", async () => {
    service.jobs["point"] = { running: { since: iso(-5), step: "the database" }, lastRun: run("point", -900, -890, { reason: "an old one" }) };
    expect(text(await backup())).to.contain("all of it");
  });

  it("knows its run also when the clock went back meanwhile, and when the service tells runs apart itself", async () => {
    for (const ids of [{}, { id: "1" }]) {
      service = new Service([container("backup")]);
      service.jobs["point"] = { running: null, lastRun: { ...run("point", 3600, 3610, { reason: "an old one" }), ...ids } };
      service.outcomes = { point: { reason: "the new one", ...(Object.keys(ids).length > 0 && { id: "2" }) } };
      expect(text(await backup())).to.contain("the new one");
    }
  });

  it("says whom a job waits for", async () => {
    service.waitingFor = "restore test";
    const ask = service.execute.bind(service);
    // For two looks the job has not begun.
    let looks = 0;
    service.execute = async (id, command) => {
      const answer = await ask(id, command);
      looks += 1;
      if (looks < 3 || looks > 4) return answer;
      const [body = "", code] = answer.output.split("\n");
      const status = JSON.parse(body) as { jobs: Record<string, JobView> };
      status.jobs["point"] = { running: null, lastRun: null };
      return { exitCode: 0, output: `${JSON.stringify(status)}\n${code}` };
    };
    expect(text(await backup())).to.contain("good");
    expect(said).to.contain("waits for: restore test");
  });

  it("does what hides a loss only when it is told to, and before the job", async () => {
    await backup();
    expect(world.calls.filter((call) => /adopt|begin/.test(call))).to.deep.equal([]);
    service = new Service([container("backup")]);
    expect(text(await backup("--adopt-database"))).to.contain("point: good");
    expect(said).to.match(/^- adopt-database: done\n- point\n/);
    expect(text(await backup("--job", "copy", "--begin-second-copy"))).to.equal("stack paper has no second copy: trading:backup.secondCopy");
  });

  it("fails with the reason of a job that failed", async () => {
    service.outcomes = { point: { outcome: "failed", reason: "the disk is full", point: null } };
    const result = await backup();
    expect(result).to.be.instanceOf(CommandError).with.property("exitCode", 1);
    expect(text(result)).to.equal("point failed: the disk is full");
  });

  it("runs everything there is, goes on after a failure, and says it in the end", async () => {
    service.outcomes = { dump: { outcome: "failed", reason: "pg_dump was ended" } };
    const result = await backup("--job", "all");
    expect(service.asked).to.deep.equal(["point", "dump", "prune", "check"]);
    expect(text(result)).to.equal("dump failed: pg_dump was ended");
    expect((result as CommandError).details["jobs"]).to.have.length(5);
    expect(said).to.contain("- images\n  good: stored: gui; stored already: broker\n");
  });

  for (const [name, prepare, argv, exitCode, message] of [
    ["the service refuses", () => (service.refusal = { status: 403, error: "only from inside" }), [], 1, /the backup service did not take it: only from inside/],
    ["there is no container", () => (service.all = []), [], 1, /container trading-paper-backup does not exist/],
    ["the container is stopped", () => (service.all = [container("backup", { state: "exited" })]), [], 1, /is exited/],
    ["the container is another clone's", () => (service.all = [container("backup", { owner: "c2" })]), [], 1, /belongs to another clone/],
    ["the service falls silent", () => (service.silentFrom = 3), [], 1, /Failed to connect; what became of the job is not known/],
    ["no second copy is configured", () => undefined, ["--job", "copy"], 2, /stack paper has no second copy/],
    ["nothing is backed up", () => fs.appendFileSync(`${root}/Pulumi.paper.yaml`, "  trading:backup: { enabled: false }\n"), [], 2, /has no backup: trading:backup\.enabled is false/],
    ["images cannot be stored", () => undefined, ["--job", "images"], 1, /images failed: docker save: no room/],
  ] as const) {
    it(`fails when ${name}`, async () => {
      prepare();
      const failing = { ...means, storeImages: () => Promise.reject(failure("docker save: no room")) };
      const result = await told((context, wrap) => backupCommand(context, wrap, failing), argv);
      expect(text(result)).to.match(message);
      expect((result as CommandError).exitCode).to.equal(exitCode);
    });
  }

  it("lists points and dumps, newest first, with what is proved and what the second copy holds", async () => {
    const fake = new RestoreWorldFake();
    const proof = { point: "20240301T060000Z", provedAt: "2024-03-01T09:30:00.000Z", from: "second" as const, to: "latest", restoreSeconds: 3, passed: true };
    fake.points = [recoveryPoint(), recoveryPoint({ id: "20240301T114000Z", kind: "dump", physical: null, artifacts: null })];
    const run = fake.tools.run;
    const tools = {
      ...fake.tools,
      run: (async (site, tool, request, options) => {
        const answer = await run(site, tool, request, options);
        const second = (request as { from?: string }).from === "second";
        return { ...answer, proofs: [proof, { ...proof, provedAt: "2024-03-01T10:30:00.000Z", passed: false }], ...(second ? { points: fake.points.slice(0, 1) } : {}) };
      }) as typeof run,
    };
    const list = (...argv: string[]) => told((context, wrap) => backupsCommand(context, wrap, { tools, site: (of, declared) => fake.means.site(of, declared, "paper") }), argv);
    const result = (await list()) as Outcome;
    const [first, second] = (result.document as { backups: object[] }).backups;
    expect(first).to.include({ id: "20240301T114000Z", kind: "dump", ageSeconds: 1200, label: null, artifacts: null, provedAt: null, inSecondCopy: false });
    expect(second).to.include({ id: "20240301T060000Z", kind: "point", provedAt: proof.provedAt, inSecondCopy: true, label: "20240301-060000F" });
    expect(result.text).to.contain("To the second: any time from 2024-03-01T05:00:00.000Z to 2024-03-01T11:59:00.000Z.");
    fake.points = [];
    expect(text(await list())).to.equal("The first copy of stack paper holds no good recovery point yet: npx trading backup --stack paper\n");
  });
});
