import pg from "pg";
import { connectionOptions, type DatabaseSettings } from "./database";
import type { Logger } from "./log";

export interface WorkLoop {
  /** Asks for one more run of the work. */
  wake(): void;
  /** True while notifications arrive; the poll goes on without them. */
  readonly listening: boolean;
  /** Ends the connection and waits for the run in progress. */
  close(): Promise<void>;
}

export interface WorkLoopOptions {
  database: DatabaseSettings;
  applicationName: string;
  channels: readonly string[];
  /** Whether a notification calls for a run of the work; every one does unless given. */
  concerns?: (channel: string, payload: string) => boolean;
  /** Reads the state it needs from the database: notifications carry no data and may be merged. */
  work: () => Promise<void>;
  /** Wall milliseconds between two runs when nothing is heard. */
  pollMilliseconds: number;
  /** Wall milliseconds before a lost connection is made again; 1 s unless given. */
  reconnectMilliseconds?: number;
  log: Logger;
  /** Makes the LISTEN connection; tests put their own. */
  createClient?: () => pg.Client;
}

/**
 * Runs `work` on every notification, after every (re)connect and at every poll: never twice at a time, and
 * once more when something arrived during a run. An error in the work is logged and the next wake-up tries again.
 */
export function startWorkLoop(options: WorkLoopOptions): WorkLoop {
  const { channels, work, pollMilliseconds, reconnectMilliseconds = 1000, log } = options;
  const createClient =
    options.createClient ?? (() => new pg.Client(connectionOptions(options.database, options.applicationName)));
  let closed = false;
  let listening = false;
  let client: pg.Client | undefined;
  let reconnect: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;

  async function run(): Promise<void> {
    do {
      again = false;
      try {
        await work();
      } catch (error) {
        log.error({ err: error }, "work failed");
      }
    } while (again && !closed);
    running = undefined;
  }

  function wake(): void {
    if (closed) return;
    if (running === undefined) running = run();
    else again = true;
  }

  async function connect(): Promise<void> {
    const current = createClient();
    client = current;
    let lost = false;
    const lose = (error?: Error): void => {
      if (lost) return;
      lost = true;
      listening = false;
      current.end().catch(() => undefined);
      if (closed) return;
      log.warn({ error: error?.message }, "notifications lost");
      reconnect = setTimeout(() => void connect(), reconnectMilliseconds);
    };
    current.on("error", lose);
    current.on("end", () => lose());
    current.on("notification", ({ channel, payload = "" }) => {
      if (options.concerns === undefined || options.concerns(channel, payload)) wake();
    });
    try {
      await current.connect();
      for (const channel of channels) await current.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
      if (lost || closed) return;
      listening = true;
      // What was notified while nobody listened is caught by this one run.
      wake();
    } catch (error) {
      lose(error as Error);
    }
  }

  void connect();
  const poll = setInterval(wake, pollMilliseconds);
  return {
    wake,
    get listening() {
      return listening;
    },
    close: async () => {
      closed = true;
      clearInterval(poll);
      clearTimeout(reconnect);
      listening = false;
      await client?.end().catch(() => undefined);
      await running;
    },
  };
}
