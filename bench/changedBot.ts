import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import { ImageContexts } from "../images/context";
import { execute, type ThrowAwayStack } from "../test/support/throwAwayStack";
import { median, type BenchResult } from "./result";

interface Inspected {
  readonly Name: string;
  readonly Image: string;
  readonly Config: { readonly Env: string[]; readonly User: string; readonly Labels: Record<string, string>; readonly Healthcheck?: { readonly Test: string[] } };
  readonly HostConfig: { readonly Memory: number; readonly Tmpfs?: Record<string, string>; readonly Binds?: string[]; readonly ShmSize: number };
}

/**
 * A changed bot brought to run, against `docker compose up -d --build` of the same containers: same images, settings,
 * secrets and data, the bot built from the same bundle by the same Dockerfile.
 */
export async function benchChangedBot(stack: ThrowAwayStack, rounds = 3): Promise<BenchResult[]> {
  const folder = path.join(stack.root, "compose");
  const compose = await dockerCompose(stack);
  const containers = await inspect(stack);
  await writeProject(stack, folder, containers);

  const ours: number[] = [];
  const source = stack.read("services/bot/main.ts");
  for (let round = 0; round < rounds; round++) {
    stack.write("services/bot/main.ts", `${source}\nprocess.title = "changed ${round}";\n`);
    await stack.noteChangedImages();
    const outcome = await stack.up();
    if (outcome.code !== 0) throw new Error(outcome.text);
    ours.push(outcome.seconds);
  }

  // Only one of the two can have the names, the lock and the data: ours are stopped while Compose has its turn.
  await stack.docker(["stop", ...containers.map(({ Name }) => Name.slice(1))]);
  const run = async (args: readonly string[]) => {
    const outcome = await execute(compose[0]!, [...compose.slice(1), "--project-name", `trading-${stack.name}-compose`, ...args], { cwd: folder, env: { ...stack.env, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" } });
    if (outcome.code !== 0) throw new Error(outcome.text);
    return outcome.seconds;
  };
  const theirs: number[] = [];
  try {
    await run(["up", "-d", "--build"]);
    const bundle = fs.readFileSync(path.join(folder, "bot", "main.js"), "utf8");
    for (let round = 0; round < rounds; round++) {
      fs.writeFileSync(path.join(folder, "bot", "main.js"), `${bundle}\nprocess.title = "changed ${round}";\n`);
      theirs.push(await run(["up", "-d", "--build"]));
    }
  } finally {
    await run(["down", "--rmi", "local"]);
    await stack.docker(["start", ...containers.map(({ Name }) => Name.slice(1))]);
  }
  const [own, other] = [median(ours), median(theirs)];
  return [{ name: "a changed bot deployed, healthy", unit: "s", value: own, comparedWith: { name: "docker compose up -d --build", value: other }, target: "at most 8 s more", met: own - other <= 8 }];
}

async function inspect(stack: ThrowAwayStack): Promise<Inspected[]> {
  const names = Object.keys(await stack.containerIds()).map((service) => stack.container(service));
  return JSON.parse((await stack.docker(["inspect", ...names])).stdout) as Inspected[];
}

/** The same containers as a Compose project. */
async function writeProject(stack: ThrowAwayStack, folder: string, containers: readonly Inspected[]): Promise<void> {
  const bot = await new ImageContexts(stack.root).get("bot");
  for (const { name, content } of bot.files) {
    fs.mkdirSync(path.dirname(path.join(folder, "bot", name)), { recursive: true });
    fs.writeFileSync(path.join(folder, "bot", name), await content());
  }
  const volumes = new Set<string>();
  const services = Object.fromEntries(
    containers.map(({ Image, Config, HostConfig }) => {
      const service = Config.Labels["trading.service"]!;
      for (const bind of HostConfig.Binds ?? []) volumes.add(bind.split(":")[0]!);
      return [
        service,
        {
          ...(service.startsWith("bot-") ? { build: { context: "bot", args: { BASE: bot.parentTag } } } : { image: Image }),
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
  fs.writeFileSync(path.join(folder, "compose.yaml"), stringify({ services, volumes: Object.fromEntries([...volumes].map((name) => [name, { external: true, name }])) }));
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
