import { basename, dirname } from "node:path";
import { deadline } from "../../../domain/deadline";
import { readSecret } from "../settings";

export interface OutgoingRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Reads an address from its secret file; read anew for each request, so that another one is used at once.
 * @throws Error that names the file and never its content
 */
export function readAddress(file: string): URL {
  const text = readSecret(basename(file), dirname(file)).trim();
  const address = URL.canParse(text) ? new URL(text) : undefined;
  if (address === undefined || !/^https?:$/.test(address.protocol)) {
    throw new Error(`secret file ${file} holds no address - allowed: one that begins with https:// or http://`);
  }
  return address;
}

/**
 * Sends one request; any 2xx is success. A redirect is none: a POST would arrive without its body, and whoever answers for
 * the address decides where the secret goes.
 * @param milliseconds longest wait for the answer
 * @returns the HTTP status
 * @throws Error in words that may be logged: the address is in none of them
 */
export async function send(address: URL, request: OutgoingRequest, milliseconds: number, signal: AbortSignal): Promise<number> {
  const timeout = deadline(milliseconds);
  const { url, headers } = withoutCredentials(address);
  let response: Response;
  try {
    const { method, body } = request;
    response = await fetch(url, {
      method,
      headers: { ...request.headers, ...headers },
      redirect: "manual",
      signal: AbortSignal.any([signal, timeout]),
      ...(body === undefined ? {} : { body }),
    });
  } catch (error) {
    if (timeout.aborted) throw new Error(`no answer within ${milliseconds / 1000} s`);
    throw new Error(signal.aborted ? "stopped" : reasonOf(error));
  }
  const { status } = response;
  // What it says beside the status is of no use, and need not arrive.
  response.body?.cancel().catch(() => undefined);
  if (status >= 300 && status < 400) throw new Error(`HTTP ${status}: it redirects, which is not followed; give the address it leads to`);
  if (!response.ok) throw new Error(`HTTP ${status}`);
  return status;
}

/** fetch refuses an address with user and password in it; they go where they go in HTTP. */
function withoutCredentials(address: URL): { url: URL; headers: Record<string, string> } {
  const { username, password } = address;
  if (username === "" && password === "") return { url: address, headers: {} };
  const url = new URL(address);
  url.username = url.password = "";
  const pair = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64");
  return { url, headers: { authorization: `Basic ${pair}` } };
}

/** Only the cause: fetch's own message may contain the address. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? "the request could not be made";
}
