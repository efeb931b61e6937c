"""What stores and services do within a transaction, whichever database it is.

On PostgreSQL a transaction is SQLAlchemy's `Connection`; on SQLite it is `sqlite.SqliteTransaction`,
which runs the same statements straight on the driver. Both are these protocols.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Dialect, Executable


class Scalars(Protocol):
    """The first column of every row."""

    def __iter__(self) -> Iterator[Any]:
        """One value after the other."""

    def all(self) -> Sequence[Any]:
        """All of them."""


class Result(Protocol):
    """What a statement answered; a row is a tuple with its columns' names, and `_mapping` by name."""

    @property
    def rowcount(self) -> int:
        """How many rows an UPDATE or DELETE found."""

    def first(self) -> Any | None:
        """The first row, if there is one."""

    def one(self) -> Any:
        """The only row. Raises sqlalchemy's NoResultFound or MultipleResultsFound."""

    def all(self) -> Sequence[Any]:
        """Every row."""

    def __iter__(self) -> Iterator[Any]:
        """One row after the other."""

    def scalar(self) -> Any | None:
        """The first column of the first row, if there is one."""

    def scalar_one(self) -> Any:
        """The first column of the only row. Raises like `one`."""

    def scalars(self) -> Scalars:
        """The first column of every row."""


class Transaction(Protocol):
    """A transaction of `Database.read` or `Database.write`, until its block ends.

    An error of a statement undoes it: whatever is tried in it afterwards is refused.
    """

    @property
    def dialect(self) -> Dialect:
        """What the database speaks; its `name` is "sqlite" or "postgresql"."""

    def execute(self, statement: Executable, values: Mapping[str, Any] | None = None, /) -> Result:
        """Run a statement of SQLAlchemy Core, with the values of its parameters by name.

        Raises sqlalchemy's DBAPIError; at the block's end one that will pass becomes StorageBusy.
        """

    def exec_driver_sql(self, statement: str, values: tuple[Any, ...] | None = None, /) -> Result:
        """Run SQL as the driver takes it, with the values of its parameters in order."""

    def rollback(self) -> None:
        """Undo everything; the transaction takes no more statements."""
