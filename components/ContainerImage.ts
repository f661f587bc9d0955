import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { imageTag, type ImageName } from "../images/catalog";

export interface ContainerImageArgs {
  readonly image: ImageName;
  /** Hash of everything the image is built from; a changed one builds it anew. No need of it where the id is pinned. */
  readonly contentHash: string | undefined;
  /** Id of the image to take as it is; undefined builds it. */
  readonly pinned: string | undefined;
}

/** A first-party image, known by its id: built when the hash of its content changes, or pinned and never built. */
export class ContainerImage extends pulumi.ComponentResource {
  static readonly type = "trading:image:ContainerImage";
  /** Id of the local image: `sha256:` and 64 hexadecimal digits. */
  readonly id: pulumi.Output<string>;

  constructor(name: string, args: ContainerImageArgs, options?: pulumi.ComponentResourceOptions) {
    super(ContainerImage.type, name, {}, options);
    if (args.pinned !== undefined) {
      // Where it was built before, the command goes from the state and takes no image with it: it has no `delete`.
      this.id = pulumi.output(args.pinned);
      this.registerOutputs({ id: this.id });
      return;
    }
    if (args.contentHash === undefined) throw new Error(`contentHash: image ${args.image} is neither pinned nor is it known what it is built from`);
    const build = new command.local.Command(
      name,
      {
        create: `node images/ensure.mjs ${args.image} ${args.contentHash} ${imageTag(args.image, args.contentHash)}`,
        triggers: [args.contentHash],
        logging: command.local.Logging.Stderr,
        // The id of the image before is no input of this one.
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );
    this.id = build.stdout.apply((text) => text.trim());
    this.registerOutputs({ id: this.id });
  }
}
