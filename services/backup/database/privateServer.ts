import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { connect } from "./connection";

/** Where the container of the database has its configuration, in its image and so in this one. */
const configurationFolder = "/etc/trading";

/**
 * Nobody reaches this server but who shares its socket. It archives nothing, but notes for the archive what there would be:
 * when the database starts in its own container, the new timeline's history goes there first of all.
 * Nothing is synced meanwhile: a cluster that was not stopped well is made anew, and one that was is synced as a whole.
 */
const settings = {
  config_file: `${configurationFolder}/postgresql.conf`,
  hba_file: `${configurationFolder}/pg_hba.conf`,
  listen_addresses: "",
  archive_mode: "on",
  archive_command: "",
  archive_library: "",
  archive_timeout: "0",
  hot_standby: "off",
  fsync: "off",
  autovacuum: "off",
  max_wal_size: "1GB",
  shared_buffers: "128MB",
  "timescaledb.max_background_workers": "0",
  log_min_messages: "log",
} as const;

const lastLines = 15;

export interface ServerEnd {
  readonly code: number | null;
  readonly lines: readonly string[];
}

/** A server on a cluster that nobody else uses, in this container. */
export class PrivateServer {
  private readonly lines: string[] = [];
  private readonly ended: Promise<ServerEnd>;
  private running = true;

  private constructor(
    private readonly child: ChildProcess,
    readonly sockets: string,
    onLine: (line: string) => void,
  ) {
    createInterface({ input: child.stderr! }).on("line", (line) => {
      this.lines.push(line);
      if (this.lines.length > 200) this.lines.shift();
      onLine(line);
    });
    this.ended = new Promise((resolve) => {
      const end = (code: number | null) => {
        this.running = false;
        resolve({ code, lines: this.lines });
      };
      child.on("error", (error) => {
        this.lines.push(error.message);
        end(null);
      });
      child.on("close", end);
    });
  }

  /** @param onLine gets each line of its log */
  static async start(cluster: string, sockets: string, onLine: (line: string) => void = () => undefined): Promise<PrivateServer> {
    await rm(sockets, { recursive: true, force: true });
    await mkdir(sockets, { recursive: true, mode: 0o700 });
    const given = Object.entries({ ...settings, unix_socket_directories: sockets }).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
    const child = spawn("postgres", ["-D", cluster, ...given], { stdio: ["ignore", "ignore", "pipe"] });
    return new PrivateServer(child, sockets, onLine);
  }

  /**
   * Waits until it takes connections, which is when recovery is done.
   * @returns how it ended, when it did so instead
   */
  async ready(signal: AbortSignal, seconds: number): Promise<ServerEnd | undefined> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      signal.throwIfAborted();
      if (!this.running) return this.ended;
      const client = await connect({ sockets: this.sockets, database: "postgres" }).catch(() => undefined);
      if (client) {
        await client.end();
        return undefined;
      }
      if (Date.now() > deadline) throw new Error(`the restored database did not take connections within ${seconds} s; it said last: ${this.tail().join(" | ")}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Fast shutdown. @throws when it does not end well */
  async stop(): Promise<void> {
    if (this.running) this.child.kill("SIGINT");
    const lastResort = setTimeout(() => this.child.kill("SIGQUIT"), 300_000);
    const { code } = await this.ended;
    clearTimeout(lastResort);
    if (code !== 0) throw new Error(`the restored database did not stop cleanly (exit code ${code}); it said last: ${this.tail().join(" | ")}`);
  }

  /** Ends it at once, whatever becomes of the cluster. */
  async discard(): Promise<void> {
    if (this.running) this.child.kill("SIGQUIT");
    const lastResort = setTimeout(() => this.child.kill("SIGKILL"), 10_000);
    await this.ended;
    clearTimeout(lastResort);
  }

  tail(): string[] {
    return this.lines.slice(-lastLines);
  }
}
