/** Folder of the policy pack in the project. */
export const POLICY_PACK = "policy";

/** Commands of the Pulumi CLI that judge what they would do, with their aliases. */
const JUDGED = Object.freeze(["up", "update", "preview", "pre"]);

/** Flags that stand before a command without a value of their own. */
const SWITCHES = Object.freeze(["--disable-integrity-checking", "--emoji", "-e", "--fully-qualify-stack-names", "--help", "-h", "--logflow", "--logtostderr", "--non-interactive"]);

/**
 * The arguments of the Pulumi CLI with the project's policy pack, where a command takes one and none is named. Another
 * folder's program (`--cwd`) is judged by its own packs.
 *
 * @param {readonly string[]} args
 * @returns {string[]}
 */
export function withPolicyPack(args) {
  const at = commandPosition(args);
  const has = (/** @type {string} */ flag) => args.some((arg) => arg === flag || arg.startsWith(`${flag}=`));
  if (at === -1 || !JUDGED.includes(/** @type {string} */ (args[at])) || has("--policy-pack") || has("--cwd") || has("-C")) return [...args];
  return [...args.slice(0, at + 1), "--policy-pack", POLICY_PACK, ...args.slice(at + 1)];
}

/** Where the command stands: the first word that is neither a flag nor the value of one; -1 where there is none. @param {readonly string[]} args */
function commandPosition(args) {
  return args.findIndex((arg, index) => {
    const before = args[index - 1];
    const isValue = before !== undefined && before.startsWith("-") && !before.includes("=") && !SWITCHES.includes(before);
    return !arg.startsWith("-") && !isValue;
  });
}
