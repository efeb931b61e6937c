"""`verified_claims` in the `claims` parameter (OpenID Connect for Identity Assurance 1.0, 5)."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from netid.errors import InvalidRequest
from netid.identity.verified_claims import VERIFICATION, VerifiedRequest, WantedClaim
from netid.oauth.wishes import KNOWN, below, read_object, read_text_wish, read_wish

_NO_FILTER = KNOWN | {"max_age", "purpose", "assurance_details"}
"""The members of a query, and the one element that is asked for to be seen and filters nothing."""


@dataclass(frozen=True)
class Element:
    """One `verified_claims` of a request."""

    request: VerifiedRequest
    is_met: bool
    """Whether the verification is as it demands; if not it is left out whole, and that is no error."""


def read_verified_claims(asked: JsonValue, path: str) -> tuple[Element, ...]:
    """One element, or each of a list on its own. Raises InvalidRequest, which names the path."""
    if isinstance(asked, list):
        return tuple(_element(element, f"{path}[{place}]") for place, element in enumerate(asked))
    return (_element(asked, path),)


def _element(asked: JsonValue, path: str) -> Element:
    members = read_object(asked, path)
    if members.keys() != {"verification", "claims"}:
        raise InvalidRequest(f"{path} must have the members verification and claims, and no other")
    verification = read_object(members["verification"], f"{path}.verification")
    if "trust_framework" not in verification:
        raise InvalidRequest(f"{path}.verification.trust_framework is missing; null asks for any")
    _check_evidence(verification.get("evidence"), f"{path}.verification.evidence")
    return Element(
        VerifiedRequest(claims=_claims(members["claims"], f"{path}.claims")),
        _is_met(verification, VERIFICATION, f"{path}.verification"),
    )


def _claims(asked: JsonValue, path: str) -> tuple[WantedClaim, ...]:
    if asked is None:
        return ()
    wishes = read_object(asked, path)
    if not wishes:
        raise InvalidRequest(f"{path} is empty; name a claim, or leave verified_claims out")
    return tuple(_wanted(name, wish, below(path, name)) for name, wish in wishes.items())


def _wanted(name: str, asked: JsonValue, path: str) -> WantedClaim:
    values = read_wish(asked, path).values
    # No claim of the catalogue is anything but text, or yes and no.
    fitting = None if values is None else tuple(v for v in values if isinstance(v, str | bool))
    return WantedClaim(name=name, one_of=fitting)


def _check_evidence(asked: JsonValue, path: str) -> None:
    """Each entry names one type of evidence by `value`."""
    if asked is None:
        return
    if not isinstance(asked, list) or not asked:
        raise InvalidRequest(f"{path} must be a list of at least one object")
    for entry in asked:
        kind = read_object(read_object(entry, path).get("type"), f"{path}.type")
        if not isinstance(kind.get("value"), str) or "values" in kind:
            raise InvalidRequest(f"{path}.type must be an object with value, a string")


def _is_met(asked: JsonValue, said: object, path: str) -> bool:
    """Whether what is said at this place of a verification meets what is asked of it.

    What is not said meets no `value`, `values` or `max_age`. Raises InvalidRequest.
    """
    if asked is None:
        return True
    if isinstance(asked, list):
        # Entries of a list are alternatives, and each is checked for form.
        met = [_is_met(read_object(entry, path), said, path) for entry in asked]
        return any(met)
    members = read_object(asked, path)
    values = read_text_wish(members, path).values
    met = [values is None or said in values, not _has_max_age(members, path)]
    for name in members.keys() - _NO_FILTER:
        part = said.get(name) if isinstance(said, Mapping) else None
        met.append(_is_met(members[name], part, below(path, name)))
    return all(met)


def _has_max_age(members: Mapping[str, JsonValue], path: str) -> bool:
    """Nothing that is said of a verification has a time, so any age is too much."""
    max_age = members.get("max_age")
    if max_age is not None and (isinstance(max_age, bool) or not isinstance(max_age, int) or max_age < 0):
        raise InvalidRequest(f"{path}.max_age must be a number of seconds, 0 or more")
    return max_age is not None
