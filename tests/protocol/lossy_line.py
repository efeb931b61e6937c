"""A line to PostgreSQL that is lost at a COMMIT: on its way to the server, or on the answer's way back."""

import socket
import struct
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal, Self

Lost = Literal["on its way", "on its way back"]

_SOCKET = ".s.PGSQL.5432"
_COMMIT = b"Q\0\0\0\x0bCOMMIT\0"
"""The simple query, as the protocol writes it
(https://www.postgresql.org/docs/current/protocol-message-formats.html)."""


class LossyLine:
    """Passes on what clients of PostgreSQL and the server say to each other, message by message."""

    def __init__(self, server: str, folder: Path) -> None:
        """`server` is the folder of the server's socket; clients come to the one in `folder`."""
        self._server = f"{server}/{_SOCKET}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{folder}/{_SOCKET}")
        self._listener.listen()
        self._to_lose: Lost | None = None
        self.lost = threading.Event()
        """Set once a line was lost."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """From now on nobody gets through."""
        with suppress(OSError):  # it is closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def lose_next(self, lost: Lost) -> None:
        """The next COMMIT, whoever's it is, takes its line with it."""
        self.lost.clear()
        self._to_lose = lost

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with closing(client), closing(socket.socket(socket.AF_UNIX)) as server, suppress(OSError, EOFError):
            server.connect(self._server)
            server.sendall(_sized(client, b""))  # the first message alone has no letter before its length
            answers = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
            answers.start()
            while True:
                message = _sized(client, _exactly(client, 1))
                if message == _COMMIT and self._to_lose is not None:
                    lost, self._to_lose = self._to_lose, None
                    self._lose(lost, client, server)
                    return
                server.sendall(message)

    def _lose(self, lost: Lost, client: socket.socket, server: socket.socket) -> None:
        client.shutdown(socket.SHUT_RDWR)
        if lost == "on its way back":
            server.sendall(_COMMIT)
            server.shutdown(socket.SHUT_WR)  # it does what it was told, and then ends
        else:
            server.shutdown(socket.SHUT_RDWR)
        self.lost.set()


def _pass_on(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while data := server.recv(65536):
            client.sendall(data)


def _sized(client: socket.socket, letter: bytes) -> bytes:
    length = _exactly(client, 4)
    return letter + length + _exactly(client, struct.unpack("!I", length)[0] - 4)


def _exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        if not (more := client.recv(size - len(data))):
            raise EOFError
        data += more
    return data
