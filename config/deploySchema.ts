import { z } from "zod";

/** What `npx trading deploy` does about an `up` that does not come up healthy; a bare `up` stops the sick bot, and says how to go back. */
export const ON_FAILURE = ["rollback", "stop"] as const;

const deploy = (standard: (typeof ON_FAILURE)[number]) =>
  z.strictObject({
    /** rollback: back to the newest stable release. stop: the bots are stopped, and the rest is left for the owner to look at. */
    onFailure: z.enum(ON_FAILURE).default(standard),
  });
export const paperDeploy = deploy("stop");
export const liveDeploy = deploy("rollback");
