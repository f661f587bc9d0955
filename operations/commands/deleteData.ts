import { Command } from "commander";
import type { Context } from "../context";
import { EXIT, failure, usage } from "../errors";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import { backupVolume } from "../../config/names";
import { checkStackName, owner } from "../stack";

interface Options extends GlobalOptions {
  readonly confirm?: string;
  readonly withBackups?: boolean;
}

/** `delete-data`: the one way to delete what `pulumi destroy` keeps. */
export function deleteDataCommand(context: Context, wrap: Wrap): Command {
  return new Command("delete-data")
    .description("delete the data volumes that a destroyed stack left; there is no way back but a backup")
    .option("--with-backups", "delete the stack's backups too; without a second copy there is no way back at all")
    .option("--confirm <stack>", "the stack's name again, where nobody can be asked")
    .action(wrap<Options>((options) => deleteData(context, { ...options, stack: checkStackName(options.stack) })));
}

async function deleteData(context: Context, { stack, confirm, withBackups = false }: Options): Promise<Outcome> {
  if (confirm !== undefined && confirm !== stack) {
    throw usage(`--confirm is "${confirm}" and the stack is "${stack}": they must be the same; nothing was deleted`);
  }
  const engine = context.engine();
  const containers = await engine.containers(stack);
  if (containers.length > 0) {
    throw failure(
      `stack ${stack} still has containers (${containers.map((container) => container.name).join(", ")}): npm run pulumi -- destroy --stack ${stack} first; nothing was deleted`,
    );
  }
  const volumes = await engine.volumes(stack);
  const mine = owner(context.root);
  const foreign = volumes.filter((volume) => volume.owner !== mine);
  if (foreign.length > 0) {
    throw failure(`volumes with this stack's name are not of this clone (${foreign.map((volume) => volume.name).join(", ")}): nothing was deleted`);
  }
  const backups = backupVolume(stack);
  const kept = withBackups ? [] : volumes.filter((volume) => volume.name === backups).map((volume) => volume.name);
  const names = volumes.map((volume) => volume.name).filter((name) => !kept.includes(name));
  const keptText = kept.map((name) => `Kept: ${name}, the stack's backups (--with-backups deletes them as well)\n`).join("");
  if (names.length === 0) {
    return { exitCode: EXIT.ok, text: `Stack ${stack} has no ${kept.length > 0 ? "data " : ""}volumes: nothing to delete.\n${keptText}`, document: { stack, deleted: [], kept } };
  }

  const list = names.map((name) => `  ${name}\n`).join("");
  if (confirm === undefined) {
    context.writeError(`These volumes of stack ${stack} will be deleted, with everything in them:\n${list}`);
    const answer = await context.ask(`Type the stack's name to delete them: `);
    if (answer === undefined) throw usage(`nobody can be asked here: add --confirm ${stack} to delete; nothing was deleted`);
    if (answer.trim() !== stack) throw failure(`"${answer.trim()}" is not "${stack}": nothing was deleted`);
  }
  const deleted: string[] = [];
  for (const name of names) {
    context.whenInterrupted(`deleted: ${deleted.join(", ") || "nothing"}; run the command again for the rest`);
    try {
      await engine.removeVolume(name);
    } catch (error) {
      throw failure(`${(error as Error).message}; deleted: ${deleted.join(", ") || "nothing"}; left: ${names.slice(deleted.length).join(", ")}`, { stack, deleted });
    }
    deleted.push(name);
  }
  return { exitCode: EXIT.ok, text: `Deleted of stack ${stack}:\n${list}${keptText}`, document: { stack, deleted, kept } };
}
