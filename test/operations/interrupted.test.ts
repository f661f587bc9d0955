import { expect } from "chai";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { readDesiredState } from "../../config/desiredState";
import { controlFolder } from "../../control/folder";
import { HaltReader } from "../../control/standing";
import { makeClone } from "../unit/operations/support";

const PROJECT = path.join(__dirname, "..", "..");

describe("npx trading as a process", function () {
  this.timeout(30_000);
  let root: string;
  let docker: net.Server;
  let port: number;
  /** The next question of that Docker. */
  let asked: Promise<void>;
  let told: () => void;
  beforeEach(() => void (asked = new Promise((resolve) => (told = resolve))));
  before(async () => {
    root = makeClone();
    for (const folder of ["operations", "config", "control", "domain", "mlflow", "images"]) fs.cpSync(path.join(PROJECT, folder), path.join(root, folder), { recursive: true });
    fs.symlinkSync(path.join(PROJECT, "node_modules"), path.join(root, "node_modules"), "junction");
    // A Docker that takes every question and never answers.
    docker = net.createServer((socket) => void socket.once("data", () => told()).on("error", () => undefined));
    await new Promise<void>((resolve) => docker.listen(0, "127.0.0.1", resolve));
    port = (docker.address() as AddressInfo).port;
  });
  after(() => {
    docker.close();
    fs.rmSync(root, { recursive: true });
  });

  function start(argv: readonly string[], dockerHost: string) {
    const child = spawn(process.execPath, [path.join(root, "operations", "trading.mjs"), ...argv], { env: { ...process.env, DOCKER_HOST: dockerHost } });
    let [out, error] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += String(chunk)));
    child.stderr.on("data", (chunk: Buffer) => (error += String(chunk)));
    const end = new Promise<{ code: number | null; out: string; error: string }>((resolve) => child.on("close", (code) => resolve({ code, out, error })));
    return { child, end };
  }

  it("says so when Docker is down, with exit code 1", async () => {
    const { code, out, error } = await start(["status"], "tcp://127.0.0.1:1").end;
    expect(out).to.include("Problem   Docker cannot be reached (DOCKER_HOST is tcp://127.0.0.1:1): is it running? Start Docker Desktop, or the docker service [ECONNREFUSED]");
    expect([code, error]).to.deep.equal([1, ""]);
  });

  it("has a halt in force, and says so, when it is interrupted before Docker answered", async function () {
    if (process.platform === "win32") this.skip();
    const { child, end } = start(["halt", "--reason", "a test"], `tcp://127.0.0.1:${port}`);
    await asked;
    child.kill("SIGINT");
    const { code, error } = await end;
    expect(new HaltReader(controlFolder(root, "paper"), "paper").of("refstrat01").level).to.equal("kill");
    expect(error).to.match(/^\nerror: interrupted; halt INC-\S+ at level kill is in force; whether the broker has read it and the bots are stopped was not waited for: npx trading status --stack paper\n$/);
    expect(code).to.equal(1);
  });

  it("says what is in force when it is interrupted between wish and container", async function () {
    if (process.platform === "win32") this.skip();
    const { child, end } = start(["stop", "bot"], `tcp://127.0.0.1:${port}`);
    await asked;
    expect(readDesiredState(root, "paper").bots).to.deep.equal({ refstrat01: "stopped" });
    child.kill("SIGINT");
    const { code, out, error } = await end;
    expect(error).to.equal('\nerror: interrupted; the wish "stopped" of bot refstrat01 is in force, its container may still run: npx trading stop bot refstrat01 --stack paper again\n');
    expect([code, out]).to.deep.equal([1, ""]);
  });
});
