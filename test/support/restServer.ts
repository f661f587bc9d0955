import { createHash, randomBytes } from "node:crypto";
import type { Containers } from "./containers";
import { goProgram } from "./goProgram";
import { execute } from "./throwAwayStack";

/**
 * restic's REST server, built from its published Go module, in a container of a test's network.
 *
 *     const server = await RestServer.start(containers);
 *     server.address                                   // rest:http://user:password@..., as the containers reach it
 */
export class RestServer {
  readonly user = "owner";
  readonly password = randomBytes(12).toString("base64url");

  private constructor(private readonly containers: Containers) {}

  /** @param appendOnly the server takes, and lets nothing but locks be removed */
  static async start(containers: Containers, { appendOnly = false } = {}): Promise<RestServer> {
    const server = new RestServer(containers);
    await containers.fill("rest-secrets", "0:0", { htpasswd: `${server.user}:{SHA}${createHash("sha1").update(server.password).digest("base64")}\n` });
    await server.run(appendOnly);
    return server;
  }

  /** The repository's location, for restic in a container of the same network. */
  get address(): string {
    return `rest:http://${this.user}:${this.password}@${this.containers.name("rest")}:8000/trading/`;
  }

  /** Ends it; what it stores stays. */
  async stop(): Promise<void> {
    await this.containers.discard("rest");
  }

  async run(appendOnly = false): Promise<void> {
    const { containers } = this;
    const started = await execute("docker", [
      ...["run", "--detach", "--name", containers.name("rest"), "--network", containers.name("network"), "--init", "--user", "0"],
      ...["--volume", `${await program()}:/rest-server:ro`, "--volume", `${containers.name("rest-secrets")}:/secrets:ro`, "--volume", `${containers.name("rest-data")}:/stored`],
      ...[await containers.image("base"), "/rest-server", "--listen", ":8000", "--path", "/stored", "--htpasswd-file", "/secrets/htpasswd", ...(appendOnly ? ["--append-only"] : [])],
    ]);
    if (started.code !== 0) throw new Error(started.text);
  }
}

/** The program, for the containers. */
function program(): Promise<string> {
  return goProgram({ module: "rest-server", package: "github.com/restic/rest-server/cmd/rest-server", version: "0.14.0", system: "linux" });
}
