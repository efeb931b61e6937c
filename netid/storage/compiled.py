"""Statements of SQLAlchemy Core, compiled once for SQLite's driver.

SQLAlchemy compiles, and names the conversions of each column type; what its `Connection` does
besides at every execution (ten times what SQLite itself takes) is left out.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Executable, LargeBinary, exc
from sqlalchemy.dialects.sqlite.pysqlite import dialect as pysqlite_dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

DIALECT = pysqlite_dialect()

_MOST_KEPT = 1024

_Convert = Callable[[Any], Any]
_kept: dict[tuple[object, ...], "CompiledStatement"] = {}


def compiled_for(statement: Executable, values: Mapping[str, Any]) -> "CompiledStatement":
    """The statement compiled for values of these names; an INSERT sets the columns that are named.

    Raises sqlalchemy's InvalidRequestError for a parameter without a value, CompileError for a
    column that the table lacks, and NotImplementedError for what only SQLAlchemy can run.
    """
    key = (id(statement), *values)
    found = _kept.get(key)
    if found is None:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        found = _kept[key] = CompiledStatement(statement, values)
    return found


class CompiledStatement:
    """SQL text, and how values go in and rows come out."""

    __slots__ = ("_constants", "_convert_in", "_convert_out", "_names", "_pick", "_statement", "sql")

    def __init__(self, statement: Executable, values: Mapping[str, Any]) -> None:
        # Held, so that no other statement gets the identity under which this one is kept.
        self._statement = statement
        compiled = cast(SQLCompiler, statement.compile(dialect=DIALECT, column_keys=list(values)))  # type: ignore[attr-defined]
        _require_plain(compiled)
        self.sql = str(compiled)
        order = tuple(compiled.positiontup or ())
        self._constants = _constants(compiled, order, values)
        self._pick = _picker(order)
        self._convert_in = _conversions(compiled._bind_processors.get(name) for name in order)
        columns = compiled._result_columns
        self._names = tuple(str(column.keyname) for column in columns)
        self._convert_out = _conversions(_from_driver(column.type) for column in columns)

    def arguments(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """The values as the driver takes them, in order."""
        if self._constants:
            values = {**self._constants, **values}
        picked = self._pick(values)
        return _converted(picked, self._convert_in) if self._convert_in else picked

    def value(self, row: Sequence[Any]) -> Any:
        """The first column of one of the driver's rows."""
        if self._convert_out and self._convert_out[0][0] == 0:
            return self._convert_out[0][1](row[0])
        return row[0]

    def named(self, rows: list[Any], description: Any) -> list[Any]:
        """The driver's rows converted and with the columns' names, which SQL text leaves to the driver."""
        make = _row_maker(self._names) if self._names else maker_for(description)
        if self._convert_out:
            return [make(_converted(row, self._convert_out)) for row in rows]
        return [make(row) for row in rows]


def _require_plain(compiled: SQLCompiler) -> None:
    """What SQLAlchemy works out at each execution is not worked out here."""
    if compiled.insert_prefetch or compiled.update_prefetch:
        raise NotImplementedError("a column's default in Python; name the value")
    if compiled.post_compile_params or compiled.literal_execute_params:
        raise NotImplementedError("a parameter that changes the SQL, such as a list of values")


def _constants(compiled: SQLCompiler, order: Sequence[str], values: Mapping[str, Any]) -> dict[str, Any]:
    missing = [name for name in order if name not in values]
    for name in missing:
        if compiled.binds[name].required:
            raise exc.InvalidRequestError(f"A value is required for bind parameter {name!r}")
    return {name: compiled.binds[name].effective_value for name in missing}


def _picker(order: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    if len(order) > 1:
        return itemgetter(*order)
    return lambda values: [values[name] for name in order]


def _conversions(found: Iterator[Any]) -> tuple[tuple[int, _Convert], ...]:
    return tuple((place, convert) for place, convert in enumerate(found) if convert is not None)


def _converted(values: Sequence[Any], conversions: tuple[tuple[int, _Convert], ...]) -> list[Any]:
    changed = list(values)
    for place, convert in conversions:
        changed[place] = convert(changed[place])
    return changed


def _from_driver(type_: TypeEngine[Any]) -> _Convert | None:
    if isinstance(type_, LargeBinary):
        return None  # sqlite3 gives bytes already
    convert: _Convert | None = type_.dialect_impl(DIALECT).result_processor(DIALECT, None)
    return convert


def maker_for(description: Any) -> Callable[[Sequence[Any]], Any]:
    """Makes rows with the names that the driver gives the columns."""
    return _row_maker(tuple(column[0] for column in description or ()))


@lru_cache(_MOST_KEPT)
def _row_maker(names: tuple[str, ...]) -> Callable[[Sequence[Any]], Any]:
    """Makes rows whose columns are also attributes, as far as their names can be."""
    plain = namedtuple("_Row", names, rename=True)  # type: ignore[misc]
    mapping = property(lambda row: dict(zip(names, row, strict=True)))
    row = type("Row", (plain,), {"__slots__": (), "_mapping": mapping})
    return partial(tuple.__new__, row)
