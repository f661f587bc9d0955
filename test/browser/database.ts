import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import * as path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { ImageBuilder } from "../../images/build";
import type { DatabaseSettings } from "../../services/shared/database";

const run = promisify(execFile);
const root = path.resolve(__dirname, "../..");

async function docker(...args: string[]): Promise<string> {
  return (await run("docker", args)).stdout.trim();
}

/** Writes files into a volume for a user id; their content goes through standard input and is seen nowhere. */
async function fillVolume(volume: string, image: string, user: string, files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const target = `/secrets/${name}`;
    const args = ["run", "--rm", "--interactive", "--user", "0", "--network", "none", "--volume", `${volume}:/secrets`, "--entrypoint", "sh", image];
    const child = spawn("docker", [...args, "-c", `cat > ${target} && chown ${user} ${target} && chmod 0400 ${target}`], { stdio: ["pipe", "ignore", "inherit"] });
    child.stdin.end(content);
    const code = await new Promise((resolve) => child.on("close", resolve));
    if (code !== 0) throw new Error(`the file ${name} could not be written into volume ${volume}`);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** A migrated TimescaleDB in containers of its own, reachable on 127.0.0.1. */
export class ThrowAwayDatabase {
  private constructor(
    readonly name: string,
    private readonly port: number,
    private readonly passwords: { superuser: string; gui: string },
  ) {}

  static async start(bots: readonly string[]): Promise<ThrowAwayDatabase> {
    const builder = new ImageBuilder(root, () => undefined);
    const [image, migrator] = await Promise.all([builder.ensure("timescaledb"), builder.ensure("migrate")]);
    const name = `trading-browser-test-${randomBytes(4).toString("hex")}`;
    const password = (): string => randomBytes(12).toString("hex");
    const passwords = { superuser: password(), gui: password() };
    // The port stays the same when the container is stopped and started again.
    const database = new ThrowAwayDatabase(name, await freePort(), passwords);
    try {
      await database.create(image, migrator, bots, password);
    } catch (error) {
      await database.remove();
      throw error;
    }
    return database;
  }

  private async create(image: string, migrator: string, bots: readonly string[], password: () => string): Promise<void> {
    const { name, passwords } = this;
    await docker("network", "create", name);
    await fillVolume(`${name}-secrets`, image, "10002", { "superuser-password": passwords.superuser });
    await docker(
      ...["run", "--detach", "--name", name, "--network", name, "--network-alias", "timescaledb", "--publish", `127.0.0.1:${this.port}:5432`],
      ...["--volume", `${name}-secrets:/secrets:ro`, "--volume", `${name}-data:/var/lib/postgresql/data`, "--shm-size", "128m", image],
    );
    const roles = [
      { name: "gui", kind: "gui", password: passwords.gui },
      ...["livefeed", "broker", "mlflow"].map((role) => ({ name: role, kind: role, password: password() })),
      ...bots.map((bot) => ({ name: `bot_${bot}`, kind: "bot", password: password() })),
    ];
    const secrets = Object.fromEntries(roles.map((role) => [`${role.name}-password`, role.password]));
    await fillVolume(`${name}-migrate`, migrator, "10001", { "superuser-password": passwords.superuser, ...secrets });
    const settings = JSON.stringify({ roles: roles.map((role) => ({ name: role.name, kind: role.kind })) });
    await docker("run", "--rm", "--network", name, "--volume", `${name}-migrate:/secrets:ro`, "--env", `SETTINGS=${settings}`, migrator);
  }

  /** How role `gui` reaches the database. */
  get settings(): DatabaseSettings {
    return { host: "127.0.0.1", port: this.port, name: "trading", user: "gui", password: this.passwords.gui };
  }

  /** A connection with all rights, for tests to write what the services would have written. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...this.settings, database: "trading", user: "postgres", password: this.passwords.superuser, options: "-c search_path=trading,public" });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  async stop(): Promise<void> {
    await docker("stop", "--time", "10", this.name);
  }

  async startAgain(): Promise<void> {
    await docker("start", this.name);
  }

  /** Takes everything away that was made, however far it came. */
  async remove(): Promise<void> {
    const { name } = this;
    await docker("rm", "--force", name).catch(() => undefined);
    for (const volume of [`${name}-secrets`, `${name}-data`, `${name}-migrate`]) await docker("volume", "rm", "--force", volume).catch(() => undefined);
    await docker("network", "rm", name).catch(() => undefined);
  }
}
