import { incidentId, type Halt } from "../../../control/records";
import { simulatedFills } from "../../../domain/simulatedFills";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Context } from "../../../operations/context";
import type { ContainerFact, Engine, Execution, VolumeFact } from "../../../operations/engine";
import { failure } from "../../../operations/errors";
import type { PageStatus } from "../../../operations/page";
import { run } from "../../../operations/program";

export const OWNER = "c1";
/** Wall clock of the tests. */
export const NOW = Date.parse("2024-03-01T12:00:00Z");

export const PAPER_FILE = `config:
  trading:mode: paper
  trading:portBase: 8400
  trading:feed: { source: synthetic, seed: 1 }
  trading:bots:
    - { name: refstrat01, limits: { orderQuantity: 1, orderNotional: 12000 } }
    - { name: second, limits: { orderQuantity: 1, orderNotional: 12000 } }
`;

/** A clone's folder with a paper and a live stack. */
export function makeClone(): string {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-operations-"));
  fs.mkdirSync(path.join(root, ".trading", "stacks", "paper"), { recursive: true });
  fs.writeFileSync(path.join(root, ".trading", "owner"), OWNER);
  fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), PAPER_FILE);
  fs.writeFileSync(path.join(root, "Pulumi.live.yaml"), PAPER_FILE.replace("mode: paper", "mode: live").replace("8400", "8500"));
  return root;
}

export function container(service: string, more: Partial<ContainerFact> = {}): ContainerFact {
  return {
    id: `id-${service}`,
    name: `trading-paper-${service}`,
    service,
    owner: OWNER,
    state: "running",
    health: "healthy",
    imageId: "sha256:0123456789abcdef0123456789abcdef",
    createdAt: NOW - 3_725_000,
    startedAt: NOW - 3_725_000,
    check: undefined,
    exitCode: 0,
    restarts: 0,
    stopTimeout: undefined,
    ...more,
  };
}

/** All containers of the paper stack, healthy. */
export function healthyStack(): ContainerFact[] {
  return ["livefeed", "timescaledb", "mlflow", "broker", "performance", "gui", "guard", "guard-proxy", "backup", "bot-refstrat01", "bot-second"].map((service) => container(service));
}

/** Docker as far as the commands use it; `unreachable` plays a daemon that is down. */
export class FakeEngine implements Engine {
  readonly calls: string[] = [];
  unreachable = false;
  /** Runs before every call, for what happens meanwhile. */
  meanwhile: (call: string) => void | Promise<void> = () => undefined;
  /** What starting a container makes of it. */
  started: Partial<ContainerFact> = { state: "running", health: "healthy" };
  exitCode = 0;
  /** What a program inside a container comes to. */
  execution: Execution = { exitCode: 0, output: "" };
  /** Services whose own check passes although Docker has not run it yet. */
  readonly passing = new Set<string>();

  constructor(
    public all: ContainerFact[] = [],
    public allVolumes: VolumeFact[] = [],
  ) {}

  private async called(call: string): Promise<void> {
    this.calls.push(call);
    await this.meanwhile(call);
    if (this.unreachable) throw failure("Docker cannot be reached: is it running?", { docker: "unreachable" });
  }

  private change(id: string, changes: Partial<ContainerFact>): void {
    this.all = this.all.map((fact) => (fact.id === id ? { ...fact, ...changes } : fact));
  }

