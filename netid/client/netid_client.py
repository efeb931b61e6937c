"""Sign-in with NetID for one relying party: begin, finish, fields, end."""

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from netid.ambient import Ambient
from netid.client.authentication import Credentials
from netid.client.authorization import authorization_url, begin, read_callback, request_parameters
from netid.client.check_result import CheckResult, Expected, verify_id_token
from netid.client.discovery import ProviderMetadata
from netid.client.errors import MetadataRefused
from netid.client.events import SecurityEvent, SignedOut, verify_event, verify_logout_token
from netid.client.fields import Fields, userinfo_request, verify_userinfo
from netid.client.messages import HttpAnswer, HttpRequest, Send
from netid.client.pending import PendingInMemory, PendingStore
from netid.client.provider import Provider
from netid.client.pushing import push_request, read_push_answer
from netid.client.registration import Ask, Registration
from netid.client.token_answer import (
    AccessToken,
    read_revocation_answer,
    read_token_answer,
    revocation_request,
    token_request,
)
from netid.client.transport import Transport, inside
from netid.credentials import base64url
from netid.dpop import DPoP
from netid.identity.text import Language

_FINISHED = object()


@dataclass(frozen=True)
class SignedIn:
    """A person who has come back from the provider. Only `NetIDClient.finish` makes one."""

    check: CheckResult
    ask: Ask
    """What was asked for."""
    access_token: AccessToken
    id_token: str = field(repr=False)
    """The ID token as it came."""
    token_answer: bytes = field(repr=False)
    """The token endpoint's answer as it came, byte for byte."""
    _proof: InitVar[object]

    def __post_init__(self, _proof: object) -> None:
        if _proof is not _FINISHED:
            raise TypeError("only NetIDClient.finish makes a SignedIn")


