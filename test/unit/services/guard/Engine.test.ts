import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { Engine } from "../../../../services/guard/Engine";

describe("the Docker Engine, as the guard asks it", () => {
  let folder: string;
  let servers: Server[] = [];
  const asked: string[] = [];

  async function engine(answer: RequestListener): Promise<Engine> {
    asked.length = 0;
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      answer(request, response);
    });
    const socket = path.join(folder, `${servers.push(server)}.sock`);
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    return new Engine({ socket, answerMilliseconds: 300 });
  }
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "engine-"));
    servers = [];
  });
  afterEach(() => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    rmSync(folder, { recursive: true, force: true });
  });
  const status = (code: number, body = ""): RequestListener => (_request, response) => void response.writeHead(code).end(body);
  const failure = async (call: Promise<unknown>): Promise<string> => call.then(() => "none", (error: Error) => error.message);

  it("says how a container is", async () => {
    const state = { State: { Running: true, Restarting: false, StartedAt: "2026-01-05T00:00:00Z", Paused: true } };
    expect(await (await engine(status(200, JSON.stringify(state)))).inspect("x")).to.deep.equal({ running: true, startedAt: "2026-01-05T00:00:00Z" });
    expect(asked).to.deep.equal(["GET /containers/x/json"]);
  });

  it("counts one that is about to be started again as running", async () => {
    const state = { State: { Running: false, Restarting: true, StartedAt: "" } };
    expect((await (await engine(status(200, JSON.stringify(state)))).inspect("x"))?.running).to.equal(true);
  });

  it("says that there is none", async () => expect(await (await engine(status(404))).inspect("x")).to.equal(null));

  for (const code of [204, 304, 404]) {
    it(`has a container stopped with its grace (${code})`, async () => {
      await (await engine(status(code))).stop("x", 30);
      expect(asked).to.deep.equal(["POST /containers/x/stop?t=30"]);
    });
  }

  it("has one restarted", async () => {
    await (await engine(status(204))).restart("x", 5);
    expect(asked).to.deep.equal(["POST /containers/x/restart?t=5"]);
  });

  it("fails with what the proxy refuses, and with what the Engine cannot do", async () => {
    expect(await failure((await engine(status(403))).stop("x", 1))).to.equal("stopping x: HTTP 403");
    expect(await failure((await engine(status(500))).restart("x", 1))).to.equal("restarting x: HTTP 500");
    expect(await failure((await engine(status(403))).inspect("x"))).to.equal("inspecting x: HTTP 403");
  });

  it("fails where nobody answers, or nobody is there", async () => {
    expect(await failure((await engine(() => undefined)).inspect("x"))).to.match(/no answer within 0\.3 s/);
    expect(await failure(new Engine({ socket: path.join(folder, "none") }).inspect("x"))).to.match(/ENOENT/);
  });

  it("takes no endless answer in", async () => {
    expect(await failure((await engine((_request, response) => void response.end("x".repeat(2_000_000)))).inspect("x"))).to.match(/too long/);
  });
});
