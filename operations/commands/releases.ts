import { Command } from "commander";
import { releasesOf } from "../../config/releases";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT } from "../errors";
import { settleReleases } from "../releases/settle";
import { releaseEntries, releasesText } from "../releases/text";
import { declaredStack } from "../stack";

/** `releases`: what ran, what runs, and what one can go back to. */
export function releasesCommand(context: Context, wrap: Wrap): Command {
  return new Command("releases")
    .description("list the releases of a stack, each with what it changed and whether it is stable; makes the one that runs stable when it has soaked (a Git tag, and its record in a commit)")
    .action(wrap<GlobalOptions>((options) => releases(context, options)));
}

async function releases(context: Context, { stack }: GlobalOptions): Promise<Outcome> {
  const settled = await settleReleases(context, declaredStack(context.root, stack));
  const { releases: all, unreadable } = releasesOf(context.root, stack);
  const entries = releaseEntries(all, settled);
  return {
    exitCode: unreadable.length > 0 ? EXIT.failed : EXIT.ok,
    text: releasesText({ stack, entries, unreadable, settled }),
    document: { stack, releases: [...entries].reverse(), unreadable, becameStable: settled.stable?.id ?? null, committed: settled.committed, waiting: settled.reason },
  };
}
