import { z } from "zod";
import { nextRun } from "../../domain/backup/schedule";

/** A cron pattern of five fields, in UTC, that names a time which comes. */
export const cronPattern = z.string().refine(
  (text) => {
    try {
      nextRun(text, Date.now());
      return text.trim().split(/\s+/).length === 5;
    } catch {
      return false;
    }
  },
  { error: 'a cron pattern of five fields in UTC, for example "10 */6 * * *"' },
);
