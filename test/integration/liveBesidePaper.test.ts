import { expect } from "chai";
import { readReleases } from "../../config/releases";
import { parseStackFile } from "../../config/stackFile";
import { eventually, lines, ThrowAwayStack, wideLimits, type Outcome } from "../support/throwAwayStack";

interface Inspected {
  readonly Name: string;
  readonly Image: string;
  readonly State: { readonly Status: string };
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string; readonly Source: string }[];
  readonly HostConfig: { readonly PortBindings: Record<string, readonly { readonly HostPort: string }[] | null> | null };
  readonly NetworkSettings: { readonly Networks: Record<string, unknown> };
}

/** A release is stable a moment after it was made, so that the test has not to wait for days. */
const soak = { hours: 0.0005 };
const bots = (settings: object = {}) => [{ name: "refstrat01", settings, limits: wideLimits }];
const BOT = "bot-refstrat01";

/** Live beside paper, from one clone, and the ways back: by command, by hand, and by itself. In order: each step starts from the one before. */
describe("live beside paper", function () {
  this.timeout(300_000);
  let paper: ThrowAwayStack;
  let live: ThrowAwayStack;
  let source: string;

  before(async () => {
    paper = await ThrowAwayStack.make({ configuration: { soak, deploy: { onFailure: "rollback" } } });
    live = await paper.beside({ mode: "live", feed: { source: "synthetic" }, soak });
    source = paper.read("services/bot/main.ts");
    await paper.beginRepository();
  });
  after(() => paper?.remove());

  const succeeds = (outcome: Outcome): Outcome => {
    expect(outcome.code, outcome.text).to.equal(0);
    return outcome;
  };
  /** Other sources of the bot: another image. */
  const change = async (text: string) => {
    paper.write("services/bot/main.ts", text);
    await paper.noteChangedImages();
  };
  const inspect = async (stack: ThrowAwayStack): Promise<Inspected[]> => {
    const ids = Object.values(await stack.containerIds());
    return JSON.parse((await stack.docker(["inspect", ...ids])).stdout) as Inspected[];
  };
  const botOf = async (stack: ThrowAwayStack) => (await inspect(stack)).find(({ Name }) => Name === `/${stack.container(BOT)}`)!;
  const releasesOf = (stack: ThrowAwayStack) => readReleases(stack.root, stack.name);
  /** Waits until the release that runs has soaked, as a command of the owner's finds it. */
  const becomesStable = (stack: ThrowAwayStack) =>
    eventually("the release is stable", 60, async () => {
      succeeds(await stack.trading(["releases"]));
      return releasesOf(stack).at(-1)?.stable ?? undefined;
    });

  it("comes up complete, with its bots made and not started, exits 0 and says so", async () => {
    succeeds(await paper.up());
    const { text } = succeeds(await live.up());
    expect(text).to.include("live has no promotion: the bot is made and not started");
    const containers = await inspect(live);
    const states = Object.fromEntries(containers.map(({ Name, State }) => [Name.slice(`/trading-${live.name}-`.length), State.Status]));
    expect(states).to.deep.equal({ ...Object.fromEntries(["backup", "broker", "guard", "guard-proxy", "gui", "livefeed", "mlflow", "performance", "timescaledb"].map((service) => [service, "running"])), [BOT]: "created" });
    expect((await botOf(paper)).State.Status).to.equal("running");
  });

  it("shares nothing with paper: no name, volume, folder, network, port or secret", async () => {
    const [ofPaper, ofLive] = [await usedBy(paper), await usedBy(live)];
    for (const [what, used] of Object.entries(ofPaper)) {
      expect(used.length, `${what} of paper`).to.be.greaterThan(0);
      expect(ofLive[what]!.filter((each) => used.includes(each)), what).to.deep.equal([]);
    }
  });

  /** What a stack uses; folders of the machine that only the guard's proxy and the backups have are told by what is in them. */
  async function usedBy(stack: ThrowAwayStack): Promise<Record<string, string[]>> {
    const containers = await inspect(stack);
    const mounts = containers.flatMap(({ Mounts }) => Mounts);
    const volumes = [...new Set(mounts.flatMap(({ Type, Name }) => (Type === "volume" ? [Name!] : [])))];
    const secrets = volumes.filter((name) => name.includes("-secrets-"));
    const sums = succeeds(await stack.docker(["run", "--rm", "--network", "none", "--user", "0", "--entrypoint", "sh", ...secrets.flatMap((name, index) => ["--volume", `${name}:/s/${index}:ro`]), containers.find(({ Name }) => Name === `/${stack.container("broker")}`)!.Image, "-c", "sha256sum /s/*/*-password /s/*/*-token"]));
    const label = ["--filter", `label=trading.stack=${stack.name}`];
    return {
      containers: containers.map(({ Name }) => Name),
      volumes,
      // The project's folder, read-only, is in both backups; the Engine's socket is the guard's way to its own bots.
      folders: mounts.flatMap(({ Type, Source }) => (Type === "bind" && Source !== stack.root && !Source.endsWith("docker.sock") ? [Source] : [])),
      networks: containers.flatMap(({ NetworkSettings }) => Object.keys(NetworkSettings.Networks).filter((name) => name !== "none")),
      ports: containers.flatMap(({ HostConfig }) => Object.values(HostConfig.PortBindings ?? {}).flatMap((bindings) => (bindings ?? []).map(({ HostPort }) => HostPort))),
      secrets: lines(sums.stdout).map((line) => line.split(" ")[0]!),
      labelled: [...lines((await stack.docker(["volume", "ls", "--quiet", ...label])).stdout), ...lines((await stack.docker(["network", "ls", "--format", "{{.Name}}", ...label])).stdout)],
    };
  }

  it("goes back by command to the release before: images, configuration and strategy, and nothing is built", async () => {
    await becomesStable(paper);
    const [stable] = releasesOf(paper);
    await change(`${source}\nprocess.title = "the second";\n`);
    paper.configure({ soak, deploy: { onFailure: "rollback" }, bots: bots({ emaFast: 19 }) });
    await paper.commit();
    succeeds(await paper.trading(["deploy", "--yes"]));
    const second = await botOf(paper);
    expect(second.Image).not.to.equal(stable!.images[BOT]);

    const { stdout } = succeeds(await paper.trading(["rollback", "--yes", "--keep-positions", "--json"]));
    expect(JSON.parse(stdout)).to.deep.include({ to: stable!.id, left: releasesOf(paper)[1]!.id, changed: true });
    const bot = await botOf(paper);
    expect([bot.Image, bot.State.Status]).to.deep.equal([stable!.images[BOT], "running"]);
    const declared = parseStackFile(paper.name, paper.read(`Pulumi.${paper.name}.yaml`));
    expect(declared.bots[0]!.settings["emaFast"]).to.equal(20);
    expect(declared.release.images).to.deep.equal(stable!.imageNames);
    expect(await paper.git("status", "--porcelain", "--", `Pulumi.${paper.name}.yaml`)).to.equal("");
    succeeds(await paper.pulumi(["preview", "--expect-no-changes"]));
  });

  it("goes back by hand: the stable tag's stack file checked out, and an up, alone", async () => {
    await becomesStable(live);
    const [stable] = releasesOf(live);
    // The sources in the folder are those of the second release already.
    succeeds(await live.up());
    expect((await botOf(live)).Image).not.to.equal(stable!.images[BOT]);

    await paper.git("checkout", stable!.stable!.tag, "--", `Pulumi.${live.name}.yaml`);
    succeeds(await live.up());
    expect((await botOf(live)).Image).to.equal(stable!.images[BOT]);
    const last = releasesOf(live).at(-1)!;
    expect(last.images).to.deep.equal(stable!.images);
    expect(last.configurationHash).to.equal(stable!.configurationHash);
  });

  it("goes back by itself from a bot that does not become healthy, and says why", async () => {
    const [stable] = releasesOf(paper);
    await change('console.error("the bot cannot go on");\nprocess.exit(3);\n');
    paper.configure({ soak, deploy: { onFailure: "rollback" }, bots: bots() });
    const before = paper.read(`Pulumi.${paper.name}.yaml`);
    const { code, stdout } = await paper.trading(["deploy", "--yes"]);
    expect(code, stdout).to.equal(1);
    expect(stdout).to.include(`container ${paper.container(BOT)} `).and.to.include("the bot cannot go on").and.to.include(`bot refstrat01 was stopped`);
    expect(stdout).to.include(`It was rolled back to ${stable!.id}, which is up and healthy`);
    expect(lines(stdout).length, "lines of the one screen").to.be.at.most(45);
    const bot = await botOf(paper);
    expect([bot.Image, bot.State.Status]).to.deep.equal([stable!.images[BOT], "running"]);
    const [, kept] = /which is in no commit: (\S+)/.exec(stdout) ?? [];
    expect(paper.read(kept!)).to.equal(before);
    await eventually("a healthy status", 60, async () => (await paper.trading(["status"])).code === 0);
  });
});
