import { request } from "node:http";

/** How a container is, as far as the guard has to know. */
export interface ContainerState {
  /** A process of it is there, one that was paused included. */
  readonly running: boolean;
  /** When it was last started, as the Engine says it. */
  readonly startedAt: string;
}

export interface EngineOptions {
  /** Unix socket of the proxy: it lets these three calls through, for these containers. */
  readonly socket: string;
  /** Longest wait for an answer to a question, ms. */
  readonly answerMilliseconds?: number;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What a stop or a restart may take beyond the grace: the Engine kills, and takes the container's file system down. */
const beyondGrace = 60_000;
/** An inspection is some 10 kB. */
const longestAnswer = 1_000_000;

/** The three calls of the Docker Engine that the guard needs. */
export class Engine {
  constructor(private readonly options: EngineOptions) {}

  /** @returns null where there is no such container @throws when the Engine, or the proxy before it, does not answer */
  async inspect(container: string): Promise<ContainerState | null> {
    const { status, body } = await this.ask("GET", `/containers/${container}/json`, this.options.answerMilliseconds ?? 5000);
    if (status === 404) return null;
    if (status !== 200) throw new Error(`inspecting ${container}: HTTP ${status}`);
    const { State: state } = JSON.parse(body) as { State: { Running: boolean; Restarting: boolean; StartedAt: string } };
    return { running: state.Running || state.Restarting, startedAt: state.StartedAt };
  }

  /** Ends when the container has: SIGTERM, and SIGKILL after the grace. One that does not run, or is not there, is no error. */
  async stop(container: string, graceSeconds: number): Promise<void> {
    const { status } = await this.ask("POST", `/containers/${container}/stop?t=${graceSeconds}`, graceSeconds * 1000 + beyondGrace);
    if (![204, 304, 404].includes(status)) throw new Error(`stopping ${container}: HTTP ${status}`);
  }

  async restart(container: string, graceSeconds: number): Promise<void> {
    const { status } = await this.ask("POST", `/containers/${container}/restart?t=${graceSeconds}`, graceSeconds * 1000 + beyondGrace);
    if (status !== 204) throw new Error(`restarting ${container}: HTTP ${status}`);
  }

  private ask(method: "GET" | "POST", path: string, milliseconds: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = request({ socketPath: this.options.socket, method, path, headers: { host: "docker" }, agent: false, timeout: milliseconds }, (response) => {
        const parts: Buffer[] = [];
        let size = 0;
        response.on("data", (part: Buffer) => {
          size += part.length;
          if (size > longestAnswer) call.destroy(new Error(`${method} ${path}: the answer is too long`));
          else parts.push(part);
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }));
        response.on("error", reject);
      });
      call.on("timeout", () => call.destroy(new Error(`${method} ${path}: no answer within ${milliseconds / 1000} s`)));
      call.on("error", reject);
      call.end();
    });
  }
}
