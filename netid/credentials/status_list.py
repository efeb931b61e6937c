"""Token Status List: what became of credentials, in one document for very many
(draft-ietf-oauth-status-list-18).

Everybody fetches the same list, so that asking for it says nothing of whose status is looked up.
"""

import zlib
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Literal, Self

from netid.credentials import base64url, jose
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.errors import (
    CredentialRevoked,
    CredentialSuspended,
    StatusListRefused,
    TokenRefused,
)

TYPE = "statuslist+jwt"

Bits = Literal[1, 2, 4, 8]
"""How many bits each entry has (section 4.1)."""

MAX_LIST_BYTES = 2**20
"""The largest list that is unpacked: 8,388,608 entries of one bit, 4,194,304 of two."""

MAX_TOKEN_BYTES = 2**21
"""The longest token that is looked at: it holds a list of that size in which nothing could be packed."""

_BITS: dict[int, Bits] = {1: 1, 2: 2, 4: 4, 8: 8}

_WINDOW_BITS = 12

_LONGEST_TTL = 10**9
"""Thirty years, in seconds: no more than a timedelta can hold."""

_VERIFIED = object()


class Status(IntEnum):
    """The status types that mean the same everywhere (section 7.1)."""

    VALID = 0
    INVALID = 1
    """For good."""
    SUSPENDED = 2
    """Until further notice; needs entries of at least two bits."""


@dataclass(frozen=True)
class StatusReference:
    """Where a credential's status is told (section 6.2)."""

    uri: str
    """The list's address, which is also its name."""

    index: int

    @classmethod
    def from_claim(cls, status: object) -> Self:
        """From a credential's `status`; TokenRefused for another mechanism or another form."""
        match status:
            # bool is an int to Python.
            case {"status_list": {"uri": str(uri), "idx": index}} if type(index) is int and index >= 0:
                return cls(uri, index)
        raise TokenRefused("status does not name an entry of a status list")

    def claim(self) -> dict[str, object]:
        """The credential's `status`."""
        return {"status_list": {"idx": self.index, "uri": self.uri}}


@dataclass(frozen=True)
class StatusList:
    """The entries themselves, packed from the lowest bit of each byte up (section 4.1)."""

    bits: Bits
    data: bytes

    @classmethod
    def of(cls, size: int, bits: Bits, statuses: Mapping[int, int]) -> Self:
        """A list of so many entries, VALID but for these; ValueError for what does not fit.

        The last byte is full.
        """
        if size * bits % 8 or not 0 < size * bits <= MAX_LIST_BYTES * 8:
            raise ValueError("the entries do not fill whole bytes, or are too many")
        data = bytearray(size * bits // 8)
        for index, status in statuses.items():
            if not (0 <= index < size and 0 <= status < 2**bits):
                raise ValueError("an entry is outside the list, or a status has too many bits")
            data[index * bits // 8] |= status << (index * bits % 8)
        return cls(bits, bytes(data))

    @classmethod
    def from_claim(cls, status_list: object) -> Self:
        """From a token's `status_list` (section 4.2); StatusListRefused for anything else.

        No more than MAX_LIST_BYTES are ever unpacked, whatever the packed bytes would become.
        """
        match status_list:
            case {"bits": int(bits), "lst": str(packed)} if bits in _BITS and bits is not True:
                return cls(_BITS[bits], _unpacked(packed))
        raise StatusListRefused("status_list is not of the form bits and lst")

    def claim(self) -> dict[str, object]:
        """The token's `status_list`."""
        # Sparse bits repeat near by and far away alike, and a near repetition is written shorter. Of all
        # windows and strategies of zlib this pair makes the shortest lists.
        packing = zlib.compressobj(9, zlib.DEFLATED, _WINDOW_BITS, 9, zlib.Z_FILTERED)
        return {"bits": self.bits, "lst": base64url.encode(packing.compress(self.data) + packing.flush())}

    def __getitem__(self, index: int) -> int:
        """The status at that index; StatusListRefused outside the list (section 8.3)."""
        at, shift = divmod(index * self.bits, 8)
        if index < 0 or at >= len(self.data):
            raise StatusListRefused("the index is outside the list")
        return (self.data[at] >> shift) & (2**self.bits - 1)


@dataclass(frozen=True)
class VerifiedStatusList:
    """A list that its issuer signed. Only `verify` makes one."""

    uri: str
    entries: StatusList
    issued_at: datetime
    expires_at: datetime | None
    """From then on it says nothing (`exp`)."""
    time_to_live: timedelta | None
    """How long after fetching it a newer one should be fetched (`ttl`)."""

    _proof: InitVar[object]

    def __post_init__(self, _proof: object) -> None:
        if _proof is not _VERIFIED:
            raise TypeError("only verify makes a VerifiedStatusList")

    def check(self, reference: StatusReference, now: datetime) -> None:
        """That the credential is VALID by this list.

        Raises CredentialRevoked, CredentialSuspended, or StatusListRefused where the list cannot say:
        it is another one or out of date, has no such entry, or a status that is not known here.
        """
        if reference.uri != self.uri:
            raise StatusListRefused("it is another list")
        if self.expires_at is not None and now - jose.SKEW >= self.expires_at:
            raise StatusListRefused("the list has expired")
        match self.entries[reference.index]:
            case Status.VALID:
                return
            case Status.INVALID:
                raise CredentialRevoked
            case Status.SUSPENDED:
                raise CredentialSuspended
        raise StatusListRefused("the status has no meaning here")


def sign(
    entries: StatusList,
    key: SigningKey,
    *,
    uri: str,
    issuer: str,
    issued_at: datetime,
    expires_at: datetime,
    time_to_live: timedelta,
) -> str:
    """The Status List Token (section 5.1)."""
    payload = {
        "iss": issuer,
        "sub": uri,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "ttl": int(time_to_live.total_seconds()),
        "status_list": entries.claim(),
    }
    return jose.sign(payload, key, TYPE)


def verify(token: str, *, uri: str, keys: PublicKeySet, now: datetime) -> VerifiedStatusList:
    """The list that was fetched from `uri` (section 8.3). Raises StatusListRefused."""
    try:
        payload = jose.verify(
            token,
            key_source=jose.Pinned(keys),
            algorithms=("ES256",),
            typ=TYPE,
            max_bytes=MAX_TOKEN_BYTES,
        ).payload
        jose.check_times(payload, now, required=("iat",))
    except TokenRefused as error:
        raise StatusListRefused(error.detail) from error
    if payload.get("sub") != uri:
        raise StatusListRefused("sub is another list")
    return VerifiedStatusList(
        uri=uri,
        entries=StatusList.from_claim(payload.get("status_list")),
        issued_at=jose.time_claim(payload, "iat"),
        expires_at=jose.time_claim(payload, "exp") if "exp" in payload else None,
        time_to_live=_time_to_live(payload),
        _proof=_VERIFIED,
    )


def _unpacked(packed: str) -> bytes:
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(base64url.decode(packed), MAX_LIST_BYTES)
    except (ValueError, zlib.error) as error:
        raise StatusListRefused("lst is not base64url of a ZLIB stream") from error
    if not unpacking.eof or unpacking.unused_data:
        raise StatusListRefused("lst is too large, cut off or followed by something")
    return data


def _time_to_live(payload: Mapping[str, object]) -> timedelta | None:
    match payload.get("ttl"):
        case None if "ttl" not in payload:
            return None
        case (int() | float()) as seconds if 0 < seconds <= _LONGEST_TTL and seconds is not True:
            return timedelta(seconds=seconds)
    raise StatusListRefused("ttl is not a positive number of seconds")
