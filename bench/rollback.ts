import * as path from "node:path";
import { readReleases } from "../config/releases";
import type { ThrowAwayStack } from "../test/support/throwAwayStack";
import { composeIn, inspect, writeProject } from "./peers/compose";
import { median, type BenchResult } from "./result";

/**
 * A rollback of the bot, from the command until every container is healthy, its preview, its commit and its checks included,
 * against `docker compose up -d` of the same containers with the older image.
 */
export async function benchRollback(stack: ThrowAwayStack, rounds = 4): Promise<BenchResult[]> {
  const folder = path.join(stack.root, "compose");
  const run = await composeIn(stack, folder);
  const succeeds = ({ code, text }: { readonly code: number | null; readonly text: string }) => {
    if (code !== 0) throw new Error(text);
  };
  await stack.beginRepository();
  const source = stack.read("services/bot/main.ts");
  stack.write("services/bot/main.ts", `${source}\nprocess.title = "to be rolled back";\n`);
  await stack.noteChangedImages();
  succeeds(await stack.up());
  const [older, newer] = readReleases(stack.root, stack.name).slice(-2);
  if (older === undefined || newer === undefined) throw new Error("there are no two releases to go between");

  const ours: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const outcome = await stack.trading(["rollback", "--yes", "--keep-positions", "--to", (round % 2 === 0 ? older : newer).id]);
    succeeds(outcome);
    ours.push(outcome.seconds);
  }

  // Only one of the two can have the names, the lock and the data: ours are stopped while Compose has its turn.
  const containers = await inspect(stack);
  await stack.docker(["stop", ...containers.map(({ Name }) => Name.slice(1))]);
  const theirs: number[] = [];
  const imageOf = (release: typeof older) => ({ image: release.imageNames["bot"]! });
  try {
    writeProject(folder, containers, imageOf(newer));
    await run(["up", "-d"]);
    for (let round = 0; round < rounds; round++) {
      writeProject(folder, containers, imageOf(round % 2 === 0 ? older : newer));
      theirs.push(await run(["up", "-d"]));
    }
  } finally {
    await run(["down"]);
    await stack.docker(["start", ...containers.map(({ Name }) => Name.slice(1))]);
    stack.write("services/bot/main.ts", source);
  }
  const [own, other] = [median(ours), median(theirs)];
  return [{ name: "rollback of a bot, healthy", unit: "s", value: own, comparedWith: { name: "docker compose up -d with the older image", value: other }, target: "at most 10 s more", met: own - other <= 10 }];
}
