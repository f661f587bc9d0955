import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import pino from "pino";
import { AlertChannel, type Alarm, type AlertChannelOptions, type AlertTime, type Notice } from "../../../../services/shared/alerts/AlertChannel";

export const minute = 60_000;
export const hour = 60 * minute;
/** Stands in the address of every test, and nowhere else. */
export const secret = "s3cr3t-path";

export function alarm(key: string, more: Partial<Alarm> = {}): Alarm {
  return { key, severity: "warning", text: `${key} is wrong`, runbook: "runbooks/Backup_And_Restore.md", ...more };
}

/** Waits until something holds. @throws Error when it does not within 30 s: a wait that went on would keep the tests from ending */
export async function eventually(condition: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!condition() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 2));
  if (!condition()) throw new Error(`never came true: ${condition.toString()}`);
}

/** Both clocks stand until a test lets time pass. Serves one sleeper: the channel's loop. */
export class FakeTime implements AlertTime {
  private sleeper: { until: number; wake: () => void } | undefined;

  constructor(
    private wallNow = Date.parse("2026-03-01T12:00:00Z"),
    private monotonicNow = 5000,
  ) {}

  wall(): number {
    return this.wallNow;
  }

  monotonic(): number {
    return this.monotonicNow;
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.sleeper = undefined;
        signal.removeEventListener("abort", wake);
        resolve();
      };
      if (signal.aborted) return resolve();
      signal.addEventListener("abort", wake);
      this.sleeper = { until: this.monotonicNow + milliseconds, wake };
    });
  }

  /** Waits until the channel has done all it can do now. */
  async settled(): Promise<void> {
    await eventually(() => this.sleeper !== undefined);
  }

  /** Lets time pass, and the channel do what falls into it; returns when that is done. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.monotonicNow + milliseconds;
    for (;;) {
      await this.settled();
      const { until, wake } = this.sleeper!;
      if (until > end) return this.advance(end);
      this.advance(until);
      wake();
    }
  }

  /** Somebody sets the clock. */
  setWall(milliseconds: number): void {
    this.wallNow = milliseconds;
  }

  private advance(to: number): void {
    this.wallNow += to - this.monotonicNow;
    this.monotonicNow = to;
  }
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** What a receiver answers: a status, or it never does; headers for a redirect. */
export type Reply = number | "hang" | { status: number; headers: Record<string, string> };

/** An HTTP server on this machine whose answers a test decides, and that remembers what it was sent. */
export class Receiver {
  readonly calls: Call[] = [];
  /** Those that were taken, in the order in which they came. */
  readonly accepted: Call[] = [];
  /** Connections that were tried. */
  connections = 0;
  reply: (call: Call) => Reply | Promise<Reply> = () => 204;
  private readonly sockets = new Set<Socket>();
  private away = false;

  private constructor(private readonly server: Server) {
    server.on("connection", (socket) => {
      this.connections++;
      if (this.away) return void socket.destroy();
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
  }

  static async start(): Promise<Receiver> {
    const server = createServer((request, response) => {
      let text = "";
      request.on("data", (piece) => (text += piece));
      request.on("end", () => void receiver.answer({ method: request.method ?? "", path: request.url ?? "", headers: request.headers, text }, response));
    });
    const receiver: Receiver = new Receiver(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get notices(): Notice[] {
    return this.accepted.map(({ text }) => JSON.parse(text) as Notice);
  }

  /** Away: every connection is cut, those that are open too. */
  setAway(away: boolean): void {
    this.away = away;
    if (away) for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(call: Call, response: ServerResponse): Promise<void> {
    this.calls.push(call);
    const reply = await this.reply(call);
    if (reply === "hang") return;
    const { status, headers } = typeof reply === "number" ? { status: reply, headers: {} } : reply;
    if (status >= 200 && status < 300) this.accepted.push(call);
    response.writeHead(status, headers).end();
  }
}

/** A folder with secret files and the state file, a receiver, and channels on them; everything goes at the end. */
export class Bench {
  readonly log: string[] = [];
  private readonly channels: AlertChannel[] = [];

  private constructor(
    readonly folder: string,
    readonly receiver: Receiver,
    readonly time: FakeTime,
  ) {}

  static async start(): Promise<Bench> {
    const bench = new Bench(await mkdtemp(join(tmpdir(), "alerts-")), await Receiver.start(), new FakeTime());
    await bench.writeAddress(`http://${bench.receiver.host}/hooks/${secret}`);
    return bench;
  }

  get file(): string {
    return join(this.folder, "alerts.json");
  }

  get addressFile(): string {
    return join(this.folder, "alert-webhook");
  }

  writeAddress(address: string): Promise<void> {
    return writeFile(this.addressFile, `${address}\n`);
  }

  options(more: Partial<AlertChannelOptions> = {}): AlertChannelOptions {
    const stream = new Writable({
      write: (line: Buffer, _encoding, done) => {
        this.log.push(line.toString());
        done();
      },
    });
    return {
      ...{ stack: "paper", sender: "backup", file: this.file, addressFile: this.addressFile, heartbeatFile: null, repeatMinutes: 60 },
      ...{ log: pino(stream), time: this.time },
      ...more,
    };
  }

  async open(more: Partial<AlertChannelOptions> = {}): Promise<AlertChannel> {
    const channel = await AlertChannel.open(this.options(more));
    this.channels.push(channel);
    return channel;
  }

  /** What was delivered, short: key, state, and number of the notice. */
  get told(): string[] {
    return this.receiver.notices.map(({ key, state, count }) => `${key} ${state} ${count}`);
  }

  async close(): Promise<void> {
    await Promise.all(this.channels.map((channel) => channel.close(0)));
    await this.receiver.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
