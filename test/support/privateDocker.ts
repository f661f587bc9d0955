import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { ImageBuilder } from "../../images/build";
import { IMAGE_NAMES, OPERATING_SYSTEM_IMAGE } from "../../images/catalog";
import { ImageContexts } from "../../images/context";
import { eventually, execute, PROJECT_ROOT } from "./throwAwayStack";

/**
 * A Docker daemon of a test's own, in network, mount and process namespaces of its own: it can be stopped and killed
 * without touching the machine's, and what it does to firewall rules stays inside. It is the first process of its
 * namespace, so that killing it ends every container with it, as a power cut does. Linux, as root.
 */
export class PrivateDocker {
  private daemon: ChildProcess | undefined;
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "trading-docker-"));
  readonly host = `unix://${path.join(this.folder, "docker.sock")}`;
  readonly env: NodeJS.ProcessEnv = { DOCKER_HOST: this.host };

  async start(): Promise<void> {
    const at = (name: string) => path.join(this.folder, name);
    const log = fs.openSync(at("daemon.log"), "a");
    // What a running daemon keeps in memory file systems is gone after a power cut.
    fs.rmSync(at("docker.pid"), { force: true });
    fs.rmSync(at("run"), { recursive: true, force: true });
    const daemon = ["dockerd", "--host", this.host, "--data-root", at("data"), "--exec-root", at("run"), "--pidfile", at("docker.pid"), "--containerd-namespace", "trading-test", "--containerd-plugins-namespace", "trading-test-plugins"];
    this.daemon = spawn("unshare", ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", ...daemon], { stdio: ["ignore", log, log] });
    fs.closeSync(log);
    await eventually("an answer of the private Docker daemon", 60, async () => {
      if (this.daemon?.exitCode !== null) throw new Error(fs.readFileSync(at("daemon.log"), "utf8").slice(-2000));
      return (await this.docker(["info"])).code === 0;
    });
  }

  docker(args: readonly string[]) {
    return execute("docker", args, { env: { ...process.env, ...this.env } });
  }

  /** Takes over the project's images from the machine's daemon, so that nothing has to be built again. */
  async takeImages(): Promise<void> {
    const builder = new ImageBuilder(PROJECT_ROOT, () => undefined);
    await Promise.all(IMAGE_NAMES.map((name) => builder.ensure(name)));
    const contexts = new ImageContexts(PROJECT_ROOT);
    const tags = await Promise.all(IMAGE_NAMES.map(async (name) => (await contexts.get(name)).tag));
    const archive = path.join(this.folder, "images.tar");
    const saved = await execute("docker", ["save", "--output", archive, OPERATING_SYSTEM_IMAGE, ...tags]);
    if (saved.code !== 0) throw new Error(saved.text);
    const loaded = await this.docker(["load", "--input", archive]);
    if (loaded.code !== 0) throw new Error(loaded.text);
    fs.rmSync(archive);
  }

  /** Ends the daemon: with SIGTERM as a service manager does, with SIGKILL as a power cut does. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const daemon = this.daemon;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const ended = new Promise((resolve) => daemon.once("exit", resolve));
    const [first] = fs.readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, "utf8").trim().split(" ");
    process.kill(Number(first), signal);
    await ended;
  }

  /** Stops the daemon and removes all it had. */
  async remove(): Promise<void> {
    if (this.daemon?.exitCode === null) {
      const { stdout } = await this.docker(["ps", "--quiet"]);
      const running = stdout.split("\n").filter(Boolean);
      if (running.length > 0) await this.docker(["kill", ...running]);
    }
    await this.stop();
    // Mounts that a killed daemon left are gone with its namespace, but not those of the machine's own.
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
  }
}
