"""The provider's own keys as one value: six secrets, and the keys that sign.

Signing keys come in four slots. In each, one signs, and the one after it is published already, so
that caches know it in time. What a key is at a moment follows from the dates beside it, so that
all workers that read the same file say the same.
"""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from itertools import pairwise, zip_longest
from typing import Final, Literal, NoReturn, Self

from netid.ambient import Ambient
from netid.credentials.jwk import Algorithm, PublicKey, PublicKeySet, SigningKey
from netid.errors import InvalidField

KeyUse = Literal["id_token", "receipt", "credential"]
"""What a key signs: ID tokens and signed UserInfo answers; receipts; or net credentials, what became of
them, and what wallets are told beside them."""

Slot = tuple[KeyUse, Algorithm]

Phase = Literal["past", "current", "next"]
"""Whether a key has signed, signs, or will sign."""

SLOTS: Final[tuple[Slot, ...]] = (
    ("id_token", "RS256"),
    ("id_token", "ES256"),
    ("receipt", "ES256"),
    ("credential", "ES256"),
)

ANNOUNCED = timedelta(minutes=10)
"""How long a key is published before it signs: twice as long as a cache may keep the published keys."""

STILL_PUBLISHED: Final[Mapping[KeyUse, timedelta | None]] = {
    "id_token": timedelta(days=7),
    "receipt": None,
    "credential": timedelta(days=40),
}
"""How long a key is published after its last signature; None is for good. An ID token lives for five
minutes, but a signed message may reach a relying party days later; a net credential lives for a month."""

_SECRET_BYTES = 32


class Secret:
    """32 secret bytes; they refuse `str()`, formatting, JSON, pickling and copying."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        if len(value) != _SECRET_BYTES:
            raise ValueError("a secret has 32 bytes")
        self._value = value

    def reveal(self) -> bytes:
        """The bytes themselves, for the one computation they are for."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a secret is no name for anything

    def __repr__(self) -> str:
        return "<Secret>"

    def __str__(self) -> NoReturn:
        raise TypeError("a secret is not text")

    def __format__(self, _spec: str) -> NoReturn:
        raise TypeError("a secret is not text")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is neither copied nor pickled")


@dataclass(frozen=True)
class SlotKey:
    """A signing key of the provider, its place and its dates (UTC, whole seconds)."""

    use: KeyUse
    public: PublicKey
    announced: datetime
    """Since when it is published."""
    signs_from: datetime | None
    """From when on it signs, until the one after it does; None for the last, which waits for a rotation."""
    signing: SigningKey | None
    """None once it is past: nobody who reads the file later can sign as of today."""

    @property
    def slot(self) -> Slot:
        """Its use and algorithm."""
        return self.use, self.public.algorithm

    def has_begun(self, now: datetime) -> bool:
        """Whether its time to sign has come."""
        return self.signs_from is not None and self.signs_from <= now


