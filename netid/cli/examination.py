"""Whether a provider that runs is as it says: each address it advertises is asked something harmless."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests

from netid.cli.certificate import certificate_findings
from netid.cli.probes import (
    PROBES,
    Finding,
    Probe,
    document_findings,
    endpoint_findings,
    json_object,
    no_document,
    wrong_status,
)
from netid.client.discovery import read_metadata
from netid.client.errors import MetadataRefused
from netid.client.messages import HttpAnswer
from netid.credentials import jose
from netid.credentials.jwk import PublicKeySet
from netid.errors import InvalidField

_TIMEOUT = 10
_STRANGER = "https://stranger.invalid"
"""An origin that nobody has: what is allowed to it is allowed to every page of the web."""
_OPENID, _OAUTH = "openid-configuration", "oauth-authorization-server"
_CREDENTIALS, _CREDENTIAL_KEYS = "openid-credential-issuer", "jwt-vc-issuer"
_LISTS = "status_list_aggregation_endpoint"
_SIGNING_ALGORITHMS = ("id_token_signing_alg_values_supported", "userinfo_signing_alg_values_supported")


@dataclass(frozen=True)
class Report:
    """What an examination found."""

    looked_at: tuple[str, ...]
    """The addresses that were asked."""
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    """What could be looked at only from outside."""


class Examination:
    """Looks at one provider, once."""

    def __init__(self, issuer: str, *, trust: Path | None, now: Callable[[], datetime]) -> None:
        """`trust` is the certificate of an authority of the provider's own."""
        self._issuer = issuer
        self._trust = trust
        self._now = now
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(trust) if trust else True
        self._looked_at: list[str] = []
        self._notes: list[str] = []

    def report(self) -> Report:
        """Everything that was found. What cannot be reached is a finding and no error."""
        with self._session:
            findings = tuple(self._findings())
        return Report(tuple(self._looked_at), findings, tuple(self._notes))

    def _findings(self) -> Iterator[Finding]:
        of_certificate = list(certificate_findings(self._issuer, self._trust, self._now()))
        yield from of_certificate
        first = self._ask("GET", self._well_known(_OPENID))
        if isinstance(first, Finding):
            # A certificate that is refused says more than that nothing could be asked.
            yield from [] if of_certificate else [first]
            return
        yield from self._clock(first)
        metadata = _document(first)
        if metadata is None:
            yield no_document(self._well_known(_OPENID), first)
            return
        if metadata.get("issuer") != self._issuer:
            yield self._another_issuer(metadata.get("issuer"))
            return
        yield from self._metadata(metadata, first)
        yield from self._both_forms(metadata)
        yield from self._keys(metadata)
        yield from self._addresses(metadata)
        yield from self._credentials(metadata)

    def _addresses(self, metadata: Mapping[str, object]) -> Iterator[Finding]:
        for name, url in sorted(metadata.items()):
            if name.endswith(("_endpoint", "_uri")) and isinstance(url, str):
                yield from self._address(name, url)

    def _credentials(self, metadata: Mapping[str, object]) -> Iterator[Finding]:
        """What wallets read (OpenID4VCI 1.0, 12.2; SD-JWT VC, draft 15, JWT VC Issuer Metadata), but for
        addresses that stand in the metadata too."""
        for document, named in ((_CREDENTIALS, "credential_issuer"), (_CREDENTIAL_KEYS, "issuer")):
            url = self._well_known(document)
            answer = self._ask("GET", url)
            if isinstance(answer, Finding):
                yield answer
                continue
            described = _document(answer)
            if described is None:
                yield no_document(url, answer)
                continue
            yield from document_findings(url, answer)
            if described.get(named) != self._issuer:
                yield Finding(
                    f"{url}: {named} is {described.get(named)!s}",
                    f"{self._issuer}, to the letter (OpenID4VCI 1.0, 12.2.3)",
                    "let the proxy send both addresses to the same provider",
                )
            yield from self._addresses({n: url for n, url in described.items() if metadata.get(n) != url})

    def _well_known(self, document: str) -> str:
        """OpenID Connect Discovery 1.0, 4: behind the issuer's path; RFC 8414, 3.1: before it."""
        if document == _OPENID:
            return f"{self._issuer}/.well-known/{document}"
        parts = urlsplit(self._issuer)
        return f"{parts.scheme}://{parts.netloc}/.well-known/{document}{parts.path}"

    def _ask(self, method: str, url: str) -> requests.Response | Finding:
        if url not in self._looked_at:
            self._looked_at.append(url)
        try:
            return self._session.request(
                method,
                url,
                headers={"Origin": _STRANGER},
                data={} if method == "POST" else None,
                timeout=_TIMEOUT,
                allow_redirects=False,
            )
        except (requests.RequestException, ValueError) as error:
            return Finding(
                f"{url} cannot be reached ({type(error).__name__})",
                "an answer within ten seconds",
                "see that the provider runs, listens where the issuer says, and that a proxy passes it on",
            )

    # The documents

    def _another_issuer(self, named: object) -> Finding:
        return Finding(
            f"{self._issuer} says that its issuer is {named!s}",
            "the same, to the letter (OpenID Connect Discovery 1.0, 4.3)",
            "if everybody uses the one it names, ask for that; else set NETID_PROVIDER_ISSUER to this one",
        )

    def _clock(self, answer: requests.Response) -> Iterator[Finding]:
        try:
            ahead = parsedate_to_datetime(answer.headers["Date"]) - self._now()
        except (KeyError, TypeError, ValueError):
            return
        if abs(ahead) > jose.SKEW:
            yield Finding(
                f"its clock differs from the one here by {abs(ahead).total_seconds():.0f} seconds",
                f"at most {jose.SKEW.total_seconds():.0f}: tokens name times",
                "let both machines keep time by NTP",
            )

    def _metadata(self, metadata: Mapping[str, object], answer: requests.Response) -> Iterator[Finding]:
        yield from document_findings(self._well_known(_OPENID), answer)
        media_type = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
        try:
            read_metadata(self._issuer, HttpAnswer(answer.status_code, media_type, answer.content))
        except MetadataRefused as error:
            yield Finding(
                f"relying parties refuse the metadata: {error.detail}",
                "metadata that the SDK takes (OpenID Connect Discovery 1.0, 3)",
                "see that nothing between changes the document; else it is a fault of the provider",
            )
        for name, values in metadata.items():
            if name.endswith("_alg_values_supported") and isinstance(values, list) and "none" in values:
                yield Finding(f"{name} has none", "signatures only (RFC 8725, 3.1)", "take it out")

    def _both_forms(self, metadata: Mapping[str, object]) -> Iterator[Finding]:
        url = self._well_known(_OAUTH)
        answer = self._ask("GET", url)
        if isinstance(answer, Finding):
            yield answer
        elif (other := _document(answer)) is None:
            yield no_document(url, answer)
        elif other != metadata:
            yield Finding(
                f"{url} says something else than {self._well_known(_OPENID)}",
                "the same in both (RFC 8414, 3)",
                "let the proxy send both addresses to the same provider",
            )

    def _keys(self, metadata: Mapping[str, object]) -> Iterator[Finding]:
        url = metadata.get("jwks_uri")
        answer = self._ask("GET", url) if isinstance(url, str) else None
        if not isinstance(answer, requests.Response):
            return  # a missing member or address is found elsewhere
        document = _document(answer)
        if document is None:
            yield no_document(str(url), answer)
            return
        yield from document_findings(str(url), answer)
        try:
            keys = PublicKeySet.from_jwks(document)
        except InvalidField as error:
            yield Finding(
                f"jwks_uri: {error.field} {error.rule}",
                "public keys (RFC 7517)",
                f"{error.remedy}; after a leak `netid keys retire`",
            )
            return
        advertised = {str(a) for name in _SIGNING_ALGORITHMS for a in _listed(metadata, name)}
        for algorithm in sorted(advertised - {key.algorithm for key in keys.keys}):
            yield Finding(
                f"jwks_uri has no key for {algorithm}",
                "a key for each algorithm that is advertised",
                "restore the key file; `netid keys list` shows what is in it",
            )

    # The endpoints

    def _address(self, name: str, url: str) -> Iterator[Finding]:
        if not url.startswith(f"{self._issuer}/"):
            yield Finding(
                f"{name} is {url}",
                f"an address below {self._issuer}",
                "set NETID_PROVIDER_ISSUER to the address that everybody uses",
            )
        probe = PROBES.get(name, Probe("GET", ()))
        answer = self._ask(probe.method, url)
        if isinstance(answer, Finding):
            yield answer
        elif name in PROBES:
            yield from endpoint_findings(name, url, answer)
        elif name == _LISTS and _document(answer) is None:
            yield no_document(url, answer)
        elif name not in ("jwks_uri", _LISTS):
            yield from self._unknown(name, url, answer)

    def _unknown(self, name: str, url: str, answer: requests.Response) -> Iterator[Finding]:
        if answer.status_code == 404 or answer.status_code >= 500:
            yield wrong_status(name, url, answer.status_code, "an answer")
        else:
            self._notes.append(
                f"{name} is not known here: it answers {answer.status_code}, more was not looked at"
            )


def _document(answer: requests.Response) -> Mapping[str, object] | None:
    return json_object(answer) if answer.status_code == 200 else None


def _listed(metadata: Mapping[str, object], name: str) -> list[object]:
    values = metadata.get(name)
    return values if isinstance(values, list) else []
