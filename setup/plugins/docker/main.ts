import { serve } from "../provider/server";
import { containerResource } from "./container";
import { requireEngine } from "./engine";
import { networkResource } from "./network";
import { remoteImageResource } from "./remoteImage";
import { volumeResource } from "./volume";

serve({
  version: "5.2.0",
  configure: requireEngine,
  resources: {
    "docker:index/container:Container": containerResource,
    "docker:index/network:Network": networkResource,
    "docker:index/remoteImage:RemoteImage": remoteImageResource,
    "docker:index/volume:Volume": volumeResource,
  },
});
