import Docker from "dockerode";
import * as pulumiDocker from "@pulumi/docker";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { EngineEvent, PulumiFn, Stack } from "@pulumi/pulumi/automation";
import { LocalWorkspace, PulumiCommand } from "@pulumi/pulumi/automation";

export const docker = new Docker();

/** Any image with a shell and coreutils. */
export const IMAGE = process.env.TRADING_TEST_IMAGE ?? "trading-os:13";

/** Start of every name the tests give to something on the machine's Engine. */
export const PREFIX = `plugin-test-${process.pid}-`;

const projectRoot = join(__dirname, "..", "..");

/** What one Pulumi command did. */
export interface Outcome {
  ok: boolean;
  /** Operations of each resource, by its name in the program, in their order: `["delete-replaced", "replace", ...]`. */
  operations: Record<string, string[]>;
  /** Everything the command said. */
  output: string;
}

/** A folder with stand-in plugins and a state of its own. */
export class Home {
  readonly folder = mkdtempSync(join(tmpdir(), "plugin-test-"));
  private command: PulumiCommand | undefined;

  async install(): Promise<string[]> {
    const installer = pathToFileURL(join(projectRoot, "setup", "plugins", "install.mjs")).href;
    const { installPlugins } = (await import(installer)) as {
      installPlugins(options: { pulumiHome: string; projectRoot: string }): Promise<{ installed: string[] }>;
    };
    return (await installPlugins({ pulumiHome: join(this.folder, "home"), projectRoot })).installed;
  }

  async stack(name: string, environment: Record<string, string> = {}): Promise<TestStack> {
    const state = join(this.folder, "state");
    const workDir = join(this.folder, name);
    [state, workDir].forEach((folder) => mkdirSync(folder, { recursive: true }));
    const envVars = {
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      ...environment,
    };
    const stack = await LocalWorkspace.createStack(
      { stackName: name, projectName: "plugins", program: async () => undefined },
      {
        workDir,
        envVars,
        pulumiCommand: (this.command ??= await PulumiCommand.get()),
        pulumiHome: join(this.folder, "home"),
        projectSettings: { name: "plugins", runtime: "nodejs", backend: { url: pathToFileURL(state).href } },
      },
    );
    return new TestStack(stack, join(state, ".pulumi", "stacks", "plugins", `${name}.json`));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class TestStack {
  constructor(
    private readonly stack: Stack,
    private readonly stateFile: string,
  ) {}

  async up(program: PulumiFn, { refresh = false } = {}): Promise<Outcome> {
    return this.record((onEvent) => this.stack.up({ program, refresh, onEvent }));
  }

  async preview(program: PulumiFn, { refresh = false } = {}): Promise<Outcome> {
    return this.record((onEvent) => this.stack.preview({ program, refresh, onEvent }));
  }

  async refresh(): Promise<Outcome> {
    return this.record((onEvent) => this.stack.refresh({ expectNoChanges: true, onEvent }));
  }

  async destroy(): Promise<Outcome> {
    return this.record((onEvent) => this.stack.destroy({ onEvent }));
  }

  /** The state as it lies in its file. */
  stateText(): string {
    return readFileSync(this.stateFile, "utf8");
  }

  private async record(run: (onEvent: (event: EngineEvent) => void) => Promise<{ stdout: string; stderr: string }>): Promise<Outcome> {
    const operations: Record<string, string[]> = {};
    const onEvent = ({ resourcePreEvent }: EngineEvent): void => {
      if (!resourcePreEvent || resourcePreEvent.metadata.type.startsWith("pulumi:")) return;
      const name = resourcePreEvent.metadata.urn.split("::").pop() ?? "";
      (operations[name] ??= []).push(resourcePreEvent.metadata.op);
    };
    try {
      const { stdout, stderr } = await run(onEvent);
      return { ok: true, operations, output: stdout + stderr };
    } catch (error) {
      return { ok: false, operations, output: String(error) };
    }
  }
}

export async function inspect(name: string): Promise<Docker.ContainerInspectInfo> {
  return docker.getContainer(PREFIX + name).inspect();
}

export async function exists(name: string): Promise<boolean> {
  return (await docker.listContainers({ all: true })).some(({ Names }) => Names.includes(`/${PREFIX}${name}`));
}

/** Removes what tests left on the Engine, by their prefix. */
export async function cleanEngine(): Promise<void> {
  for (const { Id, Names } of await docker.listContainers({ all: true })) {
    if (Names.some((name) => name.startsWith(`/${PREFIX}`))) await docker.getContainer(Id).remove({ force: true, v: true });
  }
  for (const { Name } of (await docker.listVolumes()).Volumes ?? []) {
    if (Name.startsWith(PREFIX)) await docker.getVolume(Name).remove();
  }
  for (const { Id, Name } of await docker.listNetworks()) {
    if (Name.startsWith(PREFIX)) await docker.getNetwork(Id).remove();
  }
}

export type ContainerArgs = Partial<pulumiDocker.ContainerArgs>;

/** A program with the container `c` that sleeps, changed by `args`. */
export function container(args: ContainerArgs = {}): PulumiFn {
  return async () => {
    new pulumiDocker.Container("c", { name: `${PREFIX}c`, image: IMAGE, command: ["sleep", "1000"], ...args });
  };
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

/** What the tests of one file work with; hooks make it anew and take everything away again. */
export interface Workshop {
  home: Home;
  /** A folder for one test. */
  scratch: string;
  newStack(environment?: Record<string, string>): Promise<TestStack>;
}

/** To be called within `describe`. */
export function workshop(): Workshop {
  const home = new Home();
  let stacks = 0;
  const shared: Workshop = { home, scratch: "", newStack: (environment = {}) => home.stack(`s${++stacks}`, environment) };
  before(async () => {
    await home.install();
  });
  beforeEach(() => {
    shared.scratch = mkdtempSync(join(tmpdir(), "plugin-test-scratch-"));
  });
  afterEach(async () => {
    await cleanEngine();
    rmSync(shared.scratch, { recursive: true, force: true });
  });
  after(() => home.remove());
  return shared;
}
