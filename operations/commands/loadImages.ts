import { Command } from "commander";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT } from "../errors";
import { backupMeans } from "../releases/archivedImages";
import { bringImages, type BringMeans, type Brought } from "../releases/pinnedImages";
import { declaredStack, type DeclaredStack } from "../stack";

/** Tests put their own in its place. */
export type LoadMeans = (context: Context, declared: DeclaredStack) => BringMeans;

/** `load-images`: a rollback works after Docker has thrown away what nothing ran. */
export function loadImagesCommand(context: Context, wrap: Wrap, means: LoadMeans = backupMeans): Command {
  return new Command("load-images")
    .description("bring the images that the stack's file pins (trading:release.images) back out of the backup where Docker does not have them any more; changes nothing else")
    .action(wrap<GlobalOptions>((options) => loadImages(context, means, options)));
}

async function loadImages(context: Context, means: LoadMeans, { stack }: GlobalOptions): Promise<Outcome> {
  const declared = declaredStack(context.root, stack);
  const images = declared.configuration.release.images as Readonly<Record<string, string>>;
  const brought = await bringImages(images, means(context, declared), (text) => context.writeError(`- ${text}\n`));
  return { exitCode: brought.missing.length > 0 ? EXIT.failed : EXIT.ok, text: broughtText(stack, images, brought), document: { stack, ...brought } };
}

function broughtText(stack: string, images: Readonly<Record<string, string>>, { there, loaded, missing }: Brought): string {
  if (Object.keys(images).length === 0) return `Pulumi.${stack}.yaml pins no image: an \`up\` builds what it needs.\n`;
  const lines = [
    ...(there.length > 0 ? [`On this Engine already: ${there.join(", ")}`] : []),
    ...(loaded.length > 0 ? [`Loaded from the backup: ${loaded.join(", ")}`] : []),
    ...missing.map((name) => `NOWHERE: ${name} (${images[name]}): neither on this Engine nor in the backup. Take the pin from trading:release.images, and an \`up\` builds ${name} from this checkout; or go back to another release: npx trading releases --stack ${stack}`),
  ];
  return `${lines.join("\n")}\n`;
}
