export const HELP = `Usage: npm start -- [options]

Makes everything that this machine needs, then brings the stack up. Run it again at any time:
what is there is left as it is.

Options:
  --stack NAME     stack to bring up (default: paper)
  --port-base N    first published port of a new stack; its file Pulumi.NAME.yaml is made with it
  --no-up          stop before \`pulumi up\`
  --machine        only what this machine needs, no stack: what comes before npx trading recover
  --review         only what npx trading preview needs: packages, the Pulumi CLI and its plugins; no Docker, no stack
  --check          change nothing: report every item, and what to do where something is missing
  --json           with --check: the report as JSON
  --help           this text
`;

/** A command line that cannot be carried out. The message is for the person who typed it. */
export class UsageError extends Error {}

/**
 * @typedef {object} Options
 * @property {boolean} help
 * @property {boolean} check
 * @property {boolean} json
 * @property {boolean} up
 * @property {boolean} machine
 * @property {boolean} review
 * @property {string} stack
 * @property {number | undefined} portBase
 */

/**
 * Reads the command line of `npm start`.
 *
 * @param {readonly string[]} argv without Node and the script
 * @returns {Options}
 * @throws {UsageError}
 */
export function parseOptions(argv) {
  /** @type {Options} */
  const options = { help: false, check: false, json: false, up: true, machine: false, review: false, stack: "paper", portBase: undefined };
  const rest = [...argv];
  /** @param {string} name @param {string | undefined} inline */
  const value = (name, inline) => {
    const text = inline ?? rest.shift();
    if (text === undefined || text === "" || (inline === undefined && text.startsWith("--"))) throw new UsageError(`${name} needs a value`);
    return text;
  };
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const [, name = argument, inline] = /^(--[a-z-]+)=(.*)$/.exec(argument) ?? [];
    if (inline !== undefined && name !== "--stack" && name !== "--port-base") throw new UsageError(`unknown option "${argument}"`);
    if (name === "--help" || name === "-h") options.help = true;
    else if (name === "--check") options.check = true;
    else if (name === "--json") options.json = true;
    else if (name === "--no-up") options.up = false;
    else if (name === "--machine") options.machine = true;
    else if (name === "--review") options.review = true;
    else if (name === "--stack") options.stack = stackName(value(name, inline));
    else if (name === "--port-base") options.portBase = portBase(value(name, inline));
    else throw new UsageError(name.startsWith("-") ? `unknown option "${argument}"` : `unexpected argument "${argument}"`);
  }
  for (const [name, given] of /** @type {const} */ ([["--machine", options.machine], ["--review", options.review]])) {
    if (given && (options.check || options.portBase !== undefined)) throw new UsageError(`${name} knows no stack: it goes with neither --check nor --port-base`);
  }
  if (options.json && !options.check) throw new UsageError("--json goes with --check");
  return options;
}

/** @param {string} text */
function stackName(text) {
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(text)) throw new UsageError(`--stack: "${text}" is no stack name (small letters, digits and hyphens, a letter first, at most 31)`);
  return text;
}

/** @param {string} text */
function portBase(text) {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1024 || number > 65000) throw new UsageError(`--port-base: "${text}" is no port from 1024 to 65000`);
  return number;
}