class NetIDClient:
    """One relying party's side of the authorization code flow; safe for all threads of a process.

    Every failure is a subclass of ClientError that says what to do.
    """

    def __init__(
        self,
        registration: Registration,
        *,
        ambient: Ambient | None = None,
        pending: PendingStore | None = None,
        send: Send | None = None,
        trust: Path | None = None,
        internal: str | None = None,
    ) -> None:
        """`trust` is the certificate (PEM) of a provider's own authority, `internal` where this server
        reaches the provider if not at its issuer (see `netid.client.transport.inside`).

        Raises ConfigurationRefused.
        """
        self.registration = registration
        self._ambient = ambient or Ambient.real()
        self._pending = pending or PendingInMemory(self._ambient.now)
        direct = send or Transport(self._ambient, trust=trust).send
        self._send = inside(direct, registration.issuer, internal) if internal else direct
        key = registration.dpop_key
        self._dpop = DPoP(key.key, self._send, self._ambient) if key else None
        self._provider = Provider(registration.issuer, self._send, self._ambient.now)

    def now(self) -> datetime:
        """The time as this client knows it (UTC)."""
        return self._ambient.now()

    def new_browser(self) -> str:
        """A secret for a browser that has none yet: keep it in an HttpOnly cookie."""
        return base64url.encode(self._ambient.random(32))

    def begin(self, browser: str, ask: Ask) -> str:
        """Where to send this browser, whose random secret (a cookie) `browser` is.

        Raises ProviderUnreachable or MetadataRefused.
        """
        metadata = self._metadata()
        pending = begin(ask, self._ambient.now(), self._ambient.random)
        parameters = request_parameters(self.registration, pending)
        if metadata.pushed_authorization_request_endpoint and self._dpop:
            parameters = self._pushed(metadata.pushed_authorization_request_endpoint, parameters)
        self._pending.put(browser, pending)
        return authorization_url(metadata.authorization_endpoint, parameters)

    def _pushed(self, endpoint: str, parameters: dict[str, str]) -> dict[str, str]:
        """RFC 9126: what was pushed stays between the servers; the browser carries a name for it."""
        answer = self._send(push_request(endpoint, parameters, self._credentials()))
        return {"client_id": self.registration.client_id, "request_uri": read_push_answer(answer)}

    def finish(self, browser: str, query: str) -> SignedIn:
        """Who came back, from the query (without `?`) of the address they came back to.

        Raises a ClientError; then nobody is signed in.
        """
        known, endpoint = self.registration, self._metadata().token_endpoint
        issuer = known.issuer
        code = read_callback(query, issuer, lambda state: self._pending.take(browser, state))
        answer = self._prove(lambda: token_request(endpoint, known.redirect_uri, code, self._credentials()))
        tokens = read_token_answer(answer, "DPoP" if self._dpop else "Bearer")
        id_token, asked = tokens.unverified_id_token, code.pending
        expected = Expected(
            issuer=issuer,
            client_id=known.client_id,
            algorithm=known.id_token_alg,
            nonce=asked.nonce,
            access_token=tokens.access_token.value,
            ask=asked.ask,
            begun_at=asked.begun_at,
        )
        check = verify_id_token(id_token, expected, self._provider.keys_for(id_token), self._ambient.now())
        return SignedIn(check, asked.ask, tokens.access_token, id_token, tokens.answer, _FINISHED)

    def fields(self, signed_in: SignedIn) -> Fields:
        """What the person agreed to share, as it stands now: within five minutes, any number of times.

        Raises FieldsEnded once it is withdrawn, cancelled or over.
        """
        token = signed_in.access_token
        request = userinfo_request(self._metadata().userinfo_endpoint, token)
        answer = self._prove(lambda: request, token.value)
        keys_for = self._provider.keys_for
        return verify_userinfo(answer, self.registration, signed_in.ask, signed_in.check, keys_for)

    def end(self, signed_in: SignedIn) -> None:
        """Ends the access token: nobody can ask for the fields with it again (RFC 7009)."""
        endpoint = self._metadata().revocation_endpoint
        request = revocation_request(endpoint, signed_in.access_token, self._credentials())
        read_revocation_answer(self._send(request))

    def event(self, token: str) -> SecurityEvent:
        """The event that the provider pushed to `events_uri`.

        Raises EventRefused, or ProviderUnreachable while its keys cannot be had.
        """
        return verify_event(token, self.registration, self._provider.keys_for, self._ambient.now())

    def signed_out(self, token: str) -> SignedOut:
        """Who was signed out, by the logout token that came to `backchannel_logout_uri`.

        Raises LogoutRefused, or ProviderUnreachable while the provider's keys cannot be had.
        """
        return verify_logout_token(token, self.registration, self._provider.keys_for, self._ambient.now())

    def sign_out_address(self, state: str | None = None, language: Language | None = None) -> str:
        """Where to send a browser whose person may want to sign out at the provider as well.

        The provider asks them, and sends them to `post_logout_redirect_uri` with this state (RP-Initiated
        Logout 1.0). The address carries no ID token: it would stay in histories and logs. Raises
        ProviderUnreachable or MetadataRefused.
        """
        endpoint = self._metadata().end_session_endpoint
        if endpoint is None:
            raise MetadataRefused("end_session_endpoint is missing")
        known = self.registration
        asked = {
            "client_id": known.client_id,
            "post_logout_redirect_uri": known.post_logout_redirect_uri,
            "state": state if known.post_logout_redirect_uri else None,
            "ui_locales": language,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(given)}"

    def _prove(self, request: Callable[[], HttpRequest], access_token: str | None = None) -> HttpAnswer:
        return self._dpop.send(request, access_token) if self._dpop else self._send(request())

    def _credentials(self) -> Credentials:
        known = self.registration
        return known.authentication.credentials(known.client_id, known.issuer, self._ambient)

    def _metadata(self) -> ProviderMetadata:
        metadata = self._provider.metadata()
        if self.registration.authentication.method not in metadata.token_endpoint_auth_methods_supported:
            raise MetadataRefused("token_endpoint_auth_methods_supported lacks the registered method")
        if self.registration.id_token_alg not in metadata.id_token_signing_alg_values_supported:
            raise MetadataRefused("id_token_signing_alg_values_supported lacks the registered one")
        if self._dpop is not None:
            if metadata.pushed_authorization_request_endpoint is None:
                raise MetadataRefused("pushed_authorization_request_endpoint is missing (RFC 9126)")
            if "ES256" not in metadata.dpop_signing_alg_values_supported:
                raise MetadataRefused("dpop_signing_alg_values_supported has no ES256 (RFC 9449)")
        return metadata
