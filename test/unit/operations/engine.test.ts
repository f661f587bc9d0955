import { expect } from "chai";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { explainEngineError, plainLog } from "../../../operations/engine";
import { fetchPage, parsePageStatus } from "../../../operations/page";
import { pageStatus } from "./support";

describe("what Docker answers", () => {
  const host = process.env.DOCKER_HOST;
  beforeEach(() => delete process.env.DOCKER_HOST);
  afterEach(() => {
    if (host === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = host;
  });

  for (const [name, error, message] of [
    ["a daemon that is down", { code: "ECONNREFUSED" }, "Docker cannot be reached: is it running? Start Docker Desktop, or the docker service [ECONNREFUSED]"],
    ["no socket", { code: "ENOENT" }, "Docker cannot be reached: is it running? Start Docker Desktop, or the docker service [ENOENT]"],
    ["no right", { code: "EACCES" }, "Docker cannot be reached: this user may not talk to it [EACCES]"],
    ["a refusal", { statusCode: 409, json: { message: "volume is in use" } }, "Docker refused: volume is in use"],
  ] as const) {
    it(name, () => expect(explainEngineError(Object.assign(new Error("x"), error)).message).to.equal(message));
  }

  it("names the host it was told to use", () => {
    process.env.DOCKER_HOST = "tcp://127.0.0.1:1";
    expect(explainEngineError(Object.assign(new Error("x"), { code: "ECONNREFUSED" })).message).to.match(/^Docker cannot be reached \(DOCKER_HOST is tcp:\/\/127\.0\.0\.1:1\)/);
  });

  it("takes the frames out of a log", () => {
    const frame = (stream: number, text: string) => Buffer.concat([Buffer.from([stream, 0, 0, 0, 0, 0, 0, Buffer.byteLength(text)]), Buffer.from(text)]);
    expect(plainLog(Buffer.concat([frame(1, "ét\n"), frame(2, "to\n")]))).to.equal("ét\nto\n");
    expect(plainLog(Buffer.alloc(0))).to.equal("");
  });
});

describe("what the page answers", () => {
  const servers: http.Server[] = [];
  afterEach(() => servers.splice(0).forEach((server) => server.close()));
  const serve = async (status: number, body: string) => {
    const server = http.createServer((_request, response) => response.writeHead(status, { "content-type": "application/json" }).end(body));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  };

  it("takes what it knows and ignores the rest", async () => {
    const port = await serve(200, JSON.stringify({ ...pageStatus(), more: 1 }));
    expect(await fetchPage(port)).to.deep.equal(pageStatus());
  });
  for (const [name, status, body] of [
    ["an error", 503, "{}"],
    ["another program on the port", 200, "<html>"],
    ["another shape", 200, '{"stack":"paper"}'],
  ] as const) {
    it(`is unknown on ${name}`, async () => expect(await fetchPage(await serve(status, body))).to.equal(undefined));
  }
  it("is unknown when nobody listens", async () => {
    const port = await serve(200, "");
    await new Promise((resolve) => servers.pop()!.close(resolve));
    expect(await fetchPage(port)).to.equal(undefined);
    expect(parsePageStatus(undefined)).to.equal(undefined);
  });
});
