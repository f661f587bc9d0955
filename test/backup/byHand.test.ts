import { expect } from "chai";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { RecoveryPoint } from "../../domain/backup/recoveryPoint";
import { BackupServiceRig } from "./serviceRig";
import { runbookCommands, type RunbookCommand } from "../runbooks/powershell";
import { stepByStep } from "../support/stepByStep";
import { execute, lines, PROJECT_ROOT, type Outcome } from "../support/throwAwayStack";

const FILE = "Restore_By_Hand.md";

/** A command of the page with the number of its section, for example `3.1`. */
interface PageCommand extends RunbookCommand {
  readonly section: string;
}

interface Page {
  readonly commands: readonly PageCommand[];
  /** What the page says to save as a Dockerfile. */
  readonly dockerfile: string;
}

function readPage(): Page {
  const markdown = fs.readFileSync(path.join(PROJECT_ROOT, "runbooks", FILE), "utf8");
  const rows = markdown.split(/\r?\n/);
  const sectionAt = (line: number) => rows.slice(0, line).reduce((section, row) => /^##+ ([\d.]*\d)/.exec(row)?.[1] ?? section, "");
  const commands = runbookCommands(FILE, markdown).map((command) => ({ ...command, section: sectionAt(command.line) }));
  return { commands, dockerfile: /```dockerfile\n(.*?)```/s.exec(rows.join("\n"))?.[1] ?? "" };
}

/** What stands on the page, and what the test writes in its place. */
interface Substitution {
  readonly typed: string;
  readonly runs: string;
  readonly reason: string;
}

/** The words of a command as the test runs them; one that becomes nothing is left out. */
function substituted(argv: readonly string[], substitutions: readonly Substitution[]): string[] {
  const escape = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  // The first that fits, and what was put in is not looked at again.
  const typed = new RegExp(substitutions.map((each) => escape(each.typed)).join("|"), "g");
  return argv.map((word) => word.replace(typed, (found) => substitutions.find((each) => each.typed === found)!.runs)).filter((word) => word !== "");
}

/** What a database server holds, told by PostgreSQL's own programs in its container. */
interface Facts {
  readonly roles: string;
  readonly databases: string;
  readonly schemas: Readonly<Record<string, string>>;
  /** A line a table: its name, its number of rows, a hash of all of them. */
  readonly rows: Readonly<Record<string, readonly string[]>>;
  readonly sequences: Readonly<Record<string, readonly string[]>>;
}

const databases = ["trading", "mlflow"];

const hashedTables = `
  SELECT format('%I.%I', schemaname, tablename) || ' ' ||
         (xpath('//h/text()', query_to_xml(format('SELECT count(*) || '':'' || coalesce(md5(string_agg(t::text, E''\\n'' ORDER BY t::text)), '''') AS h FROM %I.%I AS t', schemaname, tablename), false, true, '')))[1]::text
    FROM pg_tables WHERE schemaname IN ('trading', 'public') ORDER BY 1`;

async function factsOf(container: string): Promise<Facts> {
  const tool = async (...words: string[]) => {
    const { code, stdout, text } = await execute("docker", ["exec", "--user", "10002", container, ...words]);
    if (code !== 0) throw new Error(`${words[0]} in ${container}: ${text}`);
    return stdout;
  };
  const query = (database: string, sql: string) => tool("psql", "--no-psqlrc", "--tuples-only", "--no-align", "--username", "postgres", "--dbname", database, "--command", sql);
  const each = async <Value>(of: (database: string) => Promise<Value>) => Object.fromEntries(await Promise.all(databases.map(async (database) => [database, await of(database)] as const)));
  // Each dump names another key in these lines; the roles of a policy are a set; the superuser's password belongs to a
  // container, not to the backup.
  const lasting = (dump: string) =>
    dump
      .replace(/^\\(un)?restrict .*$/gm, "")
      .replace(/^(CREATE POLICY .* TO )([\w, ]+)( (?:USING|WITH CHECK).*)$/gm, (_all, start: string, roles: string, end: string) => `${start}${roles.split(", ").sort().join(", ")}${end}`)
      .replace(/^(ALTER ROLE postgres .*) PASSWORD .*$/m, "$1");
  return {
    roles: lasting(await tool("pg_dumpall", "--username", "postgres", "--globals-only")),
    databases: await query("postgres", "SELECT datname, datdba::regrole, encoding, datlocprovider, datlocale, datacl FROM pg_database WHERE NOT datistemplate ORDER BY 1"),
    schemas: await each(async (database) => lasting(await tool("pg_dump", "--username", "postgres", "--schema-only", "--dbname", database))),
    rows: await each(async (database) => lines(await query(database, hashedTables))),
    sequences: await each(async (database) => lines(await query(database, "SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE schemaname !~ '^_' ORDER BY 1, 2"))),
  };
}

/** One after the other, so that a difference is told by its lines. */
function demandSame(found: Facts, expected: Facts): void {
  const rows = ({ roles, databases: names, schemas, rows: tables, sequences }: Facts) => [
    ...lines(names),
    ...lines(roles),
    ...databases.flatMap((database) => [...tables[database]!, ...sequences[database]!, ...lines(schemas[database]!)].map((line) => `${database}: ${line}`)),
  ];
  const [there, wanted] = [rows(found), rows(expected)];
  expect({ lost: wanted.filter((row) => !there.includes(row)), added: there.filter((row) => !wanted.includes(row)) }).to.deep.equal({ lost: [], added: [] });
  expect(found).to.deep.equal(expected);
}

/**
 * The page's commands, word for word but for the substitutions, on backups that the real service made.
 */
describe("runbooks/Restore_By_Hand.md: a dump and the files come back with the tools' own commands", function () {
  this.timeout(15 * 60_000);
  stepByStep(this);
  const prefix = `h8-${randomBytes(4).toString("hex")}`;
  const byHand = `${prefix}-by-hand`;
  const page = readPage();
  let rig: BackupServiceRig;
  let folder: string;
  let substitutions: readonly Substitution[];
  let dump: RecoveryPoint;
  let facts: Facts;
  let artifacts: string;
  let head: string;
  let image: string;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "trading-by-hand-"));
    rig = new BackupServiceRig({ prefix });
    await rig.prepare();
    await fillDatabases(rig);
    await rig.inVolume("artifacts", "mkdir -p 1/r1/artifacts && printf 'bar,equity\\n1,2\\n' > 1/r1/artifacts/equity.csv && chown -R 10001:10001 1 && chmod -R go-rwx 1");
    await rig.inVolume("project", "mkdir -p .trading/stacks/paper && echo key > .trading/stacks/paper/key && chmod 600 .trading/stacks/paper/key && chown -R 1000:1000 .trading");
    facts = await factsOf(rig.name("timescaledb"));
    artifacts = await listing("artifacts");
    await rig.startService();
    await rig.allGood(180);
    fs.writeFileSync(path.join(folder, "key.txt"), await rig.execute("backup", "cat", "/secrets/second-copy-password"), { mode: 0o600 });
    image = await storeImage();
    expect((await rig.runJob("copy", 120)).outcome).to.equal("good");
    dump = (await rig.manifests()).find(({ kind }) => kind === "dump")!;
    head = (await rig.execute("backup", "git", "-c", "safe.directory=*", "-C", "/project", "rev-parse", "HEAD")).trim();
    fs.mkdirSync(path.join(folder, "tools"));
    fs.writeFileSync(path.join(folder, "tools", "Dockerfile"), page.dockerfile.replace("debian:13", await rig.image("base")));
    substitutions = [
      { typed: "trading-backup:a80c88c606b83036", runs: await rig.image("backup"), reason: "the page shows one tag as an example; this is the image the backups were made with" },
      { typed: "E:\\backups\\trading-paper", runs: rig.name("second-copy"), reason: "a volume stands for the other disk" },
      { typed: "F:\\trading-paper-key.txt", runs: path.join(folder, "key.txt"), reason: "a file of the test; the key is the service's own" },
      { typed: "C:\\trading-tools", runs: path.join(folder, "tools"), reason: "the page's Dockerfile in a folder of the test; its Debian 13 is the one the project's images are built on" },
      { typed: "C:\\trading-images.tar", runs: path.join(folder, "images.tar"), reason: "a file of the test" },
      { typed: "C:\\trading-artifacts", runs: path.join(folder, "artifacts"), reason: "a folder of the test" },
      { typed: "C:\\trading", runs: path.join(folder, "clone"), reason: "a folder of the test" },
      { typed: "20261121T024000Z", runs: dump.id, reason: "the page shows one dump as an example; this is the one that was made" },
      { typed: "trading-by-hand", runs: byHand, reason: "container, volume and image of the page, under a name of the test" },
      { typed: "trading-paper-timescaledb-data", runs: rig.name("data"), reason: "volume of the test's database" },
      { typed: "trading-paper-mlflow-artifacts", runs: rig.name("artifacts"), reason: "volume of the test's artifacts" },
      { typed: "trading-paper-secrets-backup", runs: rig.name("secrets-backup"), reason: "volume of the service's keys" },
      ...["bot-refstrat01", "broker", "livefeed", "performance", "gui", "mlflow"].map((service) => ({ typed: `trading-paper-${service}`, runs: "", reason: "the test has the database and the backup service, and none that uses the database" })),
      { typed: "trading-paper-", runs: `${prefix}-`, reason: "containers of the test" },
    ];
  });
  after(async () => {
    if (folder !== undefined) fs.rmSync(folder, { recursive: true, force: true });
    await rig?.remove();
    await execute("docker", ["image", "rm", "--force", byHand, `${prefix}-image`]);
  });

  const run = ({ argv: [program, ...rest] }: PageCommand): Promise<Outcome> => execute(program!, substituted(rest, substitutions), { timeoutSeconds: 600 });
  const listing = (volume: string) => rig.inVolume(volume, "find . -mindepth 1 -not -path './.before-by-hand*' -printf '%P %y %U:%G %m %s %T@\\n' | sort; find . -type f -not -path './.before-by-hand*' -exec sha256sum {} + | sort");
  const ofSections = (sections: readonly string[]) => page.commands.filter(({ section }) => sections.includes(section));
  const titleOf = ({ line, text }: PageCommand) => `line ${line}: ${text.length > 120 ? `${text.slice(0, 120).trimEnd()} ...` : text}`;

  /** One test a command: it ends well, and says what the page promises. */
  const works = (...sections: string[]) => {
    for (const command of ofSections(sections)) {
      it(titleOf(command), async () => {
        const { code, stdout, stderr, text } = await run(command);
        expect(code, text).to.equal(0);
        if (/ AS equal[ ,]/.test(command.text)) expect(new Set(verdicts(stdout)), text).to.deep.equal(new Set(["t"]));
        if (/ AS expected, extversion AS found/.test(command.text)) expect(lines(stdout)[2], text).to.match(/^ *(\S+) *\| *\1 *$/);
        if (command.text.includes("roles.sql")) expect(lines(stderr), text).to.deep.equal([stderr.trim()]).and.to.match(/ERROR: {2}role "postgres" already exists$/);
      });
    }
  };

  it("every command of the page is run by what follows", () => {
    const run = ["2.1", "2.2", "3.1", "3.2", "4", "5", "6", "7", "8.1", "8.2", "8.3", "9", "10"];
    expect(new Set(page.commands.map(({ section }) => section))).to.deep.equal(new Set(run));
    expect(page.dockerfile).to.match(/^FROM debian:13\n/);
  });

  describe("on an empty machine, from the second copy and the key alone", () => {
    works("2.2", "3.1", "4", "5", "6");

    it("both databases are what they were: roles with their passwords, rights, schema, every row, sequences", async () => {
      const found = await factsOf(byHand);
      demandSame(found, facts);
      expect(found.rows["trading"]!.find((row) => row.startsWith("trading.candles "))).to.match(/ 5001:/);
      expect(Object.values(dump.databases.trading.hypertables)).to.deep.equal([3]);
    });

    it("the page's comparison shows a row that is missing", async () => {
      const remove = ["exec", "--user", "postgres", byHand, "psql", "--username", "postgres", "--dbname", "trading", "--command", "DELETE FROM trading.candles WHERE volume = 17"];
      expect((await execute("docker", remove)).text).to.contain("DELETE 1");
      const { stdout } = await run(ofSections(["6"])[0]!);
      expect(lines(stdout)[2]).to.match(/^ f +\| trading +\| candles +\| +5001 \| +5000$/);
      expect(verdicts(stdout).slice(1)).not.to.include("f");
    });

    works("7");
    it("the repository, .trading and the artifacts are on the host", () => filesAreBack());

    it("an image is gone", async () => {
      expect((await execute("docker", ["image", "rm", image])).code).to.equal(0);
      expect((await execute("docker", ["image", "inspect", image])).code).to.equal(1);
    });
    works("9");
    it("it is there again", async () => expect((await execute("docker", ["image", "inspect", image])).code).to.equal(0));
    works("10");
  });

  describe("in a stack that lost rows and artifacts, from the first copy", () => {
    before(async () => {
      for (const left of ["clone", "artifacts"]) fs.rmSync(path.join(folder, left), { recursive: true, force: true });
      await rig.query("DELETE FROM trading.candles WHERE open_time > timestamptz '2024-02-01Z'");
      await rig.query("DROP TABLE run_names", [], "mlflow");
      await rig.inVolume("artifacts", "rm -r 1 && echo other > model.bin && mkdir 7 && echo seven > 7/x");
    });

    works("2.1", "3.2", "4", "5", "6", "7");
    it("the repository, .trading and the artifacts are on the host again", () => filesAreBack());

    works("8.1");
    it("the database runs on what was restored, with the container's own password", async () => {
      await rig.databaseReady();
      expect(await rig.query("SELECT count(*)::int AS count FROM trading.candles")).to.deep.equal([{ count: 5001 }]);
      demandSame(await factsOf(rig.name("timescaledb")), facts);
      await rig.query("INSERT INTO trading.candles VALUES ('BTCUSDT', '1h', timestamptz '2030-01-01Z', 100, 101, 99, 100, 1, 'synthetic')");
      expect(await rig.query("SELECT num_chunks::int AS chunks FROM timescaledb_information.hypertables WHERE hypertable_name = 'candles'")).to.deep.equal([{ chunks: 4 }]);
    });
    it("MLflow's artifacts are what they were, with their owner and rights", async () => expect(await listing("artifacts")).to.equal(artifacts));
    it("a second try leaves the old data as it is", async () => {
      const script = ofSections(["8.1"]).find(({ text }) => text.includes("17.before-by-hand"))!;
      expect((await run(script)).text).to.match(/mv: (cannot overwrite|cannot move).*17\.before-by-hand/);
      // The database still has its files open where they are.
      expect(await rig.query("SELECT count(*)::int AS count FROM trading.candles")).to.deep.equal([{ count: 5002 }]);
    });

    let newest: string;
    // Noted before: the page's command only asks for a point, which may be over before anybody looks.
    it("a recovery point was taken before", async () => expect((newest = await rig.lastRun("point"))).to.not.equal("none"));
    works("8.2");
    it("a new recovery point of it is good", async () => {
      const next = await rig.nextRun("point", newest, 90);
      expect(next.outcome, next.reason).to.equal("good");
    });

    works("8.3", "10");
  });

  /** A small image, and an archive of it in the first copy, put there by the service's own tool. @returns its id */
  async function storeImage(): Promise<string> {
    const shell = async (script: string) => {
      const { code, stdout, text } = await execute("sh", ["-euc", script], { cwd: folder });
      expect(code, text).to.equal(0);
      return stdout.trim();
    };
    const id = await shell(`echo payload > payload; tar -c payload | docker import - ${prefix}-image`);
    await shell(`docker save ${prefix}-image | docker exec --interactive --user 10002 ${rig.name("backup")} node /app/main.js tool store-images '${JSON.stringify({ images: [id] })}'`);
    return id;
  }

  async function filesAreBack(): Promise<void> {
    const clone = path.join(folder, "clone");
    expect((await execute("git", ["-C", clone, "rev-parse", "HEAD"])).stdout.trim()).to.equal(head);
    expect(fs.readFileSync(path.join(clone, ".trading", "passphrase"), "utf8")).to.equal("secret\n");
    expect(fs.readFileSync(path.join(clone, ".trading", "stacks", "paper", "key"), "utf8")).to.equal("key\n");
    expect(fs.readFileSync(path.join(clone, "Pulumi.paper.yaml"), "utf8")).to.equal("config: {}\n");
    expect(fs.readFileSync(path.join(folder, "artifacts", "1", "r1", "artifacts", "equity.csv"), "utf8")).to.equal("bar,equity\n1,2\n");
  }
});

