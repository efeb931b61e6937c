"""The key that closes the wallet's safe: a file of its own beside it."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from netid.errors import KeyFileError

_KEY_BYTES = 32
_NONCE_BYTES = 12


class SafeKey:
    """Seals and opens what lies in the safe (AES-256-GCM); what it is bound to has to be named again."""

    def __init__(self, key: bytes, random: Callable[[int], bytes]) -> None:
        self._cipher = AESGCM(key)
        self._random = random

    @classmethod
    def made(cls, path: Path, random: Callable[[int], bytes]) -> "SafeKey":
        """A new key in a new file. Raises FileExistsError rather than replace one."""
        key = random(_KEY_BYTES)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        return cls(key, random)

    @classmethod
    def read(cls, path: Path, random: Callable[[int], bytes]) -> "SafeKey":
        """The key in this file. Raises KeyFileError, which names the file and what is wrong."""
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                key = file.read(_KEY_BYTES + 1)
        except OSError as error:
            raise KeyFileError(f"{path}: cannot be read ({error.strerror})") from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyFileError(f"{path}: others may read it; close it with `chmod 600 {path}`")
        if len(key) != _KEY_BYTES:
            raise KeyFileError(f"{path}: is not a key of this wallet")
        return cls(key, random)

    def seal(self, data: bytes, bound_to: str) -> bytes:
        """The sealed bytes, nonce first."""
        nonce = self._random(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """What was sealed, bound to the same. Raises KeyFileError for another key or a damaged safe."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to.encode())
        except (InvalidTag, ValueError) as error:
            raise KeyFileError("the wallet's key does not open what lies in its safe") from error
