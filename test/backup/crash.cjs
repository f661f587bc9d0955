"use strict";

/**
 * Loaded before the backup service's program (NODE_OPTIONS=--require): ends it with SIGKILL at one point of its work, or
 * holds it there, so that no hook is needed in the program. /crash/points.json lists the points, also while it runs; each
 * strikes once, in their order, which is kept in /crash/struck. A point is `{name, kind, text, holds}`: `starts`, a program
 * with such words has been started; `says`, such a statement has gone to the database; `renames` and `renamed`, before and
 * after a file gets such a name. One that `holds` stands still until /crash/go/NAME is there, and then goes on.
 */
const childProcess = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");

const folder = "/crash";
/** So long a program runs before its parent is killed. */
const startedMilliseconds = 150;
const lookMilliseconds = 20;

/** The point that comes next, when it is of such a kind and the words are its own. */
function hit(kind, words) {
  const points = JSON.parse(fs.readFileSync(`${folder}/points.json`, "utf8"));
  const point = points.find(({ name }) => !fs.existsSync(`${folder}/struck/${name}`));
  return point?.kind === kind && new RegExp(point.text, "is").test(words()) ? point : undefined;
}

function strike({ name, holds }) {
  fs.writeFileSync(`${folder}/struck/${name}`, "");
  fs.writeSync(2, `crash point struck: ${name}\n`);
  if (!holds) process.kill(process.pid, "SIGKILL");
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  while (!fs.existsSync(`${folder}/go/${name}`)) Atomics.wait(sleeper, 0, 0, lookMilliseconds);
}

const { spawn } = childProcess;
childProcess.spawn = (program, args, ...rest) => {
  const child = spawn(program, args, ...rest);
  const point = hit("starts", () => [program, ...args].join(" "));
  if (point) setTimeout(strike, startedMilliseconds, point);
  return child;
};

const { write } = net.Socket.prototype;
net.Socket.prototype.write = function (chunk, ...rest) {
  const point = hit("says", () => (Buffer.isBuffer(chunk) ? chunk.toString("latin1") : String(chunk)));
  const result = write.call(this, chunk, ...rest);
  if (point) process.nextTick(strike, point);
  return result;
};

const { rename } = fs.promises;
fs.promises.rename = async (from, to) => {
  const before = hit("renames", () => String(to));
  if (before) strike(before);
  const after = hit("renamed", () => String(to));
  await rename(from, to);
  if (after) strike(after);
};
