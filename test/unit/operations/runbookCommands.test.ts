import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { RUNBOOK_SECTIONS } from "../../../domain/backup/alarmFacts";
import { RUNBOOKS } from "../../../domain/guard/verdict";
import { TESTED_ELSEWHERE, testCommand } from "../../runbooks/mapping";
import { runbookCommands, words } from "../../runbooks/powershell";

const substitutes = { stack: "t1", data: "candles.csv", moment: "2026-11-21T18:00:00Z", newFile: "/tmp/t1/key.txt", incident: "INC-20260101-000000-abcd", alert: "6f1c", stableRelease: "REL-1", otherRelease: "REL-2" };

describe("words of a runbook's command line", () => {
  const cases: [string, string[]][] = [
    ["npx trading status --stack paper", ["npx", "trading", "status", "--stack", "paper"]],
    ["npm  run pulumi \"--\" up", ["npm", "run", "pulumi", "--", "up"]],
    ["docker logs 'a b' \"c d\"e", ["docker", "logs", "a b", "c de"]],
    ["npx trading backtest --data data\\x.csv --set emaFast=12", ["npx", "trading", "backtest", "--data", "data\\x.csv", "--set", "emaFast=12"]],
    ["git log '$notAVariable'", ["git", "log", "$notAVariable"]],
  ];
  for (const [text, expected] of cases) it(text, () => expect(words(text)).to.deep.equal(expected));
});

describe("lines that are refused", () => {
  const cases: [string, string][] = [
    ["docker run \\", "continues on the next line"],
    ["docker run `", "continues on the next line"],
    ["npm ci && npm start", "chains commands, which Windows PowerShell does not know"],
    ["docker logs x | grep y", "holds more than one command"],
    ["git add .; git commit", "holds more than one command"],
    ["git tag $(date)", "needs a variable or a substitution"],
    ["git tag $env:NAME", "needs a variable or a substitution"],
    ['git tag "$env:NAME"', "has a variable or an escape in double quotes"],
    ["git checkout <stable-commit>", "redirects, or holds a place to fill in"],
    ["export PULUMI_CONFIG_PASSPHRASE=x", "is a command of another shell, or an alias that means something else"],
    ["rm -rf .trading", "is a command of another shell, or an alias that means something else"],
    ["STACK=paper npm start", "sets an environment variable in the way of sh"],
    ["./setup/start.sh", "names a program by a path of another system"],
    ["npx trading …", "holds typographic characters that were never typed"],
    ["git commit -m 'x", "has a quote that is not closed"],
  ];
  for (const [text, reason] of cases) it(text, () => expect(() => words(text)).to.throw(Error, `"${text}" ${reason}`));
});

describe("taking commands out of Markdown", () => {
  it("takes powershell blocks only, with their lines", () => {
    const markdown = ["# A", "```powershell", "# remark", "npm start", "", "  git log", "```", "```sh", "rm -rf /", "```", "npm ci"].join("\r\n");
    expect(runbookCommands("r.md", markdown).map(({ line, text }) => [line, text])).to.deep.equal([
      [4, "npm start"],
      [6, "git log"],
    ]);
  });
  it("names file and line", () => {
    expect(() => runbookCommands("r.md", "```powershell\nnpm ci &&\n```")).to.throw(Error, 'r.md:2: "npm ci &&" chains commands, which Windows PowerShell does not know');
    expect(() => runbookCommands("r.md", "a\n```powershell\nnpm ci")).to.throw(Error, "r.md:2: the block that begins here is not closed");
  });
});

