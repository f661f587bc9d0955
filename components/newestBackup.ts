import { z } from "zod";

const said = z.object({ stack: z.string(), backup: z.object({ newestPoint: z.object({ id: z.string() }).nullable() }).nullable() });

/** Long enough for a page that runs; whoever waits has other things to do. */
const PATIENCE_MILLISECONDS = 2000;

/** Id of the newest good recovery point, as the stack's page has it; null where it does not say. It never throws. */
export async function newestBackup(stack: string, pagePort: number): Promise<string | null> {
  try {
    const response = await fetch(`http://127.0.0.1:${pagePort}/api/status`, { signal: AbortSignal.timeout(PATIENCE_MILLISECONDS), redirect: "error" });
    const parsed = said.safeParse(await response.json());
    // Another stack may have the port.
    return parsed.success && parsed.data.stack === stack ? (parsed.data.backup?.newestPoint?.id ?? null) : null;
  } catch {
    return null;
  }
}
