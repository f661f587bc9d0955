import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { objectLabels, type StackContext } from "./StackContext";

export interface FilledVolumeArgs {
  readonly context: StackContext;
  /** Name on the Engine. */
  readonly volumeName: string;
  /** Service that reads it. */
  readonly service: string;
  /** User and group that may read the files, numeric. */
  readonly user: string;
  /** File name -> content. */
  readonly files: Readonly<Record<string, Uint8Array | string>>;
  /** Further files whose content is known only while resources are made. */
  readonly laterFiles?: pulumi.Input<Readonly<Record<string, string>>>;
  /** Whether the files are secret: then Pulumi keeps them encrypted and shows them nowhere. */
  readonly secret: boolean;
  /** Id of the image that has the program which writes the files. */
  readonly baseImage: pulumi.Input<string>;
}

/**
 * A volume filled from standard input, since files cannot be uploaded into a container with a read-only root.
 * Secrets travel as Pulumi secrets on standard input and are seen in no argument, environment or log.
 */
export class FilledVolume extends pulumi.ComponentResource {
  static readonly type = "trading:storage:FilledVolume";
  readonly volumeName: pulumi.Output<string>;
  /** The command that fills the volume: what reads the files depends on it. */
  readonly filled: pulumi.Resource;

  constructor(name: string, args: FilledVolumeArgs, options?: pulumi.ComponentResourceOptions) {
    super(FilledVolume.type, name, {}, options);
    const labels = objectLabels(args.context, args.service);
    const volume = new docker.Volume(`${name}-volume`, { name: args.volumeName, labels }, { parent: this, deleteBeforeReplace: true });
    const run = pulumi.interpolate`${createWords(labels)} ${volume.name} && docker run --rm --interactive --network none --user 0 --volume ${volume.name}:/target ${args.baseImage} write-files ${args.user}`;
    const mark = args.context.fillings?.markOf(args.volumeName);
    const own = fileLines(args.files);
    const lines = args.laterFiles === undefined ? own : pulumi.output(args.laterFiles).apply((files) => `${own}${fileLines(files)}`);
    this.filled = new command.local.Command(
      `${name}-files`,
      {
        create: run,
        stdin: args.secret ? pulumi.secret(lines) : lines,
        // A volume that was made again is empty, and has the same name.
        triggers: mark === undefined ? [volume.id] : [volume.id, mark],
        logging: command.local.Logging.None,
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );
    this.volumeName = volume.name;
    this.registerOutputs({ volumeName: this.volumeName });
  }
}

/** Makes a volume as its resource makes it where Pulumi does not know yet that it is gone: `docker run` would make it without an owner. */
function createWords(labels: ReturnType<typeof objectLabels>): string {
  return ["docker volume create", ...labels.map(({ label, value }) => `--label ${label}=${value}`)].join(" ");
}

/** One line a file: name, tab, content in base64. */
export function fileLines(files: Readonly<Record<string, Uint8Array | string>>): string {
  return Object.entries(files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, content]) => `${name}\t${Buffer.from(content as string).toString("base64")}\n`)
    .join("");
}