describe("what the test runs for a command", () => {
  const at = (text: string) => ({ file: "r.md", line: 7, text, argv: words(text) });
  const cases: [string, string, string[]][] = [
    ["npm start", "start", ["--stack", "t1", "--check"]],
    ["npm start -- --check --stack live", "start", ["--stack", "t1", "--check"]],
    ["npm run pulumi -- up --refresh --stack paper", "pulumi", ["up", "--refresh", "--stack", "t1", "--yes", "--skip-preview"]],
    ["npm run pulumi -- preview --stack live", "pulumi", ["preview", "--stack", "t1"]],
    ["npx trading delete-data --stack paper --confirm paper", "trading", ["delete-data", "--stack", "t1", "--confirm", "t1"]],
    ["npx trading backtest --data d\\x.csv --stack paper", "trading", ["backtest", "--data", "candles.csv", "--stack", "t1"]],
    ["docker logs --tail 5 trading-live-bot-refstrat01", "docker", ["logs", "--tail", "5", "trading-t1-bot-refstrat01"]],
    ["git log --oneline -5", "git", ["log", "--oneline", "-5"]],
  ];
  for (const [text, runner, argv] of cases) it(text, () => expect(testCommand(at(text), substitutes)).to.deep.equal({ runner, argv }));

  const ofTheBackup: [string, string[], string | undefined][] = [
    ["npx trading restore --stack paper --to latest --confirm paper", ["restore", "--stack", "t1", "--to", "latest", "--confirm", "t1"], undefined],
    ["npx trading restore --stack live --to 2026-11-21T03:30:00Z --confirm live", ["restore", "--stack", "t1", "--to", "2026-11-21T18:00:00Z", "--confirm", "t1"], undefined],
    ["npx trading restore --stack paper --only config --release HEAD~1 --confirm paper", ["restore", "--stack", "t1", "--only", "config", "--release", "HEAD~1", "--confirm", "t1"], undefined],
    ["npx trading restore --stack paper --go-back --confirm paper", ["restore", "--stack", "t1", "--go-back", "--confirm", "t1"], "an interrupted restore"],
    ["npx trading recovery-key --stack paper --out C:\\Users\\Public\\k.txt", ["recovery-key", "--stack", "t1", "--out", "/tmp/t1/key.txt"], undefined],
    ["npx trading schedule install --stack paper --at 05:00", ["schedule", "install", "--stack", "t1", "--at", "05:00"], "a crontab of the test's own"],
    ["npx trading tend --stack paper", ["tend", "--stack", "t1"], undefined],
  ];
  for (const [text, argv, circumstance] of ofTheBackup) {
    it(text, () => expect(testCommand(at(text), substitutes)).to.deep.equal({ runner: "trading", argv, ...(circumstance !== undefined && { circumstance }) }));
  }

  const ofHalts: [string, string[], string | undefined][] = [
    ["npx trading halt --stack paper --level kill --reason \"In doubt\"", ["halt", "--stack", "t1", "--level", "kill", "--reason", "In doubt"], undefined],
    ["npx trading rearm --stack live --incident INC-20261127-070501-4f2a", ["rearm", "--stack", "t1", "--incident", "INC-20260101-000000-abcd"], undefined],
    ["npx trading alerts --stack paper", ["alerts", "--stack", "t1"], undefined],
    ["npx trading alerts ack 0123 --stack paper", ["alerts", "ack", "6f1c", "--stack", "t1"], "an alert of the guard"],
    ["npx trading alerts test --stack paper", ["alerts", "test", "--stack", "t1"], undefined],
    ["npx trading halt-drill --stack paper", ["halt-drill", "--stack", "t1", "--with-open-positions"], undefined],
  ];
  for (const [text, argv, circumstance] of ofHalts) {
    it(text, () => expect(testCommand(at(text), substitutes)).to.deep.equal({ runner: "trading", argv, ...(circumstance !== undefined && { circumstance }) }));
  }

  const ofReleases: [string, string, string[]][] = [
    ["npx trading deploy --stack paper", "trading", ["deploy", "--stack", "t1", "--yes"]],
    ["npx trading rollback --stack live", "trading", ["rollback", "--stack", "t1", "--yes", "--keep-positions"]],
    ["npx trading rollback --stack live --to REL-20261127-070501-4f2a", "trading", ["rollback", "--stack", "t1", "--to", "REL-2", "--yes", "--keep-positions"]],
    ["git checkout stable/live/REL-20261120-070501-4f2a -- Pulumi.live.yaml", "git", ["checkout", "stable/t1/REL-1", "--", "Pulumi.t1.yaml"]],
    ["git tag --list \"stable/live/*\"", "git", ["tag", "--list", "stable/t1/*"]],
  ];
  for (const [text, runner, argv] of ofReleases) it(text, () => expect(testCommand(at(text), substitutes)).to.deep.equal({ runner, argv }));

  const refused: [string, string][] = [
    ["npm test", "is no command of this project; allowed: npm start, npm run pulumi, npx trading, docker, git"],
    ["npm run pulumi up", "needs -- before the arguments that npm hands on"],
    ["npx trading status", "does not say --stack paper or --stack live"],
    ["npm run pulumi -- up --stack prod", "does not say --stack paper or --stack live"],
  ];
  for (const [text, reason] of refused) it(`refuses ${text}`, () => expect(() => testCommand(at(text), substitutes)).to.throw(Error, `r.md:7: "${text}" ${reason}`));
});

