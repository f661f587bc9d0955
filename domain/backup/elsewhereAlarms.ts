import { dateTime } from "../feedQuality/text";
import type { ActiveAlarm, AlarmFacts, AlarmThresholds } from "./alarmFacts";
import { isInFuture, lateFrom } from "./schedule";
import { count, span } from "./words";

/** About what outlives the first copy's disk: the second copy. */
export function secondCopyAlarms({ secondCopy, now, awakeSince, stack }: AlarmFacts, { secondCopyHours, overdueMinutes }: AlarmThresholds): ActiveAlarm[] {
  const { kind, sameDisk, initialised, missing, firstSeen } = secondCopy;
  const setting = `Pulumi.${stack}.yaml, trading:backup, secondCopy`;
  const alarms: ActiveAlarm[] = [];
  const add = (name: string, severity: ActiveAlarm["severity"], text: string) =>
    alarms.push({ key: `backup.secondCopy.${name}`, severity, text, runbook: "5.6 Den anden kopi" });
  if (kind === "none") {
    add("none", "warning", `There is no second copy: if this disk is lost, so are the data and all backups of them. Give it a folder on another disk, or a REST server: ${setting}.`);
    return alarms;
  }

  const lastCopiedAt = secondCopy.lastCopiedAt === null || isInFuture(secondCopy.lastCopiedAt, now) ? null : secondCopy.lastCopiedAt;
  const reference = lastCopiedAt ?? firstSeen;
  const last = lastCopiedAt === null ? "Nothing was copied yet" : `It was last brought up to date at ${dateTime(lastCopiedAt)}, ${span(now - lastCopiedAt)} ago`;
  if (missing !== null) {
    add("missing", "warning", `The second copy cannot be reached: ${missing}. ${last}. Connect its disk, or see whether its server answers.`);
  } else if (!initialised && secondCopy.lastCopiedAt !== null) {
    const gone = "There is no repository at the second copy's place any more: it was emptied, or another disk lies there";
    add("emptied", "critical", `${gone}. ${last}. Connect the right disk; if the copy is gone for good: npx trading backup --stack ${stack} --job copy --begin-second-copy.`);
  }
  if (sameDisk) add("sameDisk", "warning", `The second copy lies on the disk of the first one, and would be lost with it. Give it a folder on another disk: ${setting}.`);
  if (isInFuture(reference, now) || now >= lateFrom(reference + secondCopyHours * 3_600_000, awakeSince, overdueMinutes * 60_000)) {
    const stake = `What is newer would be lost with this disk. See why the job copy does not succeed: npx trading status --stack ${stack}`;
    add("behind", "warning", `The second copy is behind. ${last} (allowed: ${count(secondCopyHours, "hour")}). ${stake}`);
  }
  return alarms;
}

/** About commits that only this computer and its backups have. */
export function cloneAlarms({ clone, now }: AlarmFacts, { unpushedHours }: AlarmThresholds): ActiveAlarm[] {
  const { noRemote, unpushedSince, unpushedCommits, lastTakenAt } = clone;
  const runbook = "5.7 Commits, som ingen remote har";
  if (lastTakenAt === null) return [];
  if (noRemote) {
    const text =
      `The repository has no remote (found at ${dateTime(lastTakenAt)}): configuration, runbooks and reports are on this computer and in its backups only. ` +
      "Make a private one: git remote add origin ADDRESS, then git push --set-upstream origin HEAD. The next recovery point looks again.";
    return [{ key: "backup.clone.noRemote", severity: "warning", text, runbook }];
  }
  if (unpushedSince === null || now - unpushedSince <= unpushedHours * 3_600_000) return [];
  const commits = unpushedCommits === null ? "Commits" : count(unpushedCommits, "commit");
  const text =
    `${commits} in the repository ${unpushedCommits === 1 ? "was" : "were"} on no remote at ${dateTime(lastTakenAt)}, the oldest made ${span(now - unpushedSince)} ago ` +
    `(allowed: ${count(unpushedHours, "hour")}). Push them (git push); the next recovery point looks again.`;
  return [{ key: "backup.clone.unpushed", severity: "warning", text, runbook }];
}
