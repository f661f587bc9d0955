import { Command } from "commander";
import * as fs from "node:fs";
import * as path from "node:path";
import { SECOND_COPY_MOUNT } from "../../config/backupSecrets";
import { lostText } from "../backup/lostArtifacts";
import { RecoverRun, type RecoverRequest } from "../backup/recoverRun";
import { parseTo } from "../backup/restoreTarget";
import { dockerTools, type Tools } from "../backup/tools";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT, usage } from "../errors";
import { underLock } from "../lock";
import { declaredStack } from "../stack";

interface Options extends GlobalOptions {
  readonly from: string;
  readonly keyFile: string;
  readonly loginFile?: string;
  readonly to?: string;
}

const LOCK_MILLISECONDS = 24 * 3_600_000;

/** `recover`: from an empty machine and the second copy to a stack that `npm start` brings up. */
export function recoverCommand(context: Context, wrap: Wrap, tools: Tools = dockerTools()): Command {
  return new Command("recover")
    .description("bring a stack back from its second copy onto a machine that has nothing of it")
    .requiredOption("--from <place>", "folder of the second copy, or rest:URL of restic's REST server")
    .requiredOption("--key-file <file>", "file with the recovery key (npx trading recovery-key)")
    .option("--login-file <file>", "file with user:password of the REST server")
    .option("--to <what>", "latest, a backup's id or a time such as 2026-11-21T14:30:00Z; latest when left out")
    .action(wrap<Options>((options) => recover(context, tools, options)));
}

async function recover(context: Context, tools: Tools, options: Options): Promise<Outcome> {
  const { stack } = options;
  const declared = declaredStack(context.root, stack);
  const request: RecoverRequest = { ...placeOf(options), key: secretOf("--key-file", options.keyFile, /^[A-Za-z0-9_-]{43}$/, "a recovery key of 43 letters, digits, - and _"), to: parseTo(options.to) };
  const lock = path.join(context.root, ".trading", `recover-${stack}.lock`);
  const recovered = await underLock(lock, () => new RecoverRun(context, tools, declared, request).run(), { timeoutMilliseconds: 0, staleMilliseconds: LOCK_MILLISECONDS });
  const next = `npm start -- --stack ${stack}`;
  const lines =
    recovered === undefined
      ? [`Stack ${stack} was recovered on this machine already. Next: ${next}`]
      : [`Database, MLflow's artifacts and .trading of stack ${stack} are back as of ${recovered.target.at}. Next: ${next}`, ...lostText(recovered.lost)];
  const document = { stack, recovered: recovered !== undefined, at: recovered?.target.at ?? null, lost: recovered?.lost ?? null, next };
  return { exitCode: EXIT.ok, text: `${lines.join("\n")}\n`, document };
}

/** Where the second copy is. A password on the command line could be read by everybody on the machine. */
export function placeOf({ from, loginFile }: Pick<Options, "from" | "loginFile">): Pick<RecoverRequest, "secondCopy" | "address"> {
  const server = /^rest:(.*)$/s.exec(from)?.[1];
  if (server === undefined) {
    if (loginFile !== undefined) throw usage("--login-file goes with --from rest:URL");
    const folder = path.resolve(from);
    if (fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw usage(`--from "${from}": no such folder; allowed: the folder of the second copy, or rest:URL`);
    return { secondCopy: { kind: "path", path: folder }, address: SECOND_COPY_MOUNT };
  }
  let url: URL;
  try {
    url = new URL(server);
  } catch {
    throw usage(`--from "${from}": allowed: rest: and an address such as https://backup.example:8000/trading`);
  }
  if (url.username !== "" || url.password !== "") throw usage("--from holds a user or a password, which others of this machine could read: write user:password into a file and name it with --login-file");
  if (loginFile !== undefined) {
    const login = secretOf("--login-file", loginFile, /^[^\s:]+:\S+$/, "user:password");
    url.username = encodeURIComponent(login.slice(0, login.indexOf(":")));
    url.password = encodeURIComponent(login.slice(login.indexOf(":") + 1));
  }
  return { secondCopy: { kind: "rest" }, address: `rest:${url.href}` };
}

function secretOf(option: string, file: string, form: RegExp, allowed: string): string {
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8").trim();
  } catch (error) {
    throw usage(`${option} ${file}: ${(error as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : (error as Error).message}`);
  }
  if (!form.test(text)) throw usage(`${option} ${file}: allowed: ${allowed}`);
  return text;
}
