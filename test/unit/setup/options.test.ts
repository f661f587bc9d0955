import { expect } from "chai";
import { parseOptions, UsageError } from "../../../setup/options.mjs";

const DEFAULTS = { help: false, check: false, json: false, up: true, machine: false, review: false, stack: "paper", portBase: undefined };

describe("options of npm start", () => {
  for (const [argv, expected] of [
    [[], {}],
    [["--check"], { check: true }],
    [["--check", "--json"], { check: true, json: true }],
    [["--no-up"], { up: false }],
    [["--machine"], { machine: true }],
    [["--review"], { review: true }],
    [["--help"], { help: true }],
    [["--stack", "live"], { stack: "live" }],
    [["--stack=second", "--port-base=8600"], { stack: "second", portBase: 8600 }],
    [["--port-base", "9000"], { portBase: 9000 }],
  ] as const) {
    it(`takes ${argv.join(" ") || "nothing"}`, () => {
      expect(parseOptions(argv)).to.deep.equal({ ...DEFAULTS, ...expected });
    });
  }

  for (const [argv, message] of [
    [["--bogus"], 'unknown option "--bogus"'],
    [["--check=yes"], 'unknown option "--check=yes"'],
    [["paper"], 'unexpected argument "paper"'],
    [["--stack"], "--stack needs a value"],
    [["--stack", "--check"], "--stack needs a value"],
    [["--stack", "Paper"], '--stack: "Paper" is no stack name (small letters, digits and hyphens, a letter first, at most 31)'],
    [["--port-base", "80"], '--port-base: "80" is no port from 1024 to 65000'],
    [["--port-base", "8400x"], '--port-base: "8400x" is no port from 1024 to 65000'],
    [["--machine", "--check"], "--machine knows no stack: it goes with neither --check nor --port-base"],
    [["--review", "--port-base", "9000"], "--review knows no stack: it goes with neither --check nor --port-base"],
    [["--json"], "--json goes with --check"],
  ] as const) {
    it(`refuses ${argv.join(" ")}`, () => {
      expect(() => parseOptions(argv)).to.throw(UsageError).with.property("message", message);
    });
  }
});
