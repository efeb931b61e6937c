"""The net credential: what is in it, and what its type says (Measures, article 2).

It carries the net number and the fields of its owner as salted digests, each with a disclosure of its
own. In the clear stands nothing that tells one person from another: everybody's has the same shape.
"""

from collections.abc import Callable, Mapping
from datetime import date

from netid.credentials import sd_jwt_vc
from netid.credentials.disclosures import Hidden
from netid.credentials.jwk import PublicKey, SigningKey
from netid.credentials.status_list import StatusReference
from netid.identity.claims import CATALOGUE
from netid.identity.net_number import NetNumber
from netid.identity.text import Text

NET_NUMBER = "net_number"
"""The claim of the net number. It is not in the catalogue: no purpose can name it, and so no relying
party can ask for it."""

DIGESTS = 16
"""How many digests each net credential has, whatever its owner has: decoys stand for the rest."""

_EPOCH = date(1970, 1, 1)
_NAME = Text(zh="网证（模拟）", en="Net credential (mock)")
_NET_NUMBER_LABEL = Text(zh="网号", en="Net number")


def type_of(issuer: str) -> str:
    """The `vct` of an issuer's net credentials: the address of their type metadata."""
    return f"{issuer}/vct/net-credential"


def issue(
    *,
    issuer: str,
    fields: Mapping[str, str | bool],
    net_number: NetNumber,
    holder_key: PublicKey,
    issued_on: date,
    expires_on: date,
    status: StatusReference | None,
    key: SigningKey,
    random: Callable[[int], bytes],
) -> str:
    """One copy, with all its disclosures, for its owner: what `fields` holds is decided already.

    `fields` are claims of the catalogue; one that the person does not have is absent, and cannot be
    told from it. Both days begin at 00:00 UTC, so that a copy does not say when it was fetched.
    Raises KeyError for a claim that is not in the catalogue.
    """
    if not fields.keys() <= CATALOGUE.keys():
        raise KeyError(f"not in the catalogue: {sorted(fields.keys() - CATALOGUE.keys())}")
    claims: dict[str, object] = {
        "iss": issuer,
        "vct": type_of(issuer),
        "iat": _midnight(issued_on),
        "exp": _midnight(expires_on),
        "cnf": {"jwk": holder_key.required_members},
        "mock": True,
        NET_NUMBER: Hidden(net_number.reveal()),
    }
    claims |= {name: Hidden(value) for name, value in fields.items()}
    if status is not None:
        claims["status"] = status.claim()
    return sd_jwt_vc.issue(claims, key, random, DIGESTS)


def type_metadata(issuer: str) -> dict[str, object]:
    """The type metadata of `type_of(issuer)` (SD-JWT VC, draft 15, Type Metadata Format); it changes
    with the catalogue only, so that it may be cached."""
    labels = {NET_NUMBER: _NET_NUMBER_LABEL} | {claim.name: claim.label for claim in CATALOGUE.values()}
    return {
        "vct": type_of(issuer),
        "name": _NAME.en,
        "description": "A mock: it identifies nobody. Every field is shown by its owner alone.",
        "display": [{"locale": locale, "name": name} for locale, name in _localised(_NAME)],
        "claims": [
            {
                "path": [name],
                "sd": "always",
                "display": [{"locale": locale, "label": text} for locale, text in _localised(label)],
            }
            for name, label in labels.items()
        ],
    }


def _localised(text: Text) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("zh-CN", text.zh), ("en", text.en)


def _midnight(day: date) -> int:
    return (day - _EPOCH).days * 86_400
