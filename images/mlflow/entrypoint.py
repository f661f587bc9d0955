"""Starts the MLflow tracking server on PostgreSQL.

The password is read from /secrets/database-password and handed to libpq in a password file that only this
user can read, so it is in no environment variable, no command line and no log.

Environment (all optional): DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, DATABASE_USER, DATABASE_WAIT_SECONDS,
MLFLOW_ALLOWED_HOSTS, MLFLOW_SCHEMA_UPGRADE.

Exit codes: 0 stopped on request, 2 wrong settings or secrets, 3 database not reachable in time,
4 the database's schema belongs to another MLflow version.
"""

import importlib.util
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

PASSWORD_FILE = Path("/secrets/database-password")
ARTIFACTS = Path("/artifacts")
DEFAULT_ALLOWED_HOSTS = "mlflow:5000,localhost:*,127.0.0.1:*"


def log(message: str) -> None:
    print(f"mlflow: {message}", flush=True)


def fail(code: int, message: str) -> None:
    print(f"mlflow: {message}", file=sys.stderr, flush=True)
    sys.exit(code)


def positive_integer(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdigit() or int(value) == 0:
        fail(2, f"{name} must be a positive whole number, not {value!r}")
    return int(value)


def read_password() -> str:
    try:
        password = PASSWORD_FILE.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        fail(2, f"the password file {PASSWORD_FILE} cannot be read: {error.strerror}")
    if not password:
        fail(2, f"the password file {PASSWORD_FILE} is empty")
    return password


def write_passfile(password: str) -> Path:
    """Writes libpq's password file (host:port:database:user:password), mode 0600, in the home folder on tmpfs."""
    home = Path(os.environ["HOME"])
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    passfile = home / "pgpass"
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    passfile.unlink(missing_ok=True)
    descriptor = os.open(passfile, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"*:*:*:*:{escaped}\n")
    return passfile


def schema_revision(connection) -> str | None:
    """The Alembic revision in the database; None when MLflow has never used it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return None
        cursor.execute("SELECT version_num FROM alembic_version")
        row = cursor.fetchone()
        return row[0] if row else None


def wait_for_database(host: str, port: int, name: str, user: str, seconds: int) -> str | None:
    """Waits until the database answers; returns its schema revision."""
    import psycopg2

    deadline = time.monotonic() + seconds
    said = None
    while True:
        try:
            connection = psycopg2.connect(host=host, port=port, dbname=name, user=user, connect_timeout=5)
        except psycopg2.OperationalError as error:
            reason = "; ".join(dict.fromkeys(line.strip() for line in str(error).splitlines() if line.strip()))
            if time.monotonic() >= deadline:
                fail(3, f"database {name} at {host}:{port} did not answer within {seconds} s: {reason}")
            if reason != said:
                log(f"waiting for database {name} at {host}:{port}: {reason}")
                said = reason
            time.sleep(0.5)
            continue
        try:
            return schema_revision(connection)
        finally:
            connection.close()


def schema_needs_upgrade(revision: str | None) -> bool:
    """Refuses a schema of another version: an upgrade has no way back, so the owner asks for it."""
    if revision is None:
        log("the database is empty: its schema is created now")
        return False
    from alembic.script import ScriptDirectory

    package = Path(importlib.util.find_spec("mlflow").origin).parent
    migrations = ScriptDirectory(str(package / "store" / "db_migrations"))
    head = migrations.get_current_head()
    if revision == head:
        return False
    if revision not in {script.revision for script in migrations.walk_revisions()}:
        fail(4, f"the database has schema revision {revision}, which this MLflow does not know: it was used by a newer MLflow")
    if os.environ.get("MLFLOW_SCHEMA_UPGRADE") != "yes":
        fail(
            4,
            f"the database has schema revision {revision}, this MLflow needs {head}: "
            "take a backup, then start once with MLFLOW_SCHEMA_UPGRADE=yes",
        )
    log(f"upgrading the database's schema from {revision} to {head}")
    return True


def serve_in_this_process() -> None:
    """Makes `mlflow server` run uvicorn itself.

    It would start a second Python, which loads everything once more (seconds of a processor, a hundred megabytes),
    while the first one does nothing but wait for it.
    """
    # Also tells MLflow, which looks for it when it is loaded, that this process is a server: only then are the hosts checked.
    import uvicorn.main

    import mlflow.server

    def run(command: list[str], extra_env: dict[str, str], **_) -> NoReturn:
        python, option, module, *arguments = command
        if (python, option, module) != (sys.executable, "-m", "uvicorn"):
            fail(2, f"this MLflow starts its server in a way that is not known here: {command}")
        os.environ.update(extra_env)
        uvicorn.main.main(arguments, prog_name="uvicorn")
        sys.exit(0)

    mlflow.server._exec_cmd = run


def main() -> None:
    # A process with id 1 ignores SIGTERM unless it handles it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    host = os.environ.get("DATABASE_HOST", "timescaledb")
    port = positive_integer("DATABASE_PORT", 5432)
    name = os.environ.get("DATABASE_NAME", "mlflow")
    user = os.environ.get("DATABASE_USER", "mlflow")
    wait_seconds = positive_integer("DATABASE_WAIT_SECONDS", 120)
    allowed_hosts = os.environ.get("MLFLOW_ALLOWED_HOSTS") or DEFAULT_ALLOWED_HOSTS
    if not os.access(ARTIFACTS, os.W_OK):
        fail(2, f"the artifact folder {ARTIFACTS} is not writable for user {os.getuid()}")

    os.environ["PGPASSFILE"] = str(write_passfile(read_password()))
    needs_upgrade = schema_needs_upgrade(wait_for_database(host, port, name, user, wait_seconds))

    # MLflow reads it when its server is loaded.
    os.environ["MLFLOW_SERVER_ALLOWED_HOSTS"] = allowed_hosts
    serve_in_this_process()
    from mlflow.cli import cli

    uri = f"postgresql://{user}@{host}:{port}/{name}"
    if needs_upgrade:
        cli(["db", "upgrade", uri], standalone_mode=False)
    cli(
        [
            "server",
            "--backend-store-uri", uri,
            "--artifacts-destination", str(ARTIFACTS),
            "--serve-artifacts",
            "--host", "0.0.0.0",
            "--port", "5000",
            "--workers", "1",
            "--allowed-hosts", allowed_hosts,
            # The health check would be most of the log otherwise.
            "--uvicorn-opts", "--no-access-log",
        ],
        prog_name="mlflow",
    )


main()
