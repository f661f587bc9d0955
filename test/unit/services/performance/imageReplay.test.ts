import { expect } from "chai";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { defaultExecution } from "../../../../domain/execution";
import { replayLines } from "../../../../domain/parity/replayLines";
import { replayInImage } from "../../../../services/performance/imageReplay";

const request = { from: 0, to: 10, startBar: 0, warmupFrom: 0, startingCash: 1, execution: defaultExecution, withoutEffect: [], unseen: [] };
const record = { decisions: [{ bar: 0, action: "hold" as const, reason: "", indicators: { emaFast: 0.1 + 0.2 }, intent: null }], fills: [], trades: [], equity: [{ bar: 0, equity: 1 }] };
const lines = [...replayLines(record)];

describe("a replay through the bot's image", () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function serve(listener: RequestListener): Promise<string> {
    server = createServer(listener).listen(0, "127.0.0.1");
    await new Promise((resolve) => server!.once("listening", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const never = new AbortController().signal;

  it("is what the image answers, whatever pieces it comes in", async () => {
    let asked: unknown;
    const text = `${lines.join("\n")}\n`;
    const address = await serve((incoming, outgoing) => {
      incoming.on("data", (body: Buffer) => (asked = { ...(JSON.parse(String(body)) as object), authorization: incoming.headers.authorization }));
      for (let at = 0; at < text.length; at += 7) outgoing.write(text.slice(at, at + 7));
      outgoing.end();
    });
    expect(await replayInImage({ address, token: "t" }, request, never)).to.deep.equal({ record });
    expect(asked).to.deep.equal({ ...request, authorization: "Bearer t" });
  });

  const notes: [title: string, listener: RequestListener, note: RegExp][] = [
    ["has none", (_incoming, outgoing) => outgoing.writeHead(404).end(), /^the bot's image has no replay$/],
    ["fails", (_incoming, outgoing) => outgoing.writeHead(500).end("out of memory"), /did not replay: 500 out of memory/],
    ["breaks off", (_incoming, outgoing) => outgoing.end(lines[0]), /cut off after 1 lines/],
    ["answers something else", (_incoming, outgoing) => outgoing.end("<html>\n"), /no line of a replay/],
  ];
  for (const [title, listener, note] of notes) {
    it(`is a note when the image ${title}`, async () => expect(await replayInImage({ address: await serve(listener), token: "t" }, request, never)).to.have.property("note").that.matches(note));
  }

  it("is a note when the bot does not run", async () => {
    const address = await serve(() => undefined);
    await new Promise((resolve) => server!.close(resolve));
    expect(await replayInImage({ address, token: "t" }, request, never)).to.have.property("note").that.matches(/did not replay: ECONNREFUSED/);
  });

  it("waits for another replay of the bot", async () => {
    let times = 0;
    const address = await serve((_incoming, outgoing) => (++times === 1 ? outgoing.writeHead(409).end("busy") : outgoing.end(lines.join("\n"))));
    expect(await replayInImage({ address, token: "t" }, request, never)).to.deep.equal({ record });
    expect(times).to.equal(2);
  });

  it("ends when the service stops", async () => {
    const stop = new AbortController();
    const address = await serve(() => stop.abort());
    expect(await replayInImage({ address, token: "t" }, request, stop.signal)).to.have.property("note");
  });
});
