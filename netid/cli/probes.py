"""What a provider's addresses are asked, and what a sound one answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import requests

from netid.credentials import strict_json


@dataclass(frozen=True)
class Finding:
    """One thing that is not as advertised."""

    what: str
    expected: str
    remedy: str
    """What whoever runs the provider can do."""


@dataclass(frozen=True)
class Probe:
    """A harmless request to an endpoint, and what a sound one answers."""

    method: str
    statuses: tuple[int, ...]
    errors: tuple[str, ...] = ()
    """The error codes of its JSON; without any, a page is expected or a challenge."""


_WITHOUT_CLIENT = Probe("POST", (400, 401), ("invalid_client", "invalid_request"))
PROBES: Mapping[str, Probe] = {
    "authorization_endpoint": Probe("GET", (400,)),
    "token_endpoint": _WITHOUT_CLIENT,
    "revocation_endpoint": _WITHOUT_CLIENT,
    "introspection_endpoint": _WITHOUT_CLIENT,
    "pushed_authorization_request_endpoint": _WITHOUT_CLIENT,
    "userinfo_endpoint": Probe("GET", (401,)),
    "end_session_endpoint": Probe("GET", (200, 303, 400)),
    "credential_endpoint": Probe("POST", (401,), ("invalid_token",)),
    "notification_endpoint": Probe("POST", (401,), ("invalid_token",)),
    "nonce_endpoint": Probe("POST", (200,)),
}
"""Requests without any credentials, by the member of the metadata that names the address."""


def endpoint_findings(name: str, url: str, answer: requests.Response) -> Iterator[Finding]:
    """What is wrong with the answer of one of the endpoints in PROBES."""
    probe = PROBES[name]
    expected = " or ".join(map(str, probe.statuses))
    if answer.status_code not in probe.statuses:
        yield wrong_status(name, url, answer.status_code, f"{expected} to a request without credentials")
        return
    error = (json_object(answer) or {}).get("error")
    if probe.errors and error not in probe.errors:
        yield Finding(
            f"{name} refuses with the error {error!s}",
            f"JSON with {' or '.join(probe.errors)} (RFC 6749, 5.2)",
            "let nothing in front of the provider answer in its place",
        )
    if name == "userinfo_endpoint" and "WWW-Authenticate" not in answer.headers:
        yield Finding(
            f"{name} answers 401 without WWW-Authenticate",
            "a challenge (RFC 6750, 3)",
            "let the proxy pass that header on",
        )
    if "no-store" not in answer.headers.get("Cache-Control", ""):
        yield Finding(
            f"{name} may be cached",
            "Cache-Control: no-store (RFC 6749, 5.1)",
            "let the proxy pass the provider's Cache-Control on",
        )
    if "Access-Control-Allow-Origin" in answer.headers:
        yield Finding(
            f"{name} is open to the scripts of every page",
            "no Access-Control-Allow-Origin for a strange origin",
            "take the CORS headers out of the proxy",
        )


def document_findings(url: str, answer: requests.Response) -> Iterator[Finding]:
    """What is wrong with how a public document is handed out."""
    if answer.headers.get("Access-Control-Allow-Origin") != "*":
        yield Finding(
            f"{url} is closed to scripts", "Access-Control-Allow-Origin: *", "let the proxy pass it on"
        )
    if "max-age" not in answer.headers.get("Cache-Control", ""):
        yield Finding(
            f"{url} does not say how long it may be kept",
            "Cache-Control with max-age: keys are rotated by it",
            "let the proxy pass the provider's Cache-Control on",
        )


def wrong_status(name: str, url: str, status: int, expected: str) -> Finding:
    """An address that answers with another status."""
    remedy = (
        "see the provider's log" if status >= 500 else "let the proxy pass this address on to the provider"
    )
    return Finding(f"{name} ({url}) answers {status}", expected, remedy)


def no_document(url: str, answer: requests.Response) -> Finding:
    """An address that does not answer with its document."""
    return Finding(
        f"{url} answers {answer.status_code}, and not with one JSON object",
        "200 and a JSON object",
        "see that the issuer's path is right, and that a proxy passes this address on",
    )


def json_object(answer: requests.Response) -> Mapping[str, object] | None:
    """The one strict JSON object of an answer, or None."""
    try:
        return strict_json.parse_object(answer.content)
    except ValueError:
        return None
