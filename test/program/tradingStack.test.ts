import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { engineSocket } from "../../components/GuardProxy";
import { stackContext } from "../../components/StackContext";
import { schemaVersionIn } from "../../components/TimescaleDb";
import { TradingStack, type Deployed } from "../../components/TradingStack";
import { derivePassword } from "../../config/clone";
import { backupSecrets } from "../../config/backupSecrets";
import type { DesiredState } from "../../config/desiredState";
import type { StackConfiguration } from "../../config/schema";
import { parseStackConfiguration } from "../../config/stackConfiguration";
import { IMAGE_NAMES, type ImageName } from "../../images/catalog";
import type { PinnedOf } from "../../images/verify";
import { guardSettings } from "../../services/guard/settings";
import { parseSettings } from "../../services/shared/settings";

interface Made {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, any>;
}

const KEY = "5".repeat(64);
const IMAGE_ID = `sha256:${"a".repeat(64)}`;
const imageHashes = Object.fromEntries(IMAGE_NAMES.map((name) => [name, `hash-of-${name}`])) as Record<ImageName, string>;

/** Secrets of the derived kind, to be looked for where they must not be. */
function derivedSecrets(): string[] {
  const purposes = ["database/postgres", "database/broker", "database/bot_refstrat01", "broker-token/refstrat01", "replay-token/refstrat01", "backup/database", "backup/files", "backup/second-copy"];
  return purposes.map((purpose) => derivePassword(KEY, purpose));
}

/** Declares a stack against Pulumi's mocks and returns what was made and called. */
async function declare(configuration: Record<string, unknown>, options: { preview?: boolean; desired?: DesiredState; unknownImage?: string; imageHashes?: Partial<Record<ImageName, string>> } = {}) {
  const made: Made[] = [];
  const called: string[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        made.push({ type, name, inputs });
        // An absent output is unknown in a preview, as that of an image that is to be built.
        const state = type === "command:local:Command" ? { ...inputs, ...(name === options.unknownImage ? {} : { stdout: `${IMAGE_ID}\n` }) } : inputs;
        return { id: `${name}-id`, state };
      },
      call: ({ token, inputs }) => {
        expect(token).to.equal("command:local:run");
        called.push(inputs.command);
        return { stdout: "", stderr: "" };
      },
    },
    "trading",
    String(configuration.mode),
    options.preview ?? false,
  );
  const parsed: StackConfiguration = parseStackConfiguration(String(configuration.mode), configuration);
  const context = stackContext(String(configuration.mode), parsed.mode, "owner-of-the-test", KEY, parsed.logLevel);
  const secrets = parsed.backup.enabled ? backupSecrets(__dirname, String(configuration.mode), parsed.backup, KEY) : undefined;
  const verifyImages = async (ids: Readonly<Record<string, string>>, pinned: PinnedOf) => void called.push(`verify ${Object.keys(ids).join(" ")}${pinned.names.length > 0 ? `, of ${pinned.stack} pinned ${pinned.names.join(" ")}` : ""}`);
  const stack = new TradingStack("trading", { context, configuration: parsed, desiredState: options.desired ?? { bots: {} }, halts: { halts: [], unreadable: [], problem: null }, imageHashes: options.imageHashes ?? imageHashes, verifyImages, root: __dirname, backupSecrets: secrets });
  const health = options.preview ? undefined : await new Promise<string>((resolve) => stack.health.apply(resolve));
  const deployed = options.preview ? undefined : await new Promise<Deployed>((resolve) => stack.deployed.apply(resolve));
  await pulumi.runtime.disconnect();
  const containers = made.filter(({ type }) => type === "docker:index/container:Container");
  return { made, called, containers, stack, health, deployed };
}

const paper = { mode: "paper", portBase: 8400, feed: { source: "synthetic" }, bots: ["refstrat01", "second"].map((name) => ({ name, limits: { orderQuantity: 1, orderNotional: 12_000 } })) };
const live = { ...paper, mode: "live", portBase: 8500 };

/** Folders of the machine that a container may have: most have none. */
const control = path.join(__dirname, ".trading", "stacks", "paper", "control");
const HOST_PATHS: Readonly<Record<string, readonly string[]>> = { backup: [__dirname], broker: [control], gui: [control], guard: [control], "guard-proxy": ["/var/run/docker.sock"] };

