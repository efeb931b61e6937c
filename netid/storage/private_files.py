"""Files that nobody but their owner may touch, written whole or not at all."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

from netid.errors import KeyFileError

_LARGEST = 1_000_000
RESTORE = (
    "restore it from its backup or, where nothing depends on it yet, remove it and run `netid keys init`"
)
"""What to do about a file that cannot be used."""


def read(path: Path, make: str) -> bytes:
    """What is in it; `make` is the command that makes it.

    Raises KeyFileError, one line with file and remedy.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            _check_owner_only(path, os.fstat(file.fileno()))
            return file.read()
    except FileNotFoundError as error:
        raise KeyFileError(f"{path}: there is no key file; make it with `{make}`") from error
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read ({error.strerror}); give it to this user") from error


def _without_waiting(name: str, flags: int) -> int:
    # A name that is a pipe would otherwise hold the start until somebody writes.
    return os.open(name, flags | os.O_NONBLOCK)


def _check_owner_only(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
        raise KeyFileError(f"{path}: is not a key file; {RESTORE}")
    # Refused and not only warned about: whoever could read it once has the keys for ever.
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"{path}: others may read or change it; close it with `chmod 600 {path}`")


def create(path: Path, data: bytes) -> None:
    """Make it, mode 0600, with nobody else at it. Raises KeyFileError where it is there already."""
    with alone_beside(path):
        if os.path.lexists(path):
            raise KeyFileError(f"{path}: exists already; remove it yourself if nothing depends on it")
        _close_to_others(path.parent)
        put(path, data)


@contextmanager
def alone_beside(path: Path) -> Iterator[None]:
    """With nobody else at the directory of this file; it is made where it is missing.

    Two that begin at once would otherwise both find nothing there, or both change what they found.
    Raises KeyFileError where the file cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opened(path.parent) as descriptor:
            flock(descriptor, LOCK_EX)
            yield
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be written ({error.strerror}); name a place that can") from error


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _close_to_others(directory: Path) -> None:
    # A directory that holds other things too is left as it is: it may be somebody's home or /etc.
    if all(entry.suffix in {".json", ".pem", ".md", ".new"} for entry in directory.iterdir()):
        directory.chmod(0o700)


def put(path: Path, data: bytes) -> None:
    """Put a file in place, mode 0600, in the usual four steps: write, sync, rename, sync.

    A crash leaves what was there, or the whole of this. What it leaves behind under the temporary
    name is overwritten next time. Raises OSError.
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
        with _opened(path.parent) as directory:
            os.fsync(directory)
    finally:
        unfinished.unlink(missing_ok=True)
