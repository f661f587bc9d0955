// Waits until a container is as it is wanted, and fails as soon as it is seen that it will not get there. A bot that will
// not is stopped: what is sick must not trade, nor come up again by itself when nobody looks.
// Usage: node components/waitUntilHealthy.mjs CONTAINER running|stopped LIMIT_SECONDS [CONTROL_FOLDER BOT]
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const [name, wanted, limitSeconds, control, bot] = process.argv.slice(2);
/** From the first pause to the longest: each look runs two programs, whose time the service that is waited for needs itself. */
const PAUSE_MILLISECONDS = { first: 250, longest: 1500, growth: 1.3 };
/** A check that the Engine already calls unhealthy may be about to pass: what the container needs has just come back. */
const UNHEALTHY_PATIENCE_SECONDS = 20;
/** After this the Engine has asked at least once, and its own verdict is not older than the time between two checks. */
const ENGINE_VERDICT_SECONDS = 20;
/** A process that was restarted this often and does not stay up is not going to. */
const RESTARTS_TOLERATED = 2;
/** A bot has its own grace, beyond which the Engine kills it. */
const STOP_SECONDS = 120;
/** States in which a container runs, or is about to again. */
const ALIVE = ["running", "restarting", "paused"];

function docker(args, timeoutSeconds = 15) {
  return new Promise((resolve) => {
    execFile("docker", args, { timeout: timeoutSeconds * 1000, maxBuffer: 4 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ ok: !error, out: stdout, text: `${stdout}${stderr}`.trim() });
    });
  });
}

/** @param {string} reason @param {string} [status] the container's, where it is a bot that is to be stopped */
async function fail(reason, status) {
  // Before it is stopped: what it says to that is not why.
  const logs = await docker(["logs", "--tail", "20", name]);
  console.error(`container ${name} ${reason}`);
  if (logs.text) console.error(`its last log lines:\n${logs.text}`);
  if (control && status !== undefined) {
    const stack = basename(dirname(control));
    if (ALIVE.includes(status)) {
      const stopped = await docker(["stop", name], STOP_SECONDS);
      console.error(stopped.ok ? `bot ${bot} was stopped; a protective stop of an open position stays with the broker` : `bot ${bot} could NOT be stopped (${stopped.text}): npx trading halt --stack ${stack} --level kill --reason "sick"`);
    }
    console.error(`to go back to the last stable release: npx trading rollback --stack ${stack}`);
  }
  process.exit(1);
}

async function inspect() {
  const answer = await docker(["container", "inspect", name]);
  if (answer.ok) return JSON.parse(answer.out)[0];
  if (/no such container/i.test(answer.text)) {
    console.error(`container ${name} does not exist: it was removed from outside; \`npm run pulumi -- up --refresh\` makes it again`);
  } else {
    console.error(`container ${name} cannot be asked for its health: ${answer.text}`);
  }
  process.exit(1);
}

/** Runs the container's own health check at once, not only when the Engine's next turn comes. */
async function check(container) {
  const [kind, ...test] = container.Config.Healthcheck?.Test ?? ["NONE"];
  if (kind === "NONE") return { ok: container.State.Running, text: "it has no health check" };
  const argv = kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...test] : test;
  return docker(["exec", name, ...argv], 10);
}

/** Why the bot may not run, whatever this `up` had read when it began; null while it may. */
function forbidden() {
  if (!control) return null;
  return wishedStopped() ? "was wished stopped" : halted() ? "was halted at level kill" : null;
}

/** No file means no such wish. */
function wishedStopped() {
  try {
    return JSON.parse(readFileSync(join(control, "desired.json"), "utf8")).bots?.[bot] === "stopped";
  } catch (error) {
    // A wish that cannot be read must never keep a bot running.
    return error.code !== "ENOENT";
  }
}

/** What cannot be read counts as the worst. */
function halted() {
  try {
    const halts = readdirSync(join(control, "halts")).filter((name) => name.endsWith(".json"));
    return halts.some((name) => {
      try {
        const halt = JSON.parse(readFileSync(join(control, "halts", name), "utf8"));
        return !["pause", "reduce"].includes(halt.level) && (halt.bot === null || halt.bot === undefined || halt.bot === bot);
      } catch (error) {
        return error.code !== "ENOENT";
      }
    });
  } catch {
    return true;
  }
}

const started = Date.now();
const elapsed = () => (Date.now() - started) / 1000;
let restartsAtStart;
let last = "no health check ran yet";
let wait = PAUSE_MILLISECONDS.first;

for (;;) {
  const container = await inspect();
  const { Status: status, ExitCode: exitCode, Error: error, Running: running, Health: health } = container.State;
  restartsAtStart ??= container.RestartCount;

  const reason = forbidden();
  if (reason !== null) {
    if (running) await docker(["stop", name], STOP_SECONDS);
    console.log(`${name} ${reason} while this ran: it is stopped`);
    process.exit(0);
  }
  if (wanted === "stopped") {
    if (!running) process.exit(0);
    await fail("is running although it is wanted stopped; `npx trading stop bot` stops it, `npx trading halt` keeps every order in");
  }
  if (status === "exited" || status === "dead" || status === "created" || status === "paused") {
    await fail(`is ${status} (exit code ${exitCode}${error ? `, ${error}` : ""}) although it is wanted running; \`npm run pulumi -- up --refresh\` starts it again`, status);
  }
  const sinceStart = (Date.now() - Date.parse(container.State.StartedAt)) / 1000;
  if (container.RestartCount - restartsAtStart >= RESTARTS_TOLERATED || (status === "restarting" && container.RestartCount >= RESTARTS_TOLERATED)) {
    await fail(`keeps ending (exit code ${exitCode}, restarted ${container.RestartCount} times)`, status);
  }
  if (running && status === "running") {
    if (health?.Status === "healthy" && sinceStart > ENGINE_VERDICT_SECONDS) process.exit(0);
    const answer = await check(container);
    if (answer.ok) process.exit(0);
    last = answer.text || "the health check failed without a word";
    if (health?.Status === "unhealthy" && elapsed() > UNHEALTHY_PATIENCE_SECONDS) await fail(`is unhealthy: ${last}`, status);
  }
  if (elapsed() > Number(limitSeconds)) await fail(`did not become healthy within ${limitSeconds} s: ${last}`, status);
  await pause(wait);
  wait = Math.min(wait * PAUSE_MILLISECONDS.growth, PAUSE_MILLISECONDS.longest);
}
