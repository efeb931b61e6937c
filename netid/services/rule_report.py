"""The report on the rules: the register, with how often each record that bears a duty out is there."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from netid.errors import NetIDError
from netid.identity.policy import Rule
from netid.identity.rules import REGISTER, Duty

Json = dict[str, Any]


def rule_report(counted: Mapping[str, int] | None) -> Json:
    """The whole register. `counted`: the audit events by kind, None if they were not read."""
    return {"mock": True, "duties": [_reported(duty, counted) for duty in REGISTER]}


def _reported(duty: Duty, counted: Mapping[str, int] | None) -> Json:
    return {
        "id": duty.id,
        "articles": list(duty.cited),
        "duty": duty.duty.model_dump(),
        "done": list(duty.done),
        "tests": [f"tests/{test}" for test in duty.tests],
        "records": {kind: None if counted is None else counted.get(kind, 0) for kind in duty.records},
        "violations": [code_of(name) for name in duty.violations],
        "missing": duty.missing or None,
    }


def code_of(name: str) -> str:
    """The code of a violation: a rule's name, or an error's code."""
    found = named(name)
    if isinstance(found, type) and issubclass(found, Rule):
        return found.__name__
    if isinstance(found, type) and issubclass(found, NetIDError):
        return found.code
    raise TypeError(f"{name} is neither a rule nor an error")


def named(name: str) -> Any:
    """What stands at `module:name`. Raises ImportError or AttributeError where nothing does."""
    module, _, inside = name.partition(":")
    found: Any = import_module(module)
    for part in filter(None, inside.split(".")):
        fields = getattr(found, "model_fields", {})
        found = fields[part] if part in fields else getattr(found, part)
    return found
