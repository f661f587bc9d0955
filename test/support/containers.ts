import { ImageBuilder } from "../../images/build";
import type { ImageName } from "../../images/catalog";
import { freeze } from "./freeze";
import { execute, PROJECT_ROOT } from "./throwAwayStack";

/** What a container is made of beside its image; names of volumes go without the prefix. */
export interface ContainerOptions {
  readonly user: string;
  readonly memoryMegabytes: number;
  /** Volume -> path in the container. */
  readonly volumes?: Readonly<Record<string, string>>;
  /** Folder of the machine -> path in the container. */
  readonly folders?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Port that is published on a free port of 127.0.0.1; another one after every start. */
  readonly publish?: number;
  /** Started again by Docker whenever it ends, as in a stack. */
  readonly restart?: boolean;
}

/** How a volume is limited: its content is in memory, and gone when no container has it mounted. */
export interface VolumeLimit {
  readonly megabytes: number;
  readonly owner: string;
}

/** Containers, volumes and one network of one test. All names begin with the prefix; `remove` takes everything away. */
export class Containers {
  private readonly builder: ImageBuilder;

  constructor(
    readonly prefix: string,
    report: (line: string) => void = () => undefined,
  ) {
    this.builder = new ImageBuilder(PROJECT_ROOT, report);
  }

  name(part: string): string {
    return `${this.prefix}-${part}`;
  }

  /** Builds what is missing. @returns the image's id */
  image(name: ImageName): Promise<string> {
    return this.builder.ensure(name);
  }

  /** A container under the house rules: read-only root, no capabilities, bounded memory; its secrets at /secrets. */
  async run(service: string, image: string, options: ContainerOptions): Promise<void> {
    const { user, memoryMegabytes, volumes = {}, folders = {}, environment = {}, publish, restart = false } = options;
    const memory = `${memoryMegabytes}m`;
    await docker(
      ...["run", "--detach", "--name", this.name(service), "--network", this.name("network")],
      ...["--network-alias", service, "--user", user, "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"],
      ...["--memory", memory, "--memory-swap", memory, "--init", "--restart", restart ? "always" : "no"],
      ...["--volume", `${this.name(`secrets-${service}`)}:/secrets:ro`],
      ...Object.entries(volumes).flatMap(([volume, path]) => ["--volume", `${this.name(volume)}:${path}`]),
      ...Object.entries(folders).flatMap(([folder, path]) => ["--volume", `${folder}:${path}`]),
      ...Object.entries(environment).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
      ...(publish === undefined ? [] : ["--publish", `127.0.0.1::${publish}`]),
      image,
    );
  }

  /** Runs a program of an image to its end in a container of its own. @returns what it printed */
  runOnce(image: string, options: { readonly words?: readonly string[]; readonly arguments?: readonly string[]; readonly input?: string }): Promise<string> {
    return dockerWithInput(options.input ?? "", "run", "--rm", "--interactive", ...(options.arguments ?? []), image, ...(options.words ?? []));
  }

  /** Puts files into a volume, each whole or not at all. */
  async fill(volume: string, user: string, files: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(files).map(([name, content]) => `${name}\t${Buffer.from(content).toString("base64")}\n`);
    await docker("volume", "create", this.name(volume));
    const target = ["--network", "none", "--user", "0", "--volume", `${this.name(volume)}:/target`];
    await this.runOnce(await this.image("base"), { arguments: target, words: ["write-files", user], input: lines.join("") });
  }

  /** A volume that holds no more than so much; a container that does nothing keeps its content while others end. */
  async limitedVolume(volume: string, { megabytes, owner }: VolumeLimit): Promise<void> {
    const [user, group] = owner.split(":");
    const options = ["type=tmpfs", "device=tmpfs", `o=size=${megabytes}m,uid=${user},gid=${group},mode=0700`];
    await docker("volume", "create", ...options.flatMap((option) => ["--opt", option]), this.name(volume));
    await this.holder(volume);
  }

  /** Takes all the room that is left in a limited volume. */
  async fillUp(volume: string): Promise<void> {
    const { code, text } = await execute("docker", ["exec", this.name(`holder-${volume}`), "dd", "if=/dev/zero", "of=/held/filler", "bs=64k"]);
    if (code === 0 || !/No space left/.test(text)) throw new Error(`the volume ${volume} did not become full: ${text}`);
  }

  /** Gives the room back that `fillUp` took. */
  async giveRoom(volume: string): Promise<void> {
    await docker("exec", this.name(`holder-${volume}`), "rm", "/held/filler");
  }

  /** Ends a service as a power cut does; one that has a restart policy stays ended until `start`. */
  async kill(service: string): Promise<void> {
    await docker("kill", "--signal", "KILL", this.name(service));
  }

  /** Starts a service again that ended. */
  async start(service: string): Promise<void> {
    await docker("start", this.name(service));
  }

