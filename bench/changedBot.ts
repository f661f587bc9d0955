import * as fs from "node:fs";
import * as path from "node:path";
import type { ThrowAwayStack } from "../test/support/throwAwayStack";
import { composeIn, inspect, writeBotContext, writeProject } from "./peers/compose";
import { median, type BenchResult } from "./result";

/**
 * A changed bot brought to run, against `docker compose up -d --build` of the same containers: same images, settings,
 * secrets and data, the bot built from the same bundle by the same Dockerfile.
 */
export async function benchChangedBot(stack: ThrowAwayStack, rounds = 3): Promise<BenchResult[]> {
  const folder = path.join(stack.root, "compose");
  const run = await composeIn(stack, folder);
  const containers = await inspect(stack);
  writeProject(folder, containers, await writeBotContext(stack, folder));

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
