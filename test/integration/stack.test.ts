import { expect } from "chai";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { derivePassword } from "../../config/clone";
import { readReleases, type Release } from "../../config/releases";
import { OPERATING_SYSTEM_IMAGE } from "../../images/catalog";
import { eventually, execute, lines, ThrowAwayStack, wideLimits, type Outcome } from "../support/throwAwayStack";

/** As a stack is unless it says otherwise; throw-away stacks of other tests do without. */
const guarded = { guard: {} };

/** The life of one stack on a real engine and real Docker, in order: each step starts from what the one before left. */
describe("a paper stack", function () {
  this.timeout(300_000);
  let stack: ThrowAwayStack;

  before(async () => {
    stack = await ThrowAwayStack.make({ configuration: guarded });
  });
  after(() => stack?.remove());

  const succeeds = (outcome: Outcome): Outcome => {
    expect(outcome.code, outcome.text).to.equal(0);
    return outcome;
  };
  const running = async (service: string) => (await stack.docker(["inspect", "--format", "{{.State.Running}}", stack.container(service)])).stdout.trim();
  const changesNothing = async () => {
    succeeds(await stack.pulumi(["preview", "--expect-no-changes"]));
    succeeds(await stack.pulumi(["refresh", "--preview-only", "--expect-no-changes"]));
  };

  it("is told every wrong key at once before anything is touched", async () => {
    stack.configure({ ...guarded, portBase: "x", sped: 1, bots: [{ name: "refstrat01", strategy: "Moon", limits: wideLimits }] });
    const outcome = await stack.up();
    expect(outcome.code).to.not.equal(0);
    expect(outcome.text).to.include('trading:portBase = "x": allowed: a value of type number');
    expect(outcome.text).to.include("trading:sped = 1: unknown key; allowed here: mode, portBase");
    expect(outcome.text).to.include('trading:bots[0].strategy = "Moon": allowed: "RefStrat_01"');
    expect(outcome.text).to.not.include("    at ");
    expect(await stack.containerIds()).to.deep.equal({});
    stack.configure(guarded);
  });

  it("refuses a volume that belongs to another clone", async () => {
    const volume = `trading-${stack.name}-timescaledb-data`;
    await stack.docker(["volume", "create", "--label", "trading.owner=another-clone", "--label", `trading.stack=${stack.name}`, volume]);
    try {
      const outcome = await stack.up();
      expect(outcome.code).to.not.equal(0);
      expect(outcome.text).to.include(`volume ${volume}: belongs to the clone another-clone`);
      expect(await stack.containerIds()).to.deep.equal({});
    } finally {
      await stack.docker(["volume", "rm", volume]);
    }
  });

  it("refuses a volume that nobody owns and that holds something, and makes an empty one anew", async () => {
    const volume = `trading-${stack.name}-timescaledb-data`;
    const put = ["run", "--rm", "--network", "none", "--volume", `${volume}:/volume`, OPERATING_SYSTEM_IMAGE];
    await stack.docker(["volume", "create", volume]);
    succeeds(await stack.docker([...put, "touch", "/volume/something"]));
    const refused = await stack.pulumi(["preview"]);
    expect(refused.code).to.not.equal(0);
    expect(refused.text).to.include(`volume ${volume}: was not made by this program`);
    succeeds(await stack.docker([...put, "rm", "/volume/something"]));
    succeeds(await stack.pulumi(["preview"]));
    expect((await stack.docker(["volume", "inspect", volume])).code, "a preview changes nothing").to.equal(0);
  });

  it("says which port is in use, and comes up once it is free", async () => {
    const server = net.createServer().listen(stack.portBase + 1, "127.0.0.1");
    try {
      const outcome = await stack.up();
      expect(outcome.code).to.not.equal(0);
      expect(outcome.text).to.match(new RegExp(`${stack.portBase + 1}.*(already allocated|already in use|address already in use)`));
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    succeeds(await stack.up());
    const ids = await stack.containerIds();
    expect(Object.keys(ids).sort()).to.deep.equal(["bot-refstrat01", "broker", "guard", "guard-proxy", "gui", "livefeed", "mlflow", "performance", "timescaledb"]);
  });

  it("needs no change directly afterwards", () => changesNothing());

  it("leaves a release when it is good and only then, and finds it again after a commit alone", async () => {
    const releases = () => readReleases(stack.root, stack.name);
    const [first, ...others] = releases();
    expect(others, "the up that failed left one too").to.deep.equal([]);
    expect(first).to.include({ commit: null, clean: false, stackFile: stack.read(`Pulumi.${stack.name}.yaml`), schemaVersion: fs.readdirSync(path.join(stack.root, "database", "migrations")).length });
    for (const service of Object.keys(await stack.containerIds())) {
      expect((await stack.docker(["inspect", "--format", "{{.Image}}", stack.container(service)])).stdout.trim(), service).to.equal(first!.images[service]);
    }
    const git = async (...words: string[]) => succeeds(await execute("git", ["-c", "user.name=Owner", "-c", "user.email=owner@example.com", ...words], { cwd: stack.root })).stdout.trim();
    await git("init", "--quiet");
    await git("add", "--all");
    await git("commit", "--quiet", "--message", "all of it");
    const containers = await stack.containerIds();
    succeeds(await stack.up());
    expect(await stack.containerIds()).to.deep.equal(containers);
    expect(releases().map(({ id, commit, clean }) => [id, commit, clean])).to.deep.equal([[first!.id, await git("rev-parse", "HEAD"), true]]);
    await git("commit", "--quiet", "--allow-empty", "--message", "a commit alone");
    await changesNothing();
    expect(succeeds(await stack.trading(["releases"])).stdout).to.match(new RegExp(`${first!.id} .* not pushed .* soaks until .* the first release`));
  });

  it("takes pinned images as they are, and replaces nothing when they are those that run", async () => {
    const [{ imageNames }] = readReleases(stack.root, stack.name) as [Release];
    const containers = await stack.containerIds();
    stack.configure({ ...guarded, release: { images: imageNames } });
    succeeds(await stack.up());
    expect(await stack.containerIds()).to.deep.equal(containers);
    expect(stack.read(`.trading/state/.pulumi/stacks/trading/${stack.name}.json`)).to.not.include("images/build.ts");
    await changesNothing();
    stack.configure(guarded);
    succeeds(await stack.up());
    expect(await stack.containerIds()).to.deep.equal(containers);
    await changesNothing();
    expect(readReleases(stack.root, stack.name)).to.have.length(3);
  });

  it("trades: the bot decides on bars of the feed, and the broker keeps its equity", async () => {
    const rows = await eventually("a decision on a bar", 60, async () => {
      const [count] = await stack.query("SELECT count(*) FROM trading.decisions d JOIN trading.equity e ON e.bot = d.bot AND e.bar = d.bar");
      return Number(count) >= 5 && Number(count);
    });
    expect(rows).to.be.at.least(5);
  });

  it("serves its page on this machine only", async () => {
    const answer = await fetch(`http://127.0.0.1:${stack.portBase}/api/status`);
    expect(answer.status).to.equal(200);
    const { stdout } = await stack.docker(["port", stack.container("gui")]);
    for (const line of lines(stdout)) expect(line).to.match(/-> 127\.0\.0\.1:/);
  });

  it("shows its passwords nowhere: not in inspect, not in a log, not in the plain state", async () => {
    
    const key = stack.read(`.trading/stacks/${stack.name}/key`);
    const roles = ["postgres", "livefeed", "broker", "performance", "guard", "gui", "mlflow", "bot_refstrat01"];
    const secrets = [key, ...roles.map((role) => derivePassword(key, `database/${role}`)), derivePassword(key, "broker-token/refstrat01"), derivePassword(key, "replay-token/refstrat01")];
    const names = Object.keys(await stack.containerIds()).map((service) => stack.container(service));
    const seen = [(await stack.docker(["inspect", ...names])).text, stack.read(`.trading/state/.pulumi/stacks/trading/${stack.name}.json`)];
    for (const name of names) seen.push((await stack.docker(["logs", name])).text);
    for (const secret of secrets) {
      const encoded = Buffer.from(secret).toString("base64");
      for (const text of seen) {
        expect(text.includes(secret), "a secret in clear").to.equal(false);
        expect(text.includes(encoded), "a secret in base64").to.equal(false);
      }
    }
  });

  it("rebuilds and replaces the bot alone when one file of the bot changes", async () => {
    const before = await stack.containerIds();
    stack.write("services/bot/main.ts", `${stack.read("services/bot/main.ts")}\nconsole.error("a line more");\n`);
    await stack.noteChangedImages();
    const preview = JSON.parse(succeeds(await stack.pulumi(["preview", "--json"])).stdout) as { steps: { op: string; urn: string }[] };
    const touched = preview.steps.filter(({ op, urn }) => op !== "same" && urn.includes("docker:index/container:Container"));
    expect(new Set(touched.map(({ urn }) => urn.split("::").at(-1)))).to.deep.equal(new Set(["bot-refstrat01"]));
    succeeds(await stack.up());
    const after = await stack.containerIds();
    const changed = Object.keys(after).filter((service) => after[service] !== before[service]);
    expect(changed).to.deep.equal(["bot-refstrat01"]);
    await changesNothing();
  });

  it("keeps a stopped bot stopped through up, refresh and replacement, and starts it when it is wanted", async () => {
    const bot = "bot-refstrat01";
    succeeds(await stack.trading(["stop", "bot"]));
    expect(await running(bot)).to.equal("false");
    succeeds(await stack.up());
    expect(await running(bot)).to.equal("false");
    await changesNothing();
    succeeds(await stack.up(["--refresh"]));
    expect(await running(bot)).to.equal("false");
    const before = (await stack.containerIds())[bot];
    stack.configure({ ...guarded, bots: [{ name: "refstrat01", settings: { emaFast: 19 }, limits: wideLimits }] });
    succeeds(await stack.up());
    expect((await stack.containerIds())[bot]).to.not.equal(before);
    expect(await running(bot)).to.equal("false");
    succeeds(await stack.trading(["start", "bot"]));
    expect(await running(bot)).to.equal("true");
    succeeds(await stack.up());
    await changesNothing();
  });

  it("fails within seconds when a container does not get healthy, names it and shows its last lines", async () => {
    const original = stack.read("services/bot/main.ts");
    stack.write("services/bot/main.ts", 'console.error("the bot cannot go on");\nprocess.exit(3);\n');
    await stack.noteChangedImages();
    const outcome = await stack.up();
    expect(outcome.code).to.not.equal(0);
    expect(outcome.text).to.include(`container ${stack.container("bot-refstrat01")} `);
    expect(outcome.text).to.include("the bot cannot go on");
    expect(outcome.seconds).to.be.lessThan(60);
    const again = await stack.up();
    expect(again.code, "a second up must not pass over it").to.not.equal(0);
    stack.write("services/bot/main.ts", original);
    succeeds(await stack.up());
    await changesNothing();
  });

  it("touches no container when an image it needs is gone", async () => {
    const before = await stack.containerIds();
    const original = stack.read("services/bot/main.ts");
    stack.write("services/bot/main.ts", `${original}\nconsole.error("for an image that goes");\n`);
    await stack.noteChangedImages();
    succeeds(await stack.up());
    const changed = await stack.containerIds();
    await stack.docker(["rm", "--force", stack.container("bot-refstrat01")]);
    const gone = (await stack.docker(["image", "rm", "--force", [...stack.changedImages].at(-1)!])).code;
    expect(gone).to.equal(0);
    const outcome = await stack.up();
    expect(outcome.code).to.not.equal(0);
    expect(outcome.text).to.match(/the image of bot \(sha256:[0-9a-f]{64}\) is gone from this Docker Engine; no container was touched/);
    expect(outcome.text).to.not.include("error serializing");
    expect({ ...(await stack.containerIds()), "bot-refstrat01": "" }).to.deep.equal({ ...changed, "bot-refstrat01": "" });
    expect(Object.keys(before)).to.deep.equal(Object.keys(changed));
    succeeds(await stack.up(["--replace", "**image-bot"]));
    stack.write("services/bot/main.ts", original);
    succeeds(await stack.up(["--refresh"]));
    await changesNothing();
  });

  it("finds a container that was removed from outside, and brings it back with a refresh", async () => {
    await stack.docker(["rm", "--force", stack.container("broker")]);
    const outcome = await stack.up();
    expect(outcome.code).to.not.equal(0);
    expect(outcome.text).to.include(`container ${stack.container("broker")} does not exist`);
    succeeds(await stack.up(["--refresh"]));
    await changesNothing();
  });

  it("comes back with a refresh after Docker lost all of it, and has its secrets again", async () => {
    await stack.removeObjects();
    const unaware = await stack.up();
    expect(unaware.code).not.to.equal(0);
    expect(unaware.text).to.include("up --refresh");
    succeeds(await stack.up(["--refresh"]));
    await changesNothing();
  });

  it("is reported by npx trading status", async () => {
    await eventually("a healthy status", 60, async () => (await stack.trading(["status"])).code === 0);
    const outcome = succeeds(await stack.trading(["status", "--json"]));
    expect(JSON.parse(outcome.stdout)).to.be.an("object");
  });

  it("keeps its data through a destroy, and loses it only by the explicit command", async () => {
    const volumes = async () => lines((await stack.docker(["volume", "ls", "--quiet", "--filter", `label=trading.stack=${stack.name}`])).stdout).sort();
    const [decisions] = await stack.query("SELECT count(*) FROM trading.decisions");
    succeeds(await stack.pulumi(["destroy", "--yes", "--skip-preview"]));
    expect(await stack.containerIds()).to.deep.equal({});
    const kept = [`trading-${stack.name}-mlflow-artifacts`, `trading-${stack.name}-timescaledb-data`];
    expect(await volumes()).to.deep.equal(kept);
    succeeds(await stack.up());
    const [afterwards] = await stack.query("SELECT count(*) FROM trading.decisions");
    expect(Number(afterwards)).to.be.at.least(Number(decisions));
    succeeds(await stack.pulumi(["destroy", "--yes", "--skip-preview"]));
    succeeds(await stack.trading(["delete-data", "--confirm", stack.name]));
    expect(await volumes()).to.deep.equal([]);
  });
});

describe("a live stack", function () {
  this.timeout(120_000);
  let stack: ThrowAwayStack;
  before(async () => {
    stack = await ThrowAwayStack.make({ configuration: { mode: "live", feed: { source: "synthetic" } } });
  });
  after(() => stack?.remove());

  it("previews from the same program with its own names, and says that its bot is not started", async () => {
    const outcome = await stack.pulumi(["preview", "--diff"]);
    expect(outcome.code, outcome.text).to.equal(0);
    expect(outcome.text).to.include(`trading-${stack.name}-bot-refstrat01`);
    expect(outcome.text).to.include("live has no promotion: the bot is made and not started");
    expect(fs.existsSync(path.join(stack.root, ".trading"))).to.equal(true);
  });
});
