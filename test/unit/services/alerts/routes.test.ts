import { expect } from "chai";
import Fastify, { type FastifyInstance } from "fastify";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AlertChannel, AlertChannelOptions, Tried } from "../../../../services/shared/alerts/AlertChannel";
import { renderNtfy } from "../../../../services/shared/alerts/ntfy";
import { addAlertRoutes } from "../../../../services/shared/alerts/routes";
import { alarm, Bench, secret, type Reply } from "./support";

describe("the endpoints of alerts", () => {
  let bench: Bench;
  let app: FastifyInstance;
  let channel: AlertChannel;

  beforeEach(async () => {
    bench = await Bench.start();
    await writeFile(join(bench.folder, "alert-heartbeat"), `http://${bench.receiver.host}/beat`);
  });
  afterEach(async () => {
    await app.close();
    await bench.close();
  });

  async function open(more: Partial<AlertChannelOptions> = {}): Promise<void> {
    channel = await bench.open({ heartbeatFile: join(bench.folder, "alert-heartbeat"), ...more });
    app = Fastify();
    addAlertRoutes(app, channel);
  }

  async function test(remoteAddress = "127.0.0.1"): Promise<Tried[]> {
    const response = await app.inject({ method: "POST", url: "/v1/alerts/test", remoteAddress });
    expect(response.statusCode).to.equal(200);
    return (response.json() as { tried: Tried[] }).tried;
  }

  it("tell how the channel stands, with times in UTC", async () => {
    await open();
    channel.set([alarm("archive", { severity: "critical" })]);
    await bench.time.settled();
    const { id } = channel.state().active[0]!;
    const at = "2026-03-01T12:00:00.000Z";
    expect((await app.inject("/v1/alerts")).json()).to.deep.equal({
      format: 1,
      active: [{ id, ...alarm("archive", { severity: "critical" }), since: at, announced: true, toldAt: at, acknowledged: false }],
      ...{ configured: true, undelivered: 0, oldestUndeliveredAt: null, lastDeliveredAt: at, lastProblem: null, fileProblem: null, dropped: 0 },
      ...{ heartbeatConfigured: true, lastHeartbeatAt: null, lastHeartbeatProblem: null, critical: null },
    });
  });

  it("send one of each kind and a heartbeat, beside the book", async () => {
    await open();
    channel.set([alarm("archive")]);
    await bench.time.settled();
    const [file, state] = [await readFile(bench.file, "utf8"), channel.state()];
    const tried = await test();
    expect(tried.map(({ milliseconds, ...rest }) => rest)).to.deep.equal(
      ["warning raised", "critical raised", "resolved", "heartbeat"].map((what) => ({ what, configured: true, arrived: true, answer: "HTTP 204" })),
    );
    for (const { milliseconds } of tried) expect(milliseconds).to.be.a("number").and.at.least(0);
    const posts = bench.receiver.calls.filter(({ method }) => method === "POST").slice(1);
    const notices = posts.map(({ text }) => JSON.parse(text) as { id: string; incident: string; state: string; severity: string; key: string; text: string; resolvedAt: string | null });
    expect(notices.map(({ state: what, severity, key, resolvedAt }) => [what, severity, key, resolvedAt])).to.deep.equal([
      ["raised", "warning", "alerts.test", null],
      ["raised", "critical", "alerts.test", null],
      ["resolved", "critical", "alerts.test", "2026-03-01T12:00:00.000Z"],
    ]);
    expect(notices.map(({ id }) => id)).to.deep.equal([1, 2, 3].map((count) => `${notices[0]!.incident}-${count}`));
    expect(notices[0]!.text).to.match(/^This is a test/);
    expect(bench.receiver.calls.filter(({ method }) => method === "GET").map(({ path }) => path)).to.deep.equal(["/beat"]);
    await bench.time.settled();
    expect([await readFile(bench.file, "utf8"), channel.state()]).to.deep.equal([file, state]);
  });

  it("send them in the receiver's own format", async () => {
    await open({ render: renderNtfy, heartbeatFile: null });
    await test();
    expect(bench.receiver.calls.map(({ headers }) => `${headers["priority"]} ${headers["title"]}`)).to.deep.equal(["3 paper: warning alerts.test", "5 paper: CRITICAL alerts.test", "3 paper: over alerts.test"]);
  });

  for (const ok of [true, false]) {
    it(`send a heartbeat that says again that all is ${ok ? "well" : "not well"}`, async () => {
      await open({ addressFile: null });
      await channel.heartbeat(ok);
      await test();
      expect(bench.receiver.calls.map(({ path }) => path)).to.deep.equal(Array(2).fill(ok ? "/beat" : "/beat/fail"));
    });
  }

  const failing: [what: string, reply: (path: string) => Reply, answers: string[]][] = [
    ["the receiver refuses", (path) => (path === "/beat" ? 200 : 403), ["HTTP 403", "HTTP 403", "HTTP 403", "HTTP 200"]],
    ["the other side knows no such heartbeat", (path) => (path === "/beat" ? 404 : 200), ["HTTP 200", "HTTP 200", "HTTP 200", "HTTP 404"]],
    ["nobody answers", () => "hang", Array<string>(4).fill("no answer within 0.1 s")],
  ];
  for (const [what, reply, answers] of failing) {
    it(`say of each why it did not arrive when ${what}, try it once, and keep the address to themselves`, async () => {
      await open({ requestMilliseconds: 100 });
      bench.receiver.reply = ({ path }) => reply(path);
      const tried = await test();
      expect(tried.map(({ answer }) => answer)).to.deep.equal(answers);
      expect(tried.map(({ arrived }) => arrived)).to.deep.equal(answers.map((answer) => answer === "HTTP 200"));
      expect(bench.receiver.calls).to.have.length(4);
      expect(JSON.stringify(tried)).not.to.include(secret);
    });
  }

  it("say that nobody listens, and that an address is none", async () => {
    await open();
    bench.receiver.setAway(true);
    await bench.writeAddress("no address");
    const [raised, , , beat] = await test();
    expect(raised).to.include({ arrived: false }).and.to.have.property("answer").that.matches(/holds no address - allowed/);
    expect(beat).to.include({ arrived: false }).and.to.have.property("answer").that.matches(/^(UND_ERR_SOCKET|ECONNRESET)$/);
  });

  it("send nothing where no address is configured, and say so", async () => {
    await open({ addressFile: null, heartbeatFile: null });
    for (const tried of await test()) expect(tried).to.include({ configured: false, arrived: false, answer: "this part has no address for it" });
    expect(bench.receiver.connections).to.equal(0);
  });

  it("send nothing for anybody outside the container", async () => {
    await open();
    const response = await app.inject({ method: "POST", url: "/v1/alerts/test", remoteAddress: "172.18.0.3" });
    expect([response.statusCode, response.json(), bench.receiver.connections]).to.deep.equal([403, { error: "only from inside the container" }, 0]);
  });
});
