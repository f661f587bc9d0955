import * as path from "node:path";
import { commitReports, writeWhole } from "../collect";
import { uncommittedBelow } from "../repository";
import { timeOfReport } from "../restoreTest/report";
import type { HaltDrillReport } from "./report";
import { reportMarkdown } from "./reportText";

const FOLDER = "reports/halt-drills";

export interface Written {
  /** The report's files, relative to the project's folder, with slashes. */
  readonly files: readonly string[];
  /** Why they are in no commit; null where they are. */
  readonly uncommitted: string | null;
}

/** Writes both files of a report and puts them into Git, with those of earlier drills that could not be put there then. */
export async function writeReport(root: string, report: HaltDrillReport): Promise<Written> {
  const files = [`${FOLDER}/${report.id}.json`, `${FOLDER}/${report.id}.md`];
  const contents = [`${JSON.stringify(report, null, 2)}\n`, reportMarkdown(report)];
  files.forEach((name, index) => writeWhole(path.join(root, ...name.split("/")), contents[index]!));
  const before = (await uncommittedBelow(root, FOLDER)).filter((name) => isReport(name) && !files.includes(name));
  const { reason } = await commitReports(root, [...files, ...before]);
  return { files, uncommitted: reason };
}

/** Whether a path is one of the two files that a drill writes. */
function isReport(name: string): boolean {
  const [, id] = /^reports\/halt-drills\/([^/]+)\.(?:json|md)$/.exec(name) ?? [];
  return id !== undefined && timeOfReport(id) !== undefined;
}
