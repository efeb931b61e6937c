"""Pairwise subjects: what one relying party knows a person by (OpenID Connect Core, 8.1)."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from typing import NoReturn


class PairwiseSubject:
    """What one legal entity's relying parties know a person by; another entity sees another value.

    It goes to its own relying party and nowhere else, so it refuses to become text by accident:
    `reveal()` is the one way.
    """

    __slots__ = ("_value",)
    _value: str

    def __init__(self, value: str) -> None:
        object.__setattr__(self, "_value", value)

    def reveal(self) -> str:
        """The value as it stands in `sub`."""
        return self._value

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a pairwise subject does not change")

    def __str__(self) -> NoReturn:
        raise TypeError("a pairwise subject becomes text only through reveal()")

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("a pairwise subject becomes text only through reveal()")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a pairwise subject cannot be pickled")

    def __repr__(self) -> str:
        return "<PairwiseSubject>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PairwiseSubject) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)


def derive_pairwise_subject(key: bytes, sector: str, person_id: str, generation: int) -> PairwiseSubject:
    """The subject of one person at one legal entity's sector.

    `key` is 32 secret bytes, `person_id` the provider's random identifier (never the net number
    or a document number), `generation` counts resets. Each part carries its length, so that no
    two different inputs are ever the same bytes.
    """
    message = _labelled(b"netid-sub-v1", sector, person_id) + generation.to_bytes(4)
    return PairwiseSubject(_keyed(key, message))


def derive_session_name(key: bytes, client_id: str, session_id: str, subject: PairwiseSubject) -> str:
    """What one relying party knows a session at the provider by: the `sid` of its ID and logout tokens.

    `session_id` is the provider's own random name of the session. No two relying parties see the
    same value, nor does one that is shown a new subject, so that nobody is linked by it (OpenID
    Connect Back-Channel Logout 1.0, 2.1).
    """
    return _keyed(key, _labelled(b"netid-sid-v1", client_id, session_id, subject.reveal()))


def _labelled(label: bytes, *parts: str) -> bytes:
    message = label
    for part in (text.encode() for text in parts):
        message += len(part).to_bytes(4) + part
    return message


def _keyed(key: bytes, message: bytes) -> str:
    return urlsafe_b64encode(hmac.digest(key, message, hashlib.sha256)).removesuffix(b"=").decode()
