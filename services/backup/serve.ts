import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { acknowledgementOf } from "../../control/acknowledged";
import { controlFolder } from "../../control/folder";
import type { Job, JobRun } from "../../domain/backup/jobs";
import { AlertChannel } from "../shared/alerts/AlertChannel";
import { addAlertRoutes } from "../shared/alerts/routes";
import { channelOptions } from "../shared/alerts/settings";
import { createLogger, type Logger } from "../shared/log";
import { createServer, type Readiness } from "../shared/server";
import { createShutdown } from "../shared/shutdown";
import { Catalog } from "./catalog";
import { standardPaths, type BackupContext, type Paths } from "./context";
import { removeUnfinished } from "./durableFile";
import { jobWork } from "./jobs";
import { Journal } from "./journal";
import { addMetrics } from "./metrics";
import { monthReport, reportPath } from "./monthReport";
import { firstMountProblem } from "./mounts";
import { takeMutex } from "./mutex";
import { Outbox } from "./outbox";
import { allWell, monthToReport } from "./plan";
import { createProbes } from "./probes";
import { addRoutes } from "./routes";
import { Scheduler, systemClocks, type RunContext } from "./scheduler";
import type { LoadedSettings } from "./settings";
import { backupStatusOf } from "./status";
import { Watch } from "./watch";
import { standStillWhileBotsDecide } from "./whileBotsDecide";

/** What a stop may take at most; the container's grace is 30 s. */
const deadlineMilliseconds = 28_000;

/** The program of the backup container: runs what is due, and tells how the backups stand. */
export async function serve(loaded: LoadedSettings, paths: Paths = standardPaths): Promise<void> {
  const { stack, mode, settings } = loaded;
  const log = createLogger("backup", loaded.logLevel, stack);
  const shutdown = createShutdown({ log, deadlineMilliseconds });
  const now = () => Date.now();
  log.info({ mode, schedule: settings.schedule, secondCopy: settings.secondCopy.kind }, "backups begin");

  const journal = await Journal.open(paths.journal, log, now());
  await journal.noteSecondCopy(settings.secondCopy.kind !== "none", now());
  const catalog = new Catalog(paths);
  const outbox = new Outbox(paths.outbox);
  // A disk that takes nothing fails every job, and that is told; the program goes on so that it can be.
  await catalog.prepare().catch((error: unknown) => log.error({ err: error }, "the catalog cannot be prepared"));
  const channel = await AlertChannel.open({
    ...{ stack, sender: "backup", file: paths.alerts, criticalFile: paths.critical, log },
    ...channelOptions(settings.alerts, paths.secrets),
    acknowledged: (incident) => acknowledgementOf(controlFolder(paths.project, stack), incident)?.severity,
  });
  shutdown.add("alerts", () => channel.close());

  const contextOf = (context: RunContext): BackupContext => ({ stack, mode, secondCopy: settings.secondCopy.kind, paths, log, ...context });
  const parts = { settings, catalog, journal, now };
  const jobs = Object.fromEntries(Object.entries(jobWork).map(([job, work]) => [job, (context: RunContext) => work(contextOf(context), parts)])) as Record<Job, (context: RunContext) => ReturnType<(typeof jobWork)[Job]>>;
  const scheduler = new Scheduler({
    ...{ settings, journal, jobs, log, clocks: systemClocks, signal: shutdown.signal },
    takeMutex: (holder) => takeMutex(paths.lock, holder),
    prepare: () => prepare(paths, catalog),
    onRun: (run) => afterRun(run),
    onStuck: (job) => void shutdown.stop(`the job ${job} does not end`, 1),
  });
  const probes = createProbes(contextOf({ signal: shutdown.signal, step: () => undefined }), outbox);
  const watch = new Watch({ ...{ stack, settings, journal, catalog, scheduler, channel, probes, log, now }, backups: paths.backups, data: paths.data });
  const afterRun = async (run: JobRun): Promise<void> => {
    if (shutdown.signal.aborted) return;
    await report(run, { stack, journal, catalog, outbox, log });
    await watch.lookAfterJob();
    // After every job, so that silence is noticed within the shortest interval between two of them.
    void channel.heartbeat(allWell(settings, journal.current, now(), scheduler.awakeSince));
  };

  const server = createServer({ log, readiness: () => readiness(scheduler, paths) });
  const status = () => backupStatusOf({ loaded, journal, scheduler, channel: channel.state(), seen: watch.seen, now: now() });
  addMetrics(server.registry, status, () => journal.current.jobs);
  addRoutes({ app: server.app, settings, scheduler, status });
  addAlertRoutes(server.app, channel);
  shutdown.add("server", () => server.close());
  await server.listen();
  shutdown.add("watch", () => Promise.race([watch.stop(), new Promise((resolve) => setTimeout(resolve, 1000))]));
  void standStillWhileBotsDecide(paths, shutdown.signal);
  watch.start();
  // Last, so that it is the first to be stopped: what runs is ended and noted.
  shutdown.add("jobs", () => scheduler.stopped());
  scheduler.start();
}

/** Whether the backups go on by themselves. That they are fresh is for alarms to say: a failing backup must not hold up the update that mends it. */
async function readiness(scheduler: Scheduler, paths: Paths): Promise<Readiness> {
  if (!scheduler.alive) return { ready: false, reason: "the scheduler's loop stands still" };
  const problem = await firstMountProblem([
    { path: paths.backups, access: "write" },
    { path: paths.data, access: "read" },
    { path: paths.sockets, access: "read" },
  ]);
  if (problem !== null) return { ready: false, reason: problem };
  const { running, waitingFor } = scheduler;
  if (running !== null) return { ready: true, reason: `${running.job} runs: ${running.step}` };
  return { ready: true, reason: waitingFor === null ? "nothing is due" : `what is due waits for ${waitingFor}` };
}

/** Takes away what a crash left: nobody else works here while the mutex is held. */
async function prepare(paths: Paths, catalog: Catalog): Promise<void> {
  await catalog.prepare();
  await mkdir(paths.temporary, { recursive: true });
  for (const name of await readdir(paths.temporary)) await rm(join(paths.temporary, name), { recursive: true, force: true });
  await removeUnfinished(paths.backups);
}

/** At the first job of a month, the report of the month before. */
async function report(run: JobRun, parts: { stack: string; journal: Journal; catalog: Catalog; outbox: Outbox; log: Logger }): Promise<void> {
  const { stack, journal, catalog, outbox, log } = parts;
  const month = monthToReport(journal.current, Date.parse(run.finishedAt));
  if (month === null) return;
  try {
    const { points, proofs } = await catalog.read();
    const { json, markdown } = monthReport({ stack, month, points, proofs, tally: journal.current.months[month] ?? { jobs: {}, alarms: {} } });
    await outbox.add(`${reportPath(stack, month)}.json`, json);
    await outbox.add(`${reportPath(stack, month)}.md`, markdown);
    await journal.noteReport(month);
  } catch (error) {
    log.error({ err: error, month }, "the report of the month could not be written; the next job tries again");
  }
}
