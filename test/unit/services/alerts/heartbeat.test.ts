import { expect } from "chai";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AlertChannel } from "../../../../services/shared/alerts/AlertChannel";
import { Bench, eventually } from "./support";

describe("heartbeat", () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(() => bench.close());

  async function open(path: string, requestMilliseconds = 5000): Promise<AlertChannel> {
    const heartbeatFile = join(bench.folder, "alert-heartbeat");
    await writeFile(heartbeatFile, `http://${bench.receiver.host}${path}`);
    return bench.open({ heartbeatFile, addressFile: null, backoffMilliseconds: [1, 1], requestMilliseconds });
  }

  for (const [path, ok, asked] of [
    ["/ping/id", true, "/ping/id"],
    ["/ping/id", false, "/ping/id/fail"],
    ["/ping/id/", false, "/ping/id/fail"],
    ["/ping/id?create=1", true, "/ping/id?create=1"],
    ["/ping/id?create=1", false, "/ping/id/fail?create=1"],
    ["", false, "/fail"],
  ] as const) {
    it(`asks for ${asked} of ${path === "" ? "a bare host" : path} when ${ok ? "all is well" : "it is not"}`, async () => {
      const channel = await open(path);
      await channel.heartbeat(ok);
      expect(bench.receiver.calls.map((call) => `${call.method} ${call.path}`)).to.deep.equal([`GET ${asked}`]);
      expect(channel.state()).to.include({ heartbeatConfigured: true, lastHeartbeatAt: bench.time.wall(), lastHeartbeatProblem: null });
    });
  }

  for (const [name, reply, problem] of [
    ["an error", 500, "HTTP 500"],
    ["an id that is not known", 404, "HTTP 404"],
    ["no answer", "hang", "no answer within 0.2 s"],
    ["a redirect", { status: 302, headers: { location: "/elsewhere" } }, "HTTP 302: it redirects, which is not followed; give the address it leads to"],
  ] as const) {
    it(`tries three times and says why it failed: ${name}`, async () => {
      const channel = await open("/ping", reply === "hang" ? 200 : undefined);
      bench.receiver.reply = () => reply;
      await channel.heartbeat(true);
      expect(bench.receiver.calls).to.have.length(3);
      expect(channel.state()).to.include({ lastHeartbeatAt: null, lastHeartbeatProblem: problem });
      bench.receiver.reply = () => 200;
      await channel.heartbeat(true);
      expect(channel.state()).to.include({ lastHeartbeatAt: bench.time.wall(), lastHeartbeatProblem: null });
    });
  }

  it("gets through at the second try", async () => {
    const channel = await open("/ping");
    bench.receiver.reply = () => (bench.receiver.calls.length === 1 ? 503 : 200);
    await channel.heartbeat(false);
    expect(bench.receiver.calls.map(({ path }) => path)).to.deep.equal(["/ping/fail", "/ping/fail"]);
    expect(channel.state().lastHeartbeatProblem).to.equal(null);
  });

  it("lets the newer word count", async () => {
    const channel = await open("/ping");
    bench.receiver.reply = ({ path }) => (path === "/ping/fail" ? "hang" : 200);
    const older = channel.heartbeat(false);
    await eventually(() => bench.receiver.calls.length === 1);
    await channel.heartbeat(true);
    await older;
    expect(bench.receiver.calls.map(({ path }) => path)).to.deep.equal(["/ping/fail", "/ping"]);
    expect(channel.state()).to.include({ lastHeartbeatAt: bench.time.wall(), lastHeartbeatProblem: null });
  });

  it("is remembered over a restart", async () => {
    const first = await open("/ping");
    await first.heartbeat(true);
    const at = bench.time.wall();
    await first.close();
    expect((await open("/ping")).state().lastHeartbeatAt).to.equal(at);
  });

  it("does nothing without an address, or when closed", async () => {
    const none = await bench.open();
    await none.heartbeat(true);
    const closed = await open("/ping");
    await closed.close();
    await closed.heartbeat(true);
    expect(bench.receiver.calls).to.deep.equal([]);
    expect(none.state()).to.include({ heartbeatConfigured: false, lastHeartbeatAt: null, lastHeartbeatProblem: null });
  });
});