  /** SIGTERM (or the image's own signal), and SIGKILL after 10 s. @returns the exit code */
  async stop(service: string): Promise<number> {
    await docker("stop", "--time", "10", this.name(service));
    return Number(await docker("inspect", "--format", "{{.State.ExitCode}}", this.name(service)));
  }

  /** Waits for a service to end. @returns the exit code @throws when it does not within the time */
  async ends(service: string, seconds: number): Promise<number> {
    const { code, stdout, text } = await execute("docker", ["wait", this.name(service)], { timeoutSeconds: seconds });
    if (code === null) throw new Error(`${service} did not end within ${seconds} s; it said last:\n${await this.logs(service, 3)}`);
    if (code !== 0) throw new Error(`docker wait ${service}: ${text.trim()}`);
    return Number(stdout);
  }

  /** Takes a container away, so that it can be made anew with other options; its volumes stay. */
  async discard(service: string): Promise<void> {
    await docker("rm", "--force", this.name(service));
  }

  /** Stops every process of the services where they stand, as a sleeping computer does; clocks go on. */
  async pause(...services: readonly string[]): Promise<void> {
    for (const service of services) await freeze(this.name(service));
  }

  async unpause(...services: readonly string[]): Promise<void> {
    await docker("unpause", ...services.map((service) => this.name(service)));
  }

  /** Takes a service off the network; what it says, and what is said to it, is lost. */
  async disconnect(service: string): Promise<void> {
    await docker("network", "disconnect", "--force", this.name("network"), this.name(service));
  }

  async reconnect(service: string): Promise<void> {
    await docker("network", "connect", "--alias", service, this.name("network"), this.name(service));
  }

  /** How many processors a service may use; 0 takes the bound away. */
  async limitProcessors(service: string, processors: number): Promise<void> {
    await docker("update", "--cpus", String(processors), this.name(service));
  }

  /** The last lines of what a service said. */
  async logs(service: string, lines = 30): Promise<string> {
    const { text } = await execute("docker", ["logs", "--tail", String(lines), this.name(service)]);
    return text;
  }

  /** Memory that a service uses, in MB. */
  async memoryMegabytes(service: string): Promise<number> {
    const text = await docker("stats", "--no-stream", "--format", "{{.MemUsage}}", this.name(service));
    const [, value, unit] = /^([\d.]+)([KMG])iB/.exec(text) ?? [];
    return Number(value) * { K: 1 / 1024, M: 1, G: 1024 }[unit as "K" | "M" | "G"];
  }

  /** What a service's own endpoint answers, asked from inside its container. */
  ask(service: string, path: string): Promise<string> {
    return this.execute(service, "curl", "--silent", "--max-time", "5", `http://127.0.0.1:8080${path}`);
  }

  /** Runs a program in a service's container. @returns what it printed */
  execute(service: string, ...words: readonly string[]): Promise<string> {
    return docker("exec", this.name(service), ...words);
  }

  /** Copies a file out of a container, also out of one that has ended. */
  async copyOut(service: string, from: string, to: string): Promise<void> {
    await docker("cp", `${this.name(service)}:${from}`, to);
  }

  /** Where on 127.0.0.1 a service's published port is now. */
  async publishedPort(service: string, port: number): Promise<number> {
    return Number((await docker("port", this.name(service), `${port}/tcp`)).split("\n")[0]!.split(":").at(-1));
  }

  async createNetwork(): Promise<void> {
    await docker("network", "create", this.name("network"));
  }

  /** Takes away every container, volume and network of this prefix. */
  async remove(): Promise<void> {
    const filter = ["--filter", `name=^${this.prefix}-`];
    const containers = await docker("ps", "--all", "--quiet", "--filter", `name=^/${this.prefix}-`);
    // One after another: see ThrowAwayStack.removeObjects.
    for (const container of containers.split("\n").filter(Boolean)) await docker("rm", "--force", "--volumes", container);
    const volumes = await docker("volume", "ls", "--quiet", ...filter);
    if (volumes !== "") await docker("volume", "rm", "--force", ...volumes.split("\n"));
    const networks = await docker("network", "ls", "--quiet", ...filter);
    if (networks !== "") await docker("network", "rm", ...networks.split("\n"));
  }

  /** Does nothing but have a volume mounted at /held. */
  private async holder(volume: string): Promise<void> {
    const mount = ["--network", "none", "--user", "0", "--volume", `${this.name(volume)}:/held`];
    await docker("run", "--detach", "--init", "--name", this.name(`holder-${volume}`), ...mount, await this.image("base"), "sleep", "infinity");
  }
}

/** Runs the Docker client. @returns its output without the last line end @throws with what it said when it fails */
function docker(...words: readonly string[]): Promise<string> {
  return dockerWithInput("", ...words);
}

async function dockerWithInput(input: string, ...words: readonly string[]): Promise<string> {
  const outcome = await execute("docker", words, { input, timeoutSeconds: 120 });
  if (outcome.code !== 0) throw new Error(`docker ${words[0]} ${words[1] ?? ""}: ${outcome.text.trim()}`);
  return outcome.stdout.trim();
}
