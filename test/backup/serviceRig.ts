import { randomBytes } from "node:crypto";
import type { Job, JobRun } from "../../domain/backup/jobs";
import { recoveryPoint, type RecoveryPoint } from "../../domain/backup/recoveryPoint";
import { backupStatus, type BackupStatus } from "../../domain/backup/status";
import type { BackupSettings } from "../../services/backup/settings";
import { BackupRig, type BackupRigOptions } from "../support/backupRig";
import { eventually, execute } from "../support/throwAwayStack";

export const databaseUser = "10002:10002";
const serviceUser = "10001:10001";
const service = "backup";
const receiver = "receiver";

/** Once a year: jobs run when they never ran, when they are asked for, and when they failed. */
const yearly = "0 0 1 1 *";

export const serviceSettings: BackupSettings = {
  schedule: { point: yearly, dump: yearly, check: yearly, prune: yearly, copy: yearly },
  retention: { pointInTimeDays: 28, daily: 7, weekly: 5, monthly: 12 },
  secondCopy: { kind: "path" },
  alarms: {
    ...{ overdueMinutes: 90, smallShare: 0.5, archiveMinutes: 5 },
    ...{ fullShare: 0.99, restoreTestDays: 35, secondCopyHours: 6, unpushedHours: 24 },
  },
  restoreTest: "monthly",
  alerts: { webhook: true, format: "json", heartbeat: true, repeatMinutes: 1 },
};

/** How the service's container differs from the ordinary. */
export interface ServiceStart {
  readonly settings?: Partial<BackupSettings>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Docker arguments before the image, for example further volumes. */
  readonly arguments?: readonly string[];
  /** Paths of ordinary mounts that are left out. */
  readonly without?: readonly string[];
}

/** An alarm as the receiver got it. */
export interface ReceivedAlarm {
  readonly key: string;
  readonly state: "raised" | "repeated" | "resolved";
  readonly severity: string;
  readonly text: string;
}

/** The backup service in its own container on a real database, with a clone, artifacts, a second copy and a receiver of alarms. */
export class BackupServiceRig extends BackupRig {
  constructor(options: Partial<BackupRigOptions> = {}) {
    super({ prefix: `h5-${randomBytes(4).toString("hex")}`, ...options });
  }

  /** The database with some rows, everything that a point is made of, and the receiver; not the service. */
  override async prepare(): Promise<void> {
    await super.prepare();
    const images = Object.fromEntries(await Promise.all((["timescaledb", "backup"] as const).map(async (name) => [name, await this.image(name)])));
    await this.fill("secrets-backup", databaseUser, {
      "restic-password": randomBytes(24).toString("base64url"),
      "second-copy-password": randomBytes(24).toString("base64url"),
      "second-copy-address": "/second-copy",
      "alert-webhook": `http://${receiver}:8080/alarms`,
      "alert-heartbeat": `http://${receiver}:8080/beat`,
      "deployed-images.json": JSON.stringify(images),
    });
    await this.fill("artifacts", serviceUser, { "model.bin": "weights" });
    const git = "git init --quiet --initial-branch main . && git -c user.name=test -c user.email=test@test commit --quiet --allow-empty --message first";
    await this.fill("project", serviceUser, { "Pulumi.paper.yaml": "config: {}\n" });
    const mount = ["--network", "none", "--user", "0", "--volume", `${this.name("project")}:/project`, "--workdir", "/project", "--entrypoint", "/bin/sh"];
    const words = ["-euc", `git config --global --add safe.directory /project; ${git}; mkdir .trading; echo secret > .trading/passphrase; chown -R 1000:1000 .`];
    await this.runOnce(await this.image("backup"), { arguments: [...mount, "--env", "HOME=/tmp"], words });
    await this.inVolume("second-copy", `chown ${databaseUser} .`);
    await this.startReceiver();
  }

