import { Command } from "commander";
import * as fs from "node:fs";
import * as path from "node:path";
import { recoveryKey } from "../../config/backupSecrets";
import { readStackKey } from "../../config/clone";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT, failure, usage } from "../errors";
import { checkStackName } from "../stack";

interface Options extends GlobalOptions {
  readonly out?: string;
  readonly print?: boolean;
}

/** `recovery-key`: what has to be kept away from this machine, or the second copy is of no use to anybody. */
export function recoveryKeyCommand(context: Context, wrap: Wrap, isTerminal: () => boolean = () => process.stdout.isTTY === true): Command {
  return new Command("recovery-key")
    .description("hand out the key of the second copy, to be kept away from this machine")
    .option("--out <file>", "write it into a new file, outside the repository")
    .option("--print", "print it also where the output is no terminal")
    .action(wrap<Options>((options) => Promise.resolve(handOut(context, options, isTerminal))));
}

function handOut(context: Context, { stack, out, print = false }: Options, isTerminal: () => boolean): Outcome {
  checkStackName(stack);
  const key = recoveryKey(stackKey(context.root, stack));
  const purpose = `This key opens the second copy of stack ${stack}. With it, the second copy and a clone of the repository, everything comes back on an empty machine: database, MLflow, .trading with Pulumi's state, passphrase and passwords. Without it nobody can read the second copy, and neither can you: keep it on paper or in a password manager, away from this machine. It stays the same as long as .trading/stacks/${stack}/key does.`;
  const use = `npx trading recover --from PATH --key-file FILE --stack ${stack}`;
  if (out !== undefined) {
    const file = path.resolve(out);
    write(context.root, file, key);
    return { exitCode: EXIT.ok, text: `Written to ${file}, readable for you alone.\n\n${purpose}\nTo use it: ${use}\n`, document: { stack, file } };
  }
  if (!print && !isTerminal()) throw usage("the key would go into a log or a file by accident: name a file with --out FILE, or say --print");
  return { exitCode: EXIT.ok, text: `${key}\n\n${purpose}\nTo use it: write the key into a file, then ${use}\n`, document: { stack, key } };
}

function stackKey(root: string, stack: string): string {
  try {
    return readStackKey(root, stack);
  } catch (error) {
    throw failure((error as Error).message);
  }
}

function write(root: string, file: string, key: string): void {
  const folder = path.dirname(file);
  let real: string;
  try {
    real = fs.realpathSync(folder);
  } catch {
    throw usage(`--out: there is no folder ${folder}`);
  }
  const inside = path.relative(fs.realpathSync(root), real);
  if (inside === "" || (!inside.startsWith("..") && !path.isAbsolute(inside))) {
    throw usage(`--out ${file} lies in the repository, where a key does not belong: name a file elsewhere, best on another disk`);
  }
  try {
    fs.writeFileSync(file, `${key}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw usage(`${file} is there already and was left as it is: name a new file`);
    throw failure(`${file} cannot be written: ${(error as Error).message}`);
  }
}
