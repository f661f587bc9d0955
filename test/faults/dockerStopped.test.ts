import { expect } from "chai";
import { PrivateDocker } from "../support/privateDocker";
import { eventually, ThrowAwayStack } from "../support/throwAwayStack";

describe("Docker stopped in the middle of an up", function () {
  this.timeout(600_000);
  const docker = new PrivateDocker();
  let stack: ThrowAwayStack;

  before(async () => {
    await docker.start();
    await docker.takeImages();
    stack = await ThrowAwayStack.make({ env: docker.env });
  });
  after(async () => {
    await stack?.remove();
    await docker.remove();
  });

  /** An Engine that was stopped just when it published a port may keep that port from everybody until it is started once more. */
  const upAgain = async () => {
    const outcome = await stack.up();
    if (!outcome.text.includes("port is already allocated")) return outcome;
    await docker.stop();
    await docker.start();
    return stack.up();
  };

  it("fails with the reason, and a later up completes the stack", async () => {
    let stopped: Promise<void> | undefined;
    let seen = "";
    const interrupted = await stack.up([], {
      onText: (text) => {
        seen += text;
        if (!stopped && /index:Container (livefeed|broker) creat/.test(seen)) stopped = docker.stop();
      },
    });
    expect(stopped, interrupted.text).to.not.equal(undefined);
    await stopped;
    expect(interrupted.code).to.not.equal(0);
    expect(interrupted.text).to.match(/docker daemon|Docker daemon|docker\.sock|ECONN|socket hang up/);

    const down = await stack.up();
    expect(down.code).to.not.equal(0);
    expect(down.text).to.match(/Docker does not answer/);

    await docker.start();
    const completed = await upAgain();
    expect(completed.code, completed.text).to.equal(0);
    const unchanged = await stack.pulumi(["preview", "--expect-no-changes"]);
    expect(unchanged.code, unchanged.text).to.equal(0);
  });

  it("brings every container back by itself after the daemon was killed, and keeps the stopped bot stopped", async () => {
    expect((await stack.trading(["stop", "bot"])).code).to.equal(0);
    await docker.stop("SIGKILL");
    await docker.start();
    const stateOf = async (service: string) => (await stack.docker(["inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", stack.container(service)])).stdout.trim();
    for (const service of ["timescaledb", "mlflow", "livefeed", "broker", "gui"]) {
      await eventually(`a healthy ${service}`, 120, async () => (await stateOf(service)) === "running healthy");
    }
    expect(await stateOf("bot-refstrat01")).to.match(/^exited /);
    const up = await stack.up();
    expect(up.code, up.text).to.equal(0);
    expect(await stateOf("bot-refstrat01")).to.match(/^exited /);
  });
});
