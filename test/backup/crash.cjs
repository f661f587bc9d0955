"use strict";

/**
 * Loaded before the backup service's program (NODE_OPTIONS=--require): ends it with SIGKILL at one point of its work, so
 * that no hook is needed in the program. /crash/points.json lists the points, each strikes once, in their order, which is
 * kept in /crash/struck. A point is `{name, kind, text}`: `starts`, a program with such words has been started; `says`,
 * such a statement has gone to the database; `renames` and `renamed`, before and after a file gets such a name.
 */
const childProcess = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");

const folder = "/crash";
const points = JSON.parse(fs.readFileSync(`${folder}/points.json`, "utf8"));
const point = points.find(({ name }) => !fs.existsSync(`${folder}/struck/${name}`));
/** So long a program runs before its parent is killed. */
const startedMilliseconds = 150;

if (point !== undefined) arm(point);

function arm({ name, kind, text }) {
  const wanted = new RegExp(text, "is");

  function strike() {
    fs.writeFileSync(`${folder}/struck/${name}`, "");
    fs.writeSync(2, `crash point struck: ${name}\n`);
    process.kill(process.pid, "SIGKILL");
  }

  if (kind === "starts") {
    const { spawn } = childProcess;
    childProcess.spawn = (program, args, ...rest) => {
      const child = spawn(program, args, ...rest);
      if (wanted.test([program, ...args].join(" "))) setTimeout(strike, startedMilliseconds);
      return child;
    };
  }
  if (kind === "says") {
    const { write } = net.Socket.prototype;
    net.Socket.prototype.write = function (chunk, ...rest) {
      const hit = wanted.test(Buffer.isBuffer(chunk) ? chunk.toString("latin1") : String(chunk));
      const result = write.call(this, chunk, ...rest);
      if (hit) process.nextTick(strike);
      return result;
    };
  }
  if (kind === "renames" || kind === "renamed") {
    const { rename } = fs.promises;
    fs.promises.rename = async (from, to) => {
      const hit = wanted.test(String(to));
      if (hit && kind === "renames") strike();
      await rename(from, to);
      if (hit) strike();
    };
  }
}
