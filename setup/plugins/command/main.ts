import { serve } from "../provider/server";
import { commandResource, runFunction } from "./command";

serve({
  version: "1.2.1",
  configure: async () => undefined,
  resources: { "command:local:Command": commandResource },
  functions: { "command:local:run": runFunction },
});
