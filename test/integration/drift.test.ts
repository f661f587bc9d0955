import { expect } from "chai";
import type { DriftReport } from "../../operations/drift/facts";
import { eventually, ThrowAwayStack, type Outcome } from "../support/throwAwayStack";

/** A guard that a feed which stands still does not bring to act: what it does has tests of its own. */
const patient = { feedDegradedSeconds: 3600, decisionMinutes: 120, dailyLossShare: 1, drawdownShare: 1 };

/** A whole paper stack, with guard and backups, a recording in a volume among it; then what a hand on `docker` does to it. */
describe("drift of a paper stack", function () {
  this.timeout(400_000);
  let stack: ThrowAwayStack;

  const succeeds = (outcome: Outcome): Outcome => {
    expect(outcome.code, outcome.text).to.equal(0);
    return outcome;
  };
  const docker = async (...args: string[]) => succeeds(await stack.docker(args));
  const inspected = async (service: string, format: string) => (await docker("inspect", "--format", format, stack.container(service))).stdout.trim();
  /** What the command finds, `trading-<stack>-` and ids left out, and its exit code. */
  const drift = async (): Promise<{ code: number | null; found: string[]; text: string }> => {
    const { code, stdout, text } = await stack.trading(["drift", "--json"]);
    const report = JSON.parse(stdout) as DriftReport;
    const own = (name: string) => name.replaceAll(`trading-${stack.name}-`, "");
    return { code, text, found: report.differences.map(({ kind, name, property, declared, running }) => own(`${kind} ${name} ${property}: ${declared ?? "-"} -> ${running ?? "-"}`).replace(/[0-9a-f]{12,64}/g, "ID")) };
  };
  const none = async () => {
    const { code, found, text } = await drift();
    expect([code, found], text).to.deep.equal([0, []]);
  };
  const alerts = async () => (JSON.parse((await stack.trading(["alerts", "--json"])).stdout) as { parts: { part: string; active?: { key: string; text: string }[] }[] }).parts.flatMap(({ active }) => active ?? []).filter(({ key }) => key === "guard.drift");

  before(async () => {
    const candles = ["open_time_ms,open,high,low,close,volume", ...Array.from({ length: 1500 }, (_, hour) => [1_704_067_200_000 + hour * 3_600_000, 100, 105, 95, 101, 1].join(","))].join("\n");
    stack = await ThrowAwayStack.make({ configuration: { guard: patient, backup: null, feed: { source: "recording", file: "candles.csv", symbol: "BTCUSDT", speed: 3600 } }, files: { "candles.csv": candles } });
    succeeds(await stack.up([], { timeoutSeconds: 300 }));
  });
  after(() => stack?.remove());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") console.log((await stack.trading(["drift"])).text);
  });

  it("is none right after up, and everything was looked at but secrets", async () => {
    const { code, stdout, text } = await stack.trading(["drift", "--json"]);
    expect(code, text).to.equal(0);
    const { differences, compared, notLookedAt, deployedAt } = JSON.parse(stdout) as DriftReport;
    expect(differences).to.deep.equal([]);
    const count = async (kind: string, ...args: string[]) => (await docker(kind, "ls", ...args, "--quiet", "--filter", `label=trading.stack=${stack.name}`)).stdout.trim().split("\n").length;
    expect(compared).to.deep.include({ containers: await count("container", "--all"), volumes: await count("volume"), networks: 1, files: 1 });
    expect(compared.images).to.be.at.least(compared.containers);
    expect(notLookedAt.filter((line) => !/^content of \d+ volumes with secrets, which is encrypted in Pulumi's state$|: this machine's kernel has no limit of that kind$/.test(line))).to.deep.equal([]);
    expect(Date.now() - Date.parse(deployedAt!)).to.be.within(0, 600_000);
    expect(await alerts()).to.deep.equal([]);
  });

  it("is none in a bot that its owner stopped, nor in one that a halt stopped, before an up and after it", async () => {
    succeeds(await stack.trading(["stop", "bot"]));
    await none();
    succeeds(await stack.up());
    await none();
    succeeds(await stack.trading(["start", "bot"]));
    await none();
    const { stdout } = succeeds(await stack.trading(["halt", "--level", "kill", "--reason", "a test of drift", "--json"]));
    expect(await inspected("bot-refstrat01", "{{.State.Status}}")).to.equal("exited");
    await none();
    succeeds(await stack.up());
    await none();
    succeeds(await stack.trading(["rearm", "--incident", (JSON.parse(stdout) as { halt: { id: string } }).halt.id, "--reason", "the test is over"]));
    await none();
  });

  it("names each thing that was changed by hand, and ends with 2", async () => {
    await docker("update", "--memory", "200m", "--memory-swap", "200m", "--restart", "no", stack.container("performance"));
    await docker("network", "disconnect", `trading-${stack.name}`, stack.container("mlflow"));
    await docker("network", "connect", "bridge", stack.container("backup"));
    await docker("stop", stack.container("livefeed"));
    // Read through the container that has it mounted read-only: the volume is written to beside it.
    const image = await inspected("gui", "{{.Image}}");
    await docker("run", "--rm", "--network", "none", "--user", "0", "--volume", `trading-${stack.name}-recording:/volume`, "--entrypoint", "sh", image, "-c", "echo changed >> /volume/candles.csv");
    await docker("run", "--detach", "--name", stack.container("stranger"), "--label", `trading.stack=${stack.name}`, "--network", `trading-${stack.name}`, "--entrypoint", "sleep", image, "600");

    const { code, found, text } = await drift();
    expect(code, text).to.equal(2);
    const network = `network trading-${stack.name}`;
    // What stands still or is cut off may have become unhealthy by now.
    expect(found.filter((line) => !line.includes(" health: ")), text).to.have.members([
      "container backup network bridge: - -> connected",
      "container livefeed state: running -> exited with code 0",
      `container mlflow ${network}: as mlflow -> -`,
      ...(found.some((line) => line.includes("memory and swap")) ? ["container performance memory and swap: 192 MiB -> 200 MiB"] : []),
      "container performance memory: 192 MiB -> 200 MiB",
      "container performance restart policy: unless-stopped -> no",
      "container stranger existence: - -> running, image sha256:ID",
      "volume recording file candles.csv: sha256 ID -> sha256 ID",
      `${network} container stranger: - -> connected`,
    ]);
  });

  it("names a container that was replaced by hand, with what differs in it, and shows no value that nobody declared", async () => {
    const name = stack.container("gui");
    const [image, settings] = [await inspected("gui", "{{.Image}}"), await inspected("gui", '{{range .Config.Env}}{{println .}}{{end}}')];
    await docker("rm", "--force", name);
    const labels = ["owner", "stack", "service"].flatMap((label) => ["--label", `trading.${label}=${label === "service" ? "gui" : label === "stack" ? stack.name : stack.read(".trading/owner")}`]);
    const environment = settings.split("\n").flatMap((line) => (line === "" ? [] : ["--env", line.startsWith("LOG_LEVEL=") ? "LOG_LEVEL=trace" : line]));
    await docker("create", "--name", name, ...labels, ...environment, "--env", "MY_TOKEN=open-sesame", "--network", `trading-${stack.name}`, "--network-alias", "gui", "--publish", `0.0.0.0:${stack.portBase}:8080`, image);
    const { code, found, text } = await drift();
    expect(code).to.equal(2);
    const ofGui = found.filter((line) => line.startsWith("container gui ")).map((line) => line.slice("container gui ".length));
    expect(ofGui, text).to.include.members([
      "container id: ID -> ID",
      "environment LOG_LEVEL: info -> trace",
      "environment MY_TOKEN: - -> set (not shown)",
      "state: running -> created",
      "read-only root: yes -> no",
      "capabilities dropped: ALL -> -",
      "security options: no-new-privileges -> -",
      `port 127.0.0.1:${stack.portBase}: 8080/tcp -> -`,
      `port 0.0.0.0:${stack.portBase}: - -> 8080/tcp`,
    ]);
    expect(ofGui.some((line) => line.startsWith("label trading.fingerprint: ")), text).to.equal(true);
    expect(ofGui.some((line) => /^(environment (PATH|SETTINGS)|network|image)/.test(line)), text).to.equal(false);
    expect(text).to.not.include("open-sesame");
  });

  it("is told by the guard, in names alone, and by status", async () => {
    const [alert] = await eventually("an alert of the guard", 60, async () => {
      const found = await alerts();
      return found.length > 0 && found;
    });
    expect(alert!.text).to.include("what runs is not what was deployed").and.include("container ").and.not.include("open-sesame");
    expect((await stack.trading(["status"])).text).to.match(/^Warning {3}drift: \d+ found at /m);
  });

  it("is over, and its alert with it, when it was mended as the runbook says", async () => {
    for (const service of ["mlflow", "backup", "gui", "stranger"]) await docker("rm", "--force", stack.container(service));
    succeeds(await stack.up(["--refresh", "--replace", "**livefeed-recording-files"], { timeoutSeconds: 300 }));
    await none();
    await eventually("the end of the alert", 60, async () => (await alerts()).length === 0);
  });
});
