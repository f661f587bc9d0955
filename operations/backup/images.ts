import { spawn } from "node:child_process";
import { imageId } from "../../images/build";
import { CommandError, failure } from "../errors";
import { deployedImages } from "./restoreHost";
import { progressWriter } from "./progressText";
import type { Copy, ToolSite } from "./toolContainer";
import type { Tools } from "./tools";

/** What became of the images that are deployed. */
export interface StoredImages {
  readonly stored: readonly string[];
  readonly already: readonly string[];
}

/**
 * Puts the archive of each deployed image into the backup, so that a rollback or a restore finds it after Docker has
 * thrown it away. The archive goes from Docker into the tool without touching a disk.
 *
 * @param missing services whose image is not stored; all of them where that is not known
 */
export async function storeImages(tools: Tools, site: ToolSite, missing: readonly string[] | null, report: (text: string) => void): Promise<StoredImages> {
  const deployed = await deployedImages(site.stack);
  const services = Object.keys(deployed).sort();
  const wanted = services.filter((service) => missing === null || missing.includes(service));
  const images = [...new Set(wanted.map((service) => deployed[service]!))];
  // One archive holds them all: what they are built on is in it once.
  if (images.length > 0) {
    report(`storing the images of ${wanted.join(", ")}`);
    await store(tools, site, images, report);
  }
  return { stored: wanted, already: services.filter((service) => !wanted.includes(service)) };
}

async function store(tools: Tools, site: ToolSite, images: readonly string[], report: (text: string) => void): Promise<void> {
  const child = spawn("docker", ["save", ...images], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (piece: string) => (said += piece));
  const saved = new Promise<void>((resolve, reject) => {
    child.on("error", (error) => reject(failure(`docker save: ${error.message}`)));
    child.on("close", (code) => {
      if (code === 0) return resolve();
      const error = failure(`docker save: ${said.trim() || `ended with exit code ${code ?? "none"}`}`);
      // A cut archive must not look like a whole one.
      child.stdout.destroy(error);
      reject(error);
    });
  });
  saved.catch(() => undefined);
  try {
    await tools.run(site, "store-images", { images }, { input: child.stdout, onProgress: progressWriter((text) => report(text.trim())) });
    await saved;
  } finally {
    child.kill();
  }
}

/** Brings an image out of the backup's archive into Docker. @returns whether it is there now */
export async function loadImage(tools: Tools, site: ToolSite, id: string, from: Copy): Promise<boolean> {
  const child = spawn("docker", ["load"], { stdio: ["pipe", "ignore", "ignore"] });
  const ended = new Promise<void>((resolve) => child.on("error", () => resolve()).on("close", () => resolve()));
  child.stdin.on("error", () => undefined);
  try {
    await tools.run(site, "load-image", { image: id, from }, { second: from === "second", output: child.stdin });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    child.stdin.destroy();
  }
  await ended;
  return (await imageId(id)) !== undefined;
}
