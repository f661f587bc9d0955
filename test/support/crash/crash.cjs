"use strict";

/**
 * Loaded before a service's program (NODE_OPTIONS=--require): ends the process with SIGKILL, or asks it to end with
 * SIGTERM, at one point of its talk with the database or over HTTP, so that no hook is needed in the program. /crash/points.json lists the points; each strikes
 * once, in their order, which is kept in /crash/struck.
 */
const fs = require("node:fs");
const net = require("node:net");
const { Readable } = require("node:stream");

const folder = "/crash";
const points = JSON.parse(fs.readFileSync(`${folder}/points.json`, "utf8"));
const point = points.find(({ name }) => !fs.existsSync(`${folder}/struck/${name}`));

/** First bytes of PostgreSQL's messages that carry a statement: Query and Parse. */
const statementBytes = new Set([0x51, 0x50]);
const postgresPort = 5432;

if (point !== undefined) arm(point);

function arm({ name, moment, text, within, skip = 0, signal = "SIGKILL" }) {
  const wanted = new RegExp(text, "is");
  const before = within?.map((source) => new RegExp(source, "is"));
  /** What was said in the transaction that is open on a connection. */
  const transactions = new WeakMap();
  /** Connections on which the matching words are under way. */
  const underWay = new WeakSet();
  let seen = 0;
  let struck = false;

  function strike(words) {
    if (struck) return;
    struck = true;
    fs.writeFileSync(`${folder}/struck/${name}`, words.slice(0, 500));
    fs.writeSync(2, `crash point struck: ${name}\n`);
    process.kill(process.pid, signal);
  }

  /** Kills when the kernel has taken everything, before an answer can have been read. */
  function strikeWhenSent(socket, words) {
    if (socket.writableLength === 0) strike(words);
    else process.nextTick(strikeWhenSent, socket, words);
  }

  function fits(said) {
    if (before === undefined) return true;
    if (before.length === 0) return said === undefined;
    return said !== undefined && before.every((each) => said.some((earlier) => each.test(earlier)));
  }

  const { write } = net.Socket.prototype;
  net.Socket.prototype.write = function (chunk, ...rest) {
    const words = wordsOf(this, chunk);
    if (words === undefined) return write.call(this, chunk, ...rest);
    const said = transactions.get(this);
    const matches = wanted.test(words) && fits(said);
    if (/^\0*(begin|start transaction)\b/i.test(words)) transactions.set(this, [words]);
    else if (/^\0*(commit|rollback)\b/i.test(words)) transactions.delete(this);
    else said?.push(words);
    const hit = matches && seen++ >= skip;
    if (hit && moment === "before") strike(words);
    if (hit && moment === "answered") underWay.add(this);
    const result = write.call(this, chunk, ...rest);
    if (hit && moment === "sent") process.nextTick(strikeWhenSent, this, words);
    return result;
  };

  net.Socket.prototype.push = function (chunk, ...rest) {
    if (chunk !== null && underWay.has(this)) strike(`answered: ${chunk.toString("latin1")}`);
    return Readable.prototype.push.call(this, chunk, ...rest);
  };
}

/** The statement or the HTTP head that a chunk carries, or undefined. */
function wordsOf(socket, chunk) {
  if (socket.remotePort === postgresPort) {
    return Buffer.isBuffer(chunk) && statementBytes.has(chunk[0]) ? chunk.toString("latin1", 5) : undefined;
  }
  const head = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("latin1");
  return /^(GET|POST|HTTP\/1\.1) /.test(head) ? head : undefined;
}
