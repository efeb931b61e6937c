"""The provider's own keys as one value: five secrets, and the keys that sign.

Signing keys come in three slots. Each slot has one active key, one `next` that is published before
it is used, so that caches know it in time, and the retired ones, published as long as anything
they signed may be shown.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Literal, NoReturn, Self, cast, get_args

from netid.ambient import Ambient
from netid.credentials import base64url, strict_json
from netid.credentials.jwk import Algorithm, PublicKeySet, SigningKey
from netid.errors import InvalidField

KeyUse = Literal["id_token", "receipt"]
"""What a key signs: ID tokens and signed UserInfo answers, or receipts."""

KeyStatus = Literal["active", "next", "retired"]

SLOTS: Final[tuple[tuple[KeyUse, Algorithm], ...]] = (
    ("id_token", "RS256"),
    ("id_token", "ES256"),
    ("receipt", "ES256"),
)

_FORMAT = "netid-keyring"
_VERSION = 1
_SECRET_BYTES = 32
_RESTORE = "restore the file from its backup"


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
    """A signing key of the provider and its place."""

    use: KeyUse
    status: KeyStatus
    since: datetime
    """When it got this status (UTC, whole seconds)."""
    key: SigningKey

    @property
    def slot(self) -> tuple[KeyUse, Algorithm]:
        """Its use and algorithm."""
        return self.use, self.key.public.algorithm


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

    signing_keys: tuple[SlotKey, ...]
    """Sorted by slot, and within it active, next, retired."""

    def __post_init__(self) -> None:
        for slot in SLOTS:
            statuses = [entry.status for entry in self.signing_keys if entry.slot == slot]
            if statuses[:2] != ["active", "next"] or not set(statuses[2:]) <= {"retired"}:
                raise ValueError("a slot has one active key, one next, and retired ones")
        if any(entry.slot not in SLOTS for entry in self.signing_keys):
            raise ValueError("a key is in no slot")
        kids = [entry.key.public.kid for entry in self.signing_keys]
        if len(set(kids)) != len(kids):
            raise ValueError("a signing key occurs twice")

    @classmethod
    def generate(cls, ambient: Ambient) -> Self:
        """A new keyring; RSA primes come from OpenSSL's random source (see SigningKey.generate)."""
        now = ambient.now()
        secrets = {name: Secret(ambient.random(_SECRET_BYTES)) for name in _SECRETS}
        return cls(
            **secrets,
            signing_keys=tuple(
                SlotKey(
                    use, status, now.replace(microsecond=0), SigningKey.generate(algorithm, ambient.random)
                )
                for use, algorithm in SLOTS
                for status in ("active", "next")
            ),
        )

    def id_token_key(self, algorithm: Algorithm) -> SigningKey:
        """The key that signs ID tokens with this algorithm now."""
        return self._active(("id_token", algorithm))

    def receipt_key(self) -> SigningKey:
        """The key that signs receipts now."""
        return self._active(("receipt", "ES256"))

    def public_keys(self, use: KeyUse) -> PublicKeySet:
        """The keys that verify what keys of this use have signed."""
        return PublicKeySet(tuple(entry.key.public for entry in self.signing_keys if entry.use == use))

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """What is published: every signing key, public members only; `kid` is the thumbprint."""
        return PublicKeySet(tuple(entry.key.public for entry in self.signing_keys)).jwks()

    def rotate(self, use: KeyUse, algorithm: Algorithm, ambient: Ambient) -> Self:
        """The keyring with the next key active, a new one announced, and the old one still published."""
        now = ambient.now().replace(microsecond=0)
        slot = (use, algorithm)
        active, announced, *retired = (entry for entry in self.signing_keys if entry.slot == slot)
        rotated = (
            replace(announced, status="active", since=now),
            SlotKey(use, "next", now, SigningKey.generate(algorithm, ambient.random)),
            replace(active, status="retired", since=now),
            *retired,
        )
        others = (entry for entry in self.signing_keys if entry.slot != slot)
        return replace(self, signing_keys=tuple(sorted((*rotated, *others), key=_place)))

    def serialise(self) -> bytes:
        """The content of the key file: JSON with version and checksum. It holds every secret."""
        content = {
            "secrets": {name: base64url.encode(getattr(self, name).reveal()) for name in _SECRETS},
            "signing_keys": [_entry_content(entry) for entry in self.signing_keys],
        }
        head = {"format": _FORMAT, "version": _VERSION, "checksum": _checksum(content)}
        return strict_json.dump({**head, "content": content})

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The keyring that `serialise` wrote; the reverse of it, and strict.

        Raises InvalidField, which names the place and repeats no value.
        """
        content = _content(data)
        secrets = _members(content["secrets"], "secrets", frozenset(_SECRETS))
        entries = content["signing_keys"]
        if not isinstance(entries, list):
            raise InvalidField("signing_keys", "is not a list", _RESTORE)
        keys = tuple(_entry(entry, f"signing_keys[{at}]") for at, entry in enumerate(entries))
        parsed = {name: _secret(secrets[name], f"secrets.{name}") for name in _SECRETS}
        try:
            return cls(**parsed, signing_keys=keys)
        except ValueError as error:
            raise InvalidField("signing_keys", str(error), _RESTORE) from error

    def _active(self, slot: tuple[KeyUse, Algorithm]) -> SigningKey:
        return next(
            entry.key for entry in self.signing_keys if entry.slot == slot and entry.status == "active"
        )


_SECRETS = tuple(item.name for item in fields(Keyring) if item.type is Secret)


def _place(entry: SlotKey) -> int:
    return SLOTS.index(entry.slot)


def _checksum(content: object) -> str:
    """Finds the changed byte that would still parse: a wrong secret only shows when data is lost."""
    return sha256(strict_json.dump(content)).hexdigest()


def _content(data: bytes) -> Mapping[str, object]:
    try:
        document = strict_json.parse_object(data)
    except ValueError as error:
        raise InvalidField("file", "is not JSON, or is cut off", _RESTORE) from error
    if (document.get("format"), document.get("version")) != (_FORMAT, _VERSION):
        raise InvalidField("version", "is not one that this NetID reads", "use the NetID that wrote it")
    members = _members(document, "file", frozenset({"format", "version", "checksum", "content"}))
    if members["checksum"] != _checksum(members["content"]):
        raise InvalidField("checksum", "does not fit: the file was changed", _RESTORE)
    return _members(members["content"], "content", frozenset({"secrets", "signing_keys"}))


def _members(value: object, path: str, names: frozenset[str]) -> Mapping[str, object]:
    if not isinstance(value, dict) or value.keys() != names:
        raise InvalidField(path, f"does not have exactly {', '.join(sorted(names))}", _RESTORE)
    return value


def _secret(value: object, path: str) -> Secret:
    try:
        return Secret(base64url.decode(value if isinstance(value, str) else ""))
    except ValueError as error:
        raise InvalidField(path, "is not 32 bytes of base64url", _RESTORE) from error


def _entry_content(entry: SlotKey) -> dict[str, object]:
    since = int(entry.since.timestamp())
    return {"use": entry.use, "status": entry.status, "since": since, "jwk": entry.key.private_jwk()}


def _entry(value: object, path: str) -> SlotKey:
    entry = _members(value, path, frozenset({"use", "status", "since", "jwk"}))
    use, status, since = entry["use"], entry["status"], entry["since"]
    if use not in get_args(KeyUse) or status not in get_args(KeyStatus):
        raise InvalidField(path, "has no use or status that exists", _RESTORE)
    if type(since) is not int or not 0 <= since < 2**32:
        raise InvalidField(f"{path}.since", "is not a time in seconds", _RESTORE)
    key = SigningKey.from_private_jwk(entry["jwk"], f"{path}.jwk")
    if key.public.kid != key.public.thumbprint:
        raise InvalidField(f"{path}.jwk.kid", "is not the key's thumbprint", _RESTORE)
    return SlotKey(cast(KeyUse, use), cast(KeyStatus, status), datetime.fromtimestamp(since, UTC), key)
