import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";

/** Takes alerts on this machine, and is reached from containers. */
export class Receiver {
  private constructor(
    private readonly server: http.Server,
    readonly address: string,
  ) {}

  static async open(): Promise<Receiver> {
    const server = http.createServer((request, response) => void request.resume().on("end", () => response.end()));
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
    return new Receiver(server, `http://${thisMachine()}:${(server.address() as AddressInfo).port}/alerts`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Name of this machine in a container: Docker Desktop's own, else any address of its own. */
function thisMachine(): string {
  if (process.platform !== "linux") return "host.docker.internal";
  const { docker0 = [], ...others } = os.networkInterfaces();
  const found = [docker0, ...Object.values(others)].flatMap((addresses) => addresses ?? []).find(({ family, internal }) => family === "IPv4" && !internal);
  if (found === undefined) throw new Error("this machine has no address that a container could reach");
  return found.address;
}
