import type { Server } from "node:http";
import type { Socket } from "node:net";

/** Connections that one address may hold at a time; every bot has an address of its own and needs one or two. */
const connectionsOfAddress = 64;

/** Cuts off connections of an address beyond its share, so that none can use up the process's descriptors for all. */
export function limitConnections(server: Pick<Server, "on">, most = connectionsOfAddress): void {
  const open = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    const count = (open.get(address) ?? 0) + 1;
    if (count > most) {
      socket.destroy();
      return;
    }
    open.set(address, count);
    socket.once("close", () => {
      const left = open.get(address)! - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
  });
}
