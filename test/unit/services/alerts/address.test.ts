import { expect } from "chai";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { alarm, Bench, secret } from "./support";

/** A port of this machine at which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("alert channel's address", () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(() => bench.close());

  const wrong: readonly [string, () => Promise<string>, RegExp][] = [
    ["nobody listens", async () => `http://127.0.0.1:${await closedPort()}/${secret}`, /^ECONNREFUSED$/],
    ["a host that is not there", async () => `http://nowhere.invalid/${secret}`, /^(ENOTFOUND|EAI_AGAIN|no answer within 2 s)$/],
    ["a port that is not allowed", async () => `http://127.0.0.1:6000/${secret}`, /^bad port$/],
    ["another protocol", async () => `ftp://127.0.0.1/${secret}`, /holds no address - allowed: one that begins with https/],
    ["no address", async () => `hooks/${secret}`, /holds no address/],
    ["half a password", async () => `http://%E0:${secret}@127.0.0.1/`, /^URI malformed$/],
    ["plain HTTP where TLS is spoken to", async () => `https://${bench.receiver.host}/${secret}`, /^[A-Z_]+$/],
  ];
  for (const [name, address, reason] of wrong) {
    it(`is in no log and no state: ${name}`, async () => {
      await bench.writeAddress(await address());
      const channel = await bench.open({ heartbeatFile: bench.addressFile, backoffMilliseconds: [1, 1], requestMilliseconds: 2000 });
      channel.set([alarm("archive")]);
      await bench.time.settled();
      await channel.heartbeat(true);
      const state = channel.state();
      expect(state.lastProblem).to.match(reason);
      expect(state.lastHeartbeatProblem).to.match(reason);
      expect(bench.log.some((line) => line.includes("did not get through"))).to.equal(true);
      expect(bench.log.join("") + JSON.stringify(state)).not.to.include(secret);
    });
  }

  it("is in no log when all goes well, only its host", async () => {
    const channel = await bench.open();
    channel.set([alarm("archive")]);
    await bench.time.settled();
    expect(bench.receiver.calls.map(({ path }) => path)).to.deep.equal([`/hooks/${secret}`]);
    expect(bench.log.join("")).to.include(bench.receiver.host).and.not.include(secret);
  });

  it("is read anew for each try", async () => {
    await rm(bench.addressFile);
    const channel = await bench.open();
    channel.set([alarm("archive")]);
    await bench.time.settled();
    expect(channel.state().lastProblem).to.match(/secret file .*alert-webhook cannot be read: ENOENT/);
    await bench.writeAddress(`http://${bench.receiver.host}/other`);
    await bench.time.pass(1000);
    expect(bench.receiver.accepted.map(({ path }) => path)).to.deep.equal(["/other"]);
  });

  it("may hold user and password", async () => {
    await bench.writeAddress(`http://owner:p%40ss@${bench.receiver.host}/topic?priority=high`);
    const channel = await bench.open();
    channel.set([alarm("archive")]);
    await bench.time.settled();
    expect(bench.receiver.accepted.map(({ path, headers }) => [path, headers.authorization])).to.deep.equal([
      ["/topic?priority=high", `Basic ${Buffer.from("owner:p@ss").toString("base64")}`],
    ]);
    expect(bench.log.join("")).not.to.match(/p%40ss|p@ss/);
  });
});
