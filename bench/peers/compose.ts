import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import { ImageContexts } from "../../images/context";
import { execute, type ThrowAwayStack } from "../../test/support/throwAwayStack";

export interface Inspected {
  readonly Name: string;
  readonly Image: string;
  readonly Config: { readonly Env: string[]; readonly User: string; readonly Labels: Record<string, string>; readonly Healthcheck?: { readonly Test: string[] } };
  readonly HostConfig: { readonly Memory: number; readonly Tmpfs?: Record<string, string>; readonly Binds?: string[]; readonly ShmSize: number };
}

/** The stack's containers as Docker has them. */
export async function inspect(stack: ThrowAwayStack): Promise<Inspected[]> {
  const names = Object.keys(await stack.containerIds()).map((service) => stack.container(service));
  return JSON.parse((await stack.docker(["inspect", ...names])).stdout) as Inspected[];
}

/** The context of the bot's image in a folder of the project, as Compose builds it. @returns what a service says of it */
export async function writeBotContext(stack: ThrowAwayStack, folder: string): Promise<object> {
  const bot = await new ImageContexts(stack.root).get("bot");
  for (const { name, content } of bot.files) {
    fs.mkdirSync(path.dirname(path.join(folder, "bot", name)), { recursive: true });
    fs.writeFileSync(path.join(folder, "bot", name), await content());
  }
  return { build: { context: "bot", args: { BASE: bot.parentTag } } };
}

/** The same containers as a Compose project. @param bot what the bots are made of, such as `{ image: "sha256:..." }` */
export function writeProject(folder: string, containers: readonly Inspected[], bot: object): void {
  const volumes = new Set<string>();
  const services = Object.fromEntries(
    containers.map(({ Image, Config, HostConfig }) => {
      const service = Config.Labels["trading.service"]!;
      // A folder of the machine is no volume.
      for (const bind of HostConfig.Binds ?? []) if (!path.isAbsolute(bind)) volumes.add(bind.split(":")[0]!);
      return [
        service,
        {
          ...(service.startsWith("bot-") ? bot : { image: Image }),
          environment: Config.Env,
          user: Config.User,
          mem_limit: HostConfig.Memory,
          shm_size: HostConfig.ShmSize,
          read_only: true,
          init: true,
          cap_drop: ["ALL"],
          tmpfs: Object.entries(HostConfig.Tmpfs ?? {}).map(([at, options]) => `${at}:${options}`),
          volumes: HostConfig.Binds ?? [],
          networks: { default: { aliases: [service] } },
          ...(Config.Healthcheck ? { healthcheck: { test: Config.Healthcheck.Test, interval: "15s" } } : {}),
        },
      ];
    }),
  );
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, "compose.yaml"), stringify({ services, volumes: Object.fromEntries([...volumes].map((name) => [name, { external: true, name }])) }));
}

/** Compose as one runs it in a project's folder; an outcome that is not good is an error. @returns the seconds it took */
export type Compose = (args: readonly string[]) => Promise<number>;

/** Compose for a project of the stack's containers in a folder. */
export async function composeIn(stack: ThrowAwayStack, folder: string): Promise<Compose> {
  const [program, ...words] = await dockerCompose(stack);
  return async (args) => {
    const outcome = await execute(program!, [...words, "--project-name", `trading-${stack.name}-compose`, ...args], { cwd: folder, env: { ...stack.env, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" } });
    if (outcome.code !== 0) throw new Error(outcome.text);
    return outcome.seconds;
  };
}

/** Compose as installed, else the one of the base image's own distribution. */
async function dockerCompose(stack: ThrowAwayStack): Promise<string[]> {
  if ((await stack.docker(["compose", "version"])).code === 0) return ["docker", "compose"];
  const base = (await new ImageContexts(stack.root).get("base")).tag;
  const name = `trading-${stack.name}-obtain-compose`;
  const target = path.join(stack.root, "docker-compose");
  const obtained = await stack.docker(["run", "--name", name, "--label", `trading.stack=${stack.name}`, base, "sh", "-c", "apt-get -qq update && cd /tmp && apt-get -qq download docker-compose && dpkg-deb -x docker-compose*.deb /tmp/out && find /tmp/out -name docker-compose -type f -size +1M | head -n 1 | xargs -I found cp found /tmp/docker-compose"]);
  if (obtained.code !== 0) throw new Error(`Docker Compose could not be obtained: ${obtained.text}`);
  const copied = await stack.docker(["cp", `${name}:/tmp/docker-compose`, target]);
  if (copied.code !== 0) throw new Error(copied.text);
  await stack.docker(["rm", name]);
  fs.chmodSync(target, 0o755);
  return [target];
}
