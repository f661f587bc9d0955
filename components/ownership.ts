import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { allNames, LABELS, stackNames } from "../config/names";

const run = promisify(execFile);

/** A container, volume or network on the Engine, as far as it matters whose it is. */
export interface NamedObject {
  readonly kind: "container" | "volume" | "network";
  readonly name: string;
  /** Owner label, or undefined where there is none. */
  readonly owner: string | undefined;
}

/**
 * Objects with a name that a stack is going to use and that are not this clone's. A volume whose name exists would be
 * taken over silently and removed at destroy, so that this has to be known before anything is touched.
 *
 * @param names every name the stack uses
 * @returns one line an object; empty when there is none
 */
export function foreignObjects(objects: readonly NamedObject[], names: ReadonlySet<string>, owner: string): string[] {
  return objects
    .filter((object) => names.has(object.name) && object.owner !== owner)
    .map(({ kind, name, owner: other }) => `  ${kind} ${name}: ${other ? `belongs to the clone ${other}` : "was not made by this program"}`);
}

/**
 * Refuses to go on where names of this stack are taken.
 *
 * @throws with the objects and what to do
 */
export async function refuseForeignObjects(stack: string, bots: readonly string[], owner: string): Promise<void> {
  const names = stackNames(stack);
  const foreign = foreignObjects(await objectsNamedLike(names.prefix), allNames(stack, bots), owner);
  if (foreign.length === 0) return;
  throw new Error(
    `names of stack "${stack}" are taken on this Docker Engine; nothing was changed:\n${foreign.join("\n")}\n` +
      `Use another stack name and port base (npm start -- --stack NAME --port-base N), or bring back the .trading folder they were made with.`,
  );
}

async function objectsNamedLike(prefix: string): Promise<NamedObject[]> {
  const list = async (kind: NamedObject["kind"], args: string[], nameKey: "Names" | "Name"): Promise<NamedObject[]> => {
    const { stdout } = await run("docker", [...args, "--filter", `name=${prefix}`, "--format", `{{.${nameKey}}}\t{{.Label "${LABELS.owner}"}}`], { maxBuffer: 16 * 1024 * 1024 });
    return stdout
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => {
        const [name = "", owner = ""] = line.trimEnd().split("\t");
        return { kind, name, owner: owner === "" ? undefined : owner };
      });
  };
  try {
    const lists = await Promise.all([list("container", ["ps", "--all"], "Names"), list("volume", ["volume", "ls"], "Name"), list("network", ["network", "ls"], "Name")]);
    return lists.flat();
  } catch (error) {
    throw new Error(`Docker does not answer: ${String((error as { stderr?: string }).stderr ?? error).trim()}. Start Docker (\`npm start -- --check\` says how).`);
  }
}
