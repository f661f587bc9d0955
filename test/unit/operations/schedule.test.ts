import { execFileSync, spawnSync } from "node:child_process";
import { Command } from "commander";
import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Outcome } from "../../../operations/command";
import { scheduleCommand } from "../../../operations/commands/schedule";
import type { Context } from "../../../operations/context";
import { cronWord, launchdPlist, nextRunAfter, parseTime, systemdUnits, systemdWord, taskName, windowsTask, windowsTaskFile, windowsWord, withCronLine, withoutCronLine, type Task } from "../../../operations/scheduledTask";
import { csvColumns, type Machine, type ProgramResult } from "../../../operations/schedulers";
import { writeTendRecord } from "../../../operations/tendRecord";
import { FakeEngine, makeClone, OWNER } from "./support";

const hard = `/home/an owner's/50% "new" & $HOME <x>`;
const task: Task = { stack: "paper", owner: "c1", at: { hour: 4, minute: 5 }, node: `${hard}/node`, program: `${hard}/trading.mjs`, root: hard };
const environment = { PATH: `${hard}/bin:/usr/bin` };

describe("the daily task", () => {
  for (const [text, at] of [
    ["04:30", { hour: 4, minute: 30 }],
    ["00:00", { hour: 0, minute: 0 }],
    ["23:59", { hour: 23, minute: 59 }],
    ["24:00", undefined],
    ["4:30", undefined],
    ["noon", undefined],
  ] as const) {
    it(`${at === undefined ? "takes no time of" : "understands"} ${text}`, () => expect(parseTime(text)).to.deep.equal(at));
  }

  it("runs next today or tomorrow, by the machine's own clock", () => {
    const at = (day: number, hour: number, minute: number) => new Date(2026, 10, day, hour, minute).getTime();
    expect(nextRunAfter({ hour: 4, minute: 30 }, at(21, 4, 29))).to.equal(at(21, 4, 30));
    expect(nextRunAfter({ hour: 4, minute: 30 }, at(21, 4, 30))).to.equal(at(22, 4, 30));
  });

  describe("for Windows", () => {
    for (const [word, quoted] of [
      ["tend", "tend"],
      ["C:\\Program Files\\x.mjs", '"C:\\Program Files\\x.mjs"'],
      ["C:\\my folder\\", '"C:\\my folder\\\\"'],
      ['a "b" c', '"a \\"b\\" c"'],
      ['a\\"b', '"a\\\\\\"b"'],
      ["", '""'],
    ] as const) {
      it(`writes ${JSON.stringify(word)} as ${quoted}`, () => expect(windowsWord(word)).to.equal(quoted));
    }

    it("makes up for a missed time, waits for no mains, and runs one at a time", () => {
      const text = windowsTask({ ...task, node: "C:\\Program Files\\nodejs\\node.exe", program: "C:\\R&D\\trading.mjs", root: "C:\\R&D" }, "PC\\owner");
      for (const part of [
        "<StartWhenAvailable>true</StartWhenAvailable>",
        "<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>",
        "<MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>",
        "<StartBoundary>2024-01-01T04:05:00</StartBoundary>",
        "<UserId>PC\\owner</UserId>",
        "<Command>C:\\Program Files\\nodejs\\node.exe</Command>",
        "<Arguments>C:\\R&amp;D\\trading.mjs tend --stack paper</Arguments>",
        "<WorkingDirectory>C:\\R&amp;D</WorkingDirectory>",
      ]) {
        expect(text).to.contain(part);
      }
      expect([...windowsTaskFile(task, "owner").subarray(0, 4)]).to.deep.equal([0xff, 0xfe, "<".charCodeAt(0), 0]);
    });

    it("reads the scheduler's answer by its columns, whatever its language", () => {
      expect(csvColumns('"PC","\\trading-paper","22-11-2026 04:30:00","Klar","Kun interaktiv","21-11-2026 04:30:00","0","a ""b"", c"')).to.deep.equal(["PC", "\\trading-paper", "22-11-2026 04:30:00", "Klar", "Kun interaktiv", "21-11-2026 04:30:00", "0", 'a "b", c']);
    });
  });

  describe("for systemd", () => {
    it("writes words that systemd replaces nothing in", () => {
      expect(systemdWord('50% "x" $HOME \\')).to.equal('"50%% \\"x\\" $$HOME \\\\"');
    });

    it("makes up for a missed time", () => {
      expect(systemdUnits(task, environment).timer).to.contain("OnCalendar=*-*-* 04:05:00\nPersistent=true\n");
    });

    it("has units that systemd itself takes", function () {
      if (spawnSync("systemd-analyze", ["--version"]).status !== 0) this.skip();
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), "trading-units-"));
      try {
        const units = systemdUnits({ ...task, node: process.execPath, root: "/tmp/an owner's 50% \"new\" & $HOME" }, environment);
        fs.writeFileSync(path.join(folder, "t.service"), units.service);
        fs.writeFileSync(path.join(folder, "t.timer"), units.timer);
        const { stderr, status } = spawnSync("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", path.join(folder, "t.service"), path.join(folder, "t.timer")], { encoding: "utf8" });
        expect(`${status} ${stderr.split("\n").filter((line) => line.includes(folder) || /t\.(service|timer)/.test(line)).join("\n")}`).to.equal("0 ");
      } finally {
        fs.rmSync(folder, { recursive: true });
      }
    });
  });

  describe("for cron", () => {
    it("is one line that the shell takes apart into the same words", function () {
      if (process.platform === "win32") this.skip();
      // cron itself takes the backslash off a per cent sign before the shell sees the line.
      const words = [task.node, task.program, "--stack"].map((word) => cronWord(word).replaceAll("\\%", "%"));
      const seen = execFileSync("sh", ["-c", `printf '%s\\n' ${words.join(" ")}`], { encoding: "utf8" });
      expect(seen).to.equal(`${task.node}\n${task.program}\n--stack\n`);
      expect(withCronLine("", task, environment).replaceAll("\\%", "")).to.not.contain("%");
    });

    it("leaves the other lines as they are, replaces its own, and takes only that out again", () => {
      const others = "MAILTO=owner\n0 1 * * * other # trading-live-c1\n";
      const once = withCronLine(others, task, environment);
      expect(once.startsWith(others)).to.equal(true);
      expect(once.slice(others.length)).to.match(/^5 4-23 \* \* \* cd '.*# trading-paper-c1\n$/);
      expect(withCronLine(once, task, environment)).to.equal(once);
      expect(withoutCronLine(once, task)).to.equal(others);
      expect(withoutCronLine(withCronLine("", task, environment), task)).to.equal("");
    });
  });

  describe("for launchd", () => {
    it("is a property list with every word of its own", () => {
      const text = launchdPlist(task, environment);
      expect(text).to.contain("<key>Hour</key>\n    <integer>4</integer>").and.contain("<key>Minute</key>\n    <integer>5</integer>");
      expect(text).to.contain("<string>/home/an owner's/50% &quot;new&quot; &amp; $HOME &lt;x&gt;/trading.mjs</string>\n    <string>tend</string>\n    <string>--stack</string>\n    <string>paper</string>");
    });
  });
});

