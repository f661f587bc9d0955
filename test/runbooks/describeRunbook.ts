import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stepByStep } from "../support/stepByStep";
import { eventually, execute, PROJECT_ROOT, ThrowAwayStack, wideLimits, type Outcome } from "../support/throwAwayStack";
import { alertOfTheGuard, haltsOfStack, interruptRestore, makeRepository, newestMoment, releasesOfStack, stableAndChanged, withOwnCrontab } from "./circumstances";
import { Receiver } from "./Receiver";
import { testCommand, type TestCommand } from "./mapping";
import { runbookCommands } from "./powershell";

const FOLDER = path.join(PROJECT_ROOT, "runbooks");

/** 400 hourly candles that rise and fall. */
function candles(): string {
  const rows = Array.from({ length: 400 }, (_, index) => {
    const close = 1000 + 50 * Math.sin(index / 15);
    return [1_704_067_200_000 + index * 3_600_000, close, close + 5, close - 5, close, 1].map(String).join(",");
  });
  return ["open_time_ms,open,high,low,close,volume", ...rows, ""].join("\n");
}

/** Commands that answer a question, and what a stack that is minutes old answers; an answer of no is 1. */
const MAY_SAY_NO: Readonly<Record<string, RegExp>> = {
  // A parity that differs, for the bot was halted, freezes deploys: that is an alert.
  "alerts --stack": /^(Nothing is wrong\.|CRITICAL |warning )[^]*^guard {5}(all was delivered|\d+ notices? waits? for the receiver)/m,
  evidence: /conditions do NOT hold/,
  promote: /is NOT promoted to live: \d+ of \d+ conditions do not hold; nothing was changed\./,
  parity: /^Bot {7}refstrat01: (equal|costs|differs|nothing to compare)|has nothing to compare yet/,
};

/** Minutes that one command may take, on a machine that does much else. */
const MINUTES = 15;

