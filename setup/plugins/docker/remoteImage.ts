import type { RemoteImageArgs } from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import { Attribute, Properties } from "../provider/schema";
import { dockerResource } from "./dockerResource";
import { attempt, engine, engineMessage, isNotFound } from "./engine";
import { findImage, requireImage } from "./images";

const schema = {
  name: { type: "string", required: true, replaces: true },
  keepLocally: { type: "boolean" },
  forceRemove: { type: "boolean" },
  platform: { type: "string", replaces: true },
  pullTriggers: { type: "set", replaces: true },
  triggers: { type: "map", replaces: true },
  build: { type: "block", replaces: true, problem: () => "building an image is not served by the stand-in plugin" },
  imageId: { type: "string", outputOnly: true },
  repoDigest: { type: "string", outputOnly: true },
} satisfies Record<keyof RemoteImageArgs | "imageId" | "repoDigest", Attribute>;

function outputsOf(image: { Id: string; RepoDigests?: string[] }): Properties {
  return { imageId: image.Id, repoDigest: image.RepoDigests?.[0] ?? "" };
}

export const remoteImageResource = dockerResource({
  schema,
  createFirst: true,
  async create(inputs) {
    const { name, platform } = inputs as Unwrap<RemoteImageArgs>;
    const image = await attempt("Unable to read Docker image into resource", requireImage(name, platform));
    return { id: `${image.Id}${name}`, outputs: outputsOf(image) };
  },
  async read(_id, state) {
    const image = await findImage(String(state.name));
    return image && { ...outputsOf(image), id: `${image.Id}${state.name}` };
  },
  async delete(_id, state) {
    const { name, keepLocally, forceRemove } = state as unknown as Unwrap<RemoteImageArgs>;
    if (keepLocally) return;
    try {
      await engine().getImage(name).remove({ force: forceRemove ?? false });
    } catch (error) {
      if (!isNotFound(error)) throw new Error(`Unable to remove Docker image: ${engineMessage(error)}`);
    }
  },
});
