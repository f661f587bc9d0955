import type { z } from "zod";
import { stackNames } from "../config/names";
import type { Context } from "./context";
import type { ContainerFact, Engine } from "./engine";
import { failure } from "./errors";
import { owner } from "./stack";

/** Where a service's API is, reachable from inside its container alone. */
const ADDRESS = "http://127.0.0.1:8080/v1";

/** A service's container of a stack, whether it runs or not; this clone's own. */
export async function serviceContainer(context: Context, engine: Engine, stack: string, service: string): Promise<ContainerFact> {
  const name = stackNames(stack).container(service);
  const container = await engine.container(name);
  if (container === undefined) throw failure(`container ${name} does not exist: npm run pulumi -- up --refresh --stack ${stack}`, { stack });
  if (container.owner !== owner(context.root)) throw failure(`container ${name} belongs to another clone of this project and was left as it is`, { stack });
  return container;
}

/** What a service said: the HTTP status, and the JSON of the body; undefined where it is none. */
export interface InsideAnswer {
  readonly code: number;
  readonly body: unknown;
}

/** Asks a service's API from inside its container. */
export class InsideService {
  constructor(
    private readonly engine: Engine,
    private readonly container: Pick<ContainerFact, "id">,
    /** Its name in errors, such as "the backup service". */
    private readonly name: string,
    /** Seconds it has to answer. */
    private readonly patienceSeconds: number,
    /** Further words for curl, for example a header with what a file in the container holds. */
    private readonly words: readonly string[] = [],
  ) {}

  /**
   * @param path below /v1
   * @param body sent as JSON; nothing unless given
   * @throws {CommandError} when it does not answer
   */
  async request(method: "GET" | "POST", path: string, body?: object): Promise<InsideAnswer> {
    const { exitCode, output } = await this.engine.execute(this.container.id, [
      ...["curl", "--silent", "--show-error", "--max-time", String(this.patienceSeconds), "--request", method, "--write-out", "\n%{http_code}"],
      ...this.words,
      ...(body === undefined ? [] : ["--header", "content-type: application/json", "--data-raw", JSON.stringify(body)]),
      `${ADDRESS}${path}`,
    ]);
    if (exitCode !== 0) throw failure(`${this.name} does not answer: ${output.trim().replace(/\s*\n\s*/g, " ") || `exit code ${exitCode}`}`);
    const at = output.trimEnd().lastIndexOf("\n");
    return { code: Number(output.trimEnd().slice(at + 1)), body: parsed(output.slice(0, Math.max(0, at))) };
  }

  /** A body as it has to be. @throws {CommandError} when the service is of another version than the command */
  understood<T>(schema: z.ZodType<T>, body: unknown): T {
    const result = schema.safeParse(body);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw failure(`${this.name} is of another version than this command (its answer: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}): npm run pulumi -- up`);
  }
}

/** Why an answer is not what was asked for. */
export function problemIn({ code, body }: InsideAnswer): string {
  const said = (body as { error?: unknown } | undefined)?.error;
  return typeof said === "string" ? said : `answer ${code} is not understood`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