@dataclass(frozen=True)
class Keyring:
    """All keys of one provider. They stay outside its databases, and without them those open nothing."""

    wrapping: Secret
    """Wraps the data keys of the vault."""

    index: Secret
    """HMAC key under which documents and net numbers are looked up."""

    pairwise: Secret
    """HMAC key that pairwise subjects are derived with."""

    passcode: Secret
    """Pepper of the passcode hashes."""

    browser: Secret
    """Key for form tokens and cookies."""

    access: Secret
    """The key of the authority that certifies relying parties to wallets is made of it."""

    signing_keys: tuple[SlotKey, ...]
    """Sorted by slot, and within it from the oldest to the one that waits."""

    def __post_init__(self) -> None:
        for slot in SLOTS:
            _check_order(self._keys_of(slot))
        if any(entry.slot not in SLOTS for entry in self.signing_keys):
            raise ValueError("a key is in no slot")
        kids = [entry.public.kid for entry in self.signing_keys]
        if len(set(kids)) != len(kids):
            raise ValueError("a signing key occurs twice")

    @classmethod
    def generate(cls, ambient: Ambient) -> Self:
        """A new keyring; RSA primes come from OpenSSL's random source (see SigningKey.generate)."""
        return cls.completed({}, (), ambient)

    @classmethod
    def completed(
        cls, secrets: Mapping[str, Secret], signing_keys: tuple[SlotKey, ...], ambient: Ambient
    ) -> Self:
        """A keyring of before there was all of this, with new keys for what it lacks."""
        now = _whole(ambient.now())
        missing = [name for name in SECRETS if name not in secrets]
        added = {name: Secret(ambient.random(_SECRET_BYTES)) for name in missing}
        there = {entry.slot for entry in signing_keys}
        pairs = (_pair(slot, ambient, now) for slot in SLOTS if slot not in there)
        keys = (*signing_keys, *(key for pair in pairs for key in pair))
        return cls(**secrets, **added, signing_keys=keys)

    def id_token_key(self, algorithm: Algorithm, now: datetime) -> SigningKey:
        """The key that signs ID tokens with this algorithm at that moment."""
        return _signing(self._current(("id_token", algorithm), now))

    def receipt_key(self, now: datetime) -> SigningKey:
        """The key that signs receipts at that moment."""
        return _signing(self._current(("receipt", "ES256"), now))

    def credential_key(self, now: datetime) -> SigningKey:
        """The key that signs net credentials at that moment."""
        return _signing(self._current(("credential", "ES256"), now))

    def public_keys(self, use: KeyUse) -> PublicKeySet:
        """The keys that verify what keys of this use have signed, however long ago."""
        return PublicKeySet(tuple(entry.public for entry in self.signing_keys if entry.use == use))

    def jwks(self, now: datetime, *uses: KeyUse) -> dict[str, list[dict[str, str]]]:
        """What is published at that moment for these uses, public members only; `kid` is the thumbprint.

        A receipt has to be verifiable for as long as somebody keeps it, so its keys stay for good.
        """
        slots = (slot for slot in SLOTS if slot[0] in uses)
        published = (entry.public for slot in slots for entry in self._published(slot, now))
        return PublicKeySet(tuple(published)).jwks()

    def phases(self, now: datetime) -> Iterator[tuple[SlotKey, Phase]]:
        """Every key and what it is at that moment."""
        for slot in SLOTS:
            keys, current = self._keys_of(slot), self._current(slot, now)
            for at, entry in enumerate(keys):
                before = at < keys.index(current)
                yield entry, "current" if entry is current else "past" if before else "next"

    def rotate(self, ambient: Ambient, announced_for: timedelta = ANNOUNCED) -> Self:
        """The keyring in which the waiting key of each slot signs, and a new one waits.

        It signs at once where it has been published for `announced_for`, or from the beginning; else
        as soon as it has been.
        """
        now = _whole(ambient.now())
        slots = {slot: _rotated(self._keys_of(slot), now, announced_for, ambient) for slot in SLOTS}
        return self._with(slots)

    def retire(self, kid: str, ambient: Ambient) -> Self:
        """The keyring without this key: what it signed verifies no longer.

        The next one takes its place at once, however short it has been published. Raises InvalidField.
        """
        now = _whole(ambient.now())
        for ended, _phase in self.phases(now):
            if ended.public.kid == kid:
                keys = self._keys_of(ended.slot)
                left = _without(keys, ended, now, signed=ended is self._current(ended.slot, now))
                if left[-1].signs_from is not None:
                    left.append(_new(ended.slot, ambient, now))
                return self._with({ended.slot: left})
        raise InvalidField("kid", "names no signing key of this keyring", "see `netid keys list`")

    def is_due(self, period: timedelta, now: datetime) -> bool:
        """Whether a slot's newest key with a date has signed for this long."""
        return any(self._keys_of(slot)[-2].has_begun(now - period) for slot in SLOTS)

    def has_secrets_of(self, other: "Keyring") -> bool:
        """Whether both open the same databases."""
        return all(getattr(self, name) == getattr(other, name) for name in SECRETS)

    def _keys_of(self, slot: Slot) -> list[SlotKey]:
        return [entry for entry in self.signing_keys if entry.slot == slot]

    def _current(self, slot: Slot, now: datetime) -> SlotKey:
        able = [entry for entry in self._keys_of(slot) if entry.signing is not None]
        # By a clock that was set back none may have begun: then it is the first that can sign.
        return next((entry for entry in reversed(able) if entry.has_begun(now)), able[0])

    def _published(self, slot: Slot, now: datetime) -> Iterator[SlotKey]:
        keys = self._keys_of(slot)
        for entry, after in zip_longest(keys, keys[1:]):
            for_so_long = STILL_PUBLISHED[slot[0]]
            if for_so_long is None or after is None or not after.has_begun(now - for_so_long):
                yield entry

    def _with(self, changed: Mapping[Slot, list[SlotKey]]) -> Self:
        slots = (changed.get(slot) or self._keys_of(slot) for slot in SLOTS)
        return replace(self, signing_keys=tuple(entry for keys in slots for entry in keys))


SECRETS: Final = tuple(item.name for item in fields(Keyring) if item.type is Secret)
"""The names of a keyring's secrets."""


def _pair(slot: Slot, ambient: Ambient, now: datetime) -> tuple[SlotKey, SlotKey]:
    """One that signs, and one that waits."""
    return _new(slot, ambient, now, signs_from=now), _new(slot, ambient, now)


def _new(slot: Slot, ambient: Ambient, now: datetime, *, signs_from: datetime | None = None) -> SlotKey:
    """Announced `now`, which is the same for keys that are made together, however long that takes."""
    use, algorithm = slot
    key = SigningKey.generate(algorithm, ambient.random)
    return SlotKey(use, key.public, now, signs_from, key)


def _rotated(keys: list[SlotKey], now: datetime, announced_for: timedelta, ambient: Ambient) -> list[SlotKey]:
    *begun, waiting = keys
    latest = begun[-1]
    # The first two were published together: whoever knows the one knows the other.
    from_the_beginning = len(begun) == 1 and waiting.announced == latest.announced
    known_from = now if from_the_beginning else waiting.announced + announced_for
    starts = max(now, known_from, latest.signs_from or now)
    keys = [*begun, replace(waiting, signs_from=starts), _new(waiting.slot, ambient, now)]
    return [_without_private_half(*pair, now) for pair in pairwise(keys)] + keys[-1:]


def _without_private_half(entry: SlotKey, after: SlotKey, now: datetime) -> SlotKey:
    return replace(entry, signing=None) if after.has_begun(now) else entry


def _without(keys: list[SlotKey], ended: SlotKey, now: datetime, *, signed: bool) -> list[SlotKey]:
    at = keys.index(ended)
    before, after = keys[:at], keys[at + 1 :]
    if signed:
        starts = max([now, *(entry.signs_from or now for entry in before)])
        after[0] = replace(after[0], signs_from=starts)
    return before + after


def _check_order(keys: list[SlotKey]) -> None:
    dates = [entry.signs_from for entry in keys]
    dated = [date for date in dates if date is not None]
    if not dated or dates != [*sorted(dated), None]:
        raise ValueError("a slot has keys that sign one after the other, and one that waits")
    able = [entry.signing is not None for entry in keys]
    if able != sorted(able) or not all(able[-2:]):
        raise ValueError("a key that signs has its private half, and so have those after it")


def _signing(entry: SlotKey) -> SigningKey:
    if entry.signing is None:
        raise ValueError("a key that is past signs nothing")
    return entry.signing


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
