"""A registered relying party, and a whole sign-in at it through the SDK."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from netid.ambient import Ambient
from netid.client import (
    Ask,
    CheckResult,
    ClientSecretBasic,
    Fields,
    NetIDClient,
    PairwiseSubject,
    Registration,
    SignedIn,
    WalletClient,
)
from netid.errors import PageShown

if TYPE_CHECKING:
    from netid.pytest_plugin.realm import NetID, Person

PURPOSE = "for-the-test"
_WORDS = {"zh": "测试", "en": "For a test"}


@dataclass(frozen=True)
class LoggedIn:
    """Somebody who signed in at a relying party."""

    signed_in: SignedIn
    _client: NetIDClient

    @property
    def check(self) -> CheckResult:
        """What the relying party learnt."""
        return self.signed_in.check

    @property
    def subject(self) -> PairwiseSubject:
        """What this relying party knows the person by."""
        return self.signed_in.check.subject

    def fields(self) -> Fields:
        """What UserInfo answers now. Raises FieldsEnded once it is withdrawn or over."""
        return self._client.fields(self.signed_in)


class RelyingParty:
    """One relying party of a realm."""

    def __init__(self, netid: "NetID", shown: Mapping[str, Any], secret: str) -> None:
        self._netid = netid
        self.client_id: str = shown["client_id"]
        self.client_secret = secret
        self.redirect_uri: str = shown["redirect_uris"][0]
        self.scope = " ".join(["openid", "netid.verify", *_purpose_scopes(shown)])
        """Asks for everything it may ask for."""
        self.id_token_alg: Literal["RS256", "ES256"] = shown["id_token_signed_response_alg"]
        self._purposes = [purpose["id"] for purpose in shown["purposes"]]

    def login(
        self, person: "Person | str", fields: "Literal['all', 'none'] | Sequence[str]" = "none"
    ) -> LoggedIn:
        """The person signs in here, ticking these voluntary claims; the SDK checks everything.

        Raises a ClientError where the SDK refuses, PageShown where the person has to do something.
        """
        self._netid.decide_once(self.client_id, person, fields)
        client = self.client()
        browser = client.new_browser()
        purpose = self._purposes[0] if self._purposes else None
        back = self._netid.visit(client.begin(browser, Ask(purpose=purpose)))
        if back is None or not back.startswith(self.redirect_uri):
            raise PageShown(f"a page was shown in place of the way back to {self.client_id}")
        return LoggedIn(client.finish(browser, urlsplit(back).query), client)

    def client(self) -> NetIDClient:
        """The SDK as this relying party, with the realm's clock."""
        return NetIDClient(self._registration, ambient=self._ambient, send=self._netid.send)

    def wallets(self, address: str) -> WalletClient:
        """What this relying party asks wallets with, reached by them at that address; freshly fetched."""
        client = WalletClient(self._registration, address, ambient=self._ambient, send=self._netid.send)
        client.refresh()
        return client

    @property
    def _registration(self) -> Registration:
        return Registration(
            issuer=self._netid.issuer,
            client_id=self.client_id,
            redirect_uri=self.redirect_uri,
            profile="oidc",
            authentication=ClientSecretBasic(self.client_secret),
            id_token_alg=self.id_token_alg,
        )

    @property
    def _ambient(self) -> Ambient:
        return Ambient(now=lambda: self._netid.now, random=secrets.token_bytes)


def _purpose_scopes(shown: Mapping[str, Any]) -> list[str]:
    return [f"netid.purpose.{purpose['id']}" for purpose in shown["purposes"][:1]]


def registration_of(
    client_id: str,
    redirect_uri: str,
    essential: tuple[str, ...],
    voluntary: tuple[str, ...],
    changes: Mapping[str, Any],
) -> tuple[dict[str, Any], str]:
    """A registration with every member that is needed, and its secret."""
    secret = str(changes.get("secret") or secrets.token_urlsafe(32))
    entry: dict[str, Any] = {
        "name": {"zh": f"{client_id}（测试）", "en": f"{client_id} (test)"},
        "contact": f"privacy@{client_id}.example",
        "legal_entity": {
            "name": {"zh": f"{client_id}公司", "en": f"{client_id} Ltd"},
            "sector": f"{client_id.lower().replace('_', '-')}.example",
        },
        "redirect_uris": [redirect_uri],
        "authentication": "client_secret_basic",
        "secret": secret,
    }
    if essential or voluntary:
        entry["purposes"] = [_purpose(essential, voluntary)]
    return entry | dict(changes), secret


def _purpose(essential: tuple[str, ...], voluntary: tuple[str, ...]) -> dict[str, Any]:
    necessity = dict.fromkeys(essential, "essential") | dict.fromkeys(voluntary, "voluntary")
    return {
        "id": PURPOSE,
        "text": _WORDS,
        "legal_basis": {"code": "FOR-A-TEST", "text": _WORDS},
        "retention_days": 0,
        "claims": [
            {"name": name, "necessity": needed, "because": _WORDS} for name, needed in necessity.items()
        ],
    }
