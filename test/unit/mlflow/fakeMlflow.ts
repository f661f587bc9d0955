import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { FakeRegistry, ok, refuse, type Answer } from "./fakeRegistry";

/**
 * What befalls one call: it is answered; the connection is cut before or after the work was done; nothing is ever
 * answered, with or without the work done; or the server says 500 or 503.
 */
export type Fate = "answer" | "cut before" | "cut after" | "hang before" | "hang after" | "error 500" | "error 503";
export const fates: readonly Fate[] = ["answer", "cut before", "cut after", "hang before", "hang after", "error 500", "error 503"];

export interface FakeRun {
  readonly runId: string;
  readonly experiment: string;
  readonly name: string;
  readonly startTime: number;
  readonly tags: Record<string, string>;
  readonly params: Record<string, string>;
  /** One string a point: MLflow keeps equal ones once. */
  readonly points: Set<string>;
  readonly artifacts: Record<string, string>;
  status: string;
  endTime: number | undefined;
  deleted: boolean;
}

/** As much of MLflow 3's REST API as is used, in memory, with a fate for every call. */
export class FakeMlflow {
  readonly experiments = new Map<string, string>();
  readonly runs = new Map<string, FakeRun>();
  readonly registry = new FakeRegistry();
  /** Method and path of each call, in their order, whatever its fate. */
  readonly calls: string[] = [];
  /** How often somebody has connected. */
  connections = 0;
  fate: (call: string) => Fate = () => "answer";
  /** Answers instead of the work, when it gives one. */
  instead: (call: string, body: any) => Answer | undefined = () => undefined;
  private server: Server | undefined;
  private port = 0;

  static async start(): Promise<FakeMlflow> {
    const fake = new FakeMlflow();
    await fake.listen();
    return fake;
  }

  /** Comes up, on the port it had before. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => this.take(request, response));
    server.on("connection", () => this.connections++);
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** Goes down: every connection ends, and new ones are refused. */
  async close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get portNumber(): number {
    return this.port;
  }

  /** Runs that nobody has deleted. */
  get activeRuns(): FakeRun[] {
    return [...this.runs.values()].filter((run) => !run.deleted);
  }

  private take(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => undefined);
    request.on("end", () => {
      const { method = "", url = "" } = request;
      const call = `${method} ${url.replace(/^\/api\/2\.0\//, "").split("?")[0]}`;
      const text = Buffer.concat(chunks).toString("utf8");
      this.calls.push(call);
      const fate = this.fate(call);
      if (fate === "hang before") return;
      if (fate === "cut before") return void request.socket.destroy();
      if (fate === "error 500" || fate === "error 503") return void this.answer(response, { status: Number(fate.slice(6)), body: "out of order" });
      const answer = this.work(method, url, text);
      if (fate === "hang after") return;
      if (fate === "cut after") return void request.socket.destroy();
      this.answer(response, answer);
    });
  }

  private answer(response: ServerResponse, { status, body }: Answer): void {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  }

  private work(method: string, url: string, text: string): Answer {
    const { pathname, searchParams } = new URL(url, "http://mlflow");
    const artifact = /^\/api\/2\.0\/mlflow-artifacts\/artifacts\/[^/]+\/([^/]+)\/artifacts\/(.+)$/.exec(pathname);
    if (artifact !== null && method === "PUT") {
      this.runs.get(artifact[1]!)!.artifacts[decodeURIComponent(artifact[2]!)] = text;
      return ok();
    }
    const body = text === "" ? {} : JSON.parse(text);
    const path = pathname.replace("/api/2.0/mlflow/", "");
    return this.instead(path, body) ?? this.registry.call(`${method} ${path}`, body, searchParams) ?? this.call(path, body, searchParams);
  }

  private call(path: string, body: any, query: URLSearchParams): Answer {
    switch (path) {
      case "experiments/get-by-name": {
        const name = query.get("experiment_name") ?? "";
        const id = this.experiments.get(name);
        if (id === undefined) return refuse("RESOURCE_DOES_NOT_EXIST", `no experiment ${name}`);
        return ok({ experiment: { experiment_id: id, name, lifecycle_stage: "active" } });
      }
      case "experiments/create": {
        if (this.experiments.has(body.name)) return refuse("RESOURCE_ALREADY_EXISTS", `experiment ${body.name} is there`);
        this.experiments.set(body.name, String(this.experiments.size + 1));
        return ok({ experiment_id: this.experiments.get(body.name) });
      }
      case "runs/search": {
        const wanted = [...String(body.filter).matchAll(/tags\."([^"]+)" = '([^']*)'/g)].map(([, key, value]) => [key!, value!] as const);
        const found = [...this.runs.values()].filter(
          (run) => body.experiment_ids.includes(run.experiment) && wanted.every(([key, value]) => run.tags[key] === value),
        );
        return ok({ runs: found.filter((run) => body.run_view_type === "ALL" || !run.deleted).map(described) });
      }
      case "runs/create": {
        const tags = Object.fromEntries(body.tags.map(({ key, value }: { key: string; value: string }) => [key, value])) as Record<string, string>;
        const run: FakeRun = {
          ...{ runId: `run${this.runs.size + 1}`, experiment: body.experiment_id, name: body.run_name, startTime: body.start_time, tags },
          ...{ params: {}, points: new Set<string>(), artifacts: {}, status: "RUNNING", endTime: undefined, deleted: false },
        };
        this.runs.set(run.runId, run);
        return ok({ run: described(run) });
      }
    }
    const run = this.runs.get(body.run_id);
    if (run === undefined) return refuse("RESOURCE_DOES_NOT_EXIST", `no run ${body.run_id}`);
    if (path === "runs/delete") run.deleted = true;
    else if (run.deleted) return refuse("INVALID_PARAMETER_VALUE", `The run ${run.runId} must be in the 'active' state.`);
    if (path === "runs/update") [run.status, run.endTime] = [body.status, body.end_time];
    if (path === "runs/log-batch") {
      if ((body.metrics ?? []).length > 1000) return refuse("INVALID_PARAMETER_VALUE", "A batch logging request can contain at most 1000 metrics.");
      for (const { key, value } of body.params ?? []) {
        if (run.params[key] !== undefined && run.params[key] !== value) return refuse("INVALID_PARAMETER_VALUE", `param ${key} is known with another value`);
        run.params[key] = value;
      }
      for (const { key, value } of body.tags ?? []) run.tags[key] = value;
      for (const metric of body.metrics ?? []) run.points.add(JSON.stringify(metric));
    }
    return ok();
  }
}

function described(run: FakeRun): unknown {
  const uri = `mlflow-artifacts:/${run.experiment}/${run.runId}/artifacts`;
  return { info: { run_id: run.runId, artifact_uri: uri, status: run.status, lifecycle_stage: run.deleted ? "deleted" : "active" } };
}
