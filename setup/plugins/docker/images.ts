import { engine, engineMessage, orMissing } from "./engine";

/** A name without tag or digest means `latest`. */
export function withTag(name: string): string {
  const last = name.slice(name.lastIndexOf("/") + 1);
  return last.includes(":") || name.includes("@") ? name : `${name}:latest`;
}

export async function findImage(name: string): Promise<{ Id: string; RepoDigests?: string[] } | undefined> {
  return orMissing(engine().getImage(name).inspect());
}

async function pull(name: string, platform?: string): Promise<void> {
  const stream = await engine().pull(withTag(name), platform ? { platform } : {});
  await new Promise<void>((resolve, reject) => {
    engine().modem.followProgress(stream, (error: Error | null) => (error ? reject(error) : resolve()));
  });
}

/** The local image of that name, pulled where there is none. */
export async function requireImage(name: string, platform?: string): Promise<{ Id: string; RepoDigests?: string[] }> {
  const local = await findImage(name);
  if (local) return local;
  try {
    await pull(name, platform);
  } catch (error) {
    throw new Error(`unable to pull image ${name}: error pulling image ${name}: ${engineMessage(error)}`);
  }
  const pulled = await findImage(name);
  if (!pulled) throw new Error(`unable to pull image ${name}: it is still missing after the pull`);
  return pulled;
}
