import type { FastifyRequest } from "fastify";
import { isLoopbackHost } from "./hosts";
import { RequestError } from "./requestError";

/**
 * Lets through what the page itself sends from a browser of this machine. A form or a script of another site cannot send
 * JSON here without being asked for leave, which this server never gives; its address is in Origin besides. A container of
 * the stack asks for gui:8080: it has no part in this.
 *
 * @throws {RequestError} 403 or 415
 */
export function demandThePage({ headers }: Pick<FastifyRequest, "headers">): void {
  const { host, origin } = headers;
  const site = headers["sec-fetch-site"];
  if (!isLoopbackHost(host)) throw new RequestError(403, "only under a name of this machine: use localhost or 127.0.0.1");
  if (origin === undefined || origin.toLowerCase() !== `http://${host!.toLowerCase()}`) throw new RequestError(403, `only from the page itself, http://${host}`);
  if (site !== undefined && site !== "same-origin") throw new RequestError(403, `only from the page itself, http://${host}`);
  if (!/^application\/json *(;|$)/i.test(headers["content-type"] ?? "")) throw new RequestError(415, "the content type must be application/json");
}
