"""Key files: the provider's keyring and the keys of relying parties, on the disk.

A key is made when somebody asks for it and never because one is missing: a new key in place of a
lost one would quietly make everything unreadable that the old one protected.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Lock

from netid.ambient import Ambient
from netid.credentials import keyring_file, strict_json
from netid.credentials.jwk import SigningKey
from netid.credentials.keyring import Keyring
from netid.credentials.keyring_file import COMPLETE
from netid.errors import InvalidField, KeyFileError
from netid.storage import private_files

log = logging.getLogger("netid.keys")

KEYRING_FILE = "keyring.json"
"""The name of the provider's key file in its directory."""
_MAKE = "netid keys init"


def init_keys(directory: Path, ambient: Ambient) -> Keyring:
    """Make the provider's keys in this directory, mode 0600, and return them.

    Afterwards the whole file is on the disk, or none. Raises KeyFileError where one exists already
    or cannot be written.
    """
    keyring = Keyring.generate(ambient)
    private_files.create(directory / KEYRING_FILE, keyring_file.serialise(keyring))
    return keyring


def load_keys(directory: Path) -> Keyring:
    """The provider's keys from this directory.

    Raises KeyFileError, one line with file and remedy, if the file is missing, damaged, or open to
    anybody but its owner.
    """
    path = directory / KEYRING_FILE
    data = private_files.read(path, f"{_MAKE} --directory {directory}")
    try:
        return keyring_file.parse(data)
    except InvalidField as error:
        raise _unusable(path, error) from error


def complete_keys(directory: Path, ambient: Ambient) -> bool:
    """Add to a key file of an earlier version what this one has besides; False where nothing is missing.

    What is in it stays as it is. Raises KeyFileError, as `load_keys`.
    """
    path = directory / KEYRING_FILE
    with private_files.alone_beside(path):
        data = private_files.read(path, f"{_MAKE} --directory {directory}")
        try:
            completed = keyring_file.serialise(keyring_file.parse(data, ambient))
        except InvalidField as error:
            raise _unusable(path, error) from error
        if completed == data:
            return False
        private_files.put(path, completed)
        return True


def rotate_keys(directory: Path, ambient: Ambient, *, every: timedelta | None = None) -> Keyring:
    """Rotate the signing keys of this directory, and return what its file holds from now on.

    With `every`, only where they have signed for that long: of several that look at once, one rotates.
    Raises KeyFileError; then the file is as it was.
    """
    with _changing(directory) as (keyring, write):
        if every is not None and not keyring.is_due(every, ambient.now()):
            return keyring
        return write(keyring.rotate(ambient))


def retire_key(directory: Path, kid: str, ambient: Ambient) -> Keyring:
    """End one signing key at once (see `Keyring.retire`), as `rotate_keys` does. Raises InvalidField too."""
    with _changing(directory) as (keyring, write):
        return write(keyring.retire(kid, ambient))


class WatchedKeys:
    """The keyring of a running provider: read again when another file has taken its place.

    Other secrets than those it began with are not taken: they belong to other databases. A file that
    cannot be read changes nothing but the log, until it can.
    """

    def __init__(self, directory: Path) -> None:
        """Raises KeyFileError, as `load_keys`."""
        self._directory = directory
        self._lock = Lock()
        self._seen = self._mark()
        self._keyring = load_keys(directory)

    def __call__(self) -> Keyring:
        """The keyring as it stands."""
        mark = self._mark()
        if mark != self._seen:
            with self._lock:
                if mark != self._seen:
                    self._keyring, self._seen = self._read_again(), mark
        return self._keyring

    def _mark(self) -> tuple[int, ...]:
        try:
            status = (self._directory / KEYRING_FILE).stat()
        except OSError:
            return ()
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _read_again(self) -> Keyring:
        try:
            keyring = load_keys(self._directory)
        except KeyFileError as error:
            log.error("%s", error.detail)
            return self._keyring
        if not keyring.has_secrets_of(self._keyring):
            log.error("%s: belongs to other databases; restore the right one", self._directory / KEYRING_FILE)
            return self._keyring
        return keyring


def init_client_key(path: Path, ambient: Ambient) -> SigningKey:
    """Make a relying party's ES256 key, a private JWK (RFC 7517) in this file, as `init_keys` does."""
    key = SigningKey.generate("ES256", ambient.random)
    private_files.create(path, strict_json.dump(key.private_jwk()))
    return key


def load_client_key(path: Path) -> SigningKey:
    """A relying party's key from this file; raises KeyFileError as `load_keys` does."""
    data = private_files.read(
        path, f"{_MAKE} --directory {path.parent} --client {path.stem.removesuffix('-dpop')}"
    )
    try:
        return SigningKey.from_private_jwk(strict_json.parse_object(data))
    except InvalidField as error:
        raise KeyFileError(f"{path}: {error.field} {error.rule}; {private_files.RESTORE}") from error
    except ValueError as error:
        raise KeyFileError(f"{path}: is not a JWK, or is cut off; {private_files.RESTORE}") from error


def _unusable(path: Path, error: InvalidField) -> KeyFileError:
    remedy = COMPLETE if error.remedy == COMPLETE else private_files.RESTORE
    return KeyFileError(f"{path}: {error.field} {error.rule}; {remedy}")


@contextmanager
def _changing(directory: Path) -> Iterator[tuple[Keyring, Callable[[Keyring], Keyring]]]:
    """The keyring of a directory and the way to put another in its place, with nobody else at it."""
    path = directory / KEYRING_FILE

    def write(keyring: Keyring) -> Keyring:
        private_files.put(path, keyring_file.serialise(keyring))
        return keyring

    load_keys(directory)  # where there is no file, no directory is made either
    with private_files.alone_beside(path):
        yield load_keys(directory), write
