import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { imageTag, type ImageName } from "../images/catalog";

export interface ContainerImageArgs {
  readonly image: ImageName;
  /** Hash of everything the image is built from; a changed one builds it anew. */
  readonly contentHash: string;
}

/** A first-party image, built when the hash of its content changes and known by its id. */
export class ContainerImage extends pulumi.ComponentResource {
  static readonly type = "trading:image:ContainerImage";
  /** Id of the local image: `sha256:` and 64 hexadecimal digits. */
  readonly id: pulumi.Output<string>;

  constructor(name: string, args: ContainerImageArgs, options?: pulumi.ComponentResourceOptions) {
    super(ContainerImage.type, name, {}, options);
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