describe("the runbooks of the project", () => {
  const folder = path.join(__dirname, "..", "..", "..", "runbooks");
  for (const file of fs.readdirSync(folder).filter((name) => name.endsWith(".md"))) {
    it(`${file}: every command is understood`, () => {
      const commands = runbookCommands(file, fs.readFileSync(path.join(folder, file), "utf8"));
      expect(commands, "commands in the runbook").to.have.length.above(0);
      for (const command of commands) testCommand(command, substitutes);
    });
  }
  for (const [file, test] of Object.entries(TESTED_ELSEWHERE)) {
    it(`${file} is there, and so is the test of its own`, () => {
      expect(fs.existsSync(path.join(folder, file)), file).to.equal(true);
      expect(fs.readFileSync(path.join(folder, "..", test), "utf8")).to.contain(file);
    });
  }
  it("Incident_Handling.md has the sections of the house, and no others", () => {
    const headings = [...fs.readFileSync(path.join(folder, "Incident_Handling.md"), "utf8").matchAll(/^(?:##|###) .+$/gm)].map(([heading]) => heading);
    expect(headings).to.deep.equal(INCIDENT_HEADINGS);
  });
  for (const [rule, runbook] of Object.entries(RUNBOOKS)) {
    it(`the guard's rule ${rule} names a section that is there: ${runbook}`, () => {
      const [, file = "", section = ""] = /^runbooks\/([^,]+), (.+)$/.exec(runbook) ?? [];
      expect(fs.readFileSync(path.join(folder, file), "utf8").split(/\r?\n/).map((line) => line.replace(/^##+ /, ""))).to.include(section);
    });
  }
  it("Backup_And_Restore.md has every section that an alarm names", () => {
    const headings = [...fs.readFileSync(path.join(folder, "Backup_And_Restore.md"), "utf8").matchAll(/^### (.+)$/gm)].map(([, heading]) => heading!);
    expect(headings).to.include.members([...RUNBOOK_SECTIONS]);
  });
});

const INCIDENT_HEADINGS = [
  "## 1. Stop først",
  "## 2. Se hvad der er sket",
  "## 3. Niveauerne",
  "## 4. Vagtens regler",
  "### 4.1 Dagligt tab",
  "### 4.2 Drawdown",
  "### 4.3 Eksponering",
  "### 4.4 For mange ordrer",
  "### 4.5 Ingen beslutning",
  "### 4.6 Tracking error",
  "### 4.7 Beslutninger afviger",
  "### 4.8 Uret går forkert",
  "### 4.9 Bøgerne stemmer ikke",
  "### 4.10 Vagten er væk",
  "### 4.11 Botten kører trods stop",
  "### 4.12 Halt-øvelsen er for gammel",
  "### 4.13 Det kørende er ikke det erklærede",
  "## 5. Ophæv et stop",
  "## 6. Hændelsesrapporten",
  "## 7. Halt-øvelse",
  "## 8. Alarmer",
];
