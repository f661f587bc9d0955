import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { StackConfiguration } from "../config/schema";
import { objectLabels, type StackContext } from "./StackContext";
import { dataVolumeOptions } from "./resourceOptions";

export interface DataVolumeArgs {
  readonly context: StackContext;
  /** Name on the Engine. */
  readonly volumeName: string;
  /** Service whose data it holds. */
  readonly service: string;
  readonly mode: StackConfiguration["mode"];
}

/** A volume whose content cannot be made again. */
export class DataVolume extends pulumi.ComponentResource {
  static readonly type = "trading:storage:DataVolume";
  readonly volumeName: pulumi.Output<string>;

  constructor(name: string, args: DataVolumeArgs, options?: pulumi.ComponentResourceOptions) {
    super(DataVolume.type, name, {}, options);
    const volumeOptions = dataVolumeOptions(this, args.mode);
    const volume = new docker.Volume(`${name}-volume`, { name: args.volumeName, labels: objectLabels(args.context, args.service) }, volumeOptions);
    this.volumeName = volume.name;
    // The policy pack is told of protect, and not of retainOnDelete.
    this.registerOutputs({ volumeName: this.volumeName, retained: volumeOptions.retainOnDelete ?? false });
  }
}
