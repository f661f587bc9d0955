import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { MlflowClient } from "../../mlflow/client";
import { completeRun } from "../../mlflow/record";
import { isUnfinished } from "../../services/backup/files/artifacts";
import { eventually, ThrowAwayStack, type Outcome } from "./throwAwayStack";

/** What `npx trading backups --json` says. */
export interface Listed {
  readonly restorable: { readonly from: string; readonly to: string } | null;
  readonly backups: readonly { readonly id: string; readonly kind: string; readonly inSecondCopy: boolean | null; readonly lostArtifacts: readonly string[] }[];
}

/** A throw-away stack with backups, its second copy in a folder of the machine, and data to recognise. */
export class BackupStack {
  private constructor(
    readonly stack: ThrowAwayStack,
    /** Folder of the second copy. */
    readonly secondCopy: string,
  ) {}

  /** Comes up, and has a table of marks. No job runs by its schedule but those that are due at the first start. */
  static async make(): Promise<BackupStack> {
    const secondCopy = fs.mkdtempSync(path.join(os.tmpdir(), "trading-second-copy-"));
    const yearly = "0 0 1 1 *";
    const schedule = { point: yearly, dump: yearly, check: yearly, prune: yearly, copy: yearly };
    const made = new BackupStack(await ThrowAwayStack.make({ configuration: { backup: { secondCopy: { kind: "path", path: secondCopy }, schedule } } }), secondCopy);
    try {
      succeeds(await made.stack.up([], { timeoutSeconds: 900 }));
      await made.stack.query("create table public.marks (at timestamptz primary key default clock_timestamp(), word text not null)");
    } catch (error) {
      await made.remove();
      throw error;
    }
    return made;
  }

  async remove(): Promise<void> {
    await this.stack.remove();
    fs.rmSync(this.secondCopy, { recursive: true, force: true, maxRetries: 3 });
  }

  trading(...words: string[]): Promise<Outcome> {
    return this.stack.trading(words, { timeoutSeconds: 900 });
  }

  /** Runs a command that has to go well. */
  async does(...words: string[]): Promise<Outcome> {
    return succeeds(await this.trading(...words));
  }

