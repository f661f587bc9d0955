#!/bin/sh
# Runs the program as the database's user. Where the container was given them, it keeps the right to read (and, for a
# restore, to give away) what others own: everything it must not change is mounted read-only.
set -eu
umask 0077
if [ "$(id -u)" = 0 ]; then
  keep="-all"
  bounds=$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
  for capability in chown:0 dac_override:1 fowner:3; do
    [ $(( (0x$bounds >> ${capability#*:}) & 1 )) = 0 ] || keep="$keep,+${capability%:*}"
  done
  exec setpriv --reuid 10002 --regid 10002 --clear-groups --inh-caps="$keep" --ambient-caps="$keep" \
    node --max-old-space-size=192 --max-semi-space-size=1 /app/main.js "$@"
fi
exec node --max-old-space-size=192 --max-semi-space-size=1 /app/main.js "$@"
