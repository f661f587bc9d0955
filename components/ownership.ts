import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { OPERATING_SYSTEM_IMAGE } from "../images/catalog";
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
 * Refuses to go on where names of this stack are taken. A volume without any owner that holds nothing is what a Docker
 * that was stopped in the middle of making it leaves behind: it is no reason to refuse, and an update removes it, so
 * that it is made again with its labels.
 *
 * @param update false in a preview, which changes nothing
 * @returns names of the volumes that are there
 * @throws with the objects and what to do
 */
export async function refuseForeignObjects(stack: string, bots: readonly string[], owner: string, update: boolean): Promise<ReadonlySet<string>> {
  const names = stackNames(stack);
  const found = await objectsNamedLike(names.prefix);
  const abandoned = await abandonedVolumes(found, allNames(stack, bots));
  const foreign = foreignObjects(
    found.filter((object) => !abandoned.includes(object)),
    allNames(stack, bots),
    owner,
  );
  if (foreign.length > 0) {
    throw new Error(
      `names of stack "${stack}" are taken on this Docker Engine; nothing was changed:\n${foreign.join("\n")}\n` +
        `Use another stack name and port base (npm start -- --stack NAME --port-base N), or bring back the .trading folder they were made with.`,
    );
  }
  if (update && abandoned.length > 0) await docker(["volume", "rm", ...abandoned.map(({ name }) => name)]);
  return new Set(found.filter((object) => object.kind === "volume" && !abandoned.includes(object)).map(({ name }) => name));
}

/** Volumes of a stack that nobody owns, no container uses, and that are empty. */
async function abandonedVolumes(objects: readonly NamedObject[], names: ReadonlySet<string>): Promise<NamedObject[]> {
  const ownerless = objects.filter(({ kind, name, owner }) => kind === "volume" && owner === undefined && names.has(name));
  const empty = await Promise.all(
    ownerless.map(async ({ name }) => {
      const users = await docker(["ps", "--all", "--quiet", "--filter", `volume=${name}`]);
      if (users !== "") return false;
      return (await docker(["run", "--rm", "--network", "none", "--volume", `${name}:/volume:ro`, OPERATING_SYSTEM_IMAGE, "find", "/volume", "-mindepth", "1", "-print", "-quit"])) === "";
    }),
  );
  return ownerless.filter((_, index) => empty[index]);
}

async function docker(args: readonly string[]): Promise<string> {
  try {
    return (await run("docker", args, { maxBuffer: 16 * 1024 * 1024 })).stdout.trim();
  } catch (error) {
    throw new Error(`Docker does not answer: ${String((error as { stderr?: string }).stderr || error).trim()}. Start Docker (\`npm start -- --check\` says how).`);
  }
}

async function objectsNamedLike(prefix: string): Promise<NamedObject[]> {
  const list = async (kind: NamedObject["kind"], args: string[], nameKey: "Names" | "Name"): Promise<NamedObject[]> => {
    const stdout = await docker([...args, "--filter", `name=${prefix}`, "--format", `{{.${nameKey}}}\t{{.Label "${LABELS.owner}"}}`]);
    return stdout
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => {
        const [name = "", owner = ""] = line.trimEnd().split("\t");
        return { kind, name, owner: owner === "" ? undefined : owner };
      });
  };
  const lists = await Promise.all([list("container", ["ps", "--all"], "Names"), list("volume", ["volume", "ls"], "Name"), list("network", ["network", "ls"], "Name")]);
  return lists.flat();
}