  /** Starts the service as a stack does: it can read what others own, and can change the backups alone. */
  async startService(options: ServiceStart = {}): Promise<void> {
    const { settings = {}, environment = {}, without = [] } = options;
    const mounts = { data: "/data:ro", socket: "/sockets", artifacts: "/artifacts:ro", project: "/project:ro", backups: "/backups", "secrets-backup": "/secrets:ro", "second-copy": "/second-copy" };
    const all = { TRADING_STACK: "test", TRADING_MODE: "paper", LOG_LEVEL: "debug", SETTINGS: JSON.stringify({ ...serviceSettings, ...settings }), ...environment };
    const words = [
      ...["run", "--detach", "--name", this.name(service), "--network", this.name("network"), "--read-only", "--tmpfs", "/tmp", "--init", "--restart", "no"],
      ...["--user", "0", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
      // KILL is for the init process, which is another user's: without it the program is not told to stop, but just ended.
      ...["SETUID", "SETGID", "DAC_OVERRIDE", "KILL"].flatMap((capability) => ["--cap-add", capability]),
      ...["--memory", "768m", "--memory-swap", "768m", "--stop-timeout", "30"],
      ...Object.entries(mounts).flatMap(([volume, at]) => (without.includes(at.split(":")[0]!) ? [] : ["--volume", `${this.name(volume)}:${at}`])),
      ...Object.entries(all).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
      ...(options.arguments ?? []),
      await this.image("backup"),
    ];
    const { code, text } = await execute("docker", words);
    if (code !== 0) throw new Error(`the service could not be started: ${text}`);
    await eventually("the service answers", 90, () => this.status());
  }

  /** Takes the service's container away, and starts another one. */
  async restartService(options: ServiceStart = {}): Promise<void> {
    await this.discard(service);
    await this.startService(options);
  }

  async status(): Promise<BackupStatus> {
    return backupStatus.parse(JSON.parse(await this.ask(service, "/v1/status")));
  }

  /** Asks for a run of a job. */
  async begin(job: Job): Promise<void> {
    await this.execute(service, "curl", "--silent", "--fail", "--request", "POST", `http://127.0.0.1:8080/v1/jobs/${job}`);
  }

  /** Id of the run of a job that was the last one to end. */
  async lastRun(job: Job): Promise<string> {
    return (await this.status()).jobs[job].lastRun?.id ?? "none";
  }

  /** Asks for a run of a job and waits for its end. */
  async runJob(job: Job, seconds = 120): Promise<JobRun> {
    const before = await this.lastRun(job);
    await this.begin(job);
    return this.nextRun(job, before, seconds);
  }

  /** Waits for the end of a run of a job with another id; where clocks are set, when it began does not tell. */
  async nextRun(job: Job, before: string, seconds = 120): Promise<JobRun> {
    return eventually(`a run of ${job} after ${before}`, seconds, async () => {
      const { lastRun, running } = (await this.status()).jobs[job];
      return lastRun !== null && lastRun.id !== before && running === null ? lastRun : undefined;
    });
  }

  /** Waits until every job ran well once and nothing runs. */
  async allGood(seconds = 300): Promise<BackupStatus> {
    return eventually("every job is good", seconds, async () => {
      const status = await this.status();
      const bad = Object.entries(status.jobs).filter(([, { lastGood, failures, running }]) => lastGood === null || failures > 0 || running !== null);
      if (bad.length > 0) throw new Error(bad.map(([job, { lastRun, running }]) => `${job}: ${running?.step ?? lastRun?.reason ?? "did not run"}`).join("; "));
      return status;
    });
  }

  /** Waits until a running job is at a step. */
  async atStep(job: Job, step: RegExp, seconds = 60): Promise<void> {
    await eventually(`${job} is at ${String(step)}`, seconds, async () => step.test((await this.status()).jobs[job].running?.step ?? ""));
  }

  /** The manifests that are there, each one whole. */
  async manifests(): Promise<RecoveryPoint[]> {
    const text = await this.inVolume("backups", "cd points 2>/dev/null || exit 0; for file in *; do [ -f $file ] || continue; cat $file; printf '\\0'; done");
    return text.split("\0").filter((part) => part.trim() !== "").map((part) => recoveryPoint.parse(JSON.parse(part)));
  }

  /** Keys of the alarms that are raised. */
  async alarms(): Promise<string[]> {
    return (await this.status()).alarms.map(({ key }) => key);
  }

  async startReceiver(): Promise<void> {
    const program = `require("node:http").createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk)).on("end", () => {
        const [file, line] = request.method === "POST" ? ["alarms", body] : ["beats", request.url];
        require("node:fs").appendFileSync("/received/" + file, line + "\\n");
        response.end();
      });
    }).listen(8080)`;
    const words = [
      ...["run", "--detach", "--init", "--name", this.name(receiver), "--network", this.name("network"), "--network-alias", receiver, "--user", "0"],
      ...["--volume", `${this.name("received")}:/received`, "--entrypoint", "node", await this.image("backup"), "--eval", program],
    ];
    const { code, text } = await execute("docker", words);
    if (code !== 0) throw new Error(`the receiver could not be started: ${text}`);
  }

  /** What the receiver got, in its order. */
  async received(): Promise<ReceivedAlarm[]> {
    const text = await this.inVolume("received", "cat alarms 2>/dev/null || true");
    return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as ReceivedAlarm);
  }

  /** What was asked for as a sign of life, in its order: `/beat` or `/beat/fail`. */
  async beats(): Promise<string[]> {
    const text = await this.inVolume("received", "cat beats 2>/dev/null || true");
    return text.split("\n").filter((line) => line !== "");
  }

  /** Waits until the receiver was told of an alarm. */
  async told(key: string, state: ReceivedAlarm["state"], seconds = 90): Promise<ReceivedAlarm> {
    return eventually(`${key} is told as ${state}`, seconds, async () => (await this.received()).find((alarm) => alarm.key === key && alarm.state === state));
  }

  async tellLogs(): Promise<void> {
    for (const name of [service, "timescaledb"]) process.stderr.write(`--- ${name}\n${await this.logs(name, 40).catch((error: Error) => error.message)}\n`);
  }
}
