import type { z } from "zod";
import { failure } from "./probes";

/** No answer within this wall time counts as none. */
export const timeoutMilliseconds = 2500;

/**
 * Asks a service of the stack.
 *
 * @param url address of the service, without a path
 * @throws Error in a few words
 */
export async function askJson<T>(url: string, path: string, schema: z.ZodType<T>): Promise<T> {
  let body: unknown;
  try {
    const response = await fetch(new URL(path, url), { signal: AbortSignal.timeout(timeoutMilliseconds) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    body = await response.json();
  } catch (error) {
    throw new Error(failure(error, timeoutMilliseconds));
  }
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new Error("its answer is not understood");
  return parsed.data;
}
