"""The content of a key file: a keyring as JSON, with version and checksum. It holds every secret."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import cast, get_args

from netid.ambient import Ambient
from netid.credentials import base64url, strict_json
from netid.credentials.jwk import PublicKey, SigningKey
from netid.credentials.keyring import SECRETS, Keyring, KeyUse, Secret, SlotKey
from netid.errors import InvalidField

_FORMAT = "netid-keyring"
_VERSION = 3
_ADDED_SINCE = frozenset({"access"})
"""The secrets that files of versions 1 and 2 do not have."""
_RESTORE = "restore the file from its backup"
COMPLETE = "run `netid keys init`, which adds what is missing"
"""What to do about a file of an earlier version."""


def serialise(keyring: Keyring) -> bytes:
    """The content of the key file."""
    content = {
        "secrets": {name: base64url.encode(getattr(keyring, name).reveal()) for name in SECRETS},
        "signing_keys": [_entry_content(entry) for entry in keyring.signing_keys],
    }
    head = {"format": _FORMAT, "version": _VERSION, "checksum": _checksum(content)}
    return strict_json.dump({**head, "content": content})


def parse(data: bytes, ambient: Ambient | None = None) -> Keyring:
    """The keyring that `serialise` wrote; the reverse of it, and strict.

    With `ambient` also one of an earlier version, to which it adds the keys that this version has
    besides. Raises InvalidField, which names the place and repeats no value.
    """
    version, content = _content(data)
    if version != _VERSION and ambient is None:
        raise InvalidField("version", "is of before net credentials", COMPLETE)
    names = frozenset(SECRETS) - (_ADDED_SINCE if version != _VERSION else frozenset())
    secrets = _members(content["secrets"], "secrets", names)
    entries = content["signing_keys"]
    if not isinstance(entries, list):
        raise InvalidField("signing_keys", "is not a list", _RESTORE)
    read = _entry_of_version_1 if version == 1 else _entry
    keys = tuple(read(entry, f"signing_keys[{at}]") for at, entry in enumerate(entries))
    parsed = {name: _secret(secrets[name], f"secrets.{name}") for name in sorted(names)}
    try:
        if version != _VERSION and ambient is not None:
            return Keyring.completed(parsed, keys, ambient)
        return Keyring(**parsed, signing_keys=keys)
    except ValueError as error:
        raise InvalidField("signing_keys", str(error), _RESTORE) from error


def _checksum(content: object) -> str:
    """Finds the changed byte that would still parse: a wrong secret only shows when data is lost."""
    return sha256(strict_json.dump(content)).hexdigest()


def _content(data: bytes) -> tuple[object, Mapping[str, object]]:
    try:
        document = strict_json.parse_object(data)
    except ValueError as error:
        raise InvalidField("file", "is not JSON, or is cut off", _RESTORE) from error
    if document.get("format") != _FORMAT or document.get("version") not in (1, 2, _VERSION):
        raise InvalidField("version", "is not one that this NetID reads", "use the NetID that wrote it")
    members = _members(document, "file", frozenset({"format", "version", "checksum", "content"}))
    if members["checksum"] != _checksum(members["content"]):
        raise InvalidField("checksum", "does not fit: the file was changed", _RESTORE)
    content = _members(members["content"], "content", frozenset({"secrets", "signing_keys"}))
    return members["version"], content


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
    return {
        "use": entry.use,
        "announced": int(entry.announced.timestamp()),
        "signs_from": None if entry.signs_from is None else int(entry.signs_from.timestamp()),
        "jwk": entry.signing.private_jwk() if entry.signing else entry.public.jwk(),
    }


def _entry(value: object, path: str) -> SlotKey:
    entry = _members(value, path, frozenset({"use", "announced", "signs_from", "jwk"}))
    if entry["use"] not in get_args(KeyUse):
        raise InvalidField(path, "has no use that exists", _RESTORE)
    signs_from = entry["signs_from"]
    public, signing = _key(entry["jwk"], f"{path}.jwk")
    return SlotKey(
        use=cast(KeyUse, entry["use"]),
        public=public,
        announced=_moment(entry["announced"], f"{path}.announced"),
        signs_from=None if signs_from is None else _moment(signs_from, f"{path}.signs_from"),
        signing=signing,
    )


def _entry_of_version_1(value: object, path: str) -> SlotKey:
    """Its files were never rotated: each slot has an active key and one that waits."""
    entry = _members(value, path, frozenset({"use", "status", "since", "jwk"}))
    begun = {"active": entry["since"], "next": None}
    if not isinstance(entry["status"], str) or entry["status"] not in begun:
        raise InvalidField(path, "has no status that exists", _RESTORE)
    dates = {"announced": entry["since"], "signs_from": begun[entry["status"]]}
    return _entry({"use": entry["use"], "jwk": entry["jwk"], **dates}, path)


def _moment(value: object, path: str) -> datetime:
    if type(value) is not int or not 0 <= value < 2**32:
        raise InvalidField(path, "is not a time in seconds", _RESTORE)
    return datetime.fromtimestamp(value, UTC)


def _key(value: object, path: str) -> tuple[PublicKey, SigningKey | None]:
    is_private = isinstance(value, dict) and "d" in value
    signing = SigningKey.from_private_jwk(value, path) if is_private else None
    public = signing.public if signing else PublicKey.from_jwk(value, path)
    if public.kid != public.thumbprint:
        raise InvalidField(f"{path}.kid", "is not the key's thumbprint", _RESTORE)
    return public, signing
