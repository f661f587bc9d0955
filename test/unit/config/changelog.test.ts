import { expect } from "chai";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stringify } from "yaml";
import { changelogWarning, changesSince } from "../../../config/changelog/check";
import { changeText, tradingChanges, type TradingChange } from "../../../config/changelog/changes";
import { unnamedChanges, withEntry, type ChangelogEntry } from "../../../config/changelog/text";
import { stackConfigurationHash, writeRelease, type Release } from "../../../config/releases";
import { parseStackFile } from "../../../config/stackFile";

const limits = { orderQuantity: 1, orderNotional: 12_000 };
const bot = { name: "refstrat01", limits };
const fileOf = (more: object = {}) => stringify({ config: Object.fromEntries(Object.entries({ mode: "paper", portBase: 8400, feed: { source: "synthetic" }, bots: [bot], ...more }).map(([key, value]) => [`trading:${key}`, value])) });
const parse = (more: object = {}) => parseStackFile("paper", fileOf(more));
const image = (digit: string) => `sha256:${digit.repeat(64)}`;

describe("changes of sizing and strategy", () => {
  const cases: [what: string, after: object, lines: string[]][] = [
    ["nothing", {}, []],
    ["keys of neither", { portBase: 8600, logLevel: "warn", broker: { feeRate: 0.002 }, guard: { dailyLossShare: 0.03 } }, []],
    ["what is the default, spelt out", { bots: [{ ...bot, startingCash: 10_000, settings: { emaFast: 20 }, limits: { ...limits, ordersPerDay: 60 } }] }, []],
    [
      "the largest order, and what follows from it",
      { bots: [{ ...bot, limits: { ...limits, orderNotional: 6000 } }] },
      [
        "bot refstrat01: largest order in the quote currency 12000 → 6000 (limits.orderNotional)",
        "bot refstrat01: largest position in the quote currency 12000 → 6000 (limits.positionNotional)",
        "stack: largest exposure over all bots 12000 → 6000 (limits.exposureNotional)",
      ],
    ],
    ["starting cash and how often", { bots: [{ ...bot, startingCash: 5000, limits: { ...limits, secondsBetweenEntries: 60 } }] }, ["bot refstrat01: starting cash 10000 → 5000 (startingCash)", "bot refstrat01: seconds between two entries 3600 → 60 (limits.secondsBetweenEntries)"]],
    ["limits of the stack", { limits: { exposureNotional: 20_000, ordersPerHour: 50 } }, ["stack: largest exposure over all bots 12000 → 20000 (limits.exposureNotional)", "stack: most orders in an hour over all bots 100 → 50 (limits.ordersPerHour)"]],
    ["settings of the strategy", { bots: [{ ...bot, settings: { emaFast: 12, riskFraction: 0.002 } }] }, ["bot refstrat01: setting emaFast 20 → 12 (settings.emaFast)", "bot refstrat01: setting riskFraction 0.005 → 0.002 (settings.riskFraction)"]],
    ["symbol and image", { bots: [{ ...bot, symbol: "ETHUSDT", image: image("a") }] }, ["bot refstrat01: symbol BTCUSDT → ETHUSDT (symbol)", `bot refstrat01: image reference → ${image("a")} (image)`]],
    ["the pin of the reference bot's image", { release: { images: { bot: image("b"), broker: image("c") } } }, [`bot refstrat01: image reference → reference as ${image("b")} (image)`]],
    [
      "a bot that is added",
      { bots: [bot, { name: "second", limits }] },
      ["bot second: none → RefStrat_01 on BTCUSDT by reference, starting cash 10000, largest order 1 and 12000 in the quote currency (bots)", "stack: largest exposure over all bots 12000 → 24000 (limits.exposureNotional)"],
    ],
  ];
  for (const [what, after, lines] of cases) {
    it(`name ${what}`, () => expect(tradingChanges(parse(), parse(after)).map(changeText)).to.deep.equal(lines));
    it(`name ${what} taken back, the other way round`, () => {
      const [there, back] = [tradingChanges(parse(), parse(after)), tradingChanges(parse(after), parse())];
      const byKey = (changes: readonly TradingChange[]) => changes.map(({ topic, before, after: now, kind }) => [topic, kind, before, now].join(" | ")).sort();
      expect(byKey(back)).to.deep.equal(byKey(there.map((change) => ({ ...change, before: change.after, after: change.before }))));
    });
  }

  it("tell sizing from strategy", () => {
    const kinds = (after: object) => tradingChanges(parse(), parse(after)).map(({ kind }) => kind);
    expect(kinds({ bots: [{ ...bot, startingCash: 5000 }], limits: { ordersPerDay: 10 } })).to.deep.equal(["sizing", "sizing"]);
    expect(kinds({ bots: [{ ...bot, settings: { emaFast: 12 }, symbol: "ETHUSDT" }] })).to.deep.equal(["strategy", "strategy"]);
  });
});

