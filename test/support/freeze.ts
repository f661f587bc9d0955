import { eventually, execute } from "./throwAwayStack";

/**
 * Freezes a container. The kernel refuses while a process of it is between two states, as one that begins is ("unable to
 * freeze"): asked again, it does.
 *
 * @param env where its Docker daemon is another than the machine's
 */
export async function freeze(container: string, env?: NodeJS.ProcessEnv): Promise<void> {
  await eventually(`${container} is frozen`, 60, async () => {
    const { code, text } = await execute("docker", ["pause", container], env === undefined ? {} : { env });
    if (code === 0 || /is already paused/.test(text)) return true;
    if (!/unable to freeze/.test(text)) throw new Error(text);
    return false;
  });
}
