import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

/** Longest time a container may take to become healthy; the gate fails earlier when it sees that it will not. */
const LIMIT_SECONDS = 120;

/**
 * Waits, at every `up`, until a container is as it is wanted. An invoke leaves no state behind, so that no later `up`
 * can pass over a sick container, and a failed one leaves no resource half made. A preview asks nothing.
 *
 * @param name name of the container on the Engine
 * @param wish where the owner's wish for a bot, and the halts, stand: one that came while the `up` ran holds, and the bot is stopped
 * @returns the container, once it is healthy (or, where it is wanted stopped, not running)
 */
export function healthGate(container: pulumi.Resource, name: string, wanted: "running" | "stopped", wish?: { readonly control: string; readonly bot: string }): pulumi.Output<pulumi.Resource> {
  if (pulumi.runtime.isDryRun()) return pulumi.output(container);
  const gate = command.local.runOutput(
    { command: ["node", "components/waitUntilHealthy.mjs", name, wanted, LIMIT_SECONDS, ...(wish ? [wish.control, wish.bot] : [])].join(" "), logging: command.local.Logging.None },
    { dependsOn: [container] },
  );
  return gate.stdout.apply(() => container);
}
