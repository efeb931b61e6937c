"""What a relying party holds so that it can ask wallets and check what they show without asking anybody.

All of it comes from the provider and is fetched on a timer, the same for whoever presents: its access
certificate and registration, the keys that sign credentials, and every list of what became of them.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from cryptography import x509

from netid.ambient import Ambient
from netid.client.errors import MetadataRefused, NotReady, ProviderUnreachable
from netid.client.messages import HttpAnswer, HttpRequest, Send, json_object, refuse_overload
from netid.client.registration import Registration
from netid.client.token_answer import refusal
from netid.credentials import net_credential, registration_statement, status_list, strict_json
from netid.credentials.certificate_chain import key_of, read_certificate, x509_hash
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.credentials.registration_statement import Statement
from netid.credentials.request_object import Verifier
from netid.credentials.sd_jwt_vc import Trusted
from netid.credentials.status_list import StatusReference, VerifiedStatusList
from netid.errors import InvalidField, StatusListRefused, TokenRefused

REFRESHED_EVERY = timedelta(minutes=15)
"""How often all of it is fetched."""

KEPT_FOR = timedelta(hours=1)
"""How long it counts where the provider cannot be reached; a key that was taken back ends here at last."""

MOST_LISTS = 64
"""How many status lists are fetched; each fits in one answer (`sending.MAX_ANSWER`)."""

_log = logging.getLogger("netid.client")


@dataclass(frozen=True)
class Standing:
    """Everything that was fetched at one time."""

    verifier: Verifier
    """How this relying party shows itself to wallets."""
    statement: Statement
    """Its registration: the purposes it may ask for."""
    trusted: Trusted
    """Whose credentials count."""
    lists: Mapping[str, VerifiedStatusList] = field(repr=False)
    """By address."""
    fetched_at: datetime

    def check_status(self, reference: StatusReference | None, now: datetime) -> None:
        """That the credential has not ended since it was issued.

        Raises CredentialRevoked, CredentialSuspended, or StatusListRefused where no list says so: it was
        not to be had, is out of date, or is unknown.
        """
        if reference is None:
            return
        if reference.uri not in self.lists:
            raise StatusListRefused("the list was not to be had when lists were fetched last")
        self.lists[reference.uri].check(reference, now)


class Standings:
    """The standing as it is now, for all threads of one process."""

    def __init__(self, registration: Registration, send: Send, ambient: Ambient) -> None:
        self._registration = registration
        # Fresh with each start: the certificate is for it, and it signs nothing but requests to wallets.
        self._key = SigningKey.generate("ES256", ambient.random)
        self._send = send
        self._ambient = ambient
        self._lock = Lock()
        self._standing: Standing | None = None

    def current(self) -> Standing:
        """What was fetched last; nothing is fetched here. Raises NotReady."""
        standing = self._standing
        if standing is None or self._ambient.now() - standing.fetched_at >= KEPT_FOR:
            raise NotReady("keys, certificate and lists were not fetched within the last hour")
        return standing

    def refresh(self) -> Standing:
        """Fetches everything anew.

        Raises ProviderUnreachable, MetadataRefused or ClientRefused; what there was counts on for a while.
        """
        with self._lock:
            before = self._standing.lists if self._standing else {}
            self._standing = self._fetched(before)
            return self._standing

    def _fetched(self, before: Mapping[str, VerifiedStatusList]) -> Standing:
        now, issuer = self._ambient.now(), self._registration.issuer
        keys = read_issuer_keys(self._send(HttpRequest(f"{issuer}/.well-known/jwt-vc-issuer")), issuer)
        certified = self._send(self._certificate_request())
        verifier, statement = read_access(certified, self._key, issuer, keys, now)
        described = self._send(HttpRequest(f"{issuer}/.well-known/openid-credential-issuer"))
        return Standing(
            verifier=verifier,
            statement=statement,
            trusted=Trusted(issuer, net_credential.type_of(issuer), keys),
            lists=self._lists(described, keys, before),
            fetched_at=now,
        )

    def _certificate_request(self) -> HttpRequest:
        known = self._registration
        given = known.authentication.credentials(known.client_id, known.issuer, self._ambient)
        jwk = strict_json.dump(self._key.public.required_members).decode()
        form = {**given.form, "jwk": jwk}
        return HttpRequest(f"{known.issuer}/access-certificate", given.headers, form)

    def _lists(
        self, described: HttpAnswer, keys: PublicKeySet, before: Mapping[str, VerifiedStatusList]
    ) -> Mapping[str, VerifiedStatusList]:
        """Every list that the issuer has, so that fetching one says nothing of whose status is looked up."""
        issuer, now = self._registration.issuer, self._ambient.now()
        address = json_object(described, MetadataRefused).get("status_list_aggregation_endpoint")
        if address is None:
            return {}
        lists: dict[str, VerifiedStatusList] = {}
        for uri in read_aggregation(self._send(HttpRequest(_of_the_issuer(address, issuer))), issuer):
            try:
                fetched = read_status_list(self._send(HttpRequest(uri)), uri, keys, now)
                lists[uri] = _no_older(fetched, before.get(uri))
            except (StatusListRefused, ProviderUnreachable) as error:
                # One list that fails says nothing of the others; its last word counts until it expires.
                _log.warning("status list %s: %s", uri, error.detail or error.description)
                if uri in before:
                    lists[uri] = before[uri]
        return lists


def read_issuer_keys(answer: HttpAnswer, issuer: str) -> PublicKeySet:
    """The keys that sign credentials (SD-JWT VC, draft 15). Raises MetadataRefused."""
    members = json_object(answer, MetadataRefused)
    if members.get("issuer") != issuer:
        raise MetadataRefused("the credential issuer's name is not exactly the configured issuer")
    try:
        return PublicKeySet.from_jwks(members.get("jwks"))
    except InvalidField as error:
        raise MetadataRefused(error.detail) from error


def read_access(
    answer: HttpAnswer, key: SigningKey, issuer: str, keys: PublicKeySet, now: datetime
) -> tuple[Verifier, Statement]:
    """The access certificate for that key, and the statement that belongs to it.

    Raises ClientRefused where the provider does not know this relying party, else MetadataRefused.
    """
    refuse_overload(answer)
    if answer.status != 200:
        raise refusal(answer)
    match json_object(answer, MetadataRefused):
        case {"certificate_chain": [*chain], "registration": str(token)}:
            try:
                certificate = read_certificate(chain)
                _check_for(certificate, key)
                statement = registration_statement.verify(token, issuer, keys, now)
            except TokenRefused as error:
                raise MetadataRefused(error.detail) from error
            if statement.x509_hash != x509_hash(certificate):
                raise MetadataRefused("the registration is for another certificate")
            return Verifier(certificate, key, token), statement
    raise MetadataRefused("the access certificate's answer has no certificate and registration")


def read_aggregation(answer: HttpAnswer, issuer: str) -> tuple[str, ...]:
    """The addresses of all status lists (Token Status List, draft 18, 9). Raises MetadataRefused."""
    match json_object(answer, MetadataRefused):
        case {"status_lists": [*lists]} if len(lists) <= MOST_LISTS:
            return tuple(_of_the_issuer(uri, issuer) for uri in lists)
    raise MetadataRefused("status_lists is not a list, or too long")


def read_status_list(answer: HttpAnswer, uri: str, keys: PublicKeySet, now: datetime) -> VerifiedStatusList:
    """One status list (draft 18, 8). Raises StatusListRefused or ProviderUnreachable."""
    refuse_overload(answer)
    if answer.status != 200 or answer.media_type != "application/statuslist+jwt":
        raise StatusListRefused(f"the answer is no status list: {answer.status} {answer.media_type[:60]}")
    return status_list.verify(answer.body.decode("ascii", "replace"), uri=uri, keys=keys, now=now)


def _no_older(fetched: VerifiedStatusList, known: VerifiedStatusList | None) -> VerifiedStatusList:
    """What was revoked does not come back because a cache on the way answers with what it has kept."""
    if known is not None and fetched.issued_at < known.issued_at:
        raise StatusListRefused("it is older than the one that was fetched before")
    return fetched


def _of_the_issuer(address: object, issuer: str) -> str:
    """Nobody is led elsewhere by what an answer says."""
    if not isinstance(address, str) or not address.startswith(f"{issuer}/"):
        raise MetadataRefused("a status list's address is not the issuer's")
    return address


def _check_for(certificate: x509.Certificate, key: SigningKey) -> None:
    if key_of(certificate).thumbprint != key.public.thumbprint:
        raise TokenRefused("the certificate is for another key")
