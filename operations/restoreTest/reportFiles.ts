import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { REPORT_FOLDER, writeWhole } from "../collect";
import { timeOfReport, type RestoreTestReport } from "./report";
import { reportMarkdown } from "./reportText";

/** What of an earlier report is looked at again. */
const earlier = z.object({ id: z.string(), stack: z.string(), passed: z.boolean(), recoverySeconds: z.number() });

/** Writes both files of a report. @returns their names, relative to the project's folder, with slashes */
export function writeReport(root: string, report: RestoreTestReport): string[] {
  const names = [`${REPORT_FOLDER}/${report.id}.json`, `${REPORT_FOLDER}/${report.id}.md`];
  const contents = [`${JSON.stringify(report, null, 2)}\n`, reportMarkdown(report)];
  names.forEach((name, index) => writeWhole(path.join(root, ...name.split("/")), contents[index]!));
  return names;
}

/** The newest test of a stack that is on record here and began before a moment (epoch milliseconds). */
export function previousReport(root: string, stack: string, before: number): RestoreTestReport["previous"] {
  const folder = path.join(root, ...REPORT_FOLDER.split("/"));
  for (const name of namesIn(folder).sort().reverse()) {
    const began = timeOfReport(name.replace(/\.json$/, ""));
    if (began === undefined || began >= before) continue;
    const parsed = read(path.join(folder, name));
    if (parsed?.stack === stack) return { id: parsed.id, passed: parsed.passed, recoverySeconds: parsed.recoverySeconds };
  }
  return null;
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** One that was changed by hand is none. */
function read(file: string): z.infer<typeof earlier> | undefined {
  try {
    return earlier.safeParse(JSON.parse(fs.readFileSync(file, "utf8"))).data;
  } catch {
    return undefined;
  }
}
