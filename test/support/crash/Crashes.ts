import { readFile } from "node:fs/promises";
import * as path from "node:path";
import type { Containers } from "../containers";
import type { ServiceOptions } from "../tradingProcesses";

/** Where a process is to be killed: around words that it says to the database (SQL) or over HTTP (first lines). */
export interface CrashPoint {
  /** Letters, digits, dashes. */
  readonly name: string;
  /** Before the words are sent; when they are sent and not answered; when the answer has come and was not read. */
  readonly moment: "before" | "sent" | "answered";
  /** Regular expression, upper and lower case alike. */
  readonly text: string;
  /** What has to have been said before in the same transaction, each a regular expression; an empty list: in none. */
  readonly within?: readonly string[];
  /** How many times of the process's life are let through; none unless given. */
  readonly skip?: number;
  /** SIGTERM asks the program to stop there, in order and with exit code 0; it is killed unless given. */
  readonly signal?: "SIGTERM";
}

/** How long a point may take to be come to. */
const patienceSeconds = 60;

/** Kills or stops one service at one point after the other; the program itself knows nothing of it. */
export class Crashes {
  /** What the service has to be started with. */
  readonly options: ServiceOptions;
  private readonly volume: string;

  constructor(
    private readonly containers: Containers,
    private readonly service: string,
    private readonly points: readonly CrashPoint[],
  ) {
    this.volume = `crash-${service}`;
    this.options = { environment: { NODE_OPTIONS: "--require=/crash/crash.cjs" }, volumes: { [this.volume]: "/crash" } };
  }

  /** Before the service is started. */
  async prepare(): Promise<void> {
    const program = await readFile(path.join(__dirname, "crash.cjs"), "utf8");
    await this.containers.fill(this.volume, "10001:10001", { "crash.cjs": program, "points.json": JSON.stringify(this.points) });
    const mount = ["--user", "0", "--network", "none", "--volume", `${this.containers.name(this.volume)}:/crash`];
    const words = ["install", "--directory", "--owner", "10001", "--group", "10001", "/crash/struck"];
    await this.containers.runOnce(await this.containers.image("base"), { arguments: mount, words });
  }

  /**
   * Starts the service again after each kill, until every point has struck.
   * @param onStrike told of each point, before the service is started again
   * @throws when the service ends otherwise than it should, or comes to a point not in time
   */
  async strikeAll(onStrike: (point: CrashPoint) => Promise<void> = () => Promise.resolve()): Promise<void> {
    for (const point of this.points) {
      const code = await this.containers.ends(this.service, patienceSeconds).catch((error: Error) => {
        throw new Error(`"${point.name}" did not strike: ${error.message}`);
      });
      const expected = point.signal === "SIGTERM" ? 0 : 137;
      if (code !== expected) throw new Error(`${this.service} ended with exit code ${code} instead of ${expected} at "${point.name}"`);
      await onStrike(point);
      await this.containers.start(this.service);
    }
  }

  /** Names of the points that have struck, in the order of the points. */
  async struck(): Promise<string[]> {
    const names = new Set((await this.containers.execute(this.service, "ls", "/crash/struck")).split("\n"));
    return this.points.map(({ name }) => name).filter((name) => names.has(name));
  }
}
