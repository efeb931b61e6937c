"""Kills a migration before its first statement, its second, … until one gets through; says how many."""

import os
import signal
import sys
from typing import Literal, cast

# Loaded once, so that the children need not.
import alembic.runtime.environment  # noqa: F401
from sqlalchemy import Engine, create_engine, event, inspect, make_url

from netid.storage.database import Database

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


def migrate_until(url: str, name: Literal["main", "keys"], fatal: int) -> None:
    """Migrate, and die before that statement (or COMMIT)."""
    count = 0

    def step(*_: object) -> None:
        nonlocal count
        count += 1
        if count == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", step)
    event.listen(Engine, "commit", step)
    Database(url, name).migrate()


def tables(url: str) -> list[str]:
    """The tables that are there."""
    engine = create_engine(make_url(url).set(drivername=DRIVERS[url.partition(":")[0]]))
    found = inspect(engine).get_table_names()
    engine.dispose()
    return found


def main(url: str, name: Literal["main", "keys"]) -> int:
    """How many times it was killed. Exits with what was left behind, if anything was."""
    kills = 0
    while True:
        child = os.fork()
        if child == 0:
            migrate_until(url, name, kills + 1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return kills if os.WEXITSTATUS(status) == 0 else sys.exit("the migration failed")
        kills += 1
        if left := tables(url):
            sys.exit(f"killed at step {kills}, left {left}")


if __name__ == "__main__":
    sys.stdout.write(str(main(sys.argv[1], cast(Literal["main", "keys"], sys.argv[2]))))
