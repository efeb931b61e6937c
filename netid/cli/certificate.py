"""The certificate that an address shows."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from netid.cli.probes import Finding

SOON = timedelta(days=14)
"""What ends within this time is a finding."""

_TIMEOUT = 10


def certificate_findings(url: str, trust: Path | None, now: datetime) -> Iterator[Finding]:
    """What is wrong with the certificate of this address; nothing for http, or where nobody answers.

    `trust` is the certificate of an authority of one's own, in place of those that the web trusts.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return
    try:
        ends = _end_of_certificate(host, parts.port or 443, trust)
    except ssl.SSLCertVerificationError as error:
        yield Finding(
            f"its certificate is not accepted: {error.verify_message}",
            f"one for {host} by an authority that is trusted",
            "renew it, or give --trust with the certificate of a local authority (tls-authority.pem)",
        )
    except OSError:
        return
    else:
        if ends - now < SOON:
            yield Finding(
                f"its certificate ends on {ends:%Y-%m-%d}",
                f"at least {SOON.days} days left",
                "renew it; with --tls a restart does",
            )


def _end_of_certificate(host: str, port: int, trust: Path | None) -> datetime:
    context = ssl.create_default_context(cafile=str(trust) if trust else DEFAULT_CA_BUNDLE_PATH)
    with (
        socket.create_connection((host, port), timeout=_TIMEOUT) as connection,
        context.wrap_socket(connection, server_hostname=host) as secured,
    ):
        certificate = secured.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
