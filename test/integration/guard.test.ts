import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { ImageBuilder } from "../../images/build";
import { readAudit } from "../../control/audit";
import { controlFolder } from "../../control/folder";
import { freezesOf, haltsOf } from "../../control/LatchFolder";
import { incidentId, type Halt } from "../../control/records";
import { buildHostileImage } from "../support/hostileBot";
import { freeze } from "../support/freeze";
import { eventually, execute, lines, PROJECT_ROOT, ThrowAwayStack, wideLimits, type Outcome } from "../support/throwAwayStack";

/** Bars come once a second; a bot that decides nothing for 18 s is restarted. */
const configuration = (hostile: string) => ({
  feed: { source: "synthetic", seed: 7, speed: 3600 },
  guard: { decisionMinutes: 0.3 },
  alerts: { webhook: "http://receiver:9000/" },
  bots: [
    { name: "refstrat01", limits: wideLimits },
    { name: "second", symbol: "ETHUSDT", limits: wideLimits },
    // It never registers, says that it was never better, and ignores SIGTERM.
    { name: "hostile", image: hostile, limits: wideLimits },
  ],
});

/** Keeps every notice that it gets, and tells them. */
const receiver = `
  const notices = [];
  require("node:http").createServer((request, response) => {
    if (request.method === "GET") return response.end(JSON.stringify(notices));
    let text = "";
    request.on("data", (part) => (text += part)).on("end", () => { notices.push(JSON.parse(text)); response.end(); });
  }).listen(9000);`;

interface Notice {
  readonly key: string;
  readonly state: string;
  readonly sender: string;
  readonly text: string;
  readonly runbook: string;
}