  /** Runs a command until it says something, and kills it at once, as a power cut would. @returns what it said */
  killedAt(words: string, ...command: string[]): Promise<string> {
    const { root, env, name } = this.stack;
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [path.join(root, "operations", "trading.mjs"), ...command, "--stack", name], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      let killed = false;
      const take = (text: string) => {
        said += text;
        if (killed || !said.includes(words)) return;
        killed = true;
        child.kill("SIGKILL");
      };
      child.stdout.setEncoding("utf8").on("data", take);
      child.stderr.setEncoding("utf8").on("data", take);
      child.on("error", reject);
      child.on("close", () => (killed ? resolve(said) : reject(new Error(`it never said "${words}":\n${said}`))));
    });
  }

  async listed(...words: string[]): Promise<Listed> {
    return JSON.parse((await this.does("backups", "--json", ...words)).stdout) as Listed;
  }

  /** Takes a recovery point. @returns its id */
  async point(): Promise<string> {
    const { stdout } = await this.does("backup", "--json");
    return (JSON.parse(stdout) as { jobs: { run: { point: string } }[] }).jobs[0]!.run.point;
  }

  /** What is wrong, as the backup container tells it. */
  async alerts(): Promise<readonly { readonly key: string; readonly severity: string; readonly text: string }[]> {
    // Its exit code is about all parts.
    const { stdout } = await this.trading("alerts", "--json");
    return (JSON.parse(stdout) as { parts: { part: string; active?: { key: string; severity: string; text: string }[] }[] }).parts.find(({ part }) => part === "backup")?.active ?? [];
  }

  mark(word: string): Promise<string[]> {
    return this.stack.query(`insert into public.marks (word) values ('${word}')`);
  }

  marks(): Promise<string[]> {
    return this.stack.query("select word from public.marks order by at");
  }

  /** A run with an artifact, as a client of MLflow makes it. @returns its id */
  async recordRun(content: string): Promise<string> {
    const created = (await this.mlflow("POST", "2.0/mlflow/runs/create", JSON.stringify({ experiment_id: "0", run_name: content }))) as { run: { info: { run_id: string } } };
    const id = created.run.info.run_id;
    await this.mlflow("PUT", `2.0/mlflow-artifacts/artifacts/0/${id}/artifacts/note.txt`, content);
    return id;
  }

  /** A run that is completed as a bot completes one: MLflow's database says what files there have to be. @returns its id */
  async completeRun(content: string): Promise<string> {
    const note = async function* () {
      yield content;
    };
    const start = { id: content, experiment: "Default", name: content, startTime: 1000, tags: {}, params: {} };
    const end = { status: "FINISHED" as const, endTime: 2000, metrics: [], artifacts: [{ name: "note.txt", content: note }] };
    return (await completeRun(new MlflowClient(`http://127.0.0.1:${this.stack.portBase + 1}`), start, end)).runId;
  }

  /** Has everything that was written so far archived: moments before now can be restored then. */
  async archived(): Promise<void> {
    const [segment = ""] = await this.stack.query("select pg_walfile_name(pg_switch_wal())");
    await eventually(`the log ${segment} is archived`, 120, async () => (await this.stack.query(`select last_archived_wal >= '${segment}' from pg_stat_archiver`))[0] === "t");
  }

  /** The content of a run's artifact; undefined where there is none. */
  async artifact(run: string): Promise<string | undefined> {
    const response = await fetch(this.address(`2.0/mlflow-artifacts/artifacts/0/${run}/artifacts/note.txt`));
    return response.ok ? await response.text() : undefined;
  }

  /** Whether MLflow knows the run. */
  async knowsRun(run: string): Promise<boolean> {
    return (await fetch(this.address(`2.0/mlflow/runs/get?run_id=${run}`))).ok;
  }

  /** Services that are healthy. */
  async healthy(): Promise<string[]> {
    const { stdout } = await this.stack.docker(["ps", "--filter", `label=trading.stack=${this.stack.name}`, "--filter", "health=healthy", "--format", '{{.Label "trading.service"}}']);
    return stdout.split("\n").filter((line) => line !== "").sort();
  }

  /** Waits until every service is healthy, and nothing is left of a restore. */
  async isWhole(): Promise<void> {
    const wanted = ["backup", "bot-refstrat01", "broker", "gui", "livefeed", "mlflow", "performance", "timescaledb"];
    await eventually("every service is healthy", 120, async () => JSON.stringify(await this.healthy()) === JSON.stringify(wanted));
    expect(fs.existsSync(this.journal), "a restore's journal is left").to.equal(false);
    const image = (await this.stack.docker(["inspect", "--format", "{{.Image}}", this.stack.container("backup")])).stdout.trim();
    const list = (volume: string) => this.stack.docker(["run", "--rm", "--network", "none", "--user", "0", "--volume", `trading-${this.stack.name}-${volume}:/volume:ro`, "--entrypoint", "ls", image, "-A", "/volume"]);
    expect((await list("timescaledb-data")).stdout.split("\n").filter((name) => name.startsWith("17"))).to.deep.equal(["17"]);
    expect((await list("mlflow-artifacts")).stdout.split("\n").filter(isUnfinished)).to.deep.equal([]);
    const databases = await this.stack.query("select datname from pg_database where not datistemplate order by 1");
    expect(databases).to.deep.equal(["mlflow", "postgres", "trading"]);
    const volumes = (await this.stack.docker(["volume", "ls", "--quiet", "--filter", `label=trading.stack=${this.stack.name}`])).stdout;
    expect(volumes).to.not.include("restore-work");
  }

  get journal(): string {
    return path.join(this.stack.root, ".trading", "stacks", this.stack.name, "restore.json");
  }

  private address(of: string): string {
    return `http://127.0.0.1:${this.stack.portBase + 1}/api/${of}`;
  }

  private async mlflow(method: string, of: string, body: string): Promise<unknown> {
    const response = await fetch(this.address(of), { method, body, headers: { "content-type": method === "POST" ? "application/json" : "application/octet-stream" } });
    const text = await response.text();
    if (!response.ok) throw new Error(`MLflow: ${response.status} ${text}`);
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  }
}

export function succeeds(outcome: Outcome): Outcome {
  expect(outcome.code, outcome.text).to.equal(0);
  return outcome;
}