describe("schedule", () => {
  let root: string;
  let home: string;
  let calls: string[];
  let answers: (program: string, words: readonly string[], input?: string) => ProgramResult;
  beforeEach(() => {
    root = makeClone();
    home = fs.mkdtempSync(path.join(os.tmpdir(), "trading-home-"));
    calls = [];
  });
  afterEach(() => {
    fs.rmSync(root, { recursive: true });
    fs.rmSync(home, { recursive: true });
  });
  const good = (stdout = ""): ProgramResult => ({ code: 0, stdout, stderr: "" });
  const absent: ProgramResult = { code: null, stdout: "", stderr: "" };
  const name = taskName({ stack: "paper", owner: OWNER });

  async function schedule(platform: NodeJS.Platform, ...argv: string[]): Promise<Outcome> {
    let outcome: Outcome | undefined;
    const machine: Machine = {
      platform,
      ...{ home, user: "PC\\owner", userNumber: 501, environment, temporaryFolder: home },
      now: () => new Date(2026, 10, 21, 12, 0).getTime(),
      run: async (program, words, input) => {
        calls.push([program, ...words].join(" "));
        return answers(program, words, input);
      },
    };
    const context = { root, write: () => undefined, writeError: () => undefined, now: () => 0, wait: async () => undefined, engine: () => new FakeEngine(), page: async () => undefined, ask: async () => undefined, whenInterrupted: () => undefined } as Context;
    const command = scheduleCommand(
      context,
      (action) => async (...all) => {
        outcome = await action((all.at(-1) as Command).optsWithGlobals());
      },
      machine,
    );
    await new Command("trading").option("--stack <name>", "", "paper").addCommand(command).parseAsync(["schedule", ...argv], { from: "user" });
    return outcome!;
  }

  it("gives Task Scheduler a file and takes the file away again", async () => {
    let written = "";
    answers = (_program, words) => {
      if (words[0] === "/Create") written = fs.readFileSync(words[words.indexOf("/XML") + 1]!, "utf16le");
      return good();
    };
    const { exitCode, text } = await schedule("win32", "install", "--at", "05:15");
    expect(exitCode).to.equal(0);
    expect(text).to.match(/^Task Scheduler runs `npx trading tend --stack paper` every day at 05:15/);
    expect(calls).to.deep.equal([`schtasks /Create /TN ${name} /XML ${path.join(home, `${name}.xml`)} /F`]);
    expect(written).to.contain("T05:15:00</StartBoundary>").and.contain("<UserId>PC\\owner</UserId>");
    expect(fs.readdirSync(home)).to.deep.equal([]);
  });

  it("says what Task Scheduler refuses", async () => {
    answers = () => ({ code: 1, stdout: "", stderr: "FEJL: Adgang nægtet.\r\n" });
    await schedule("win32", "install").then(
      () => expect.fail("it was refused"),
      (error: Error) => expect(error.message).to.equal("schtasks /Create: FEJL: Adgang nægtet."),
    );
  });

  it("shows and removes what Task Scheduler has", async () => {
    answers = (_program, words) => good(words[0] === "/Query" ? `"PC","\\${name}","22-11-2026 04:30:00","Klar","x","21-11-2026 04:30:00","0"\r\n` : "");
    writeTendRecord(root, "paper", { at: "2026-11-21T03:30:00.000Z", exitCode: 0, text: "nothing was due" });
    const shown = await schedule("win32", "show");
    expect(shown.exitCode).to.equal(0);
    expect(shown.text).to.contain("next run 22-11-2026 04:30:00, last run 21-11-2026 04:30:00, last result 0").and.contain("Last run of `tend`: 2026-11-21 03:30 UTC, exit code 0: nothing was due");
    expect((await schedule("win32", "remove")).document).to.include({ removed: true });
    expect(calls.at(-1)).to.equal(`schtasks /Delete /TN ${name} /F`);
    answers = () => ({ code: 1, stdout: "", stderr: "" });
    expect((await schedule("win32", "show")).exitCode).to.equal(1);
    expect((await schedule("win32", "remove")).document).to.include({ removed: false });
  });

  it("has the user's own systemd run it", async () => {
    answers = (_program, words) => good(words.includes("show") ? "ActiveState=active\nNextElapseUSecRealtime=Sun 2026-11-22 04:30:00 CET\n" : "");
    await schedule("linux", "install");
    const units = path.join(home, ".config", "systemd", "user");
    expect(fs.readdirSync(units).sort()).to.deep.equal([`${name}.service`, `${name}.timer`]);
    expect(calls).to.deep.equal(["systemctl --user show-environment", "systemctl --user daemon-reload", `systemctl --user enable --now ${name}.timer`]);
    expect((await schedule("linux", "show")).text).to.contain("NextElapseUSecRealtime=Sun 2026-11-22");
    expect((await schedule("linux", "remove")).document).to.include({ removed: true });
    expect(fs.readdirSync(units)).to.deep.equal([]);
    expect((await schedule("linux", "show")).exitCode).to.equal(1);
  });

  it("takes cron where there is no systemd, and leaves the other lines", async () => {
    let crontab = "0 1 * * * other\n";
    answers = (program, words, input) => {
      if (program !== "crontab") return absent;
      if (words[0] === "-") crontab = input!;
      return good(crontab);
    };
    expect((await schedule("linux", "install")).text).to.match(/^cron runs/);
    expect(crontab).to.match(/^0 1 \* \* \* other\n30 4-23 \* \* \* cd .*tend.*# trading-paper-c1\n$/);
    const shown = await schedule("linux", "show");
    expect(shown.document).to.include({ by: "cron", installed: true, next: new Date(2026, 10, 21, 12, 30).getTime() });
    expect((await schedule("linux", "remove")).document).to.include({ removed: true });
    expect(crontab).to.equal("0 1 * * * other\n");
  });

  it("begins a crontab where the user has none", async () => {
    let crontab: string | undefined;
    answers = (program, words, input) => {
      if (program !== "crontab") return { code: 1, stdout: "", stderr: "Failed to connect to bus" };
      if (words[0] === "-") crontab = input;
      return crontab === undefined ? { code: 1, stdout: "", stderr: "no crontab for owner\n" } : good(crontab);
    };
    await schedule("linux", "install");
    expect(crontab?.split("\n")).to.have.length(2);
  });

  it("says what to do where nothing can run it", async () => {
    answers = () => absent;
    await schedule("linux", "install").then(
      () => expect.fail("there is nothing"),
      (error: Error) => expect(error.message).to.match(/neither systemd's user manager nor cron is here/),
    );
  });

  it("gives launchd a property list", async () => {
    answers = () => good();
    await schedule("darwin", "install");
    const file = path.join(home, "Library", "LaunchAgents", `${name}.plist`);
    expect(fs.existsSync(file)).to.equal(true);
    expect(calls).to.deep.equal([`launchctl bootout gui/501/${name}`, `launchctl bootstrap gui/501 ${file}`]);
    expect((await schedule("darwin", "show")).document).to.include({ installed: true, next: new Date(2026, 10, 22, 4, 30).getTime() });
    expect((await schedule("darwin", "remove")).document).to.include({ removed: true });
    expect(fs.existsSync(file)).to.equal(false);
  });

  it("refuses what is no time of day, before anything is touched", async () => {
    answers = () => good();
    await schedule("linux", "install", "--at", "25:00").then(
      () => expect.fail("it is no time"),
      (error: Error) => expect(error.message).to.equal('--at is "25:00"; allowed: a time of day from 00:00 to 23:59, such as 04:30'),
    );
    expect(calls).to.deep.equal([]);
  });
});
