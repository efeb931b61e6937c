"""A browser that resets its connection leaves no file open in the plugin's server."""

import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.serving import make_server

from netid.pytest_plugin.servers import _Quiet, whole_answers

_RESET = struct.pack("ii", 1, 0)
"""Lingering for zero seconds makes close() send a reset (socket(7), SO_LINGER)."""
_TIMES = 20


class File:
    """An answer that says when it is closed."""

    def __init__(self) -> None:
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b"drawn by hand"

    def close(self) -> None:
        self.closed = True


class Drawing:
    """An application that answers with a file."""

    def __init__(self) -> None:
        self.files: list[File] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "13")])
        self.files.append(File())
        return self.files[-1]


def reset_after_reading(app: WSGIApplication) -> None:
    """Serves one request to a client that reads the answer and resets the connection."""
    server = make_server("127.0.0.1", 0, app, request_handler=_Quiet)
    serving = threading.Thread(target=server.handle_request)
    serving.start()
    with socket.create_connection(("127.0.0.1", server.server_port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while b"by hand" not in client.recv(4096):
            pass
    serving.join()
    server.server_close()


def closed_files(drawing: Drawing, served: WSGIApplication) -> int:
    for _ in range(_TIMES):
        reset_after_reading(served)
    return sum(file.closed for file in drawing.files)


def test_a_file_is_closed_when_the_connection_is_reset() -> None:
    drawing = Drawing()
    assert closed_files(drawing, whole_answers(drawing)) == _TIMES


def test_without_it_files_stay_open() -> None:
    """Once this fails, Werkzeug closes them itself and `whole_answers` can go."""
    drawing = Drawing()
    assert closed_files(drawing, drawing) < _TIMES