/** Runs every command of a runbook, in their order, on a stack of its own. @param file name below `runbooks/` */
export function describeRunbook(file: string): void {
  describe(`${file}: its commands work, in their order, on a stack that is up`, function () {
    this.timeout(MINUTES * 60_000);
    stepByStep(this);
    const commands = runbookCommands(file, fs.readFileSync(path.join(FOLDER, file), "utf8"));
    const backedUp = commands.some(({ argv }) => argv.includes("backups"));
    const guarded = commands.some(({ argv }) => argv.includes("alerts"));
    const released = commands.some(({ argv }) => argv.includes("rollback"));
    let stack: ThrowAwayStack;
    let outside: string;
    let receiver: Receiver | undefined;

    before(async () => {
      outside = fs.mkdtempSync(path.join(os.tmpdir(), "trading-runbook-"));
      fs.mkdirSync(path.join(outside, "second-copy"));
      stack = await ThrowAwayStack.make({ files: { "candles.csv": candles() } });
      receiver = guarded ? await Receiver.open() : undefined;
      const configure = (orderNotional: number) =>
        stack.configure({
          bots: [{ name: "refstrat01", limits: { ...wideLimits, orderNotional } }],
          ...(backedUp && { backup: backup(path.join(outside, "second-copy")) }),
          ...(released && { soak: { hours: 0.0005 } }),
          ...(receiver && { guard: PATIENT_GUARD, alerts: { webhook: receiver.address, heartbeat: receiver.address } }),
        });
      await makeRepository(stack, () => configure(900_000), () => configure(wideLimits.orderNotional));
      const { code, text } = await stack.up([], { timeoutSeconds: 600 });
      expect(code, text).to.equal(0);
      if (released) await stableAndChanged(stack, () => configure(800_000));
    });
    after(async () => {
      await stack?.remove();
      await receiver?.close();
      if (outside !== undefined) fs.rmSync(outside, { recursive: true, force: true, maxRetries: 3 });
    });

    const script = (name: "start" | "pulumi") => {
      const { scripts } = JSON.parse(stack.read("package.json")) as { scripts: Record<string, string> };
      return path.join(stack.root, scripts[name]!.replace(/^node /, ""));
    };
    const run = ({ runner, argv, circumstance }: TestCommand): Promise<Outcome> => {
      const env = circumstance === "a crontab of the test's own" ? withOwnCrontab(path.join(outside, "scheduler"), stack.env) : stack.env;
      const options = { cwd: stack.root, env, timeoutSeconds: MINUTES * 60 };
      if (runner === "docker" || runner === "git") return execute(runner, argv, options);
      const program = runner === "trading" ? path.join(stack.root, "operations", "trading.mjs") : script(runner);
      return execute(process.execPath, [program, ...argv], options);
    };

    /** A stack that is halted is not as it should be, and says by which halts; any other has to be well. */
    const saysHowItIs = ({ code, text }: Outcome): boolean => {
      const halts = haltsOfStack(stack);
      return halts.length === 0 ? code === 0 : code === 1 && halts.every((incident) => text.includes(incident));
    };

    for (const command of commands) {
      it(`line ${command.line}: ${command.text}`, async function () {
        const moment = / --to \d/.test(command.text) ? await newestMoment(stack) : "";
        const alert = / alerts ack /.test(command.text) ? await alertOfTheGuard(stack) : "";
        const incident = haltsOfStack(stack).at(-1) ?? "";
        const { stableRelease, otherRelease } = releasesOfStack(stack);
        if (command.argv.includes("--incident")) expect(incident, "a halt that the runbook placed before").to.not.equal("");
        const tested = testCommand(command, { stack: stack.name, data: "candles.csv", moment, newFile: path.join(outside, `key-${command.line}.txt`), incident, alert, stableRelease, otherRelease });
        // Windows and macOS have their own schedulers, for which nothing can stand in here.
        if (tested.circumstance === "a crontab of the test's own" && process.platform !== "linux") this.skip();
        if (tested.circumstance === "an interrupted restore") await interruptRestore(stack);
        // A feed that was started anew is not HEALTHY before its next candle, a second later here.
        if (tested.runner === "trading" && tested.argv[0] === "status") return void (await eventually(command.text, 180, async () => saysHowItIs(await run(tested))));
        const { code, text } = await run(tested);
        // Set-up's report ends with 1 where the test's folder lacks something; a wrong command line is 2.
        if (tested.runner === "start") expect([code, text.includes(`stack            "${stack.name}" is there`)], text).to.deep.equal([code === 1 ? 1 : 0, true]);
        else if (tested.runner === "trading" && answerOf(tested) !== undefined) expect([code === 0 || code === 1 || (code === 2 && tested.argv[0] === "promote"), answerOf(tested)!.test(text)], text).to.deep.equal([true, true]);
        else expect(code, text).to.equal(0);
      });
    }
  });
}

/** What a question may be answered with; undefined for a command that has to end with 0. */
function answerOf({ argv }: TestCommand): RegExp | undefined {
  return MAY_SAY_NO[argv[0]!] ?? MAY_SAY_NO[`${argv[0]} ${argv[1]}`];
}

/** A guard that no hour of the test's wild market, and no machine that does much else, brings to act: what it does has tests of its own. */
const PATIENT_GUARD = {
  ...{ enabled: true, dailyLossShare: 1, drawdownShare: 1, exposureShare: 10, feedDegradedSeconds: 3600, decisionMinutes: 120 },
  ...{ trackingErrorWarnShare: 1, trackingErrorFreezeShare: 1, trackingErrorReduceShare: 1, clockSeconds: 60 },
};

/** What is due at the first start runs, and then nothing but what a command asks for. */
function backup(secondCopy: string): object {
  const yearly = "0 0 1 1 *";
  return { secondCopy: { kind: "path", path: secondCopy }, schedule: { point: yearly, dump: yearly, check: yearly, prune: yearly, copy: yearly } };
}
