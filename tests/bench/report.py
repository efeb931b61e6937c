"""From samples to the table: medians with their spread, and each server's ratio to ours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.load import Sample


@dataclass
class Results:
    """Everything measured of one server over the rounds."""

    name: str
    sign_ins: list[Sample] = field(default_factory=list)
    code_exchanges: list[Sample] = field(default_factory=list)
    start_seconds: list[float] = field(default_factory=list)
    resident_bytes: int = 0


@dataclass(frozen=True)
class Measure:
    """One column group: what it is called, its unit's format, how it is read, and which way is better."""

    key: str
    title: str
    style: str
    read: Callable[[Results], Sequence[float]]
    more_is_better: bool


def _sign_ins_per_core(results: Results) -> list[float]:
    return [sample.per_core for sample in results.sign_ins]


def _sign_ins_per_second(results: Results) -> list[float]:
    return [sample.per_second for sample in results.sign_ins]


def _tokens_per_core(results: Results) -> list[float]:
    return [sample.per_core for sample in results.code_exchanges]


def _tokens_per_second(results: Results) -> list[float]:
    return [sample.per_second for sample in results.code_exchanges]


def _start_seconds(results: Results) -> list[float]:
    return results.start_seconds


def _resident_mib(results: Results) -> list[float]:
    return [results.resident_bytes / 2**20]


MEASURES = (
    Measure("sign_ins_per_core", "sign-ins per core-second", ".0f", _sign_ins_per_core, more_is_better=True),
    Measure("sign_ins_per_second", "sign-ins/s", ".0f", _sign_ins_per_second, more_is_better=True),
    Measure("tokens_per_core", "tokens per core-second", ".0f", _tokens_per_core, more_is_better=True),
    Measure("tokens_per_second", "tokens/s", ".0f", _tokens_per_second, more_is_better=True),
    Measure("start_seconds", "start to first 200, s", ".2f", _start_seconds, more_is_better=False),
    Measure("resident_mib", "resident MiB", ".0f", _resident_mib, more_is_better=False),
)


def table(results: Sequence[Results], ours: str) -> str:
    """A Markdown table: per server the median, the range over the rounds, how many times better ours is.

    Rows whose names begin with `ours` are ours too and are not compared.
    """
    reference = next((r for r in results if r.name == ours), None)
    head = ["server", *(measure.title for measure in MEASURES)]
    lines = [head, ["---"] * len(head)]
    lines += [[r.name, *(_cell(measure, r, reference) for measure in MEASURES)] for r in results]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _cell(measure: Measure, results: Results, reference: Results | None) -> str:
    values = measure.read(results)
    if not values:
        return "-"
    style = measure.style
    text = f"{median(values):{style}}"
    if len(values) > 1:
        text += f" ({min(values):{style}}-{max(values):{style}})"
    if reference is not None and not results.name.startswith(reference.name):
        text += f", ours x{advantage(measure, reference, results):.1f}"
    return text


def advantage(measure: Measure, ours: Results, theirs: Results) -> float:
    """How many times better the median of ours is: above 1 is better, whichever way the measure runs."""
    ratio = median(measure.read(ours)) / median(measure.read(theirs))
    return ratio if measure.more_is_better else 1 / ratio


def as_json(results: Sequence[Results]) -> dict[str, dict[str, list[float]]]:
    """All values behind the table, by server and measure."""
    return {r.name: {m.key: list(m.read(r)) for m in MEASURES} for r in results}
