import { expect } from "chai";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { answeredSocket } from "../../../../services/shared/answeredSocket";

const patience = 100;

describe("a socket that wants answers", () => {
  let server: Server;
  let answer: (socket: Socket) => void;
  let client: Socket;

  beforeEach(async () => {
    server = createServer((socket) => socket.on("error", () => undefined).on("data", () => answer(socket)));
    await once(server.listen(0, "127.0.0.1"), "listening");
    client = answeredSocket(patience);
    client.connect((server.address() as AddressInfo).port, "127.0.0.1");
    await once(client, "connect");
  });

  afterEach(() => {
    client.destroy();
    server.close();
  });

  it("gives up a peer that takes a question in and says nothing", async () => {
    answer = () => undefined;
    client.write("?");
    const [error] = (await once(client, "error")) as [NodeJS.ErrnoException];
    expect(error).to.include({ code: "ETIMEDOUT", message: "no answer for 0.1 s" });
  });

  it("keeps a quiet connection with no question open, before the first and after an answer", async () => {
    answer = (socket) => socket.write("!");
    await delay(3 * patience);
    client.write("?");
    await once(client, "data");
    await delay(3 * patience);
    expect(client.destroyed).to.equal(false);
  });

  it("gives up a peer that answered once and then no more", async () => {
    let answers = 0;
    answer = (socket) => answers++ === 0 && socket.write("!");
    client.write("?");
    await once(client, "data");
    client.write("?");
    const [error] = (await once(client, "error")) as [NodeJS.ErrnoException];
    expect(error.code).to.equal("ETIMEDOUT");
  });
});
