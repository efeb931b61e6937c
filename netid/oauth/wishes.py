"""What one member of the `claims` parameter asks: null, or an object (OpenID Connect Core, 5.5.1)."""

from dataclasses import dataclass

from pydantic import JsonValue

from netid.errors import InvalidRequest

KNOWN = frozenset({"essential", "value", "values"})
"""The members that are understood; any other is ignored."""


@dataclass(frozen=True)
class Wish:
    """How one claim is asked for."""

    essential: bool = False
    values: tuple[JsonValue, ...] | None = None
    """Those that do; None takes any."""


NO_WISH = Wish()


def read_wish(asked: JsonValue, path: str) -> Wish:
    """The wish. Raises InvalidRequest, which names the path and no value."""
    if asked is None:
        return NO_WISH
    members = read_object(asked, path)
    essential = members.get("essential", False)
    if not isinstance(essential, bool):
        raise InvalidRequest(f"{path}.essential must be true or false")
    only = (members["value"],) if "value" in members else None
    if "values" not in members:
        return Wish(essential, only)
    values = members["values"]
    if not isinstance(values, list) or not values:
        raise InvalidRequest(f"{path}.values must be a list of at least one")
    if only and only[0] not in values:
        raise InvalidRequest(f"{path}.value is none of its values; send one or the other")
    return Wish(essential, only or tuple(values))


def read_text_wish(asked: JsonValue, path: str) -> Wish:
    """The wish for something whose values are text. Raises InvalidRequest."""
    wish = read_wish(asked, path)
    if not all(isinstance(value, str) for value in wish.values or ()):
        raise InvalidRequest(f"{path}: value must be a string, and values a list of strings")
    return wish


def read_object(value: object, path: str) -> dict[str, JsonValue]:
    """An object. Raises InvalidRequest."""
    if not isinstance(value, dict):
        raise InvalidRequest(f"{path} must be an object")
    return value


def below(path: str, name: str) -> str:
    """The path of a member, with its name where an answer may repeat it."""
    plain = name.isascii() and name.isidentifier() and len(name) <= 40
    return f"{path}.{name}" if plain else f"{path}.(a member)"
