import { dateTime, percent } from "../feedQuality/text";
import type { ActiveAlarm, AlarmFacts, AlarmThresholds } from "./alarmFacts";
import { jobAlarms } from "./jobAlarms";
import { cloneAlarms, secondCopyAlarms } from "./elsewhereAlarms";
import { isInFuture, lateFrom } from "./schedule";
import { count, size, span } from "./words";

/** Earlier sizes that the newest one is compared with. */
const comparedSizes = 10;

/** What a person should know now, the same facts giving the same alarms in the same order. */
export function activeAlarms(facts: AlarmFacts, thresholds: AlarmThresholds): ActiveAlarm[] {
  const rules = [jobAlarms, sizeAlarms, archiveAlarms, diskAlarms, restoreTestAlarms, secondCopyAlarms, cloneAlarms, clockAlarms, catalogAlarms];
  return rules.flatMap((rule) => rule(facts, thresholds));
}

function sizeAlarms({ sizes }: AlarmFacts, { smallShare }: AlarmThresholds): ActiveAlarm[] {
  const small = (["point", "dump"] as const).flatMap((kind) => {
    const [newest, ...all] = sizes[kind] ?? [];
    const earlier = all.slice(0, comparedSizes);
    const usual = median(earlier);
    if (newest === undefined || usual === null || newest >= smallShare * usual) return [];
    return [`the newest ${kind} is of ${size(newest)}, the median of the ${earlier.length} before it is ${size(usual)}`];
  });
  if (small.length === 0) return [];
  const text =
    `Databases are suspiciously small: ${small.join("; ")}; below ${percent(smallShare)} is suspicious. ` +
    "Find out whether data was deleted; if so, restore a point from before to have it back. Earlier points stay for as long as retention says.";
  return [{ key: "backup.small", severity: "critical", text, runbook: "5.2 En backup er mistænkeligt lille" }];
}

function archiveAlarms({ archive, now, awakeSince, stack }: AlarmFacts, { archiveMinutes }: AlarmThresholds): ActiveAlarm[] {
  const runbook = "5.3 Databasens log når ikke arkivet";
  const allowed = archiveMinutes * 60_000;
  const late = (since: number) => now >= lateFrom(since + allowed, awakeSince, allowed);
  if ("unknownSince" in archive) {
    if (!late(archive.unknownSince)) return [];
    const text =
      `The database has not said for ${span(now - archive.unknownSince)} how far its log is archived, and nobody knows whether anything is protected. ` +
      `See why it does not answer: docker logs --tail 50 trading-${stack}-timescaledb`;
    return [{ key: "backup.archive.unknown", severity: "critical", text, runbook }];
  }

  const alarms: ActiveAlarm[] = [];
  const { waiting, oldestWaitingSeconds, lastArchivedAt, lastArchivedWal, failedCount, missing } = archive;
  if (oldestWaitingSeconds !== null && late(now - oldestWaitingSeconds * 1000)) {
    const last = lastArchivedAt === null ? "nothing was archived yet" : `the last one archived was ${lastArchivedWal ?? "unknown"} at ${dateTime(lastArchivedAt)}`;
    const text =
      `${count(waiting, "segment")} of the database's log ${waiting === 1 ? "waits" : "wait"} for the archive, the oldest for ${span(oldestWaitingSeconds * 1000)} ` +
      `(allowed: ${count(archiveMinutes, "minute")}); ${last}, and ${count(failedCount, "attempt")} failed since. What was written since then would be lost with the disk. ` +
      `The container says why it fails: docker logs --tail 50 trading-${stack}-timescaledb`;
    alarms.push({ key: "backup.archive.behind", severity: "critical", text, runbook });
  }
  if (missing.length > 0) {
    const holes = missing.map(({ after, before }) => `from ${after === null ? "the first one needed" : `behind ${after}`} ${before === null ? "on" : `to ${before}`}`);
    const text =
      `The archive of the database's log has ${count(missing.length, "hole")}: segments are missing ${holes.slice(0, 3).join("; ")}${holes.length > 3 ? "; and more" : ""}. ` +
      "No moment from a hole to the next recovery point can be restored. Take a recovery point as soon as the archive works again, " +
      "and find out why segments were dropped: a full disk, or an archive away for too long.";
    alarms.push({ key: "backup.archive.gap", severity: "critical", text, runbook });
  }
  return alarms;
}

