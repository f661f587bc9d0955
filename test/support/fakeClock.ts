import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import type { Containers } from "./containers";
import { execute } from "./throwAwayStack";
import type { ServiceOptions } from "./tradingProcesses";

const library = "libfaketimeMT.so.1";
/** Debian's package, of the same release as the base image. */
const obtain =
  "apt-get -qq update && cd /tmp && apt-get -qq download libfaketime && dpkg-deb -x libfaketime*.deb /tmp/out && " +
  `find /tmp/out -name ${library} -exec cp {} /tmp/${library} ';'`;

/**
 * Wall clocks of containers that can be set, by libfaketime; the clocks of the host are not touched, and monotonic clocks
 * go on as they are, as they do when somebody sets the clock or a computer slept.
 */
export class FakeClock {
  /**
   * @param clock name of this clock; services that are started with the same one are set together
   */
  constructor(
    private readonly containers: Containers,
    private readonly clock = "clock",
  ) {}

  /** What services whose clock this is have to be started with. */
  get options(): ServiceOptions {
    return {
      environment: {
        LD_PRELOAD: `/${this.clock}/${library}`,
        FAKETIME_TIMESTAMP_FILE: `/${this.clock}/offset`,
        // The file is read whenever a program asks for the time: all of them see the same at once.
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
        // Waits and files keep to the real time.
        FAKETIME_DONT_RESET: "1",
        NO_FAKE_STAT: "1",
      },
      volumes: { [this.clock]: `/${this.clock}` },
    };
  }

  /** Obtains the library and sets the clock right. Before services are started. */
  async prepare(): Promise<void> {
    const { containers, clock } = this;
    const folder = await mkdtemp(path.join(tmpdir(), "fake-clock-"));
    const obtaining = containers.name(`obtain-${clock}`);
    try {
      const made = await execute("docker", ["run", "--name", obtaining, await containers.image("base"), "sh", "-c", obtain]);
      if (made.code !== 0) throw new Error(`libfaketime could not be obtained: ${made.text}`);
      await containers.copyOut(`obtain-${clock}`, `/tmp/${library}`, path.join(folder, library));
      await containers.discard(`obtain-${clock}`);
      const content = (await readFile(path.join(folder, library))).toString("base64");
      const mount = ["--network", "none", "--user", "0", "--volume", `${containers.name(clock)}:/clock`];
      const words = ["sh", "-c", `base64 -d > /clock/${library} && echo +0 > /clock/offset && chmod -R a+rX /clock`];
      await containers.runOnce(await containers.image("base"), { arguments: mount, words, input: content });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Sets the clock to so many seconds ahead of the real time, below 0 behind it. */
  async set(seconds: number): Promise<void> {
    const offset = `${seconds < 0 ? "" : "+"}${seconds}`;
    const mount = ["--network", "none", "--user", "0", "--volume", `${this.containers.name(this.clock)}:/clock`];
    // Renamed into place: nobody reads half a number.
    const words = ["sh", "-c", `echo "${offset}" > /clock/new && chmod a+r /clock/new && mv /clock/new /clock/offset`];
    await this.containers.runOnce(await this.containers.image("base"), { arguments: mount, words });
  }
}
