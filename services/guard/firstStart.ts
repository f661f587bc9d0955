import { existsSync, readFileSync } from "node:fs";
import { writeWhole } from "../../control/folder";
import type { Logger } from "../shared/log";

/**
 * Since when this stack has a guard, epoch ms: what was never done is late from then on.
 * @param file in the guard's own volume; written at the first start
 */
export function firstStart(file: string, now: number, log: Logger): number {
  try {
    if (existsSync(file)) {
      const { at } = JSON.parse(readFileSync(file, "utf8")) as { at: string };
      const time = Date.parse(at);
      if (!Number.isNaN(time)) return time;
    }
    writeWhole(file, `${JSON.stringify({ at: new Date(now).toISOString() })}\n`);
  } catch (error) {
    log.warn({ error: (error as Error).message }, "when the guard first started cannot be kept");
  }
  return now;
}
