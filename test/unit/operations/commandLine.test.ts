import { expect } from "chai";
import * as fs from "node:fs";
import { commandWord } from "../../../operations/commandWord";
import { makeClone, trading } from "./support";

describe("the command line", () => {
  let root: string;
  before(() => (root = makeClone()));
  after(() => fs.rmSync(root, { recursive: true }));

  const wrong: [string, string][] = [
    ["frob", "error: unknown command 'frob'; allowed: status, drift, halt, rearm, freeze, thaw, halt-drill, stop, start, deploy, rollback, acknowledge-feed, alerts, backtest, delete-data, backup, backups, restore, restore-test, recover, recovery-key, tend, schedule, releases, load-images, changelog, evaluate, kpis, parity, evidence, promote, preview"],
    ["stop bto", "error: unknown command 'bto' (Did you mean bot?); allowed: bot"],
    ["status --foo", "error: unknown option '--foo'; allowed: --stack, --json, --help"],
    ["delete-data --yes", "error: unknown option '--yes'; allowed: --with-backups, --confirm, --stack, --json, --help"],
    ["stop bot a b", "error: too many arguments for 'bot'. Expected 1 argument but got 2; allowed: [options] [name]"],
    ["status --stack", "error: option '--stack <name>' argument missing"],
    ["status --stack nope", 'error: there is no stack "nope" (Pulumi.nope.yaml is missing); known stacks: live, paper'],
    ["status --stack A/b", 'error: "A/b" cannot be the name of a stack; allowed: a lower-case letter, then up to 30 lower-case letters, digits and hyphens'],
    ["stop bot nobody", 'error: stack paper declares no bot "nobody"; declared: refstrat01, second'],
    ["halt", "error: required option '--reason <text>' not specified"],
    ["rearm", "error: required option '--incident <id>' not specified"],
    ["acknowledge-feed", "error: required option '--reason <text>' not specified"],
    ["acknowledge-feed --reason x --symbol ETHUSDT", 'error: stack paper has no feed "ETHUSDT"; allowed: BTCUSDT'],
    [`acknowledge-feed --reason ${"x".repeat(201)}`, "error: --reason has 201 characters; allowed: 1 to 200"],
    ["backtest", "error: required option '--data <file>' not specified"],
    ["backtest --data x --set emaFast", "error: option '--set <key=value>' argument 'emaFast' is invalid. Allowed: key=value, for example emaFast=12."],
    ["backtest --data x --warmup-bars 1.5", "error: option '--warmup-bars <count>' argument '1.5' is invalid. Allowed: a whole number from 0 on."],
    ["backtest --data x --starting-cash 0", "error: option '--starting-cash <amount>' argument '0' is invalid. Allowed: an amount above 0."],
    ["backtest --data x --fee-rate 2", "error: option '--fee-rate <fraction>' argument '2' is invalid. Allowed: a fraction from 0 to 0.1."],
    ["backtest --data x --bot nobody", 'error: stack paper declares no bot "nobody"; declared: refstrat01, second'],
    ["backtest --data x --set emaFast=60", "error: --set emaFast = 60: emaFast must be below emaSlow"],
    ["backtest --data x --set speed=1", "error: --set speed = 1: unknown key; allowed here: emaFast, emaSlow, atrPeriod, stopAtrMultiple, riskFraction, maxExposure"],
    ["delete-data --confirm live", 'error: --confirm is "live" and the stack is "paper": they must be the same; nothing was deleted'],
  ];
  for (const [line, error] of wrong) {
    it(`${line}: one line, exit code 2`, async () => {
      expect(await trading(root, line.split(" "))).to.deep.equal({ exitCode: 2, out: "", error: `${error}\n` });
    });
  }

  for (const [line, error] of [
    ["drift --foo", "error: unknown option '--foo'; allowed: --stack, --json, --help"],
    ["drift --stack nope", 'error: there is no stack "nope" (Pulumi.nope.yaml is missing); known stacks: live, paper'],
  ] as const) {
    it(`${line}: one line, exit code 1, for 2 is an answer of drift`, async () => {
      expect(await trading(root, line.split(" "))).to.deep.equal({ exitCode: 1, out: "", error: `${error}\n` });
    });
  }

  for (const line of ["", "stop", "start"]) {
    it(`"${line}" alone shows its help and ends with 2`, async () => {
      const told = await trading(root, line === "" ? [] : [line]);
      expect(told.exitCode).to.equal(2);
      expect(told.error).to.match(/^Usage: trading/);
    });
  }

  for (const line of ["--help", "status --help", "drift --help", "halt --help", "rearm --help", "freeze --help", "changelog --help", "thaw --help", "stop --help", "stop bot --help", "start bot --help", "deploy --help", "rollback --help", "acknowledge-feed --help", "backtest --help", "delete-data --help", "backup --help", "backups --help", "restore --help", "restore-test --help", "recover --help", "recovery-key --help", "tend --help", "evaluate --help", "kpis --help", "parity --help", "evidence --help", "promote --help", "releases --help", "load-images --help", "preview --help", "schedule --help", "schedule install --help"]) {
    it(`${line} shows every option and ends with 0`, async () => {
      const told = await trading(root, line.split(" "));
      expect(told.exitCode).to.equal(0);
      expect(told.out.startsWith(`Usage: trading ${line.replace(/--help$/, "")}`), told.out).to.equal(true);
      expect(told.out).to.include("--stack <name>").and.include("--json");
      expect(told.error).to.equal("");
    });
  }

  for (const [line, word] of [
    ["halt --reason x", "halt"],
    ["--stack live halt", "halt"],
    ["--json --stack halt status", "status"],
    ["status --stack halt", "status"],
    ["--stack", undefined],
    ["", undefined],
  ] as const) {
    it(`"${line}" asks for ${word ?? "no command"}`, () => expect(commandWord(line === "" ? [] : line.split(" "))).to.equal(word));
  }

  it("takes the global options before and after the command", async () => {
    for (const argv of [["--stack", "nope", "status"], ["status", "--stack", "nope"], ["stop", "--stack", "nope", "bot"]]) {
      expect((await trading(root, argv)).error).to.equal('error: there is no stack "nope" (Pulumi.nope.yaml is missing); known stacks: live, paper\n');
    }
  });

  it("says an error as JSON too when JSON was asked for", async () => {
    const told = await trading(root, ["stop", "bot", "nobody", "--json"]);
    expect(JSON.parse(told.out)).to.deep.equal({ error: 'stack paper declares no bot "nobody"; declared: refstrat01, second', exitCode: 2 });
  });

  it("lists every wrong key of the stack's file", async () => {
    fs.writeFileSync(`${root}/Pulumi.broken.yaml`, "config:\n  trading:mode: paper\n  trading:portBase: 80\n  trading:feed: { source: synthetic }\n  trading:bots: [{ name: a, colour: red }]\n");
    const told = await trading(root, ["status", "--stack", "broken"]);
    fs.rmSync(`${root}/Pulumi.broken.yaml`);
    expect(told.exitCode).to.equal(2);
    expect(told.error).to.include("trading:portBase = 80: allowed: at least 1024").and.include('colour = "red": unknown key');
  });
});
