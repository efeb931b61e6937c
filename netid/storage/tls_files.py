"""The local certificate authority and its server certificate, beside the other keys."""

from dataclasses import dataclass
from pathlib import Path

from netid.ambient import Ambient
from netid.credentials.certificates import Certified, make_authority, make_server_certificate
from netid.errors import KeyFileError
from netid.storage import private_files

LOCAL_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})

_AUTHORITY_KEY = "tls-authority-key.pem"
_AUTHORITY = "tls-authority.pem"
_SERVER = "tls-server.pem"


@dataclass(frozen=True)
class LocalTls:
    """What a server that speaks TLS needs, and whoever talks to it."""

    certificate: Path
    """The server's certificate and its key, in one file."""
    authority: Path
    """The authority's certificate: what others have to trust."""
    is_new: bool
    """Whether the authority was made just now, so that nobody trusts it yet."""


def local_tls(directory: Path, host: str, ambient: Ambient) -> LocalTls:
    """The files for a server on this machine whose issuer names `host`, made or renewed where needed.

    An authority is made once, and anew for another host or near its end. Raises KeyFileError.
    """
    hosts = LOCAL_HOSTS | {host}
    key, public, server = (directory / name for name in (_AUTHORITY_KEY, _AUTHORITY, _SERVER))
    with private_files.alone_beside(key):
        kept = _kept(key)
        authority = kept
        if authority is None or not authority.permits(hosts) or not authority.lasts(ambient.now()):
            authority = make_authority(hosts, ambient)
            private_files.put(key, authority.pem())
        if _content(public) != authority.public_pem():
            private_files.put(public, authority.public_pem())
        certified = _kept(server)
        if not (
            certified
            and certified.is_by(authority)
            and certified.names(hosts)
            and certified.lasts(ambient.now())
        ):
            private_files.put(server, make_server_certificate(authority, hosts, ambient).pem())
    return LocalTls(server, public, is_new=authority is not kept)


def _kept(path: Path) -> Certified | None:
    data = _content(path)
    try:
        return Certified.from_pem(data) if data is not None else None
    except ValueError as error:
        raise KeyFileError(
            f"{path}: is not a key with its certificate; remove it, and it is made anew"
        ) from error


def _content(path: Path) -> bytes | None:
    return private_files.read(path, "netid serve --tls") if path.exists() else None
