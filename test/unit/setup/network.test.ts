import * as fs from "node:fs";
import * as http from "node:http";
import * as net from "node:net";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { expect } from "chai";
import { download, probe, proxyFor } from "../../../setup/common/network.mjs";
import { useTemporaryFolder } from "./temporaryFolder";

describe("downloads", () => {
  const folder = useTemporaryFolder();
  const servers: net.Server[] = [];
  const sockets = new Set<net.Socket>();

  async function listen(server: net.Server): Promise<string> {
    servers.push(server.on("connection", (socket: net.Socket) => sockets.add(socket)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers.splice(0)) server.close();
    sockets.clear();
  });

  const release = () =>
    http.createServer((request, response) => {
      if (request.url === "/moved") response.writeHead(302, { location: "/release" }).end();
      else if (request.url === "/release") response.writeHead(200).end(request.method === "HEAD" ? undefined : "the release");
      else if (request.url === "/loop") response.writeHead(302, { location: "/loop" }).end();
      else response.writeHead(403).end();
    });

  it("are possible where the address answers, also after a redirection", async () => {
    const base = await listen(release());
    expect(await probe(`${base}/moved`, { environment: {} })).to.deep.equal({ reachable: true, reason: "" });
    await download(`${base}/moved`, path.join(folder.path, "file"), { environment: {} });
    expect(folder.read("file")).to.equal("the release");
  });

  it("are blocked where the answer is no", async () => {
    const base = await listen(release());
    expect(await probe(`${base}/other`, { environment: {} })).to.deep.equal({ reachable: false, reason: "the answer was 403" });
    expect(await probe(`${base}/loop`, { environment: {} })).to.deep.equal({ reachable: false, reason: "redirected too often" });
  });

  it("are blocked where nobody listens", async () => {
    expect(await probe("http://127.0.0.1:1/release", { environment: {} })).to.deep.equal({ reachable: false, reason: "ECONNREFUSED" });
  });

  it("are given up within the time where the connection hangs", async () => {
    const base = await listen(net.createServer(() => undefined));
    const began = Date.now();
    expect(await probe(base, { timeout: 200, environment: {} })).to.deep.equal({ reachable: false, reason: "no answer within 0.2 s" });
    expect(Date.now() - began).to.be.below(2000);
  });

  it("go through the proxy that the environment names", async () => {
    const base = await listen(release());
    const asked: string[] = [];
    const proxy = http.createServer().on("connect", (request: http.IncomingMessage, socket: net.Socket) => {
      asked.push(request.url ?? "");
      const [host, port] = (request.url ?? "").split(":");
      const far = net.connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        far.pipe(socket).pipe(far);
      });
      sockets.add(far);
    });
    const http_proxy = await listen(proxy);
    expect(await probe(`${base}/release`, { environment: { http_proxy } })).to.deep.equal({ reachable: true, reason: "" });
    expect(asked).to.deep.equal([new URL(base).host]);
  });

  it("that break off fail, and leave no file that looks whole in its place", async () => {
    const base = await listen(http.createServer((_request, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("half", () => response.destroy());
    }));
    const failure = await download(`${base}/release`, path.join(folder.path, "file"), { environment: {} }).catch((error: unknown) => error);
    expect(failure).to.be.an("error");
    expect(fs.existsSync(path.join(folder.path, "release"))).to.equal(false);
  });

  for (const [name, address, environment, expected] of [
    ["none", "https://a.test/x", {}, undefined],
    ["the one for its protocol", "https://a.test/x", { HTTPS_PROXY: "http://proxy:3128", http_proxy: "http://other:1" }, "http://proxy:3128/"],
    ["one without a protocol", "https://a.test/x", { https_proxy: "proxy:3128" }, "http://proxy:3128/"],
    ["none for an exception", "https://a.test/x", { https_proxy: "http://proxy:3128", NO_PROXY: "b.test, .a.test" }, undefined],
    ["none for a name below an exception", "https://get.a.test/x", { https_proxy: "http://proxy:3128", no_proxy: "a.test" }, undefined],
    ["none at all", "https://a.test/x", { https_proxy: "http://proxy:3128", no_proxy: "*" }, undefined],
    ["the one for a name that merely ends alike", "https://ba.test/x", { https_proxy: "http://proxy:3128", no_proxy: "a.test" }, "http://proxy:3128/"],
  ] as const) {
    it(`take ${name}`, () => expect(proxyFor(new URL(address), environment)?.href).to.equal(expected));
  }
});
