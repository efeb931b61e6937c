"""Key files: the only place where keys touch a disk.

A key is made when somebody asks for it and never because one is missing: a new key in place of a
lost one would quietly make everything unreadable that the old one protected.
"""

import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from fcntl import LOCK_EX, flock
from pathlib import Path
from threading import Lock

from netid.ambient import Ambient
from netid.credentials import keyring_file, strict_json
from netid.credentials.jwk import SigningKey
from netid.credentials.keyring import Keyring
from netid.errors import InvalidField, KeyFileError

log = logging.getLogger("netid.keys")

KEYRING_FILE = "keyring.json"
"""The name of the provider's key file in its directory."""

_LARGEST = 1_000_000
_MAKE = "make it with `netid keys init`"
_RESTORE = (
    "restore it from its backup or, where nothing depends on it yet, remove it and run `netid keys init`"
)


def init_keys(directory: Path, ambient: Ambient) -> Keyring:
    """Make the provider's keys in this directory, mode 0600, and return them.

    Afterwards the whole file is on the disk, or none. Raises KeyFileError where one exists already
    or cannot be written.
    """
    keyring = Keyring.generate(ambient)
    _create(directory / KEYRING_FILE, keyring_file.serialise(keyring))
    return keyring


def load_keys(directory: Path) -> Keyring:
    """The provider's keys from this directory.

    Raises KeyFileError, one line with file and remedy, if the file is missing, damaged, or open to
    anybody but its owner.
    """
    path = directory / KEYRING_FILE
    data = _read(path)
    try:
        return keyring_file.parse(data)
    except InvalidField as error:
        raise KeyFileError(f"{path}: {error.field} {error.rule}; {_RESTORE}") from error


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
    _create(path, strict_json.dump(key.private_jwk()))
    return key


def load_client_key(path: Path) -> SigningKey:
    """A relying party's key from this file; raises KeyFileError as `load_keys` does."""
    data = _read(path)
    try:
        return SigningKey.from_private_jwk(strict_json.parse_object(data))
    except InvalidField as error:
        raise KeyFileError(f"{path}: {error.field} {error.rule}; {_RESTORE}") from error
    except ValueError as error:
        raise KeyFileError(f"{path}: is not a JWK, or is cut off; {_RESTORE}") from error


def _read(path: Path) -> bytes:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            _check_owner_only(path, os.fstat(file.fileno()))
            return file.read()
    except FileNotFoundError as error:
        raise KeyFileError(f"{path}: there is no key file; {_MAKE}") from error
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read ({error.strerror}); give it to this user") from error


def _without_waiting(name: str, flags: int) -> int:
    # A name that is a pipe would otherwise hold the start until somebody writes.
    return os.open(name, flags | os.O_NONBLOCK)


def _check_owner_only(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
        raise KeyFileError(f"{path}: is not a key file; {_RESTORE}")
    # Refused and not only warned about: whoever could read it once has the keys for ever.
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"{path}: others may read or change it; close it with `chmod 600 {path}`")


def _create(path: Path, data: bytes) -> None:
    with _writing(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path.parent) as directory:
            if os.path.lexists(path):
                raise KeyFileError(f"{path}: exists already; remove it yourself if nothing depends on it")
            _close_to_others(path.parent)
            _write_whole(path, data)
            os.fsync(directory)


@contextmanager
def _changing(directory: Path) -> Iterator[tuple[Keyring, Callable[[Keyring], Keyring]]]:
    """The keyring of a directory and the way to put another in its place, with nobody else at it."""
    path = directory / KEYRING_FILE

    def write(keyring: Keyring) -> Keyring:
        _write_whole(path, keyring_file.serialise(keyring))
        os.fsync(descriptor)
        return keyring

    load_keys(directory)  # a missing directory is a missing file, and said so
    with _writing(path), _locked(directory) as descriptor:
        yield load_keys(directory), write


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be written ({error.strerror}); name a place that can") from error


@contextmanager
def _locked(directory: Path) -> Iterator[int]:
    """Alone in the directory: two that begin at once would otherwise both find nothing there."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flock(descriptor, LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _close_to_others(directory: Path) -> None:
    # A directory that holds other things too is left as it is: it may be somebody's home or /etc.
    if all(entry.suffix in {".json", ".md", ".new"} for entry in directory.iterdir()):
        directory.chmod(0o700)


def _write_whole(path: Path, data: bytes) -> None:
    """The usual four steps, so that a crash leaves the whole file or none: write, sync, rename, sync.

    What a crash leaves behind under the temporary name is overwritten next time.
    """
    unfinished = path.with_name(f".{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(unfinished, flags, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
