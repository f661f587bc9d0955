import { createServer, type Server } from "node:http";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";
import { ImageContexts } from "../../images/context";
import { ensureControlFolder } from "../../control/folder";
import { createGui } from "../../services/gui/app";
import type { GuiSettings } from "../../services/gui/settings";
import { openDatabase, type DatabaseSettings } from "../../services/shared/database";
import { createLogger } from "../../services/shared/log";

const root = path.resolve(__dirname, "../..");

/** @throws Error saying what to install when there is no Chromium */
export async function launchChromium(): Promise<Browser> {
  const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
  if (!existsSync(executablePath)) {
    throw new Error(`There is no Chromium at ${executablePath}: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH`);
  }
  const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath, args: quiet });
}

/** Answers `/readyz` as a service does, or not at all; other paths as it was told. */
export class FakeService {
  private server: Server | undefined;
  private port = 0;
  ready = true;
  reason = "works";

  /** @param answers path -> what is answered there, made anew each time */
  constructor(private readonly answers: Readonly<Record<string, () => unknown>> = {}) {}

  async start(): Promise<void> {
    this.server = createServer((request, response) => {
      const answer = this.answers[request.url ?? ""];
      if (answer !== undefined) {
        response.writeHead(200, { "content-type": "application/json", connection: "close" });
        response.end(JSON.stringify(answer()));
        return;
      }
      response.writeHead(this.ready ? 200 : 503, { "content-type": "application/json", connection: "close" });
      response.end(JSON.stringify({ ready: this.ready, reason: this.reason }));
    });
    await new Promise<void>((resolve) => this.server!.listen(this.port, "127.0.0.1", resolve));
    this.port = (this.server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }
}

export interface RunningGui {
  url: string;
  close(): Promise<void>;
}

/**
 * The gui service as it is bundled for its image, in this process and on a free port.
 *
 * @param options `control` is the control folder; one of its own, in which nothing is halted, unless given
 */
export async function startGui(options: { database: DatabaseSettings; mode: "paper" | "live"; settings: GuiSettings; control?: string }): Promise<RunningGui> {
  const { files } = await new ImageContexts(root).get("gui");
  const pageFolder = await fs.mkdtemp(path.join(os.tmpdir(), "trading-page-"));
  for (const { name, content } of files) {
    if (name.startsWith("page/")) await fs.writeFile(path.join(pageFolder, path.basename(name)), await content());
  }
  const log = createLogger("gui", "silent");
  const database = openDatabase(options.database, { log, applicationName: "gui" });
  const { mode, settings } = options;
  const control = options.control ?? path.join(pageFolder, "stack", "control");
  ensureControlFolder(control, mode, "test");
  const server = createGui({ stack: mode, mode, settings, database, log, control, pageFolder });
  await server.app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = server.app.server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      await server.close();
      await database.close();
      await fs.rm(pageFolder, { recursive: true });
    },
  };
}
