import { stackNames } from "../../config/names";
import { ImageBuilder } from "../../images/build";
import type { Context } from "../context";
import { failure } from "../errors";
import { declaredStack, owner, type DeclaredStack } from "../stack";
import { dockerCode } from "./docker";
import type { SecondCopy, ToolSite } from "./toolContainer";

/** What the tools of a stack are run with; the image is that of its backup container. */
export async function toolSite(context: Context, declared: DeclaredStack, backupsOf = declared.stack): Promise<ToolSite> {
  const { stack, configuration } = declared;
  const container = await context.engine().container(stackNames(stack).container("backup"));
  const mine = owner(context.root);
  if (container !== undefined && container.owner !== mine) throw failure(`container ${container.name} belongs to another clone of this project and was left as it is`);
  const secrets = stackNames(backupsOf).secretsVolume("backup");
  const source = backupsOf === stack ? configuration : declaredStack(context.root, backupsOf).configuration;
  if (!source.backup.enabled) throw failure(`stack ${backupsOf} has no backup: trading:backup.enabled is false`);
  if ((await dockerCode(["volume", "inspect", secrets])).code !== 0) {
    throw failure(`volume ${secrets} does not exist: npm start -- --stack ${backupsOf} makes it; on an empty machine begin with npx trading recover`);
  }
  return {
    ...{ stack, backupsOf, owner: mine, mode: configuration.mode },
    image: container?.imageId ?? (await backupImage(context)),
    secondCopy: secondCopyOf(source.backup.secondCopy),
  };
}

/** Id of the backup image of this checkout, built where it is not there. */
export async function backupImage(context: Context): Promise<string> {
  try {
    return await new ImageBuilder(context.root, (line) => context.writeError(`- ${line}\n`)).ensure("backup");
  } catch (error) {
    throw failure((error as Error).message);
  }
}

export function secondCopyOf(configured: DeclaredStack["configuration"]["backup"]["secondCopy"]): SecondCopy {
  if (configured.kind === "path") return { kind: "path", path: configured.path };
  return { kind: configured.kind };
}