const entry = (more: Partial<ChangelogEntry> = {}): ChangelogEntry => ({ date: "2026-11-27", stack: "live", reason: "Half the size", lines: ["bot a: largest order 1 → 0.5 (limits.orderQuantity)"], ...more });
const block = (reason = "Half the size") => `- **live**: ${reason}\n  - bot a: largest order 1 → 0.5 (limits.orderQuantity)\n`;

describe("an entry of CHANGELOG.md", () => {
  it("makes the file, under a day and a heading", () => {
    expect(withEntry("", entry())).to.match(/^# Changelog\n\nWhat was changed in sizing and strategy [^\n]*\n\n## 2026-11-27\n\n### Changed\n\n- \*\*live\*\*: Half the size\n {2}- bot a: largest order 1 → 0\.5 \(limits\.orderQuantity\)\n$/);
  });

  const day = (date: string, ...blocks: string[]) => `## ${date}\n\n### Changed\n\n${blocks.join("")}`;
  const places: [what: string, before: string, after: string][] = [
    ["above an older day", `# C\n\n${day("2026-11-26", block("older"))}`, `# C\n\n${day("2026-11-27", block())}\n${day("2026-11-26", block("older"))}`],
    ["first of its day", `# C\n\n${day("2026-11-27", block("earlier"))}`, `# C\n\n${day("2026-11-27", block(), block("earlier"))}`],
    ["below a day that a clock made too early", `# C\n\n${day("2026-11-28", block("ahead"))}\n${day("2026-11-26", block("older"))}`, `# C\n\n${day("2026-11-28", block("ahead"))}\n${day("2026-11-27", block())}\n${day("2026-11-26", block("older"))}`],
    ["below what is not released", `# C\n\n## [Unreleased]\n\n- mine\n\n${day("2026-11-26", block("older"))}`, `# C\n\n## [Unreleased]\n\n- mine\n\n${day("2026-11-27", block())}\n${day("2026-11-26", block("older"))}`],
    ["in the day of a version", `# C\n\n${day("[1.2.0] - 2026-11-27", block("earlier"))}`, `# C\n\n${day("[1.2.0] - 2026-11-27", block(), block("earlier"))}`],
    ["in a day with other headings", "# C\n\n## 2026-11-27\n\n### Added\n\n- x\n", `# C\n\n## 2026-11-27\n\n### Changed\n\n${block()}\n### Added\n\n- x\n`],
    ["under a heading that has nothing yet", "# C\n\n## 2026-11-27\n\n### Changed\n\n### Added\n\n- x\n", `# C\n\n## 2026-11-27\n\n### Changed\n\n${block()}\n### Added\n\n- x\n`],
    ["under a heading at the end", "# C\n\n## 2026-11-27\n\n### Changed\n", `# C\n\n## 2026-11-27\n\n### Changed\n\n${block()}`],
    ["of a file with line ends of Windows", `# C\r\n\r\n## 2026-11-26\r\n`, `# C\n\n${day("2026-11-27", block())}\n## 2026-11-26\n`],
    ["of a file without a day", "# C\n\nProse.\n", `# C\n\nProse.\n\n${day("2026-11-27", block())}`],
  ];
  for (const [what, before, after] of places) {
    it(`stands ${what}, and once when it is written twice`, () => {
      expect(withEntry(before, entry())).to.equal(after);
      expect(withEntry(after, entry())).to.equal(after);
    });
  }

  it("is one of its own where stack, reason, day or lines differ", () => {
    for (const other of [{ stack: "paper" }, { reason: "x" }, { date: "2026-11-28" }, { lines: [] }, { lines: [...entry().lines, "more"] }]) {
      const both = withEntry(withEntry("", entry()), entry(other));
      expect(both.match(/^- \*\*/gm), JSON.stringify(other)).to.have.length(2);
    }
  });

  it("cannot be broken out of by a reason of several lines", () => {
    const text = withEntry("", entry({ reason: "one\n## 2027-01-01\n- **live**: x" }));
    expect(text).to.include("- **live**: one; ## 2027-01-01; - **live**: x\n");
    expect(withEntry(text, entry({ reason: "next" })).match(/^## /gm)).to.have.length(1);
  });
});

describe("changes that CHANGELOG.md does not name", () => {
  const change = (before: string | null, after: string | null): TradingChange => ({ kind: "sizing", topic: "bot a: largest order", key: "limits.orderQuantity", before, after });
  const line = (before: string, after: string) => `bot a: largest order ${before} → ${after} (limits.orderQuantity)`;
  const textOf = (...entries: Partial<ChangelogEntry>[]) => entries.reduce((text, each, index) => withEntry(text, entry({ reason: String(index), ...each })), "");
  const cases: [what: string, text: string, change: TradingChange, named: boolean][] = [
    ["none in an empty file", "", change("1", "0.5"), false],
    ["one that is there", textOf({}), change("1", "0.5"), true],
    ["one that ends where it is, whatever it came from", textOf({}), change("2", "0.5"), true],
    ["none of another stack", textOf({ stack: "paper" }), change("1", "0.5"), false],
    ["none to another value", textOf({}), change("1", "0.25"), false],
    ["none of another bot or key", textOf({ lines: ["bot ab: largest order 1 → 0.5 (limits.orderQuantity)", "bot a: largest order 1 → 0.5 (limits.orderNotional)"] }), change("1", "0.5"), false],
    ["none that was taken back since", textOf({}, { lines: [line("0.5", "1")] }), change("1", "0.5"), false],
    ["the newest of several", textOf({ lines: [line("1", "2")] }, { date: "2026-11-28", lines: [line("2", "0.5")] }), change("1", "0.5"), true],
    ["one with line ends of Windows", textOf({}).replaceAll("\n", "\r\n"), change("1", "0.5"), true],
    ["what is gone", textOf({ lines: [line("1", "none")] }), change("1", null), true],
    ["nothing in prose", `${line("1", "0.5")}\n- ${line("1", "0.5")}\n`, change("1", "0.5"), false],
  ];
  for (const [what, text, found, named] of cases) it(`${named ? "are fewer for" : "stay with"} ${what}`, () => expect(unnamedChanges(text, "live", [found])).to.deep.equal(named ? [] : [found]));
});

describe("what a stack trades otherwise than before", () => {
  let root: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-changelog-"));
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));
  const half = { bots: [{ ...bot, limits: { ...limits, orderQuantity: 0.5 } }] };
  const quick = { bots: [{ ...bot, limits: { ...limits, orderQuantity: 0.5 }, settings: { emaFast: 12 } }] };
  const released = (second: number, stackFile: string, more: Partial<Release> = {}) => {
    const at = `2026-11-27T07:05:0${second}.000Z`;
    writeRelease(root, {
      ...{ format: 1, id: `REL-20261127-07050${second}-4f2a`, stack: "paper", at, commit: null, clean: false, pushed: null, images: {}, imageNames: {} },
      ...{ configurationHash: stackConfigurationHash(parse()), stackFile, schemaVersion: 5, backup: null, health: "good", confirmedAt: at, stable: null, ...more },
    });
  };
  const commit = (text: string) => {
    const git = (...words: string[]) => execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", ...words], { cwd: root, stdio: "ignore" });
    fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), text);
    git("init", "--quiet");
    git("add", "--all");
    git("commit", "--quiet", "--message", "x");
  };
  const keys = async (more: object) => {
    const { since, problem, changes } = await changesSince(root, "paper", parse(more));
    return [since, problem, changes.map(({ key }) => key)];
  };

  it("is nothing where there is neither a release nor a commit", async () => expect(await keys(half)).to.deep.equal([null, null, []]));

  it("is told against the newest commit while there is no release", async () => {
    commit(fileOf());
    expect(await keys({})).to.deep.equal(["the newest commit", null, []]);
    expect(await keys(half)).to.deep.equal(["the newest commit", null, ["limits.orderQuantity", "limits.positionQuantity"]]);
  });

  it("is told against the newest release that traded otherwise, so that an up alone writes nothing down", async () => {
    commit(fileOf(half));
    released(1, fileOf());
    released(2, fileOf(half));
    released(3, fileOf({ ...half, logLevel: "warn" }));
    expect(await keys(quick)).to.deep.equal(["release REL-20261127-070503-4f2a", null, ["settings.emaFast"]]);
    expect(await keys(half)).to.deep.equal(["release REL-20261127-070501-4f2a", null, ["limits.orderQuantity", "limits.positionQuantity"]]);
  });

  it("is nothing where all releases trade alike", async () => {
    commit(fileOf(half));
    released(1, fileOf());
    released(2, fileOf({ portBase: 8600 }));
    expect(await keys({})).to.deep.equal([null, null, []]);
  });

  it("is not known where the release cannot be read", async () => {
    released(1, "config:\n  trading:mode: gone\n");
    const [since, problem, changes] = await keys(half);
    expect([since, changes]).to.deep.equal(["release REL-20261127-070501-4f2a", []]);
    expect(problem).to.match(/^release REL-20261127-070501-4f2a cannot be read by this version of the program \(/);
    expect(await changelogWarning(root, "paper", parse(half))).to.match(/^Whether sizing or strategy of stack paper have changed is not known: release /);
  });

  it("is warned of until CHANGELOG.md names it, with the command that writes it", async () => {
    released(1, fileOf());
    expect(await changelogWarning(root, "paper", parse({ portBase: 8600 }))).to.equal(null);
    expect(await changelogWarning(root, "paper", parse(half))).to.equal(
      [
        "Stack paper trades otherwise than release REL-20261127-070501-4f2a, and CHANGELOG.md does not say so:",
        "  bot refstrat01: largest order 1 → 0.5 (limits.orderQuantity)",
        "  bot refstrat01: largest position 1 → 0.5 (limits.positionQuantity)",
        'To write it down: npx trading changelog --stack paper --reason "..."',
      ].join("\n"),
    );
    const lines = tradingChanges(parse(), parse(half)).map(changeText);
    fs.writeFileSync(path.join(root, "CHANGELOG.md"), withEntry("", entry({ stack: "paper", lines: lines.slice(0, 1) })));
    expect(await changelogWarning(root, "paper", parse(half))).to.include("largest position 1 → 0.5").and.not.include("largest order");
    fs.writeFileSync(path.join(root, "CHANGELOG.md"), withEntry("", entry({ stack: "paper", lines })));
    expect(await changelogWarning(root, "paper", parse(half))).to.equal(null);
  });

  it("keeps nobody from deploying where CHANGELOG.md cannot be read", async () => {
    released(1, fileOf());
    fs.mkdirSync(path.join(root, "CHANGELOG.md"));
    expect(await changelogWarning(root, "paper", parse(half))).to.match(/^Whether sizing or strategy of stack paper have changed is not known: EISDIR/);
  });
});
