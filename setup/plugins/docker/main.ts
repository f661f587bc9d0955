import { serve } from "../provider/server";
import { containerResource } from "./container";
import { requireEngine } from "./engine";
import { networkResource } from "./network";
import { remoteImageResource } from "./remoteImage";
import { volumeResource } from "./volume";

serve({
  version: "5.2.0",
  async configure(args) {
    const unserved = Object.keys(args).filter((name) => name !== "version" && args[name] !== "");
    if (unserved.length > 0) throw new Error(`the stand-in plugin takes no provider arguments (${unserved.join(", ")}); set DOCKER_HOST instead`);
    await requireEngine();
  },
  resources: {
    "docker:index/container:Container": containerResource,
    "docker:index/network:Network": networkResource,
    "docker:index/remoteImage:RemoteImage": remoteImageResource,
    "docker:index/volume:Volume": volumeResource,
  },
});
