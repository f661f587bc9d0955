import * as fs from "node:fs/promises";
import * as path from "node:path";

const recoverySetting = /^\s*(?:restore_command|archive_cleanup_command|recovery_\w+|archive_mode)\s*=/;
const stopping = /^\s*recovery_target_(?:name|time|xid|lsn|inclusive|action)\s*=|^\s*recovery_target\s*=/;
const remark = /^#.*pgBackRest/;

/** @param text of postgresql.auto.conf @returns it without what pgBackRest put there for the recovery */
export function withoutRecovery(text: string): string {
  return keep(text, (line) => !recoverySetting.test(line) && !remark.test(line));
}

/** @param text of postgresql.auto.conf @returns it without where the recovery ends: it goes on to the end of the log then */
export function withoutTarget(text: string): string {
  return keep(text, (line) => !stopping.test(line));
}

function keep(text: string, wanted: (line: string) => boolean): string {
  return text.split("\n").filter(wanted).join("\n").replace(/\n{3,}/g, "\n\n");
}

/** Changes postgresql.auto.conf of a cluster whose server does not run. */
export async function changeSettings(cluster: string, change: (text: string) => string): Promise<void> {
  const file = path.posix.join(cluster, "postgresql.auto.conf");
  await fs.writeFile(file, change(await fs.readFile(file, "utf8")));
}

/** What would make a server that starts on this cluster recover again, in words; null when there is nothing. */
export async function recoveryLeft(cluster: string): Promise<string | null> {
  const names = await fs.readdir(cluster);
  const signals = names.filter((name) => ["recovery.signal", "standby.signal", "backup_label"].includes(name));
  const lines = (await fs.readFile(path.posix.join(cluster, "postgresql.auto.conf"), "utf8")).split("\n").filter((line) => recoverySetting.test(line));
  const left = [...signals, ...lines.map((line) => line.split("=")[0]!.trim())];
  return left.length === 0 ? null : left.join(", ");
}