function diskAlarms({ disk }: AlarmFacts, { fullShare }: AlarmThresholds): ActiveAlarm[] {
  if (disk.usedShare < fullShare) return [];
  const text =
    `The backups' disk is ${percent(disk.usedShare)} full, ${size(disk.freeBytes)} are free (alarm from ${percent(fullShare)}). ` +
    "Make room on it, or keep less: trading:backup, retention. When it is full, no backup succeeds and the database's log waits.";
  return [{ key: "backup.disk.full", severity: "critical", text, runbook: "5.4 Disken er ved at være fuld" }];
}

function restoreTestAlarms({ restoreTest, now, stack }: AlarmFacts, { restoreTestDays }: AlarmThresholds): ActiveAlarm[] {
  const runbook = "5.5 Restore-testen mangler eller fejlede";
  const run = `Run it: npx trading restore-test --stack ${stack}`;
  const { lastFailed, firstSeen } = restoreTest;
  const lastPassedAt = restoreTest.lastPassedAt === null || isInFuture(restoreTest.lastPassedAt, now) ? null : restoreTest.lastPassedAt;
  const alarms: ActiveAlarm[] = [];
  if (lastFailed !== null && (lastPassedAt === null || lastFailed.at > lastPassedAt)) {
    const passed = lastPassedAt === null ? "None passed yet" : `The last one that passed was of ${dateTime(lastPassedAt)}`;
    const text = `The restore test of ${dateTime(lastFailed.at)} failed: ${lastFailed.reason}. ${passed}. Remove the cause and test again. ${run}`;
    alarms.push({ key: "backup.restoreTest.failed", severity: "critical", text, runbook });
  }
  const reference = lastPassedAt ?? firstSeen;
  if (isInFuture(reference, now) || now - reference > restoreTestDays * 86_400_000) {
    const never = `No restore test passed since backups began at ${dateTime(firstSeen)}`;
    const last = lastPassedAt === null ? never : `The last restore test passed at ${dateTime(lastPassedAt)}, ${span(now - lastPassedAt)} ago`;
    alarms.push({ key: "backup.restoreTest.overdue", severity: "warning", text: `${last} (allowed: ${count(restoreTestDays, "day")}). ${run}`, runbook });
  }
  return alarms;
}

function clockAlarms({ clock, now }: AlarmFacts): ActiveAlarm[] {
  const runbook = "5.8 Uret sprang";
  const alarms: ActiveAlarm[] = [];
  if (clock.jumpMilliseconds !== null) {
    const text =
      `The clock jumped ${clock.jumpMilliseconds < 0 ? "back" : "ahead"} by ${span(Math.abs(clock.jumpMilliseconds))}; by it now is ${dateTime(now)}. ` +
      "Nothing is removed until a new recovery point shows that it is right. Compare it with another clock, and set it when it is wrong.";
    alarms.push({ key: "backup.clock.jumped", severity: "warning", text, runbook });
  }
  if (clock.newestPointInFuture !== null) {
    const text =
      `The newest recovery point is of ${dateTime(clock.newestPointInFuture)}, ${span(clock.newestPointInFuture - now)} in the future: ` +
      `it was made while the clock was ahead, or the clock is behind now. ` +
      "Backups go on, but nothing is removed until that moment has come. Compare the clock with another one, and set it when it is wrong.";
    alarms.push({ key: "backup.clock.future", severity: "warning", text, runbook });
  }
  return alarms;
}

function catalogAlarms({ stack, imagesNotArchived, brokenFiles }: AlarmFacts): ActiveAlarm[] {
  const runbook = "5.9 Et image eller et manifest mangler";
  const alarms: ActiveAlarm[] = [];
  if (imagesNotArchived.length > 0) {
    const text =
      `No archive holds the deployed image of ${imagesNotArchived.join(", ")}: on another machine it would have to be built anew. ` +
      `npx trading backup --stack ${stack} --job images stores it, and so does the daily npx trading tend.`;
    alarms.push({ key: "backup.images.missing", severity: "warning", text, runbook });
  }
  if (brokenFiles.length > 0) {
    const named = `${brokenFiles.slice(0, 3).join(", ")}${brokenFiles.length > 3 ? " and more" : ""}`;
    const text =
      `${count(brokenFiles.length, "file")} of the catalog of recovery points cannot be understood (${named}): ` +
      `what ${brokenFiles.length === 1 ? "it stands" : "they stand"} for does not count as a backup. Take it back from the second copy, or remove it.`;
    alarms.push({ key: "backup.catalog.broken", severity: "critical", text, runbook });
  }
  return alarms;
}

/** @returns null of nothing */
function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}
