import type * as pulumi from "@pulumi/pulumi";
import type { StackConfiguration } from "../config/schema";

/** Options of resources as pure functions: what Pulumi's mocks cannot show a test can read here. */

/** A container has a fixed name, and two running bots would be worse than none: the old one goes first. */
export function containerOptions(parent: pulumi.Resource, dependsOn: pulumi.ResourceOptions["dependsOn"]): pulumi.CustomResourceOptions {
  return { parent, deleteBeforeReplace: true, ...(dependsOn ? { dependsOn } : {}) };
}

/**
 * Data outlives `pulumi destroy`; in live it is protected as well, which stops a destroy before it removes anything.
 * Labels and driver options are ignored, because a change of either replaces a volume and loses what it holds.
 */
export function dataVolumeOptions(parent: pulumi.Resource, mode: StackConfiguration["mode"]): pulumi.CustomResourceOptions {
  return { parent, retainOnDelete: true, protect: mode === "live", ignoreChanges: ["labels", "driver", "driverOpts"] };
}
