/** Where the repository lies in the containers of the database and of its backup. */
export const REPOSITORY_FOLDER = "/backups/pgbackrest";

export interface PgbackrestSettings {
  /** Encrypts the repository; the first backup fixes it for good. */
  readonly cipherPass: string;
  /** Log that waits for the archive beyond this is dropped rather than the database's disk filled. */
  readonly archiveQueueMegabytes: number;
}

/**
 * Content of pgbackrest.conf, which the database's container (archive-push) and the backup's share. It is the view of the
 * database's container; the backup's says on the command line where the data and the socket lie there.
 */
export function pgbackrestConfiguration({ cipherPass, archiveQueueMegabytes }: PgbackrestSettings): string {
  if (!/^[\x21-\x7e]{16,}$/.test(cipherPass)) throw new Error("cipherPass: allowed: at least 16 printable characters without a space");
  return `[global]
repo1-path=${REPOSITORY_FOLDER}
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=${cipherPass}
repo1-bundle=y
repo1-block=y
# How much is kept is decided elsewhere, by what was proven; nothing goes by itself.
expire-auto=n
compress-type=zst
# A third less computing than level 3, which is 7 % smaller: what computes beside a bot is dearer than disk.
compress-level=1
# What is read, compressed and encrypted at a time stays in a processor's own cache: a quarter faster than with the standard 1 MiB.
buffer-size=64KiB
process-max=2
start-fast=y
archive-timeout=120
archive-push-queue-max=${archiveQueueMegabytes}MiB
lock-path=/tmp/pgbackrest
log-level-file=off
log-level-console=off
log-level-stderr=warn

[trading]
pg1-path=/var/lib/postgresql/data/17
pg1-socket-path=/tmp
pg1-user=postgres
`;
}
