"""Who could it be: all that two relying parties can compare, and how often it finds the same person."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from netid.credentials import base64url


@dataclass(frozen=True)
class Seen:
    """What one relying party saw of one person, and who it was: which no linker looks at."""

    person: int
    presentation: str
    order: int
    """The how manieth it was there."""


Linker = Callable[[Sequence[Seen], Sequence[Seen]], Mapping[int, int]]
"""For each index in the first pool, the index in the second that is guessed."""


def leaves(seen: Seen) -> Iterator[tuple[str, str | float]]:
    """Every value in a presentation with its path: headers, payloads, disclosures, signatures, lengths."""
    issued, *disclosed, binding = seen.presentation.split("~")
    for name, token in (("vc", issued), ("kb", binding)):
        *parts, signature = token.split(".")
        for at, part in enumerate(parts):
            yield from _leaves(f"{name}.{at}", json.loads(base64url.decode(part)))
        yield f"{name}.signature", signature
    for text in disclosed:
        yield "disclosure", text
        yield from _leaves("disclosed", json.loads(base64url.decode(text)))
    yield "length", len(seen.presentation) - len(binding)


def _leaves(path: str, value: object) -> Iterator[tuple[str, str | float]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}", inner)
    elif isinstance(value, list):
        yield f"{path}.count", len(value)
        for inner in value:
            yield from _leaves(path, inner)
    else:
        yield path, float(value) if isinstance(value, int) else str(value)


def by_shared_values(first: Sequence[Seen], second: Sequence[Seen]) -> Mapping[int, int]:
    """Those that have the most, and the rarest, values in common; ties by lot."""
    where: dict[object, list[int]] = defaultdict(list)
    for at, seen in enumerate(second):
        for value in {one for _, one in leaves(seen)}:
            where[value].append(at)
    lot = Random(5)
    guesses = {}
    for at, seen in enumerate(first):
        score: Counter[int] = Counter()
        for value in {one for _, one in leaves(seen)}:
            for other in where.get(value, ()):
                score[other] += 1 / len(where[value])  # type: ignore[assignment]
        best = max(score.values(), default=0)
        guesses[at] = lot.choice([one for one in range(len(second)) if score[one] >= best - 1e-12])
    return guesses


def by_order(first: Sequence[Seen], second: Sequence[Seen]) -> Mapping[int, int]:
    """The third who came here is the third who came there."""
    return _ranked([seen.order for seen in first], [seen.order for seen in second])


def by_number(path: str) -> Linker:
    """Those whose number at that path is nearest."""

    def link(first: Sequence[Seen], second: Sequence[Seen]) -> Mapping[int, int]:
        here, there = ([_number(seen, path) for seen in pool] for pool in (first, second))
        lot = Random(6)
        guesses = {}
        for at, value in enumerate(here):
            distances = [abs(value - other) for other in there]
            nearest = min(distances)
            guesses[at] = lot.choice([one for one, far in enumerate(distances) if far == nearest])
        return guesses

    return link


def _number(seen: Seen, path: str) -> float:
    return next(value for name, value in leaves(seen) if name == path and isinstance(value, float))


def _ranked(here: Sequence[float], there: Sequence[float]) -> Mapping[int, int]:
    order = [sorted(range(len(pool)), key=pool.__getitem__) for pool in (here, there)]
    return dict(zip(*order, strict=True))


def best(first: Sequence[Seen], second: Sequence[Seen]) -> tuple[int, str]:
    """How many people the best linker finds again, and which linker that is."""
    numbers = {name for name, value in leaves(first[0]) if isinstance(value, float)}
    linkers: dict[str, Linker] = {"shared values": by_shared_values, "order": by_order}
    linkers |= {f"nearest {path}": by_number(path) for path in numbers}
    return max((found(first, second, link), name) for name, link in linkers.items())


def found(first: Sequence[Seen], second: Sequence[Seen], link: Linker) -> int:
    """How many of a linker's guesses are right."""
    return sum(first[one].person == second[other].person for one, other in link(first, second).items())
