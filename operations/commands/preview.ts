import * as fs from "node:fs";
import * as path from "node:path";
import { Command } from "commander";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT, failure } from "../errors";
import { reviewMarkdown } from "../review/markdown";
import { verdictOf, type Verdict } from "../review/review";
import { runReview } from "../review/run";

interface Options {
  readonly base: string;
  readonly head: string;
  readonly output?: string;
  readonly diff?: boolean;
}

/** `preview`: what commits would do to every stack, without the machine that runs them. */
export function previewCommand(context: Context, wrap: Wrap): Command {
  return new Command("preview")
    .description("show what the commits from base to head would do to every stack and to trading; needs no Docker, no passphrase and no password of the stacks")
    .requiredOption("--base <ref>", "commit, branch or tag to compare with")
    .option("--head <ref>", "commit, branch or tag to look at", "HEAD")
    .option("--output <folder>", "also write preview.md and preview.json there")
    .option("--diff", "with --output: also pulumi-<stack>.txt, what `pulumi preview --diff` says")
    .addHelpText("after", "\nExit codes: 0 it can be deployed, 1 it cannot or a policy is not kept, 2 wrong input, or risk limits are raised and no commit says why\n(a line `Risk-Limits-Raised: why` at the end of a commit message). Stacks are those that have a file; --stack is not heeded.")
    .action(wrap<Options>((options) => preview(context, options)));
}

/** What a verdict ends with. More risk that nobody explains is input that is not what it should be. */
const EXIT_OF: Readonly<Record<Verdict, number>> = { fine: EXIT.ok, failed: EXIT.failed, unexplained: EXIT.usage };

async function preview(context: Context, { base, head, output, diff }: Options & GlobalOptions): Promise<Outcome> {
  const folder = output === undefined ? undefined : path.resolve(output);
  if (folder !== undefined) makeFolder(folder);
  const { review, texts } = await runReview({ root: context.root, base, head, withText: diff === true && folder !== undefined, now: context.now(), say: (text) => context.writeError(`${text}\n`) });
  const exitCode = EXIT_OF[verdictOf(review)];
  const document = { ...review, exitCode };
  const text = reviewMarkdown(review);
  if (folder !== undefined) {
    fs.writeFileSync(path.join(folder, "preview.md"), text);
    fs.writeFileSync(path.join(folder, "preview.json"), `${JSON.stringify(document, null, 2)}\n`);
    for (const [stack, said] of Object.entries(texts)) fs.writeFileSync(path.join(folder, `pulumi-${stack}.txt`), said);
  }
  return { exitCode, text, document };
}

function makeFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw failure(`--output "${folder}" cannot be made (${(error as NodeJS.ErrnoException).code}); allowed: a folder that can be written`);
  }
}