  async containers(): Promise<ContainerFact[]> {
    await this.called("list");
    return this.all;
  }
  async container(name: string): Promise<ContainerFact | undefined> {
    await this.called("inspect");
    return this.all.find((fact) => fact.name === name || fact.id === name);
  }
  async checked(fact: ContainerFact): Promise<ContainerFact> {
    return this.passing.has(fact.service) && fact.health === "starting" ? { ...fact, health: "healthy" } : fact;
  }
  async volumes(): Promise<VolumeFact[]> {
    await this.called("volumes");
    return this.allVolumes;
  }
  async start(id: string): Promise<void> {
    await this.called(`start ${id}`);
    this.change(id, this.started);
  }
  async stop(id: string, graceSeconds: number): Promise<void> {
    await this.called(`stop ${id} ${graceSeconds}`);
    this.change(id, { state: "exited", health: undefined, exitCode: this.exitCode });
  }
  async removeVolume(name: string): Promise<void> {
    await this.called(`remove ${name}`);
    this.allVolumes = this.allVolumes.filter((volume) => volume.name !== name);
  }
  async execute(id: string, command: readonly string[]): Promise<Execution> {
    await this.called(`execute ${id} ${command.join(" ")}`);
    return this.execution;
  }
  async log(): Promise<string> {
    await this.called("log");
    return "last line\n";
  }
}

export interface Told {
  readonly exitCode: number;
  readonly out: string;
  readonly error: string;
}

/** Runs a command line against a clone and a Docker of the test. */
export async function trading(
  root: string,
  argv: readonly string[],
  world: { readonly engine?: FakeEngine; readonly page?: PageStatus; readonly answer?: string } = {},
): Promise<Told> {
  let [out, error] = ["", ""];
  let now = NOW;
  const context: Context = {
    root,
    write: (text) => void (out += text),
    writeError: (text) => void (error += text),
    now: () => now,
    wait: async (milliseconds) => void (now += milliseconds),
    engine: () => world.engine ?? new FakeEngine(),
    page: async () => world.page,
    ask: async () => world.answer,
    whenInterrupted: () => undefined,
  };
  const exitCode = await run(argv, context);
  return { exitCode, out, error };
}

const quality = { since: NOW - 7_500_000, findings: [], health: [], measures: { silenceSeconds: 3, unacknowledged: null } };

/** What the page says of a healthy paper stack. */
export function pageStatus(more: Partial<PageStatus> = {}): PageStatus {
  return {
    stack: "paper",
    readAt: NOW - 2000,
    stale: false,
    fills: simulatedFills,
    trust: { level: "yes", title: "Everything works", reasons: [] },
    feeds: [{ symbol: "BTCUSDT", interval: "1h", state: "HEALTHY", reason: "", lastCandle: Date.parse("2024-02-29T23:00:00Z"), leaseUntil: NOW + 45_000, ...quality }],
    bots: [
      {
        name: "refstrat01",
        processedBar: Date.parse("2024-02-29T23:00:00Z"),
        cash: 5800,
        equity: 10_250.5,
        position: { quantity: 0.1, entryPrice: 42_000, stopPrice: 41_000.5 },
        reconciliation: { at: NOW - 1000, intended: 9, sent: 9, mismatch: null },
        rejections: [],
        lastDecision: { bar: Date.parse("2024-02-29T23:00:00Z"), action: "hold", reason: "in position" },
      },
    ],
    backup: {
      ...{ problem: null, readAt: NOW - 2000, undelivered: 0, alarms: [] },
      jobs: [{ job: "point", lastGood: NOW - 3_600_000, failures: 0, lastReason: "good" }],
      newestPoint: { id: "20240229T230000Z", at: NOW - 3_600_000, bytes: 40_000_000 },
      restorable: { from: NOW - 86_400_000, to: NOW - 30_000 },
      proof: { point: "20240228T230000Z", at: NOW - 90_000_000, from: "second" },
      secondCopy: { kind: "path", lastGood: NOW - 1_800_000 },
    },
    ...{ halts: null, guard: null, alerts: null },
    ...more,
  };
}

/** A halt of every bot of the paper stack by a person. */
export function haltOf(more: Partial<Halt> = {}): Halt {
  return {
    ...{ format: 1, id: incidentId("INC", NOW), stack: "paper", bot: null, level: "kill", reason: "a test", by: "person", who: "owner" },
    ...{ at: new Date(NOW).toISOString(), rule: null, cause: null, numbers: {}, runbook: null, open: [] },
    ...more,
  };
}
