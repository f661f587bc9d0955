import type { VolumeArgs } from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import type { VolumeInspectInfo } from "dockerode";
import { Attribute, Properties } from "../provider/schema";
import { dockerResource, untilRemoved } from "./dockerResource";
import { attempt, engine, engineMessage, isNotFound, orMissing } from "./engine";
import { labelList, labelsAttribute, labelsOf } from "./labels";

const schema = {
  name: { type: "string", replaces: true, autoName: true },
  labels: labelsAttribute,
  driver: { type: "string", computed: true, replaces: true },
  driverOpts: { type: "map", replaces: true },
  cluster: { type: "block", replaces: true, problem: () => "cluster volumes are not served by the stand-in plugin" },
  mountpoint: { type: "string", outputOnly: true },
} satisfies Record<keyof VolumeArgs | "mountpoint", Attribute>;

function outputsOf(volume: VolumeInspectInfo): Properties {
  return { name: volume.Name, driver: volume.Driver, driverOpts: volume.Options ?? undefined, mountpoint: volume.Mountpoint };
}

export const volumeResource = dockerResource({
  schema,
  // The Engine gives back an existing volume of that name as it is: it is taken over, without the labels.
  async create(inputs) {
    const { name, driver, driverOpts } = inputs as Unwrap<VolumeArgs>;
    const options = { Labels: labelsOf(inputs), ...(name && { Name: name }), ...(driver && { Driver: driver }), ...(driverOpts && { DriverOpts: driverOpts }) };
    const made = await attempt("Unable to create volume", engine().createVolume(options));
    const volume = await attempt("Unable to inspect volume", engine().getVolume(made.name).inspect());
    return { id: volume.Name, outputs: outputsOf(volume) };
  },
  async read(id) {
    const volume = await orMissing(engine().getVolume(id).inspect());
    return volume && { ...outputsOf(volume), labels: labelList(volume.Labels) };
  },
  async delete(id, _state, { signal }) {
    const remove = async (): Promise<boolean> => {
      try {
        await engine().getVolume(id).remove();
        return true;
      } catch (error) {
        if (isNotFound(error)) return true;
        if (engineMessage(error).includes("volume is in use")) return false;
        throw new Error(engineMessage(error));
      }
    };
    await untilRemoved("in_use", remove, signal);
  },
});