/** What the guard does on real containers, in order: each step starts from what the one before left. */
describe("the guard", function () {
  this.timeout(400_000);
  const tag = `trading-test-${randomBytes(4).toString("hex")}-hostile`;
  let stack: ThrowAwayStack;
  let control: string;

  before(async () => {
    const base = await new ImageBuilder(PROJECT_ROOT, () => undefined).ensure("bot");
    stack = await ThrowAwayStack.make({ configuration: configuration(await buildHostileImage(base, tag)) });
    control = controlFolder(stack.root, stack.name);
    succeeds(await stack.up());
    const node = (await stack.docker(["inspect", "--format", "{{.Image}}", stack.container("guard")])).stdout.trim();
    succeeds(await stack.docker(["run", "--detach", "--name", stack.container("receiver"), "--label", `trading.stack=${stack.name}`, "--network", `trading-${stack.name}`, "--network-alias", "receiver", "--entrypoint", "node", node, "--eval", receiver]));
  });
  after(async () => {
    await stack?.remove();
    await execute("docker", ["image", "rm", "--force", tag]);
  });
  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    console.log((await stack.docker(["logs", "--tail", "40", stack.container("guard")])).text);
  });

  const succeeds = (outcome: Outcome): Outcome => {
    expect(outcome.code, outcome.text).to.equal(0);
    return outcome;
  };
  const inspected = async (service: string, format: string) => (await stack.docker(["inspect", "--format", format, stack.container(service)])).stdout.trim();
  const running = async (bot: string) => (await inspected(`bot-${bot}`, "{{.State.Running}}")) === "true";
  const halts = () => haltsOf(control).inForce().entries;
  const haltOf = (rule: string, bot: string | null) => halts().find((halt) => halt.rule === rule && halt.bot === bot);
  const lift = (halt: Halt) => haltsOf(control).lift(halt.id, { liftedAt: new Date().toISOString(), liftedBy: "person", liftedWho: "test", liftedReason: "on with it" });
  const actions = (rule: string) => stack.query(`SELECT action || ' ' || coalesce(bot, 'all') || ' ' || coalesce(level, '-') FROM trading.guard_actions WHERE rule = '${rule}' ORDER BY id`);
  const lease = async () => (await stack.query("SELECT state || ' ' || (coalesce(lease_until, '-infinity') > clock_timestamp()) FROM trading.guard_status"))[0];
  const insideGuard = (script: string) => stack.docker(["exec", stack.container("guard"), "sh", "-c", script]);
  const looks = async () => Number(/^trading_guard_looks_total (\d+)/m.exec((await insideGuard("curl --silent http://127.0.0.1:8080/metrics")).stdout)?.[1]);
  /** The guard has looked at whatever is there now, more than once. */
  const guardLooked = async () => {
    const before = await looks();
    await eventually("further looks of the guard", 20, async () => (await looks()) > before + 3);
  };
  const notices = async (): Promise<Notice[]> => JSON.parse((await insideGuard("curl --silent http://receiver:9000/")).stdout) as Notice[];
  const starts = async (bot: string) => succeeds(await stack.docker(["start", stack.container(`bot-${bot}`)]));
  /** The bot's program stands still, whatever it is asked for; its container runs. */
  const standStill = async (bot: string) => succeeds(await stack.docker(["exec", stack.container(`bot-${bot}`), "sh", "-c", 'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = node ] && kill -STOP ${p#/proc/}; done; true']));

  it("grants its lease, is on no network with its proxy, and has a proxy that is nobody", async () => {
    expect(await lease()).to.equal("GRANTED true");
    expect(await inspected("guard-proxy", "{{.HostConfig.NetworkMode}} {{len .HostConfig.CapAdd}} {{.HostConfig.CapDrop}} {{.HostConfig.ReadonlyRootfs}}")).to.equal("none 0 [ALL] true");
    const users = lines((await stack.docker(["ps", "--all", "--filter", `volume=trading-${stack.name}-guard-docker`, "--format", "{{.Names}}"])).stdout);
    expect(users.sort()).to.deep.equal([stack.container("guard"), stack.container("guard-proxy")].sort());
    expect((await stack.query("SELECT count(*) FROM trading.guard_status")).join()).to.equal("1");
  });

  it("gets nothing through its proxy but stopping, restarting and looking at this stack's bots", async () => {
    const bot = stack.container("bot-refstrat01");
    const other = stack.container("broker");
    const refused: readonly (readonly [method: string, path: string, ...more: string[]])[] = [
      ...(["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] as const).map((method) => [method, `/containers/${bot}/stop`] as const),
      ...(["stop", "restart"] as const).map((act) => ["POST", `/containers/${other}/${act}`] as const),
      ["GET", `/containers/${other}/json`],
      ...(["kill", "start", "pause", "unpause", "exec", "update", "rename?name=x", "attach", "resize", "wait", "copy"] as const).map((act) => ["POST", `/containers/${bot}/${act}`] as const),
      ...(["logs?stdout=1", "top", "stats?stream=0", "export", "archive?path=/", "changes", "json?size=1", "attach/ws"] as const).map((ask) => ["GET", `/containers/${bot}/${ask}`] as const),
      ["PUT", `/containers/${bot}/archive?path=/`],
      ["DELETE", `/containers/${bot}`],
      ["DELETE", `/containers/${bot}?force=1`],
      ["GET", "/containers/json"],
      ["POST", "/containers/create"],
      ["POST", "/containers/prune"],
      ...(["/_ping", "/version", "/info", "/events", "/images/json", "/volumes", "/networks", "/system/df", "/secrets", "/plugins", "/swarm"] as const).map((path) => ["GET", path] as const),
      ...(["/build", "/images/create?fromImage=x", "/volumes/create", "/networks/create", "/session", "/grpc", "/auth", "/commit"] as const).map((path) => ["POST", path] as const),
      ["POST", `//containers/${bot}/stop`],
      ["POST", `/containers//${bot}/stop`],
      ["POST", `/containers/${bot}/stop/`],
      ["POST", `/containers/${bot}//stop`],
      ["POST", `/./containers/${bot}/stop`],
      ["POST", `/containers/${other}/../${bot}/stop`],
      ["POST", `/containers/${bot}/../${other}/stop`],
      ["POST", `/containers/${bot}/stop/../../${other}/stop`],
      ["POST", `/containers/${other.replace("-", "%2d")}/stop`],
      ["POST", `/containers/${bot}%2f..%2f${other}/stop`],
      ["POST", `/containers/${bot}%00/stop`],
      ["POST", `/containers/${bot}x/stop`],
      ["POST", `/containers/x${bot}/stop`],
      ["POST", `/containers/${bot}|${other}/stop`],
      ["POST", `/containers/${bot}/stop?t=0&signal=SIGKILL`],
      ["POST", `/containers/${bot}/stop?signal=SIGKILL`],
      ["POST", `/containers/${bot}/stop?t=-1`],
      ["POST", `/containers/${bot}/STOP`],
      ["POST", `/v1.41/../containers/${bot}/stop`],
      ["POST", `/v1.41/v1.41/containers/${bot}/stop`],
      ["POST", `/containers/${await inspected("bot-refstrat01", "{{.Id}}")}/stop`],
      ["POST", `/containers/${bot}/stop`, "--header", "Upgrade: h2c", "--header", "Connection: Upgrade, HTTP2-Settings", "--header", "HTTP2-Settings: AAMAAABkAAQAAP__"],
      ["POST", `/containers/${bot}/stop`, "--header", "Upgrade: tcp", "--header", "Connection: Upgrade"],
      ["POST", `/containers/${bot}/stop`, "--data", "GET /info"],
      ["POST", `/containers/${bot}/stop`, "--request-target", `http://docker/containers/${bot}/stop`],
    ];
    const quoted = (word: string) => `'${word}'`;
    const script = refused.map(([method, path, ...more]) => ["curl", "--silent", "--output", "/dev/null", "--max-time", "5", "--path-as-is", "--globoff", "--write-out", "'%{http_code}\\n'", ...(method === "HEAD" ? ["--head"] : ["--request", method]), ...more.map(quoted), "--unix-socket", "/docker/docker.sock", quoted(`http://docker${path}`)].join(" "));
    const codes = lines((await insideGuard(script.join("\n"))).stdout);
    expect(codes).to.have.length(refused.length);
    expect(refused.flatMap(([method, path], index) => (codes[index] === "403" ? [] : [`${method} ${path}: ${codes[index]}`]))).to.deep.equal([]);
    expect(await running("refstrat01")).to.equal(true);
    const allowed = lines((await insideGuard([`/containers/${bot}/json`, `/v1.41/containers/${bot}/json`].map((path) => `curl --silent --output /dev/null --write-out '%{http_code}\\n' --unix-socket /docker/docker.sock 'http://docker${path}'`).join("\n"))).stdout);
    expect(allowed).to.deep.equal(["200", "200"]);
  });

  it("kills the bot whose drawdown is too deep, and no other, and tells why everywhere", async () => {
    await eventually("an account with bars", 60, async () => Number((await stack.query("SELECT count(*) FROM trading.equity WHERE bot = 'refstrat01'"))[0]) > 2);
    await stack.query("INSERT INTO trading.equity (bot, bar, equity, cash, quantity, close) SELECT bot, max(bar) + interval '1 minute', 5000, 5000, 0, 1 FROM trading.equity WHERE bot = 'refstrat01' GROUP BY bot");
    await eventually("the bot is stopped", 40, async () => !(await running("refstrat01")));
    const halt = haltOf("drawdown", "refstrat01")!;
    expect(halt).to.deep.include({ level: "kill", by: "guard", stack: stack.name, runbook: "runbooks/Incident_Handling.md, 4.2 Drawdown" });
    expect(halt.numbers).to.include({ limit: 0.12, equity: 5000 });
    expect(await running("second")).to.equal(true);
    expect(readAudit(control).find(({ incident }) => incident === halt.id)).to.deep.include({ act: "halt", by: "guard", rule: "drawdown", bot: "refstrat01", level: "kill" });
    await eventually("the action in the database", 10, async () => (await actions("drawdown")).includes("halt refstrat01 kill"));
    const notice = await eventually("the alert", 10, async () => (await notices()).find(({ key }) => key === `guard.halt.${halt.id}`));
    expect(notice).to.deep.include({ state: "raised", sender: "guard", runbook: halt.runbook });
    expect(notice.text).to.include(`--incident ${halt.id}`);
  });

  it("keeps it stopped when Docker, a restart of the guard or an up would start it", async () => {
    await starts("refstrat01");
    await eventually("the bot is stopped again", 40, async () => !(await running("refstrat01")));
    await eventually("that it was found running", 10, async () => (await actions("bot-runs-halted")).some((action) => action.startsWith("stop refstrat01")));
    succeeds(await stack.docker(["restart", stack.container("guard")]));
    succeeds(await stack.up());
    await guardLooked();
    expect(await running("refstrat01")).to.equal(false);
    expect(halts().filter(({ rule }) => rule === "drawdown")).to.have.length(1);
  });

  it("does not act again for what was lifted", async () => {
    for (const halt of halts()) if (halt.bot === "refstrat01") lift(halt);
    await starts("refstrat01");
    await guardLooked();
    expect(await running("refstrat01")).to.equal(true);
    expect(halts().filter(({ bot, rule }) => bot === "refstrat01" && (rule === "drawdown" || rule === "daily-loss"))).to.deep.equal([]);
  });

  it("restarts a bot once that does nothing and says it is well, then lets it enter nothing more", async () => {
    await eventually("the restart and the pause of the hostile bot", 120, async () => haltOf("no-decision", "hostile") !== undefined);
    expect(await actions("no-decision")).to.include.members(["restart hostile -", "halt hostile pause"]);
    expect(await running("hostile")).to.equal(true);
    expect(readAudit(control).filter(({ act, bot }) => act === "restart bot" && bot === "hostile")).to.have.length(1);
  });

  it("restarts a bot that stands still", async () => {
    const before = await inspected("bot-second", "{{.State.StartedAt}}");
    await standStill("second");
    await eventually("a restart", 120, async () => (await inspected("bot-second", "{{.State.StartedAt}}")) !== before && (await running("second")));
    const bar = await stack.query("SELECT max(bar) FROM trading.decisions WHERE bot = 'second'");
    await eventually("it decides again", 60, async () => (await stack.query("SELECT max(bar) FROM trading.decisions WHERE bot = 'second'"))[0] !== bar[0]);
    expect(haltOf("no-decision", "second")).to.equal(undefined);
  });

  it("stops the bots of a market whose feed is DOWN, and nothing starts them", async () => {
    // The feed itself would have the last word otherwise.
    succeeds(await stack.docker(["stop", stack.container("livefeed")]));
    await stack.query("UPDATE trading.feed_status SET state = 'DOWN', phase = 'running', since = clock_timestamp(), reason = 'nothing comes' WHERE symbol = 'ETHUSDT'");
    await eventually("the bot is stopped", 40, async () => !(await running("second")));
    expect(haltOf("feed-down", "second")).to.deep.include({ level: "kill", runbook: "runbooks/LiveFeed_Runbook.md, 5.1 Børs eller eksternt feed er væk" });
    expect(await running("refstrat01")).to.equal(true);
    succeeds(await stack.docker(["start", stack.container("livefeed")]));
    await eventually("the feed is well again", 60, async () => (await stack.query("SELECT state || phase FROM trading.feed_status WHERE symbol = 'ETHUSDT'"))[0] === "HEALTHYrunning");
    succeeds(await stack.up());
    await guardLooked();
    expect(await running("second")).to.equal(false);
  });

  it("freezes deploys when a bot decides otherwise than its replay", async () => {
    await stack.query(`
      INSERT INTO trading.parities (bot, configuration_hash, reference, decisions_compared, decisions_matched, trades_compared, trades_matched, refused, late, cause, verdict, frozen, reason, expected_trades, seconds)
      VALUES ('refstrat01', 'x', 'image', 10, 9, 0, 0, 0, 0, 'strategy', 'differs', true, 'one decision of ten differs', '{}', 1)`);
    await eventually("a freeze", 20, async () => freezesOf(control).inForce().entries.length === 1);
    expect(freezesOf(control).inForce().entries[0]).to.deep.include({ rule: "decision-mismatch", bot: "refstrat01", by: "guard" });
    expect(await running("refstrat01")).to.equal(true);
  });

  it("holds to a halt while the database is away", async () => {
    await freeze(stack.container("timescaledb"));
    try {
      haltsOf(control).place(byPerson("refstrat01", "the database is away"));
      await eventually("the bot is stopped", 45, async () => !(await running("refstrat01")));
    } finally {
      succeeds(await stack.docker(["unpause", stack.container("timescaledb")]));
    }
    await eventually("the guard looks again", 60, async () => (await lease()) === "GRANTED true");
  });

  it("is missed by the broker: no entry without its lease", async () => {
    lift(haltOf("no-decision", "hostile")!);
    succeeds(await stack.docker(["kill", "--signal", "KILL", stack.container("guard")]));
    await eventually("the lease is over", 20, async () => (await lease()) === "GRANTED false");
    const ask = async (path: string) => (await stack.docker(["exec", stack.container("bot-hostile"), "curl", "--silent", `http://127.0.0.1:8080${path}`])).stdout;
    const attack = async (name: string) => {
      await ask(`/run/${name}`);
      return eventually(name, 60, async () => JSON.parse(await ask(`/result/${name}`)).result as { reason?: string } | undefined);
    };
    await attack("begin");
    expect((await attack("withoutLease")).reason).to.match(/guard/);
    // Docker does not start again what was killed through it.
    succeeds(await stack.docker(["start", stack.container("guard")]));
    await eventually("the lease is back", 30, async () => (await lease()) === "GRANTED true");
  });

  it("has a bot killed that is halted and ignores the signal to end", async () => {
    haltsOf(control).place(byPerson("hostile", "it does as it likes"));
    await eventually("the bot is killed", 60, async () => !(await running("hostile")));
    expect(await inspected("bot-hostile", "{{.State.ExitCode}}")).to.equal("137");
    await guardLooked();
    expect(await running("hostile")).to.equal(false);
  });

  function byPerson(bot: string, reason: string): Halt {
    const now = Date.now();
    return { format: 1, id: incidentId("INC", now), stack: stack.name, bot, reason, by: "person", who: "test", at: new Date(now).toISOString(), rule: null, cause: null, numbers: {}, runbook: null, open: [], level: "kill" };
  }
});
