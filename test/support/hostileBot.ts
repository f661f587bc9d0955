import { build } from "esbuild";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pack } from "tar-stream";
import { eventually, PROJECT_ROOT } from "./throwAwayStack";
import type { TradingProcesses } from "./tradingProcesses";

const folder = path.join(PROJECT_ROOT, "test", "images", "hostile");

/**
 * Builds the image of a bot that keeps no contract, on the image of the reference bot.
 * @param base id of the reference bot's image
 * @param tag name to give it, so that it can be removed by it
 * @returns the image's id
 */
export async function buildHostileImage(base: string, tag: string): Promise<string> {
  const bundled = await build({
    entryPoints: [path.join(folder, "hostile.js")],
    ...{ bundle: true, platform: "node", target: "node20", write: false, external: ["pg-native"], logLevel: "error" },
  });
  const archive = pack();
  archive.entry({ name: "Dockerfile" }, await readFile(path.join(folder, "Dockerfile")));
  archive.entry({ name: "hostile.js" }, Buffer.from(bundled.outputFiles[0]!.contents));
  archive.finalize();
  const child = spawn("docker", ["build", "--quiet", "--tag", tag, "--build-arg", `BASE=${base}`, "-"], { stdio: ["pipe", "pipe", "pipe"] });
  const said: { out: string; error: string } = { out: "", error: "" };
  child.stdout.on("data", (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said.error += chunk.toString()));
  archive.pipe(child.stdin);
  const code = await new Promise<number | null>((resolve, reject) => child.once("close", resolve).once("error", reject));
  if (code !== 0) throw new Error(`docker build ${tag}: ${said.error.trim()}`);
  return said.out.trim();
}

/** Has the hostile bot begin an attack, once it listens. */
export async function beginAttack(processes: TradingProcesses, service: string, attack: string): Promise<void> {
  await eventually("the hostile bot takes an order", 30, async () => {
    await processes.ask(service, `/run/${attack}`);
    return true;
  });
}

/** Waits for an attack's end. @returns what came of it @throws what it failed with, or when it takes more than two minutes */
export async function resultOf<T>(processes: TradingProcesses, service: string, attack: string): Promise<T> {
  for (let second = 0; second < 240; second++) {
    const text = await processes.ask(service, `/result/${attack}`);
    const { result, error } = JSON.parse(text) as { result?: T; error?: string };
    if (error !== undefined) throw new Error(`the attack ${attack} failed: ${error}`);
    if (result !== undefined) return result;
    await delay(500);
  }
  throw new Error(`the attack ${attack} did not end`);
}

/** Has the hostile bot attack, and waits for the end of it. */
export async function attack<T>(processes: TradingProcesses, service: string, name: string): Promise<T> {
  await beginAttack(processes, service, name);
  return resultOf<T>(processes, service, name);
}
