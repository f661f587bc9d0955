import Docker from "dockerode";
import { messageOf } from "../provider/errors";

let client: Docker | undefined;

/** Client of the Engine that DOCKER_HOST (and DOCKER_CERT_PATH, DOCKER_TLS_VERIFY) names, else the local socket. */
export function engine(): Docker {
  client ??= new Docker();
  return client;
}

/** Rejects with one sentence when no Engine answers. */
export async function requireEngine(): Promise<void> {
  try {
    await engine().ping();
  } catch (error) {
    const host = process.env.DOCKER_HOST || "unix:///var/run/docker.sock";
    throw new Error(`Cannot connect to the Docker daemon at ${host}. Is the docker daemon running? (${messageOf(error)})`);
  }
}

interface EngineError {
  statusCode?: number;
  json?: { message?: string };
}

/** The Engine's own words, without what the client adds. */
export function engineMessage(error: unknown): string {
  const text = messageOf(error);
  const message = (error as EngineError)?.json?.message ?? /^\(HTTP code \d+\) .*? - (.*)$/s.exec(text)?.[1]?.trim();
  return message === undefined ? text : `Error response from daemon: ${message}`;
}

export function isNotFound(error: unknown): boolean {
  return (error as EngineError)?.statusCode === 404;
}

/** Adds what was tried to an error of the Engine. */
export async function attempt<Result>(what: string, action: Promise<Result>): Promise<Result> {
  try {
    return await action;
  } catch (error) {
    throw new Error(`${what}: ${engineMessage(error)}`);
  }
}

/** The answer, or undefined where the Engine knows no such thing. */
export async function orMissing<Result>(action: Promise<Result>): Promise<Result | undefined> {
  try {
    return await action;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw new Error(engineMessage(error));
  }
}
