#!/bin/sh
# Makes the cluster when the volume is empty, keeps the superuser's password as the secret says, starts PostgreSQL.
# Its log is archived where /secrets/pgbackrest.conf says how.
set -eu
umask 0077

volume=/var/lib/postgresql/data
cluster="$volume/17"
partial="$volume/17.partial"
applied="$volume/superuser-password.sha256"
secret=/secrets/superuser-password
configuration="-c config_file=/etc/trading/postgresql.conf -c hba_file=/etc/trading/pg_hba.conf"
# The second socket is in a volume that the backup container has as well.
[ ! -s /secrets/pgbackrest.conf ] || configuration="$configuration -c archive_mode=on -c unix_socket_directories=/tmp,/sockets"

fail() {
  echo "start-database: $1" >&2
  exit 1
}

trap 'exit 130' INT TERM

[ -s "$secret" ] || fail "$secret is missing, empty or not readable for user id $(id -u)"
[ -w "$volume" ] || fail "$volume is not writable for user id $(id -u)"
digest=$(sha256sum "$secret" | cut -d " " -f 1)

if [ ! -f "$cluster/PG_VERSION" ]; then
  for entry in "$volume"/*/PG_VERSION; do
    case "$entry" in
      "$volume/*/PG_VERSION" | "$partial/PG_VERSION") ;;
      "$cluster".*) fail "a restore was interrupted before the data was in its place ($entry): run npx trading restore again" ;;
      *) fail "the volume holds a cluster of another version ($entry); this image runs version 17" ;;
    esac
  done
  # An interrupted first start leaves only the partial folder, which nothing has ever been stored in.
  rm -rf "$partial"
  initdb --pgdata="$partial" --username=postgres --pwfile="$secret" --data-checksums --encoding=UTF8 \
    --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C.UTF-8 \
    --auth-local=peer --auth-host=scram-sha-256
  printf '%s\n' "$digest" > "$applied"
  mv "$partial" "$cluster"
  sync "$volume"
elif [ "$(cat "$applied" 2>/dev/null || true)" != "$digest" ]; then
  # Single-user mode takes the new password without ever serving the old one.
  password=$(sed "s/'/''/g; 1q" "$secret")
  # shellcheck disable=SC2086
  printf "ALTER ROLE postgres PASSWORD '%s'\n" "$password" |
    postgres --single -D "$cluster" $configuration postgres > /dev/null
  printf '%s\n' "$digest" > "$applied"
  echo "start-database: the superuser's new password was applied" >&2
fi

trap - INT TERM
# shellcheck disable=SC2086
exec postgres -D "$cluster" $configuration
