import { backupStatus, type BackupStatus } from "../domain/backup/status";
import { eventually, ThrowAwayStack } from "../test/support/throwAwayStack";
import { fillLarge, LARGE_ROWS } from "./largeDatabase";

/** A running stack with its backups on and about 5 million rows beside what is traded, two bars a second. */
export async function protectedStack(say: (text: string) => void): Promise<ThrowAwayStack> {
  const stack = await ThrowAwayStack.make({ configuration: { backup: null, feed: { source: "synthetic", seed: 7, speed: 7200 }, database: { memoryMegabytes: 1024 } } });
  try {
    say("bringing up a throw-away stack");
    const up = await stack.up();
    if (up.code !== 0) throw new Error(up.text);
    await eventually("a point is taken", 300, async () => (await serviceStatus(stack)).newestPoint !== null);
    say(`filling the database with ${LARGE_ROWS} rows beside what is traded`);
    await fillLarge((sql) => stack.query(sql));
    const { code, text } = await stack.trading(["backup", "--job", "point"], { timeoutSeconds: 600 });
    if (code !== 0) throw new Error(text);
    return stack;
  } catch (error) {
    await stack.remove();
    throw error;
  }
}

export async function serviceStatus(stack: ThrowAwayStack): Promise<BackupStatus> {
  const { stdout } = await stack.docker(["exec", stack.container("backup"), "curl", "--silent", "--fail", "http://127.0.0.1:8080/v1/status"]);
  return backupStatus.parse(JSON.parse(stdout));
}

/** Points whose manifests are written. */
export async function pointsTaken(stack: ThrowAwayStack): Promise<number> {
  const { stdout } = await stack.docker(["exec", stack.container("backup"), "sh", "-c", "ls /backups/points | grep -c json"]);
  return Number(stdout);
}