describe("the program", function () {
  this.timeout(30_000);
  let ofPaper: Awaited<ReturnType<typeof declare>>;
  let ofLive: Awaited<ReturnType<typeof declare>>;
  before(async () => {
    ofPaper = await declare(paper);
    ofLive = await declare(live, { desired: { bots: { refstrat01: "running" } } });
  });

  it("declares the containers of a paper stack, each under the house rules", () => {
    const { containers } = ofPaper;
    expect(containers.map(({ inputs }) => inputs.name).sort()).to.deep.equal(
      ["backup", "bot-refstrat01", "bot-second", "broker", "guard", "guard-proxy", "gui", "livefeed", "mlflow", "performance", "timescaledb"].map((service) => `trading-paper-${service}`),
    );
    for (const { name, inputs } of containers) {
      expect(inputs.image, name).to.equal(IMAGE_ID);
      expect(inputs.readOnly, name).to.equal(true);
      if (!["backup", "guard-proxy"].includes(name)) expect(inputs.user, name).to.match(/^[1-9]\d*:[1-9]\d*$/);
      if (name !== "backup") expect(inputs.capabilities, name).to.deep.equal({ drops: ["ALL"] });
      expect(inputs.memorySwap, name).to.equal(inputs.memory);
      expect(inputs.destroyGraceSeconds, name).to.be.greaterThan(0);
      expect(inputs.healthcheck.tests[0], name).to.equal("CMD");
      if (name !== "guard-proxy") expect(inputs.networksAdvanced.map((network: { name: string }) => network.name), name).to.deep.equal(["trading-paper"]);
      for (const port of inputs.ports) expect(port.ip, name).to.equal("127.0.0.1");
      for (const { hostPath } of inputs.volumes) if (hostPath !== undefined) expect(HOST_PATHS[name], name).to.include(hostPath);
    }
  });

  it("lets the backup container read everything, and change nothing but the backups", () => {
    const backup = ofPaper.containers.find(({ name }) => name === "backup")!.inputs;
    expect(backup.user).to.equal("0");
    expect(backup.capabilities).to.deep.equal({ drops: ["ALL"], adds: ["DAC_OVERRIDE", "KILL", "SETGID", "SETUID"] });
    const writable = backup.volumes.filter((volume: { readOnly: boolean }) => !volume.readOnly);
    expect(writable).to.deep.equal([{ volumeName: "trading-paper-backups", containerPath: "/backups", readOnly: false }]);
    expect(backup.volumes).to.deep.include({ hostPath: __dirname, containerPath: "/project", readOnly: true });
    expect(backup.cpuShares).to.be.lessThan(1024);
  });

  it("mounts the folder of a second copy where one is configured", async () => {
    const { containers } = await declare({ ...paper, backup: { secondCopy: { kind: "path", path: "/media/disk" } } });
    expect(containers.find(({ name }) => name === "backup")!.inputs.volumes).to.deep.include({ hostPath: "/media/disk", containerPath: "/second-copy", readOnly: false });
  });

  it("mounts the stack's control folder into the broker, which reads the halts in it and says there what it holds to", () => {
    const broker = ofPaper.containers.find(({ name }) => name === "broker")!.inputs;
    const control = { hostPath: path.join(__dirname, ".trading", "stacks", "paper", "control"), containerPath: "/control", readOnly: false };
    expect(broker.volumes.filter((volume: { hostPath?: string }) => volume.hostPath !== undefined)).to.deep.equal([control]);
  });

  it("lets the broker do without the guard's lease only where the stack's file does without a guard", async () => {
    const guardOf = (containers: readonly Made[]) => JSON.parse((containers.find(({ name }) => name === "broker")!.inputs.envs as string[]).find((entry) => entry.startsWith("SETTINGS="))!.slice("SETTINGS=".length)).guard as boolean;
    expect([guardOf(ofPaper.containers), guardOf(ofLive.containers)]).to.deep.equal([true, true]);
    expect(guardOf((await declare({ ...paper, guard: { enabled: false } })).containers)).to.equal(false);
  });

  it("tells the backup which images the stack runs, and which it pins beside them", () => {
    const filling = ofPaper.made.find(({ name }) => name === "backup-secrets-files")!;
    const files = String(filling.inputs.stdin.value).split("\n").map((line) => line.split("\t"));
    const images = JSON.parse(Buffer.from(files.find(([name]) => name === "deployed-images.json")![1]!, "base64").toString()) as object;
    expect(images).to.have.all.keys("base", "node", "bot", "timescaledb", "migrate", "mlflow", "livefeed", "broker", "performance", "gui", "guard", "guard-proxy", "backup", "bot-refstrat01", "bot-second");
    expect(new Set(Object.values(images))).to.deep.equal(new Set([IMAGE_ID]));
  });

  it("gives the addresses of alerts to those who tell of them, as secret files, and puts them nowhere else", async () => {
    const [webhook, heartbeat, backupHeartbeat] = ["https://ntfy.example/topic-that-nobody-guesses", "https://ping.example/id-that-nobody-guesses", "https://ping.example/other-that-nobody-guesses"];
    const { made } = await declare({ ...paper, alerts: { webhook, heartbeat, backupHeartbeat, format: "ntfy" } });
    const holders = (file: string, text: string) => {
      const line = `${file}\t${Buffer.from(text).toString("base64")}`;
      return made.filter(({ inputs }) => String(inputs.stdin?.value ?? "").split("\n").some((each) => each.startsWith(line))).map(({ name }) => name).sort();
    };
    expect(holders("alert-webhook", webhook)).to.deep.equal(["backup-secrets-files", "guard-secrets-files"]);
    expect(holders("alert-heartbeat", heartbeat)).to.deep.equal(["guard-secrets-files"]);
    expect(holders("alert-heartbeat", backupHeartbeat)).to.deep.equal(["backup-secrets-files"]);
    const text = made.map(({ inputs: { stdin, ...rest } }) => JSON.stringify(rest)).join("");
    expect(text).to.include('alerts\\":{\\"webhook\\":true,\\"format\\":\\"ntfy').and.not.include("nobody-guesses");
  });

  it("declares nothing of a backup where paper does without, and archives no log", async () => {
    const { containers, made } = await declare({ ...paper, backup: { enabled: false } });
    expect(containers.map(({ name }) => name)).not.to.include("backup");
    expect(made.map(({ name }) => name).filter((name) => name.startsWith("backup-"))).to.deep.equal([]);
    const database = containers.find(({ name }) => name === "timescaledb")!;
    expect(database.inputs.volumes.map((volume: { containerPath: string }) => volume.containerPath)).to.deep.equal(["/var/lib/postgresql/data", "/secrets"]);
  });

  it("publishes the page and MLflow, and nothing else", () => {
    const { containers } = ofPaper;
    const published = containers.flatMap(({ inputs }) => inputs.ports.map((port: { external: number }) => [inputs.name, port.external]));
    expect(published).to.have.deep.members([
      ["trading-paper-gui", 8400],
      ["trading-paper-mlflow", 8401],
    ]);
  });

  it("puts no password or token anywhere but on the standard input of the commands that fill the volumes", () => {
    const { made, called } = ofPaper;
    const secrets = derivedSecrets();
    const encoded = [...secrets, ...secrets.map((secret) => Buffer.from(secret).toString("base64"))];
    for (const { type, name, inputs } of made) {
      const { stdin, ...rest } = inputs;
      const text = JSON.stringify(rest);
      for (const secret of encoded) expect(text.includes(secret), `${type} ${name}`).to.equal(false);
      // Pulumi's mark of a secret value.
      if (stdin !== undefined) expect(JSON.stringify(stdin), name).to.include("1b47061264138c4ac30d75fd1eb44270");
    }
    for (const command of called) for (const secret of encoded) expect(command.includes(secret)).to.equal(false);
  });

  it("gives every service a secrets volume and a database role of its own", () => {
    const { containers } = ofPaper;
    const roles = containers.flatMap(({ inputs }) => (inputs.envs as string[]).filter((entry) => entry.startsWith("DATABASE_USER=")));
    expect(new Set(roles).size).to.equal(roles.length);
    expect(roles).to.have.length(containers.length - 3);
    const volumes = containers.filter(({ name }) => name !== "guard-proxy").map(({ inputs }) => inputs.volumes.find((volume: { containerPath: string }) => volume.containerPath === "/secrets").volumeName);
    expect(new Set(volumes).size).to.equal(containers.length - 1);
  });

  it("asks for the health of every container at an up, after the images were seen", () => {
    const { called, containers, health } = ofPaper;
    expect(called[0]).to.equal(`verify ${IMAGE_NAMES.join(" ")}`);
    for (const { inputs } of containers) expect(called.filter((command) => command.startsWith(`node components/waitUntilHealthy.mjs ${inputs.name} running 120`)), inputs.name).to.have.length(1);
    expect(called).to.include("node components/waitUntilHealthy.mjs trading-paper-bot-refstrat01 running 120 .trading/stacks/paper/control refstrat01");
    expect(health).to.equal("every container is as it is wanted");
  });

  it("tells each bot, and no other, which image it runs", () => {
    const told = ofPaper.containers.filter(({ inputs }) => (inputs.envs as string[]).includes(`TRADING_IMAGE=${IMAGE_ID}`)).map(({ name }) => name);
    expect(told).to.deep.equal(["bot-refstrat01", "bot-second"]);
  });

  it("gives the broker every limit, those that were left out included", () => {
    const broker = ofPaper.containers.find(({ name }) => name === "broker")!;
    const settings = JSON.parse((broker.inputs.envs as string[]).find((entry) => entry.startsWith("SETTINGS="))!.slice("SETTINGS=".length));
    expect(settings.bots[0].limits).to.deep.equal({ ...{ orderQuantity: 1, orderNotional: 12_000, positionQuantity: 1, positionNotional: 12_000 }, ...{ ordersPerHour: 10, ordersPerDay: 60, secondsBetweenEntries: 3600 } });
    expect(settings.limits).to.deep.equal({ exposureNotional: 24_000, ordersPerHour: 100, ordersPerDay: 600 });
  });

  it("runs nothing in a preview", async () => {
    const { called } = await declare(paper, { preview: true });
    expect(called).to.deep.equal([]);
  });

  it("lets each container of a preview depend on its own image alone", async () => {
    const { containers } = await declare(paper, { preview: true, unknownImage: "image-bot" });
    const known = containers.filter(({ inputs }) => inputs.image === IMAGE_ID).map(({ name }) => name);
    expect(known.sort()).to.deep.equal(["backup", "broker", "guard", "guard-proxy", "gui", "livefeed", "mlflow", "performance", "timescaledb"]);
  });

  it("fills the volume of a recording with the file as it is", async () => {
    const file = path.relative(__dirname, __filename);
    const { made, containers } = await declare({ ...paper, feed: { source: "recording", file } });
    const filling = made.find(({ name }) => name === "livefeed-recording-files")!;
    expect(filling.inputs.stdin).to.equal(`${file}\t${fs.readFileSync(__filename).toString("base64")}\n`);
    const livefeed = containers.find(({ name }) => name === "livefeed")!;
    expect(livefeed.inputs.volumes).to.deep.include({ volumeName: "trading-paper-recording", containerPath: "/recording", readOnly: true });
  });

  it("tells the feed where the machine is when the source is on it", async () => {
    const hostsOf = async (address: string) => (await declare({ ...paper, feed: { source: "external", address } })).containers.find(({ name }) => name === "livefeed")!.inputs.hosts;
    expect(await hostsOf("http://host.docker.internal:8600")).to.deep.equal([{ host: "host.docker.internal", ip: "host-gateway" }]);
    expect(await hostsOf("http://feed.example:8600")).to.equal(undefined);
  });

  it("lets the guard reach the Engine through its proxy alone, and the proxy reach nothing but the Engine", () => {
    const find = (name: string) => ofPaper.containers.find((container) => container.name === name)!.inputs;
    const proxy = find("guard-proxy");
    expect(proxy).to.deep.include({ networkMode: "none", user: "0", ports: [] }).and.not.to.have.property("networksAdvanced");
    expect(proxy.capabilities).to.deep.equal({ drops: ["ALL"] });
    expect(proxy.envs).to.deep.equal(["CONTAINERS=trading-paper-bot-refstrat01|trading-paper-bot-second"]);
    expect(proxy.volumes).to.deep.equal([
      { hostPath: "/var/run/docker.sock", containerPath: "/var/run/docker.sock", readOnly: true },
      { volumeName: "trading-paper-guard-docker", containerPath: "/guard", readOnly: false },
    ]);
    const users = (volume: string) => ofPaper.containers.filter(({ inputs }) => inputs.volumes.some(({ volumeName }: { volumeName?: string }) => volumeName === volume)).map(({ name }) => name);
    expect(users("trading-paper-guard-docker").sort()).to.deep.equal(["guard", "guard-proxy"]);
    for (const { name, inputs } of ofPaper.containers) if (name !== "guard-proxy") expect(JSON.stringify(inputs.volumes), name).not.to.include("docker.sock");
  });

  it("mounts the socket that docker itself talks to, as the Engine sees it", () => {
    const cases: readonly (readonly [string | undefined, NodeJS.Platform, string])[] = [
      [undefined, "linux", "/var/run/docker.sock"],
      ["unix:///run/user/1000/docker.sock", "linux", "/run/user/1000/docker.sock"],
      ["unix:///home/o/.docker/desktop/docker.sock", "linux", "/var/run/docker.sock"],
      ["unix:///Users/o/.docker/run/docker.sock", "darwin", "/var/run/docker.sock"],
      ["npipe:////./pipe/docker_engine", "win32", "/var/run/docker.sock"],
      ["tcp://127.0.0.1:2375", "linux", "/var/run/docker.sock"],
    ];
    for (const [host, platform, socket] of cases) expect(engineSocket(host, platform), host).to.equal(socket);
  });

  it("tells the guard whom to watch, and by which bounds", () => {
    const guard = ofPaper.containers.find(({ name }) => name === "guard")!;
    const settings = JSON.parse((guard.inputs.envs as string[]).find((entry) => entry.startsWith("SETTINGS="))!.slice("SETTINGS=".length));
    expect(parseSettings(guardSettings, JSON.stringify(settings))).to.have.property("value");
    expect(settings.bots[0]).to.deep.equal({ name: "refstrat01", symbol: "BTCUSDT", startingCash: 10_000, ordersPerHour: 10, container: "trading-paper-bot-refstrat01", graceSeconds: 30 });
    expect(settings.limits).to.deep.equal({ exposureNotional: 24_000, ordersPerHour: 100 });
    expect(settings.thresholds).to.include({ dailyLossShare: 0.02, feedDegradedSeconds: 120 }).and.not.to.have.any.keys("enabled", "memoryMegabytes");
  });

  it("declares nothing of a guard where paper does without, and has no bot wait for one", async () => {
    const { made, health } = await declare({ ...paper, guard: { enabled: false } });
    expect(made.map(({ name }) => name).filter((name) => /^guard/.test(name))).to.deep.equal([]);
    expect(health).to.equal("every container is as it is wanted");
  });

  it("makes no bot before livefeed, broker and guard are healthy, and no guard before its proxy", () => {
    const at = (service: string) => ofPaper.called.findIndex((command) => command.includes(`trading-paper-${service} `));
    expect(at("timescaledb")).to.be.lessThan(at("livefeed"));
    expect(at("guard-proxy")).to.be.lessThan(at("guard"));
    expect(Math.max(at("livefeed"), at("broker"), at("guard"))).to.be.lessThan(at("bot-refstrat01"));
  });

  it("declares the bots of live and starts none without a promotion", () => {
    const { containers, stack, called } = ofLive;
    const bot = containers.find(({ inputs }) => inputs.name === "trading-live-bot-refstrat01")!;
    expect(bot.inputs).to.deep.include({ start: false, mustRun: false });
    expect(stack.bots[0]!.reason).to.equal("live has no promotion: the bot is made and not started");
    expect(called).to.include("node components/waitUntilHealthy.mjs trading-live-bot-refstrat01 stopped 120 .trading/stacks/live/control refstrat01");
  });

  it("keeps a stopped bot stopped and changes nothing else of it", async () => {
    const find = (result: Awaited<ReturnType<typeof declare>>) => result.containers.find(({ inputs }) => inputs.name === "trading-paper-bot-refstrat01")!.inputs;
    const running = find(ofPaper);
    const stopped = find(await declare(paper, { desired: { bots: { refstrat01: "stopped" } } }));
    expect(stopped).to.deep.equal({ ...running, start: false, mustRun: false });
  });

  it("shares nothing between paper and live: no name, volume, folder, network or port", () => {
    const used = ({ made, containers }: typeof ofPaper) => ({
      names: made.flatMap(({ type, inputs }) => (type.startsWith("docker:") && typeof inputs.name === "string" ? [inputs.name] : [])),
      volumes: containers.flatMap(({ inputs }) => inputs.volumes.flatMap((volume: { volumeName?: string }) => volume.volumeName ?? [])),
      // The project's folder, read-only, and the Engine's socket are the machine's.
      folders: containers.flatMap(({ inputs }) => inputs.volumes.flatMap(({ hostPath }: { hostPath?: string }) => (hostPath === undefined || [__dirname, "/var/run/docker.sock"].includes(hostPath) ? [] : hostPath))),
      networks: containers.flatMap(({ inputs }) => (inputs.networksAdvanced ?? []).map(({ name }: { name: string }) => name)),
      ports: containers.flatMap(({ inputs }) => inputs.ports.map(({ external }: { external: number }) => external)),
    });
    const [ofOne, ofOther] = [used(ofPaper), used(ofLive)] as [Record<string, unknown[]>, Record<string, unknown[]>];
    for (const [what, taken] of Object.entries(ofOne)) {
      expect(taken.length, what).to.be.greaterThan(0);
      expect(ofOther[what]!.filter((each) => taken.includes(each)), what).to.deep.equal([]);
    }
  });

  describe("with images that are pinned", () => {
    const other = `sha256:${"b".repeat(64)}`;
    const pinning = (names: readonly ImageName[], id: string) => ({ ...paper, release: { images: Object.fromEntries(names.map((name) => [name, id])) } });
    const builds = ({ made }: typeof ofPaper) => made.filter(({ type, name }) => type === "command:local:Command" && name.startsWith("image-")).map(({ name }) => name.slice("image-".length));
    const differing = (one: typeof ofPaper, two: typeof ofPaper) => one.containers.filter(({ name, inputs }) => JSON.stringify(inputs) !== JSON.stringify(two.containers.find((each) => each.name === name)?.inputs)).map(({ name }) => name);

    it("builds every image that is not, and replaces the containers whose image is another one, and no others", async () => {
      const result = await declare(pinning(["base", "broker", "bot"], other));
      expect(builds(result)).to.have.members(IMAGE_NAMES.filter((name) => !["base", "broker", "bot"].includes(name)));
      expect(result.called[0]).to.equal(`verify ${IMAGE_NAMES.join(" ")}, of paper pinned base broker bot`);
      expect(result.deployed!.imageNames).to.deep.include({ base: other, broker: other, node: IMAGE_ID });
      expect(differing(ofPaper, result)).to.have.members(["broker", "bot-refstrat01", "bot-second"]);
    });

    it("needs to know of nothing that an image is built from where all are, and changes nothing where they are those that run", async () => {
      const pinned = await declare(pinning(IMAGE_NAMES, IMAGE_ID), { imageHashes: {} });
      expect([builds(pinned), pinned.health]).to.deep.equal([[], "every container is as it is wanted"]);
      const resources = ({ made }: typeof ofPaper) => made.filter(({ type, name }) => !(type === "command:local:Command" && name.startsWith("image-"))).map((each) => JSON.stringify(each)).sort();
      expect(resources(pinned)).to.deep.equal(resources(ofPaper));
    });

    it("has nothing that would remove an image when its build goes from the program", () => {
      const commands = ofPaper.made.filter(({ name, type }) => name.startsWith("image-") && type === "command:local:Command");
      expect(commands).to.have.length(IMAGE_NAMES.length);
      for (const { name, inputs } of commands) expect(inputs, name).to.not.have.any.keys("delete", "update");
    });

    it("looks at no image in a preview", async () => {
      expect((await declare(pinning(IMAGE_NAMES, other), { preview: true })).called).to.deep.equal([]);
    });
  });

  it("knows what it has deployed, for the record of the release", async () => {
    const { images, imageNames, schemaVersion } = ofPaper.deployed!;
    expect(images).to.have.all.keys("timescaledb", "migrate", "mlflow", "livefeed", "broker", "performance", "gui", "guard", "guard-proxy", "backup", "bot-refstrat01", "bot-second");
    expect(imageNames).to.deep.equal(Object.fromEntries(IMAGE_NAMES.map((name) => [name, IMAGE_ID])));
    // The mocks' migrator says nothing.
    expect(schemaVersion).to.equal(0);
    const small = await declare({ ...paper, backup: { enabled: false }, guard: { enabled: false }, bots: [{ ...paper.bots[0], image: `registry/mine@${IMAGE_ID}` }] });
    expect(small.deployed!.images).to.have.all.keys("timescaledb", "migrate", "mlflow", "livefeed", "broker", "performance", "gui", "bot-refstrat01").and.include({ "bot-refstrat01": `registry/mine@${IMAGE_ID}` });
  });

  for (const [summary, version] of [
    ['{"databasesCreated":[],"roles":["bot"],"migrationsApplied":[],"schemaVersion":"0005_guard"}\n', 5],
    ['{"schemaVersion":"0012_x"}', 12],
    ['{"schemaVersion":"none"}', 0],
  ] as const) {
    it(`reads schema ${version} in ${summary.trim()}`, () => expect(schemaVersionIn(summary)).to.equal(version));
  }
});
