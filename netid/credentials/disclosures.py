"""Disclosures: claims hidden behind digests of a signed payload, and found again (RFC 9901, 4.2 and 7.1).

A disclosure's text is what its digest is made over: nobody re-encodes it, so that one claim has one
digest however its JSON is spelt.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType

from netid.credentials import base64url, strict_json
from netid.errors import DisclosureRefused, InvalidField

Path = tuple[str | int, ...]
"""Where a claim stands: member names and array indexes from the top, as in ("addresses", 0, "city")."""

DIGESTS = "_sd"
ELEMENT = "..."
ALGORITHM = "_sd_alg"
"""Stands at the top level or nowhere (RFC 9901, 4.1.1)."""
RESERVED = frozenset({DIGESTS, ELEMENT, ALGORITHM})
"""Names that no claim has (RFC 9901, 4.1)."""

_SALT_LETTERS = 24
"""144 bits of base64url; RFC 9901, 9.3 recommends 128, which would not fill whole groups of letters."""
_SALT_BYTES = 18


@dataclass(slots=True)  # not frozen: one is made for each claim, and that would cost as much as its digest
class Hidden:
    """A member's value or an array's element that is shown by its disclosure only; more may hide inside."""

    value: object = field(repr=False)


@dataclass(frozen=True)
class Revealed:
    """A payload in which every disclosure has taken its digest's place."""

    claims: Mapping[str, object] = field(repr=False)
    """What it says, without digests and `_sd_alg`."""

    disclosed: Mapping[Path, str] = field(repr=False)
    """The disclosures' texts by the path of what they show; those around others come before them."""


def digest(text: str) -> str:
    """The SHA-256 digest of ASCII text such as a disclosure, as base64url (RFC 9901, 4.2.3)."""
    return base64url.encode(sha256(text.encode("ascii")).digest())


def conceal(
    claims: Mapping[str, object], random: Callable[[int], bytes], digests: int = 0
) -> tuple[dict[str, object], list[str]]:
    """The payload without what is Hidden, and the disclosures that show it.

    Decoys fill the top level up to that many digests (RFC 9901, 4.2.5). Raises InvalidField for a
    claim with a reserved name, ValueError where more is hidden at the top level than `digests`
    says, unless that is 0.
    """
    concealing = _Concealing(random)
    payload = concealing.members(claims, (), digests)
    if digests or concealing.texts:
        payload[ALGORITHM] = "sha-256"
    return payload, concealing.texts


def reveal(payload: Mapping[str, object], texts: Sequence[str]) -> Revealed:
    """The claims of an issuer's payload that these disclosures show, and those in the clear.

    Raises DisclosureRefused as RFC 9901, 7.1, steps 3 to 5 ask. Whose payload it is, the caller knows.
    """
    # Step 2.4: this one algorithm, which is also what a payload without the claim means (4.1.1).
    if payload.get(ALGORITHM, "sha-256") != "sha-256":
        raise DisclosureRefused("_sd_alg is another than sha-256")
    revealing = _Revealing(texts)
    claims = revealing.members(payload, ())
    revealing.check_complete()
    return Revealed(MappingProxyType(claims), MappingProxyType(revealing.disclosed))


class _Concealing:
    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._salts = _salts(random)
        self.texts: list[str] = []

    def members(self, claims: Mapping[str, object], path: Path, digests: int = 0) -> dict[str, object]:
        if named := RESERVED & claims.keys():
            at = ".".join(map(str, (*path, min(named))))
            raise InvalidField(at, "is a name that SD-JWT keeps for itself", "rename the claim")
        clear: dict[str, object] = {}
        hidden: list[str] = []
        for name, value in claims.items():
            if isinstance(value, Hidden):
                hidden.append(self._hide(name, self._value(value.value, path, name)))
            else:
                clear[name] = self._value(value, path, name)
        if digests and len(hidden) > digests:
            raise ValueError("more claims are hidden than there are digests")
        hidden += (digest(next(self._salts)) for _ in range(digests - len(hidden)))
        if hidden:
            # In the order of their bytes, which are random: it says nothing of the claims (4.2.4.1).
            clear[DIGESTS] = sorted(hidden)
        return clear

    def _value(self, value: object, path: Path, at: str | int) -> object:
        if isinstance(value, dict):
            return self.members(value, (*path, at))
        if isinstance(value, list):
            return [self._element(element, (*path, at), index) for index, element in enumerate(value)]
        return value

    def _element(self, element: object, path: Path, index: int) -> object:
        if isinstance(element, Hidden):
            return {ELEMENT: self._hide(self._value(element.value, path, index))}
        return self._value(element, path, index)

    def _hide(self, *parts: object) -> str:
        # Part by part: strings, which nearly all parts are, are written much faster alone.
        written = ",".join(map(strict_json.text, parts))
        text = base64url.encode(f'["{next(self._salts)}",{written}]'.encode())
        self.texts.append(text)
        return digest(text)


