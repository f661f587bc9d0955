import { expect } from "chai";
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { ImageBuilder } from "../../images/build";
import { startWorkLoop } from "../../services/shared/listen";
import { createLogger } from "../../services/shared/log";

const run = promisify(execFile);

async function docker(...argv: string[]): Promise<string> {
  const { stdout } = await run("docker", argv, { maxBuffer: 16 * 1024 * 1024 });
  return stdout.trim();
}

async function eventually<T>(what: string, seconds: number, attempt: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const roles = [
  { name: "livefeed", kind: "livefeed" },
  { name: "broker", kind: "broker" },
  { name: "performance", kind: "performance" },
  { name: "guard", kind: "guard" },
  { name: "gui", kind: "gui" },
  { name: "mlflow", kind: "mlflow" },
  { name: "bot_alpha", kind: "bot" },
  { name: "bot_beta", kind: "bot" },
];

const migrations = readdirSync(path.resolve(__dirname, "../../database/migrations")).map((file) => path.parse(file).name).sort();

/** The real images on the machine's Docker, in the order a stack uses them. */
describe("the trading database", function () {
  this.timeout(300_000);
  const prefix = `test-database-${randomBytes(4).toString("hex")}`;
  const container = `${prefix}-server`;
  const volumes = ["data", "secrets", "migrate"].map((purpose) => `${prefix}-${purpose}`);
  const [data, secrets, migratorSecrets] = volumes as [string, string, string];
  const passwords: Record<string, string> = { superuser: "it's a first" };
  const images: Record<string, string> = {};
  let port = 0;
  const clients: pg.Client[] = [];

  /** Writes files onto a volume the way the program does. */
  async function fill(volume: string, owner: string, files: Record<string, string>): Promise<void> {
    const child = spawn("docker", ["run", "--rm", "-i", "--network", "none", "--user", "0", "-v", `${volume}:/target`, images["base"] as string, "write-files", owner], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    child.stdin.end(Object.entries(files).map(([name, content]) => `${name}\t${Buffer.from(content).toString("base64")}\n`).join(""));
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).to.equal(0);
  }
  const fillSuperuser = () => fill(secrets, "10002:10002", { "superuser-password": passwords["superuser"] as string });
  const fillMigrator = () =>
    fill(migratorSecrets, "10001:10001", Object.fromEntries(Object.entries(passwords).map(([name, password]) => [`${name}-password`, password])));

  async function createServer(): Promise<void> {
    await docker(
      ...["create", "--name", container, "--network", prefix, "--network-alias", "timescaledb", "--publish", "127.0.0.1::5432"],
      ...["--read-only", "--tmpfs", "/tmp:rw,nosuid,nodev,noexec,size=64m", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
      ...["--memory", "512m", "--memory-swap", "512m", "-v", `${data}:/var/lib/postgresql/data`, "-v", `${secrets}:/secrets:ro`],
      images["timescaledb"] as string,
    );
  }

  async function ready(): Promise<void> {
    await eventually("the database accepts connections", 60, async () => {
      const state = await docker("inspect", "--format", "{{.State.Running}} {{.State.ExitCode}}", container);
      if (!state.startsWith("true")) throw new Error(`the server ended: ${state}\n${(await run("docker", ["logs", container])).stderr}`);
      return docker("exec", container, "pg_isready", "--quiet", "--host", "127.0.0.1", "--username", "postgres").then(
        () => true,
        () => undefined,
      );
    });
    port = Number((await docker("port", container, "5432/tcp")).split(":").at(-1));
  }

  async function startServer(): Promise<void> {
    await docker("start", container);
    await ready();
  }

  async function connect(user: string, database = "trading", password = passwords[user === "postgres" ? "superuser" : user]): Promise<pg.Client> {
    const client = new pg.Client({ host: "127.0.0.1", port, user, database, password: password as string });
    client.on("error", () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  }

  async function migrate(declared = roles): Promise<Record<string, unknown>> {
    const settings = JSON.stringify({ roles: declared });
    const output = await docker(
      ...["run", "--rm", "--network", prefix, "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
      ...["-v", `${migratorSecrets}:/secrets:ro`, "--env", `SETTINGS=${settings}`, images["migrate"] as string],
    );
    expect(output.split("\n")).to.have.length(1);
    return JSON.parse(output) as Record<string, unknown>;
  }

  const refused = async (attempt: Promise<unknown>): Promise<string> =>
    attempt.then(
      () => "it was allowed",
      (error: Error) => error.message,
    );

  before(async () => {
    const builder = new ImageBuilder(path.resolve(__dirname, "..", ".."), () => undefined);
    for (const name of ["base", "timescaledb", "migrate"] as const) images[name] = await builder.ensure(name);
    for (const { name } of roles) passwords[name] = randomBytes(16).toString("hex");
    await docker("network", "create", prefix);
    for (const volume of volumes) await docker("volume", "create", volume);
    await fillSuperuser();
    await fillMigrator();
    await createServer();
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) await client.end();
  });

  after(async () => {
    await run("docker", ["rm", "--force", container]).catch(() => undefined);
    await run("docker", ["network", "rm", prefix]).catch(() => undefined);
    for (const volume of volumes) await run("docker", ["volume", "rm", "--force", volume]).catch(() => undefined);
  });

  it("starts after its first start was killed half-way", async () => {
    await docker("start", container);
    await eventually("the cluster is being made", 30, async () => ((await docker("logs", container)).includes("creating subdirectories") ? true : undefined));
    await docker("kill", container);
    const files = await docker("run", "--rm", "--network", "none", "--user", "0", "-v", `${data}:/data`, images["base"] as string, "ls", "/data");
    expect(files).to.equal("17.partial");
    await startServer();
    const checksums = await (await connect("postgres", "postgres")).query("SHOW data_checksums");
    expect(checksums.rows).to.deep.equal([{ data_checksums: "on" }]);
  });

  it("is brought to its schema once, by migrators that run at the same time", async () => {
    const summaries = await Promise.all([migrate(), migrate()]);
    const names = roles.map((role) => role.name);
    const empty = { databasesCreated: [], roles: names, retiredRoles: [], migrationsApplied: [], schemaVersion: migrations.at(-1) };
    expect(summaries).to.have.deep.members([{ ...empty, databasesCreated: ["trading", "mlflow"], migrationsApplied: migrations }, empty]);
    expect(await migrate()).to.deep.equal(empty);
  });

  it("keeps candles in a hypertable of TimescaleDB's Apache edition, without telemetry", async () => {
    const client = await connect("postgres");
    expect((await client.query("SELECT hypertable_name AS name FROM timescaledb_information.hypertables")).rows).to.deep.equal([{ name: "candles" }]);
    expect((await client.query("SHOW timescaledb.license")).rows).to.deep.equal([{ "timescaledb.license": "apache" }]);
    expect((await client.query("SHOW timescaledb.telemetry_level")).rows).to.deep.equal([{ "timescaledb.telemetry_level": "off" }]);
  });

  it("stores no password, only what proves it", async () => {
    const { rows } = await (await connect("postgres")).query<{ password: string }>("SELECT rolpassword AS password FROM pg_authid WHERE rolcanlogin");
    expect(rows).to.have.length(roles.length + 1);
    for (const { password } of rows) expect(password).to.match(/^SCRAM-SHA-256\$4096:/);
  });

  describe("lets every role do its work", () => {
    const candle = "'BTC', '1h', '2024-01-01T00:00Z', 100, 110, 90, 105, 1, 'test'";
    const works: { role: string; statements: string[] }[] = [
      {
        role: "livefeed",
        statements: [
          "INSERT INTO trading.feed_sessions (source, settings, replay, warmup_from, trade_from) VALUES ('test', '{}', true, '2024-01-01Z', '2024-01-02Z')",
          `INSERT INTO trading.candles (symbol, interval, open_time, open, high, low, close, volume, source) VALUES (${candle})`,
          "INSERT INTO trading.feed_status (symbol, interval, state, reason) VALUES ('BTC', '1h', 'HEALTHY', 'test') ON CONFLICT (symbol, interval) DO UPDATE SET reason = 'again'",
          "INSERT INTO trading.feed_findings (symbol, interval, kind, details) VALUES ('BTC', '1h', 'gap', '{}')",
          "INSERT INTO trading.feed_states (symbol, interval, state, reason) VALUES ('BTC', '1h', 'DOWN', 'test')",
          "SELECT processed_bar, entry_bar FROM trading.accounts WHERE symbol = 'BTC' AND interval = '1h'",
          "SELECT bot FROM trading.fills WHERE bar = '2024-01-02Z'",
          "SELECT bot, bar, action, status FROM trading.orders",
          "SELECT pg_notify('candle', '')",
        ],
      },
      {
        role: "broker",
        statements: [
          ...["alpha", "beta"].map(
            (bot) =>
              `INSERT INTO trading.accounts (bot, symbol, interval, strategy, strategy_settings, configuration_hash, starting_cash, cash, warmup_from, start_bar)
               VALUES ('${bot}', 'BTC', '1h', 'RefStrat_01', '{}', 'x', 1000, 1000, '2024-01-01Z', '2024-01-02Z')`,
          ),
          "INSERT INTO trading.orders (client_order_id, bot, bar, action, side, type, quantity, status) VALUES ('o1', 'alpha', '2024-01-02Z', 'enter', 'buy', 'market', 1, 'accepted')",
          "UPDATE trading.orders SET status = 'filled' WHERE client_order_id = 'o1'",
          "INSERT INTO trading.fills (client_order_id, bot, bar, side, price, quantity, fee, slippage, reason, simulated, filled_at) VALUES ('o1', 'alpha', '2024-01-02Z', 'buy', 100, 1, 0.1, 0, 'test', true, '2024-01-02Z')",
          "INSERT INTO trading.equity VALUES ('alpha', '2024-01-02Z', 1000, 900, 1, 100), ('beta', '2024-01-02Z', 1000, 1000, 0, 100)",
          "UPDATE trading.accounts SET processed_bar = '2024-01-02Z'",
          "INSERT INTO trading.trades (bot, entry_bar, exit_bar, quantity, entry_price, exit_price, fees, profit, exit_reason) VALUES ('alpha', '2024-01-02Z', '2024-01-03Z', 1, 100, 110, 0.2, 9.8, 'exit')",
          "INSERT INTO trading.rejections (bot, kind, count, last_reason) VALUES ('alpha', 'malformed', 1, 'test') ON CONFLICT (bot, kind) DO UPDATE SET count = rejections.count + excluded.count",
          "INSERT INTO trading.reconciliations (bot, intended, sent, rejected, filled, cancelled, open) VALUES ('alpha', 1, 1, 0, 1, 0, 0)",
          "SELECT * FROM trading.feed_states, trading.feed_status",
          "SELECT * FROM trading.decisions",
          "SELECT * FROM trading.guard_status",
        ],
      },
      {
        role: "bot_alpha",
        statements: [
          "INSERT INTO trading.decisions (bot, bar, action, reason, indicators) VALUES ('alpha', '2024-01-02Z', 'hold', 'test', '{}')",
          "SELECT * FROM trading.candles",
          "SELECT * FROM trading.feed_status",
          "SELECT * FROM trading.orders, trading.fills, trading.equity, trading.accounts, trading.trades",
          "INSERT INTO trading.runs (id, bot, params) VALUES ('00000000-0000-4000-8000-000000000001', 'alpha', '{}')",
          "UPDATE trading.runs SET ended_at = now(), status = 'FINISHED'",
          "SELECT trading.take_bot_lock()",
        ],
      },
      { role: "gui", statements: ["SELECT * FROM trading.decisions, trading.trades, trading.feed_findings, trading.feed_sessions, trading.accounts, trading.feed_states, trading.rejections, trading.reconciliations, trading.runs", "SELECT * FROM trading.kpis, trading.parities", "SELECT * FROM trading.guard_status, trading.guard_actions"] },
      {
        role: "performance",
        statements: [
          "INSERT INTO trading.kpis (bot, span, bar, bars) VALUES ('alpha', '30d', '2024-01-02Z', 1) ON CONFLICT (bot, span, bar) DO UPDATE SET bars = 2",
          `INSERT INTO trading.parities (bot, configuration_hash, reference, decisions_compared, decisions_matched, trades_compared, trades_matched, refused, late, cause, verdict, frozen, reason, expected_trades, seconds)
           VALUES ('alpha', 'x', 'program', 1, 1, 0, 0, 0, 0, 'none', 'equal', false, 'test', '{}', 0)`,
          "SELECT * FROM trading.candles, trading.accounts, trading.decisions, trading.orders, trading.fills, trading.trades, trading.equity, trading.runs",
        ],
      },
      {
        role: "guard",
        statements: [
          `INSERT INTO trading.guard_status (state, reason, lease_until, renewals) VALUES ('GRANTED', 'test', now() + interval '15 seconds', 1)
           ON CONFLICT ("only") DO UPDATE SET state = 'WITHHELD', lease_until = NULL, renewals = guard_status.renewals + 1`,
          `INSERT INTO trading.guard_actions (rule, bot, action, level, incident, reason, numbers, runbook)
           VALUES ('drawdown', 'alpha', 'halt', 'kill', 'INC-20260101-000000-0000', 'test', '{"drawdown": 0.13}', 'runbooks/Incident_Handling.md')`,
          "INSERT INTO trading.guard_actions (rule, action, reason, runbook) VALUES ('clock', 'withhold', 'test', 'runbooks/Incident_Handling.md')",
          "SELECT * FROM trading.accounts, trading.equity, trading.orders, trading.decisions, trading.candles, trading.feed_status, trading.feed_sessions, trading.parities, trading.kpis, trading.reconciliations, trading.guard_actions",
        ],
      },
    ];
    for (const { role, statements } of works) {
      it(role, async () => {
        const client = await connect(role);
        for (const statement of statements) await client.query(statement);
      });
    }

    it("mlflow, in a database of its own", async () => {
      const client = await connect("mlflow", "mlflow");
      await client.query("CREATE TABLE probe (id int); DROP TABLE probe");
    });
  });

  describe("shows the guard", () => {
    it("every bot's rows", async () => {
      const client = await connect("guard");
      for (const [table, bots] of [["accounts", ["alpha", "beta"]], ["equity", ["alpha", "beta"]], ["orders", ["alpha"]], ["decisions", ["alpha"]], ["parities", ["alpha"]], ["kpis", ["alpha"]]] as const) {
        const { rows } = await client.query<{ bot: string }>(`SELECT bot FROM trading.${table} ORDER BY bot`);
        expect(rows.map(({ bot }) => bot), table).to.deep.equal(bots);
      }
    });

    it("that a feed runs which says nothing else", async () => {
      const { rows } = await (await connect("guard")).query("SELECT phase FROM trading.feed_status");
      expect(rows).to.deep.equal([{ phase: "running" }]);
    });
  });

  describe("shows a bot its own rows only", () => {
    for (const { table, alpha, beta } of [
      { table: "accounts", alpha: 1, beta: 1 },
      { table: "decisions", alpha: 1, beta: 0 },
      { table: "orders", alpha: 1, beta: 0 },
      { table: "fills", alpha: 1, beta: 0 },
      { table: "equity", alpha: 1, beta: 1 },
      { table: "trades", alpha: 1, beta: 0 },
      { table: "runs", alpha: 1, beta: 0 },
    ]) {
      it(table, async () => {
        for (const [bot, count] of [["alpha", alpha], ["beta", beta]] as const) {
          const { rows } = await (await connect(`bot_${bot}`)).query<{ bot: string }>(`SELECT bot FROM trading.${table}`);
          expect(rows).to.deep.equal(Array.from({ length: count }, () => ({ bot })));
        }
      });
    }
  });

  describe("refuses what is nobody's business", () => {
    const denied = (table: string) => `permission denied for table ${table}`;
    const policy = (table: string) => `new row violates row-level security policy for table "${table}"`;
    const cases: { role: string; statement: string; message: string }[] = [
      { role: "livefeed", statement: "UPDATE trading.candles SET close = 1", message: denied("candles") },
      { role: "livefeed", statement: "DELETE FROM trading.candles", message: denied("candles") },
      { role: "livefeed", statement: "SELECT cash FROM trading.accounts", message: denied("accounts") },
      { role: "livefeed", statement: "SELECT quantity FROM trading.orders", message: denied("orders") },
      { role: "livefeed", statement: "SELECT price FROM trading.fills", message: denied("fills") },
      { role: "broker", statement: "INSERT INTO trading.decisions (bot, bar, action, reason, indicators) VALUES ('alpha', now(), 'hold', '', '{}')", message: denied("decisions") },
      { role: "broker", statement: "UPDATE trading.feed_status SET lease_until = now() + interval '1 day'", message: denied("feed_status") },
      { role: "broker", statement: "UPDATE trading.fills SET price = 1", message: denied("fills") },
      { role: "broker", statement: "DELETE FROM trading.orders", message: denied("orders") },
      { role: "gui", statement: "INSERT INTO trading.orders (client_order_id) VALUES ('x')", message: denied("orders") },
      { role: "gui", statement: "UPDATE trading.accounts SET cash = 1e6", message: denied("accounts") },
      { role: "gui", statement: "INSERT INTO trading.parities (bot) VALUES ('alpha')", message: denied("parities") },
      { role: "performance", statement: "UPDATE trading.parities SET frozen = false", message: denied("parities") },
      { role: "performance", statement: "UPDATE trading.equity SET equity = 1e6", message: denied("equity") },
      { role: "bot_alpha", statement: "SELECT * FROM trading.kpis", message: denied("kpis") },
      { role: "bot_alpha", statement: "SELECT * FROM trading.parities", message: denied("parities") },
      { role: "guard", statement: "UPDATE trading.guard_actions SET reason = 'another'", message: denied("guard_actions") },
      { role: "guard", statement: "DELETE FROM trading.guard_actions", message: denied("guard_actions") },
      { role: "guard", statement: "UPDATE trading.feed_status SET lease_until = now() + interval '1 day'", message: denied("feed_status") },
      { role: "guard", statement: "UPDATE trading.orders SET status = 'cancelled'", message: denied("orders") },
      { role: "guard", statement: "SELECT * FROM trading.fills", message: denied("fills") },
      { role: "broker", statement: "UPDATE trading.guard_status SET lease_until = now() + interval '1 day'", message: denied("guard_status") },
      { role: "gui", statement: "INSERT INTO trading.guard_actions (rule) VALUES ('x')", message: denied("guard_actions") },
      { role: "bot_alpha", statement: "SELECT * FROM trading.guard_status", message: denied("guard_status") },
      { role: "gui", statement: "CREATE TABLE trading.mine (id int)", message: "permission denied for schema trading" },
      { role: "bot_alpha", statement: "INSERT INTO trading.decisions (bot, bar, action, reason, indicators) VALUES ('beta', now(), 'hold', '', '{}')", message: policy("decisions") },
      { role: "bot_alpha", statement: "INSERT INTO trading.runs (id, bot, params) VALUES ('00000000-0000-4000-8000-000000000002', 'beta', '{}')", message: policy("runs") },
      { role: "bot_alpha", statement: "SELECT * FROM trading.rejections", message: denied("rejections") },
      { role: "bot_alpha", statement: "SELECT pg_try_advisory_lock(hashtext('trading.bot'), hashtext('beta'))", message: "permission denied for function pg_try_advisory_lock" },
      { role: "bot_alpha", statement: "SELECT pg_advisory_xact_lock(1)", message: "permission denied for function pg_advisory_xact_lock" },
      { role: "broker", statement: "SELECT trading.take_bot_lock()", message: "permission denied for function take_bot_lock" },
      { role: "bot_alpha", statement: "UPDATE trading.decisions SET action = 'hold'", message: denied("decisions") },
      { role: "bot_alpha", statement: "INSERT INTO trading.orders (client_order_id) VALUES ('x')", message: denied("orders") },
      { role: "bot_alpha", statement: "UPDATE trading.accounts SET cash = 1e6", message: denied("accounts") },
      { role: "bot_alpha", statement: "SELECT * FROM trading.feed_sessions", message: denied("feed_sessions") },
      { role: "bot_alpha", statement: "SELECT * FROM trading.migrations", message: denied("migrations") },
      { role: "bot_alpha", statement: "SET ROLE broker", message: 'permission denied to set role "broker"' },
      { role: "bot_alpha", statement: "CREATE TABLE public.mine (id int)", message: "permission denied for schema public" },
      { role: "bot_alpha", statement: "CREATE TEMPORARY TABLE mine (id int)", message: 'permission denied to create temporary tables in database "trading"' },
    ];
    for (const { role, statement, message } of cases) {
      it(`${role}: ${statement.slice(0, 60)}`, async () => {
        expect(await refused((await connect(role)).query(statement))).to.equal(message);
      });
    }

    it("mlflow in the trading database, a service in MLflow's, anyone in the superuser's", async () => {
      const cases: [string, string][] = [["mlflow", "trading"], ["gui", "mlflow"], ["bot_alpha", "mlflow"], ["broker", "postgres"]];
      for (const [role, database] of cases) {
        expect(await refused(connect(role, database))).to.equal(`permission denied for database "${database}"`);
      }
    });

    it("a login without a password of one's own", async () => {
      expect(await refused(connect("bot_alpha", "trading", passwords["bot_beta"]))).to.equal('password authentication failed for user "bot_alpha"');
      expect(await refused(connect("trading_owner", "trading", "x"))).to.equal('password authentication failed for user "trading_owner"');
    });
  });

  it("gives a bot its own lock, once, until its session ends", async () => {
    const [first, second, other] = [await connect("bot_alpha"), await connect("bot_alpha"), await connect("bot_beta")];
    const take = async (client: pg.Client) => (await client.query<{ held: boolean }>("SELECT trading.take_bot_lock() AS held")).rows[0]!.held;
    expect([await take(first), await take(second), await take(other)]).to.deep.equal([true, false, true]);
    const held = await (await connect("broker")).query(
      `SELECT s.usename AS role FROM pg_locks AS l JOIN pg_stat_activity AS s ON s.pid = l.pid
       WHERE l.locktype = 'advisory' AND l.classid = hashtext('trading.bot')::oid AND l.objid = hashtext('alpha')::oid`,
    );
    expect(held.rows).to.deep.equal([{ role: "bot_alpha" }]);
    await first.end();
    clients.splice(clients.indexOf(first), 1);
    await eventually("the lock is free again", 10, async () => ((await take(second)) ? true : undefined));
  });

  describe("holds the truth", () => {
    const order = "INSERT INTO trading.orders (client_order_id, bot, bar, action, side, type, quantity, stop_price, status, reason) VALUES";
    const cases: { title: string; role?: string; statement: string; constraint: string }[] = [
      { title: "a candle is written once", role: "livefeed", statement: "INSERT INTO trading.candles (symbol, interval, open_time, open, high, low, close, volume, source) VALUES ('BTC', '1h', '2024-01-01T00:00Z', 1, 1, 1, 1, 1, 'x')", constraint: "candles_pkey" },
      { title: "a candle's high encloses it", role: "livefeed", statement: "INSERT INTO trading.candles (symbol, interval, open_time, open, high, low, close, volume, source) VALUES ('BTC', '1h', '2024-01-01T01:00Z', 2, 1, 1, 1, 1, 'x')", constraint: "candles_prices" },
      { title: "an order is filled once", statement: "INSERT INTO trading.fills (client_order_id, bot, bar, side, price, quantity, fee, slippage, reason, simulated, filled_at) VALUES ('o1', 'alpha', '2024-01-02Z', 'buy', 1, 1, 0, 0, 'x', true, now())", constraint: "fills_once_when_simulated" },
      { title: "a fill belongs to an order", statement: "INSERT INTO trading.fills (client_order_id, bot, bar, side, price, quantity, fee, slippage, reason, simulated, filled_at) VALUES ('none', 'alpha', '2024-01-02Z', 'buy', 1, 1, 0, 0, 'x', true, now())", constraint: "fills_client_order_id_fkey" },
      { title: "one stop works at a time", statement: `${order} ('s1', 'beta', now(), 'stop', 'sell', 'stop', 1, 1, 'working', null), ('s2', 'beta', now(), 'stop', 'sell', 'stop', 1, 1, 'working', null)`, constraint: "orders_one_working_stop" },
      { title: "an exit sells", statement: `${order} ('e1', 'beta', now(), 'exit', 'buy', 'market', 1, null, 'accepted', null)`, constraint: "orders_side" },
      { title: "a rejection has a reason", statement: `${order} ('e1', 'beta', now(), 'exit', 'sell', 'market', 1, null, 'rejected', null)`, constraint: "orders_rejected_with_reason" },
      { title: "a feed is in a phase that is known", role: "livefeed", statement: "UPDATE trading.feed_status SET phase = 'resting'", constraint: "feed_status_phase" },
      { title: "the guard has one status", role: "guard", statement: "INSERT INTO trading.guard_status (\"only\", state, reason) VALUES (false, 'GRANTED', 'test')", constraint: "guard_status_only" },
      { title: "the guard grants or withholds", role: "guard", statement: "UPDATE trading.guard_status SET state = 'PERHAPS'", constraint: "guard_status_state" },
      { title: "a halt of the guard has its level", role: "guard", statement: "INSERT INTO trading.guard_actions (rule, action, reason, runbook) VALUES ('x', 'halt', 'x', 'x')", constraint: "guard_actions_halt_has_level" },
      { title: "cash is not owed", statement: "UPDATE trading.accounts SET cash = -1", constraint: "accounts_cash" },
      { title: "no position is short", statement: "UPDATE trading.accounts SET quantity = -1", constraint: "accounts_long_only" },
      { title: "a position has an entry and a stop", statement: "UPDATE trading.accounts SET quantity = 1", constraint: "accounts_position" },
      { title: "a bot decides once on a bar", role: "bot_alpha", statement: "INSERT INTO trading.decisions (bot, bar, action, reason, indicators) VALUES ('alpha', '2024-01-02Z', 'hold', '', '{}')", constraint: "decisions_pkey" },
      { title: "a run that is in MLflow has ended", role: "bot_alpha", statement: "INSERT INTO trading.runs (id, bot, params, sent, mlflow_run_id) VALUES ('00000000-0000-4000-8000-000000000003', 'alpha', '{}', true, 'x')", constraint: "runs_sent_in_mlflow" },
      { title: "an action comes with an intent", role: "bot_alpha", statement: "INSERT INTO trading.decisions (bot, bar, action, reason, indicators) VALUES ('alpha', '2024-01-03Z', 'exit', '', '{}')", constraint: "decisions_intent" },
    ];
    for (const { title, role = "broker", statement, constraint } of cases) {
      it(title, async () => {
        const error = await (await connect(role)).query(statement).catch((caught: unknown) => caught);
        expect((error as { constraint?: string }).constraint, String(error)).to.match(new RegExp(`(^|_)${constraint}$`));
      });
    }
  });

  describe("through what happens to it", () => {
    it("takes changed passwords, and the login from a bot that is no longer declared", async () => {
      const [oldBroker, oldBeta] = [passwords["broker"] as string, passwords["bot_beta"] as string];
      passwords["broker"] = "another one";
      await fillMigrator();
      const summary = await migrate(roles.filter((role) => role.name !== "bot_beta"));
      expect(summary["retiredRoles"]).to.deep.equal(["bot_beta"]);
      await connect("broker");
      expect(await refused(connect("broker", "trading", oldBroker))).to.equal('password authentication failed for user "broker"');
      expect(await refused(connect("bot_beta", "trading", oldBeta))).to.equal('password authentication failed for user "bot_beta"');
      expect((await migrate())["retiredRoles"]).to.deep.equal([]);
      await connect("bot_beta");
    });

    it("wakes a work loop again after its connection was lost", async () => {
      let runs = 0;
      const loop = startWorkLoop({
        database: { host: "127.0.0.1", port, name: "trading", user: "gui", password: passwords["gui"] as string },
        applicationName: "work loop",
        channels: ["candle"],
        pollMilliseconds: 3_600_000,
        log: createLogger("test", "silent"),
        work: async () => void runs++,
      });
      const moreThan = (count: number) => eventually(`run ${count + 1}`, 10, async () => (loop.listening && runs > count ? true : undefined));
      try {
        await moreThan(0);
        await (await connect("livefeed")).query("SELECT pg_notify('candle', '')");
        await moreThan(1);
        await (await connect("postgres")).query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'work loop'");
        await moreThan(2);
        await (await connect("livefeed")).query("SELECT pg_notify('candle', '')");
        await moreThan(3);
      } finally {
        await loop.close();
      }
    });

    it("loses nothing that was committed when it is killed", async () => {
      await (await connect("livefeed")).query("INSERT INTO trading.feed_findings (symbol, interval, kind, details) VALUES ('BTC', '1h', 'before the kill', '{}')");
      await docker("kill", container);
      await startServer();
      const { rows } = await (await connect("gui")).query("SELECT kind FROM trading.feed_findings WHERE kind = 'before the kill'");
      expect(rows).to.have.length(1);
    });

    it("takes the superuser's changed password when it starts, and says nothing of it", async () => {
      const old = passwords["superuser"] as string;
      passwords["superuser"] = "the owner's \"second\"";
      await fillSuperuser();
      await docker("restart", container);
      await ready();
      await connect("postgres");
      expect(await refused(connect("postgres", "postgres", old))).to.equal('password authentication failed for user "postgres"');
      const { stdout, stderr } = await run("docker", ["logs", container]);
      expect(stderr).to.include("start-database: the superuser's new password was applied");
      for (const password of Object.values(passwords)) expect(stdout + stderr).to.not.include(password);
    });

    it("refuses to start without its secret", async () => {
      const output = await run("docker", ["run", "--rm", "--read-only", "--tmpfs", "/tmp", "-v", `${data}:/var/lib/postgresql/data`, images["timescaledb"] as string]).catch(
        (error: { code: number; stderr: string }) => error,
      );
      expect(output).to.include({ code: 1 });
      expect(output.stderr).to.include("start-database: /secrets/superuser-password is missing, empty or not readable for user id 10002");
    });

    it("stops in order within seconds", async () => {
      const started = Date.now();
      await docker("stop", container);
      expect(Date.now() - started).to.be.below(8000);
      expect(await docker("inspect", "--format", "{{.State.ExitCode}}", container)).to.equal("0");
    });
  });
});