/** The first column of psql's table, `t` or `f` a row. @throws when there is no row */
function verdicts(stdout: string): string[] {
  const found = [...stdout.matchAll(/^ ([tf]?) +\|/gm)].map(([, verdict]) => verdict!);
  if (found.length === 0) throw new Error(`no row: ${stdout}`);
  return found;
}

/** Rows of several tables, in three chunks of a hypertable, with references between them and sequences that have moved. */
async function fillDatabases(rig: BackupServiceRig): Promise<void> {
  await rig.query(`
    INSERT INTO trading.candles SELECT 'BTCUSDT', '1h', timestamptz '2024-01-01Z' + n * interval '1 hour', 100, 101, 99, 100.5, n, 'synthetic' FROM generate_series(0, 5000) n;
    INSERT INTO trading.accounts (bot, symbol, interval, strategy, strategy_settings, configuration_hash, starting_cash, cash, warmup_from, start_bar)
      VALUES ('refstrat01', 'BTCUSDT', '1h', 'RefStrat_01', '{"emaFast": 12}', 'abc', 10000, 9999.5, '2024-01-01Z', '2024-01-02Z');
    INSERT INTO trading.equity SELECT 'refstrat01', timestamptz '2024-01-02Z' + n * interval '1 hour', 10000 + n, 10000, 0, 100 FROM generate_series(1, 500) n;
    INSERT INTO trading.trades (bot, entry_bar, exit_bar, quantity, entry_price, exit_price, fees, profit, exit_reason)
      SELECT 'refstrat01', timestamptz '2024-01-02Z' + n * interval '2 hours', timestamptz '2024-01-02Z' + n * interval '2 hours' + interval '1 hour', 1, 100, 101, 0.1, 0.9, 'æ ''quoted'' "reason"' FROM generate_series(1, 50) n`);
  await rig.query(
    `SET ROLE mlflow;
     CREATE TABLE experiments (experiment_id serial PRIMARY KEY, name text UNIQUE);
     CREATE TABLE run_names (run_uuid text PRIMARY KEY, experiment_id int NOT NULL REFERENCES experiments);
     INSERT INTO experiments (name) VALUES ('refstrat01'), ('backtests');
     INSERT INTO run_names VALUES ('r1', 1), ('r2', 2)`,
    [],
    "mlflow",
  );
}