def _salts(random: Callable[[int], bytes]) -> Iterator[str]:
    """Fresh salts without end, many from one draw: each draw costs as much as a digest."""
    while True:
        letters = base64url.encode(random(_SALT_BYTES * 16))
        for at in range(0, len(letters), _SALT_LETTERS):
            yield letters[at : at + _SALT_LETTERS]


@dataclass(frozen=True, slots=True)
class _Disclosure:
    text: str
    name: str | None
    """None for an array's element."""
    value: object


class _Revealing:
    def __init__(self, texts: Sequence[str]) -> None:
        self._waiting = {digest(text): text for text in texts}
        if len(self._waiting) != len(texts):
            raise DisclosureRefused("a disclosure is there twice")
        self._seen: set[str] = set()
        self.disclosed: dict[Path, str] = {}

    def check_complete(self) -> None:
        """Step 5: every disclosure belongs somewhere."""
        if self._waiting:
            raise DisclosureRefused("a disclosure belongs to no digest")

    def members(self, given: Mapping[str, object], path: Path) -> dict[str, object]:
        if ELEMENT in given or (path and ALGORITHM in given):
            raise DisclosureRefused("a claim has a reserved name")
        shown: dict[str, object] = {}
        for name, value in given.items():
            if name not in RESERVED:
                shown[name] = self._value(value, path, name)
        if DIGESTS in given:
            self._add_disclosed(shown, given[DIGESTS], path)
        return shown

    def _add_disclosed(self, shown: dict[str, object], digests: object, path: Path) -> None:
        if not isinstance(digests, list):
            raise DisclosureRefused("_sd is not a list of digests")
        for found in self._find(digests):
            # Step 3.3.2: three elements, no reserved name, and no name that is there already.
            if found.name is None:
                raise DisclosureRefused("an array's element stands for a member")
            if found.name in RESERVED:
                raise DisclosureRefused("a disclosure has a reserved name")
            if found.name in shown:
                raise DisclosureRefused("a disclosure overwrites a claim")
            shown[found.name] = self._show(found, path, found.name)

    def _elements(self, given: list[object], path: Path) -> list[object]:
        shown: list[object] = []
        for element in given:
            if not isinstance(element, dict) or ELEMENT not in element:
                shown.append(self._value(element, path, len(shown)))
                continue
            if len(element) != 1:
                raise DisclosureRefused("an array's digest has members beside it")
            for found in self._find([element[ELEMENT]]):
                # Step 3.3.3: two elements.
                if found.name is not None:
                    raise DisclosureRefused("a member stands for an array's element")
                shown.append(self._show(found, path, len(shown)))
        return shown

    def _value(self, value: object, path: Path, at: str | int) -> object:
        if isinstance(value, dict):
            return self.members(value, (*path, at))
        return self._elements(value, (*path, at)) if isinstance(value, list) else value

    def _show(self, found: _Disclosure, path: Path, at: str | int) -> object:
        # Each is a JSON text of its own, so that the depth of one text does not bound the whole.
        if len(path) >= strict_json.MAX_DEPTH:
            raise DisclosureRefused("disclosures are nested too deep")
        self.disclosed[(*path, at)] = found.text
        return self._value(found.value, path, at)

    def _find(self, digests: list[object]) -> list[_Disclosure]:
        """The disclosures behind those digests that have one here; the others stay hidden, or are decoys."""
        texts = [digest for digest in digests if isinstance(digest, str)]
        if len(texts) != len(digests):
            raise DisclosureRefused("a digest is not a string")
        # Step 4, decoys included: what occurs twice could be shown in two places.
        distinct = set(texts)
        if len(distinct) != len(texts) or not self._seen.isdisjoint(distinct):
            raise DisclosureRefused("a digest occurs twice")
        self._seen |= distinct
        return [_read(self._waiting.pop(digest)) for digest in texts if digest in self._waiting]


def _read(text: str) -> _Disclosure:
    """RFC 9901, 4.2.1 and 4.2.2."""
    try:
        parts = strict_json.parse_array(base64url.decode(text))
    except ValueError as error:
        raise DisclosureRefused("a disclosure is not base64url of a strict JSON array") from error
    match parts:
        case [str(), str(name), value]:
            return _Disclosure(text, name, value)
        case [str(), value]:
            return _Disclosure(text, None, value)
    raise DisclosureRefused("a disclosure is not a salt, a name and a value")
