import * as http from "node:http";
import type { AddressInfo } from "node:net";

/** A Docker Engine on which nothing is and nothing can be made, for as long as a review takes. */
export interface EmptyEngine {
  /** For DOCKER_HOST. */
  readonly address: string;
  close(): Promise<void>;
}

/** The API that Docker 20.10 has: programs agree on the older of theirs and this one. */
const API = "1.41";
const VERSION = { Version: "0-review", ApiVersion: API, MinAPIVersion: "1.12", Os: "linux", Arch: "amd64", Components: [] };

/** What is answered to a question, without the API's version in its path. */
const ANSWERS: readonly (readonly [RegExp, unknown])[] = [
  [/^\/version$/, VERSION],
  [/^\/info$/, { ID: "review", Containers: 0, Images: 0, ServerVersion: VERSION.Version, OSType: "linux", Architecture: "x86_64" }],
  [/^\/(containers|images)\/json$/, []],
  [/^\/networks$/, []],
  [/^\/volumes$/, { Volumes: [], Warnings: [] }],
];

/**
 * The program looks at the Engine also in a preview (whether its names are taken), and Docker's plugin does not begin without
 * one. A review runs where there is none, or somebody else's: it gets this one, which answers truthfully that nothing is there.
 */
export function emptyEngine(): Promise<EmptyEngine> {
  const server = http.createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://engine").pathname.replace(/^\/v\d+\.\d+(?=\/)/, "");
    const reading = request.method === "GET" || request.method === "HEAD";
    const answer = (status: number, type: string, text: string) => {
      response.writeHead(status, { "Content-Type": type, "Api-Version": API, Ostype: "linux", Server: "Docker/0-review (linux)" });
      response.end(request.method === "HEAD" ? undefined : text);
    };
    request.resume();
    if (!reading) return answer(403, "application/json", JSON.stringify({ message: "this is a review: nothing is made and nothing is changed" }));
    if (path === "/_ping") return answer(200, "text/plain", "OK");
    const [, found] = ANSWERS.find(([pattern]) => pattern.test(path)) ?? [];
    if (found === undefined) return answer(404, "application/json", JSON.stringify({ message: "no such object: nothing is there in a review" }));
    answer(200, "application/json", JSON.stringify(found));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        address: `tcp://127.0.0.1:${port}`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}
