"""Looks for people's values in recorded bytes, however they were encoded on the way.

The bytes are decoded in every way that undoes a common encoding, the results are decoded again, and
in each of them the values are looked for: as text in four character sets, masked, cut and hashed.
"""

import html
import re
import sys
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain
from urllib.parse import unquote_to_bytes

from tests.privacy.forms import Form, Planted, digests_of, forms_of, is_coincidental, shows_through

_DEPTH = 4
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_CHARACTER_SETS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
_BETWEEN = b"\n\x00\n"
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_HEX = re.compile(rb"[0-9A-Fa-f]{8,}")
_CHARACTER_ESCAPE = re.compile(rb"[\\%]+u([0-9A-Fa-f]{4})|\\+u\{([0-9A-Fa-f]{1,6})\}|\\+U([0-9A-Fa-f]{8})")
_CHARACTER_ESCAPES = re.compile(rb"(?:" + _CHARACTER_ESCAPE.pattern + rb")+")
_BYTE_ESCAPE = re.compile(rb"\\x([0-9A-Fa-f]{2})")
_COMPRESSED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_PERCENT = re.compile(rb"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(rb"&#?[0-9A-Za-z]{2,32};")
_WRAPPED = re.compile(rb"[0-9A-Za-z+/]{32}\s+[0-9A-Za-z+/]{4}")
_SPACES = re.compile(rb"\s+")
_SEPARATORS = re.compile(rb"[\s+\-./:_,;'\"()]+|\xc2\xb7")
_MASK = re.compile("[*＊•●×]+|[xX#_.…?-]{3,}")
_TOKEN = re.compile("[0-9a-z_-]{20,}")
"""A random secret, in which a short word between two hyphens is a coincidence."""
_SHORTEST = 6
_HASH_PREFIX = 8
_REACH = 40
_NEAR = 6
_MAX_INFLATED = 1 << 20


@dataclass(frozen=True)
class Leak:
    """A planted value that was found."""

    field: str
    form: str
    through: str
    """The encodings it was found through, the outermost first."""


class Searcher:
    """Looks for a set of planted values."""

    def __init__(self, planted: Iterable[Planted], today: date) -> None:
        self._planted = [one for one in dict.fromkeys(planted) if one.value]
        found = [(one.field, form) for one in self._planted for form in forms_of(one, today)]
        self._needles: dict[bytes, list[_Needle]] = {}
        for needle in chain(_needles(found), _hash_needles(self._planted)):
            self._needles.setdefault(needle.bytes[:_SHORTEST], []).append(needle)
        self._words = {form.text.lower(): (field, form.label) for field, form in found if form.whole_word}
        alternatives = "|".join(re.escape(word) for word in self._words)
        self._word = re.compile(f"(?<![0-9a-z])(?:{alternatives})(?![0-9a-z])")

    def leaks(self, data: bytes, *, words: bool = True) -> list[Leak]:
        """Every planted value in the data; `words=False` leaves out what is too short for a log or a file."""
        found: dict[Leak, None] = {}
        for through, view in views(data):
            for field, form in chain(
                self._long(view.lower()), self._masked(view), self._short(view) if words else ()
            ):
                found[Leak(field, form, through)] = None
        return list(found)

    def _long(self, lowered: bytes) -> Iterator[tuple[str, str]]:
        # One pass over the bytes, however many needles there are.
        starts = (at for at in range(len(lowered)) if lowered[at : at + _SHORTEST] in self._needles)
        for at in starts:
            for needle in self._needles[lowered[at : at + _SHORTEST]]:
                if lowered.startswith(needle.bytes, at):
                    yield needle.field, needle.label

    def _masked(self, view: bytes) -> Iterator[tuple[str, str]]:
        text = view.decode(errors="replace").lower()
        for mask in _MASK.finditer(text):
            before, after = (
                text[max(0, mask.start() - _REACH) : mask.start()],
                text[mask.end() : mask.end() + _REACH],
            )
            if "\ufffd" in before[-_NEAR:] + after[:_NEAR]:
                continue  # random bytes, where one character beside a star is a coincidence
            for planted in self._planted:
                if shows_through(planted.value.lower(), before, after):
                    yield planted.field, "masked"

    def _short(self, view: bytes) -> Iterator[tuple[str, str]]:
        for line in view.split(b"\n") if self._words else ():
            for match in self._word.finditer(_TOKEN.sub(" ", _plain_text(line).lower())):
                yield self._words[match[0]]


def _plain_text(line: bytes) -> str:
    """The line as text, or nothing: in random bytes a short word is a coincidence."""
    try:
        text = line.replace(b"\t", b" ").decode().strip()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""


@dataclass(frozen=True)
class _Needle:
    bytes: bytes
    field: str
    label: str


def _needles(forms: Iterable[tuple[str, Form]]) -> Iterator[_Needle]:
    for field, form in forms:
        if form.whole_word:
            continue
        texts = [(form.text.encode(character_set), character_set) for character_set in _CHARACTER_SETS]
        joined = _SEPARATORS.sub(b"", form.text.encode())
        if not is_coincidental(joined.decode()):
            texts.append((joined, "without separators"))
        for text, how in texts:
            if len(text) >= _SHORTEST:
                yield _Needle(text.lower(), field, f"{form.label}, {how}")


def _hash_needles(planted: Iterable[Planted]) -> Iterator[_Needle]:
    for one in planted:
        for name, digest in digests_of(one.value).items():
            # A hash is often cut short.
            yield _Needle(digest[:_HASH_PREFIX].lower(), one.field, name)


# Decoding


def views(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The data itself and what comes out of it by undoing encodings, one inside another."""
    seen = {data}
    level = [("plain", data)]
    for depth in range(_DEPTH + 1):
        yield from level
        if depth < 2:
            yield from ((f"{path}, separators removed", _SEPARATORS.sub(b"", view)) for path, view in level)
        level = list(_decoded(level, seen))


def _decoded(level: list[tuple[str, bytes]], seen: set[bytes]) -> Iterator[tuple[str, bytes]]:
    for path, view in level:
        for name, decode in _DECODINGS:
            decoded = decode(view)
            if decoded and decoded not in seen:
                seen.add(decoded)
                yield f"{path}, {name}", decoded


def _percent(data: bytes) -> bytes:
    return unquote_to_bytes(data) if _PERCENT.search(data) else b""


def _html(data: bytes) -> bytes:
    if not _ENTITY.search(data):
        return b""
    return html.unescape(data.decode(errors="surrogateescape")).encode(errors="surrogateescape")


def _escapes(data: bytes) -> bytes:
    if b"\\" not in data and b"%u" not in data:
        return b""
    plain = _BYTE_ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), data)
    return _CHARACTER_ESCAPES.sub(_characters, plain)


def _characters(run: re.Match[bytes]) -> bytes:
    points = (int(next(filter(None, found)), 16) for found in _CHARACTER_ESCAPE.findall(run[0]))
    text = "".join(chr(point) if point <= sys.maxunicode else "\ufffd" for point in points)
    # Two surrogates that stand for one character become it.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _base64(offset: int) -> Callable[[bytes], bytes]:
    def decode(data: bytes) -> bytes:
        return _BETWEEN.join(_decoded64(run[0][offset:]) for run in _BASE64.finditer(data))

    return decode


def _decoded64(run: bytes) -> bytes:
    run = run[: len(run) - 1] if len(run) % 4 == 1 else run
    return b64decode(run.translate(_TO_STANDARD) + b"=" * (-len(run) % 4))


def _hex(offset: int) -> Callable[[bytes], bytes]:
    def decode(data: bytes) -> bytes:
        runs = (run[0][offset:] for run in _HEX.finditer(data))
        return _BETWEEN.join(bytes.fromhex(run[: len(run) // 2 * 2].decode()) for run in runs)

    return decode


def _inflated(data: bytes) -> bytes:
    return _BETWEEN.join(_inflate(data[match.start() :]) for match in _COMPRESSED.finditer(data))


def _inflate(data: bytes) -> bytes:
    try:
        # 32 more than the window: a gzip or a zlib header, whichever is there.
        return zlib.decompressobj(zlib.MAX_WBITS + 32).decompress(data, _MAX_INFLATED)
    except zlib.error:
        return b""


def _unwrapped(data: bytes) -> bytes:
    """Base64 and hex are often broken into lines."""
    return _SPACES.sub(b"", data) if _WRAPPED.search(data) else b""


_DECODINGS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("percent", _percent),
    ("html", _html),
    ("escapes", _escapes),
    ("unwrapped", _unwrapped),
    *((f"base64 at {offset}", _base64(offset)) for offset in range(4)),
    ("hex", _hex(0)),
    ("hex at 1", _hex(1)),
    ("inflated", _inflated),
)
