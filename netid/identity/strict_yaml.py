"""YAML as a plain tree of text: no aliases, no duplicate keys, no guessing of types.

Every scalar stays the text that was written, so that a passcode keeps its zeros and `no` is not
false; the reader of the tree gives it types.
"""

from collections.abc import Hashable
from typing import Any, NoReturn

import yaml
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node
from yaml.reader import ReaderError

from netid.errors import InvalidField

LONGEST_FILE = 1_000_000
"""Characters."""

_DEEPEST = 20


def parse_yaml(text: str) -> object:
    """Mappings, lists and text; InvalidField names the line if it is not well-formed or too large."""
    if len(text) > LONGEST_FILE:
        raise InvalidField("file", f"must have at most {LONGEST_FILE} characters", "split it")
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506  (a BaseLoader: makes text, no objects)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InvalidField(f"line {line}", "must have only printable characters", "remove it") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidField(f"line {line}", error.problem or "must be YAML", "correct the YAML") from error


class _StrictLoader(yaml.BaseLoader):
    """Text only, and nothing that makes a small file large."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        if self.check_event(AliasEvent):
            self._refuse("must not use aliases")
        if self._depth == _DEEPEST:
            self._refuse("must not be nested this deep")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _refuse(self, problem: str) -> NoReturn:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem="must have a plain key, and each key once", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)
