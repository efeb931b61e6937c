"""What a relying party asks for with /logout (OpenID Connect RP-Initiated Logout 1.0, 2 and 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from netid.errors import InvalidRequest, LogoutUnproven, TokenRefused
from netid.identity.relying_party import RelyingParty
from netid.identity.text import Language
from netid.oauth.id_token_hint import IdTokenHints
from netid.oauth.requests import MAX_STATE, asked_language
from netid.services.registration import Registration


@dataclass(frozen=True)
class LogoutRequest:
    """A request whose parts have been checked. Only `EndSession.read` makes one."""

    relying_party: RelyingParty | None
    """Who asks; None where somebody came by themselves."""
    redirect_uri: str | None
    """Where to lead the person afterwards, exactly as it is registered."""
    state: str | None
    language: Language | None

    @property
    def parameters(self) -> dict[str, str]:
        """The same request without its ID token, which is of no use any more and would stay in addresses."""
        given = {
            "client_id": self.relying_party.client_id if self.relying_party else None,
            "post_logout_redirect_uri": self.redirect_uri,
            "state": self.state,
            "ui_locales": self.language,
        }
        return {name: value for name, value in given.items() if value is not None}

    @property
    def way_back(self) -> str | None:
        """The whole address to lead the person to, with `state`."""
        if self.redirect_uri is None or self.state is None:
            return self.redirect_uri
        separator = "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{separator}{urlencode({'state': self.state})}"


class EndSession:
    """Reads logout requests. Nothing redirects unless it is proven where it leads."""

    def __init__(self, *, registration: Registration, hints: IdTokenHints) -> None:
        self._registration = registration
        self._hints = hints

    def read(self, given: Mapping[str, str]) -> LogoutRequest:
        """The request. Raises LogoutUnproven, which only a page may show.

        `logout_hint` is understood and not needed: whoever is signed in here is asked.
        """
        relying_party = self._relying_party(given)
        redirect_uri = given.get("post_logout_redirect_uri")
        if redirect_uri is not None:
            if relying_party is None:
                raise LogoutUnproven("post_logout_redirect_uri needs client_id or id_token_hint; send one")
            # 3: compared by simple string comparison (RFC 3986, 6.2.1).
            if redirect_uri not in relying_party.post_logout_redirect_uris:
                raise LogoutUnproven("post_logout_redirect_uri is not registered; send it to the letter")
        state = given.get("state") if redirect_uri else None
        if state is not None and len(state) > MAX_STATE:
            raise LogoutUnproven(f"state is longer than {MAX_STATE} characters; send less")
        return LogoutRequest(relying_party, redirect_uri, state, asked_language(given))

    def _relying_party(self, given: Mapping[str, str]) -> RelyingParty | None:
        client_id = given.get("client_id")
        hinted = self._hinted(given["id_token_hint"]) if "id_token_hint" in given else None
        # 2: the two have to agree.
        if hinted is not None and client_id not in (None, hinted):
            raise LogoutUnproven("id_token_hint was issued to another client_id; send your own")
        asking = client_id or hinted
        if asking is None:
            return None
        relying_party = self._registration.get(asking)
        if relying_party is None:
            raise LogoutUnproven("client_id is not registered here; register it first")
        return relying_party

    def _hinted(self, id_token: str) -> str:
        """Whom the ID token was issued to; it may have expired (2)."""
        try:
            return self._hints.verify(id_token).client_id
        except (InvalidRequest, TokenRefused) as error:
            raise LogoutUnproven("id_token_hint is not an ID token of this provider; send one") from error
