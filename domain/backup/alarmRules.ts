import { dateTime, percent } from "../feedQuality/text";
import { SIZED_PARTS, type ActiveAlarm, type AlarmFacts, type AlarmThresholds, type DiskFacts, type SizedPart } from "./alarmFacts";
import { jumpText, trustedFrom } from "./clock";
import { jobAlarms } from "./jobAlarms";
import { cloneAlarms, secondCopyAlarms } from "./elsewhereAlarms";
import { isInFuture, lateFrom } from "./schedule";
import { count, size, span } from "./words";

/** Earlier sizes that the newest one is compared with. */
const comparedSizes = 10;

/** What a person should know now, the same facts giving the same alarms in the same order. */
export function activeAlarms(facts: AlarmFacts, thresholds: AlarmThresholds): ActiveAlarm[] {
  const rules = [jobAlarms, sizeAlarms, archiveAlarms, diskAlarms, restoreTestAlarms, secondCopyAlarms, cloneAlarms, clockAlarms, catalogAlarms, lostArtifactsAlarms];
  return rules.flatMap((rule) => rule(facts, thresholds));
}

/** How each part is called, how far below the alarm's share it may fall, and what is too little to be judged, in bytes. */
const sizedParts: Readonly<Record<SizedPart, { name: string; shareOfShare: number; least: number }>> = {
  point: { name: "the databases of the newest point", shareOfShare: 1, least: 0 },
  dump: { name: "the databases of the newest dump", shareOfShare: 1, least: 0 },
  dumpFiles: { name: "the files of the newest dump", shareOfShare: 1, least: 0 },
  // A few models that somebody deleted are no news; the database says which ones have to be there.
  artifacts: { name: "MLflow's artifacts", shareOfShare: 1, least: 1_000_000 },
  // Git packs what it holds into a fraction now and then.
  clone: { name: "the clone", shareOfShare: 0.2, least: 10_000 },
};

function sizeAlarms({ sizes }: AlarmFacts, { smallShare }: AlarmThresholds): ActiveAlarm[] {
  const small = SIZED_PARTS.flatMap((part) => {
    const { name, shareOfShare, least } = sizedParts[part];
    const [newest, ...all] = sizes[part] ?? [];
    const earlier = all.slice(0, comparedSizes);
    const usual = median(earlier);
    const share = smallShare * shareOfShare;
    if (newest === undefined || usual === null || usual < least || newest >= share * usual) return [];
    return [`${name}: ${size(newest)}, and the median of the ${earlier.length} before is ${size(usual)} (below ${percent(share)} is suspicious)`];
  });
  if (small.length === 0) return [];
  const text =
    `A backup is suspiciously small: ${small.join("; ")}. ` +
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

function diskAlarms({ disk, dataDisk }: AlarmFacts, { fullShare }: AlarmThresholds): ActiveAlarm[] {
  const full = (key: string, whose: string, of: DiskFacts | null, consequence: string): ActiveAlarm[] => {
    if (of === null || of.usedShare < fullShare) return [];
    const text = `The ${whose} disk is ${percent(of.usedShare)} full, ${size(of.freeBytes)} are free (alarm from ${percent(fullShare)}). ${consequence}`;
    return [{ key, severity: "critical", text, runbook: "5.4 Disken er ved at være fuld" }];
  };
  return [
    ...full("backup.disk.full", "backups'", disk, "Make room on it, or keep less: trading:backup, retention. When it is full, no backup succeeds and the database's log waits."),
    ...full("backup.dataDisk.full", "database's", dataDisk, "Make room on it, or give Docker a larger one. When it is full, the database ends and nothing trades; what was committed is not lost."),
  ];
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
  if (clock.jump !== null) {
    const text =
      `The clock jumped ${jumpText(clock.jump)}; by it now is ${dateTime(now)}. ` +
      `Nothing is removed before ${dateTime(trustedFrom(clock.jump))}, a day without another jump. Compare it with another clock, and set it when it is wrong.`;
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

/** A recovery point is good although it names them: what a restore found nowhere cannot be in a later one. */
function lostArtifactsAlarms({ stack, lostArtifacts }: AlarmFacts): ActiveAlarm[] {
  if (lostArtifacts.length === 0) return [];
  const named = `${lostArtifacts.slice(0, 3).join("; ")}${lostArtifacts.length > 3 ? "; and more" : ""}`;
  const text =
    `${count(lostArtifacts.length, "artifact")} of MLflow ${lostArtifacts.length === 1 ? "is" : "are"} lost: its database refers to them, and no backup has them (${named}). ` +
    `npx trading backups --stack ${stack} names all of them. Delete their runs in MLflow, and the next recovery point is without them; a backtest can be run again.`;
  return [{ key: "backup.artifacts.lost", severity: "warning", text, runbook: "5.10 Artefakter er tabt" }];
}

/** @returns null of nothing */
function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}
