import type { BackupView } from "../api";
import type { Fact } from "./feed";
import { ageText, durationText, minuteText, numberText, percentText } from "./format";

const titles: Readonly<Record<string, string>> = { point: "Recovery point", dump: "Logical dump", copy: "Second copy", prune: "Retention", check: "Check of what is stored" };

/** What there is to say about the backups, at a time of the server's clock. */
export function backupFacts(backup: BackupView | null, now: number): Fact[] {
  if (backup === null) return [{ label: "State", value: "this stack is not backed up", tone: "warning" }];
  if (backup.readAt === null) return [{ label: "State", value: `the backup service does not answer (${backup.problem ?? "not asked yet"})`, tone: "bad" }];
  const { restorable, proof, secondCopy, alarms } = backup;
  const critical = alarms.some(({ severity }) => severity === "critical");
  const state =
    backup.problem === null
      ? { value: alarms.length === 0 ? "everything is as it should be" : `${alarms.length} ${alarms.length === 1 ? "alarm" : "alarms"}`, tone: critical ? "bad" : alarms.length > 0 ? "warning" : "good" }
      : { value: `the backup service does not answer (${backup.problem}); what follows is from ${ageText(backup.readAt, now)}`, tone: "bad" };
  return [
    { label: "State", ...state } as Fact,
    ...alarms.map(({ severity, text }): Fact => ({ label: severity === "critical" ? "Alarm" : "Warning", value: text, tone: severity === "critical" ? "bad" : "warning" })),
    ...(backup.undelivered === 0 ? [] : [{ label: "Not delivered", value: `${backup.undelivered} alarms wait for their receiver`, tone: "warning" } as const]),
    { label: "Restorable", value: restorable === null ? "nothing yet" : `any second from ${minuteText(restorable.from)} to ${minuteText(restorable.to)}`, tone: restorable === null ? "warning" : "" },
    { label: "Proved by a restore", value: proof === null ? "never" : `${ageText(proof.at, now)}, point ${proof.point} from the ${proof.from} copy`, tone: proof === null ? "warning" : "" },
    ...backup.jobs.filter(({ job }) => job !== "copy" || secondCopy?.kind !== "none").map((job) => jobFact(job, backup, now)),
    ...(secondCopy?.kind === "none" ? [{ label: "Second copy", value: "none is configured: the loss of this disk is the loss of every backup", tone: "warning" } as const] : []),
    { label: "Disk of the backups", value: backup.diskUsed === null ? "not known" : `${percentText(backup.diskUsed, 0)} used`, tone: "" },
  ];
}

function jobFact({ job, lastGood, next, failures, lastReason, running, overdueSince }: BackupView["jobs"][number], backup: BackupView, now: number): Fact {
  const size = job === "point" && backup.newestPoint !== null ? `, ${numberText(backup.newestPoint.bytes / 1e6, 1)} MB of databases, ${numberText(backup.points, 0)} kept` : "";
  const parts = [
    lastGood === null ? "never good" : `good ${ageText(lastGood, now)}${size}`,
    ...(running === null ? [] : [`running for ${durationText(now - running.since)}: ${running.step}`]),
    ...(failures === 0 ? [] : [`failed ${failures} ${failures === 1 ? "time" : "times"} since: ${lastReason ?? "no reason known"}`]),
    ...(next === null || running !== null ? [] : [next <= now ? "due" : `next in ${durationText(next - now)}`]),
  ];
  return { label: titles[job] ?? job, value: parts.join("; "), tone: failures > 0 || overdueSince !== null ? "bad" : lastGood === null ? "warning" : "" };
}
