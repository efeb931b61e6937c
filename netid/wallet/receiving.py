"""Receiving copies of the net credential (OpenID4VCI 1.0), as messages: made here, sent elsewhere.

Each copy has a key of its own, which proves itself once. What comes is verified before it is kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from netid.credentials import jose, net_credential, sd_jwt_vc, strict_json
from netid.credentials.jwk import SigningKey
from netid.credentials.sd_jwt_vc import Trusted, VerifiedCredential
from netid.errors import TokenRefused
from netid.identity.relying_party import WALLET_CLIENT_ID
from netid.sending import HttpAnswer, HttpRequest
from netid.wallet.errors import IssuerRefused, IssuingEnded, TransactionCodeWrong
from netid.wallet.offers import PRE_AUTHORIZED
from netid.wallet.provider import Provider, json_object
from netid.wallet.safe import NewCopy

PROOF_TYPE = "openid4vci-proof+jwt"


@dataclass(frozen=True)
class AccessToken:
    """A DPoP-bound token for the credential endpoint."""

    value: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """How it is sent (RFC 9449, 7.1)."""
        return {"Authorization": f"DPoP {self.value}"}


@dataclass(frozen=True)
class Received:
    """Copies that were verified, and what the provider wants to be told of them."""

    copies: tuple[NewCopy, ...]
    notification_id: str | None


def by_offer(provider: Provider, code: str, tx_code: str | None) -> HttpRequest:
    """The token request with a pre-authorized code (6.1)."""
    form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": code, "client_id": WALLET_CLIENT_ID}
    return HttpRequest(
        provider.server.token_endpoint, form=form if tx_code is None else {**form, "tx_code": tx_code}
    )


def by_sign_in(provider: Provider, code: str, verifier: str, redirect_uri: str) -> HttpRequest:
    """The token request after the person signed in (RFC 6749, 4.1.3; RFC 7636, 4.5)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        "client_id": WALLET_CLIENT_ID,
    }
    return HttpRequest(provider.server.token_endpoint, form=form)


def read_token(answer: HttpAnswer, *, with_code: bool) -> AccessToken:
    """The token. Raises TransactionCodeWrong (where one was sent), IssuingEnded, IssuerRefused."""
    if answer.status == 400:
        error = json_object(answer, 400).get("error")
        if error == "invalid_grant" and with_code:
            raise TransactionCodeWrong(_said(answer))
        if error in {"invalid_grant", "access_denied"}:
            raise IssuingEnded(_said(answer))
    body = json_object(answer)
    token, kind = body.get("access_token"), body.get("token_type")
    if not isinstance(token, str) or not token.isascii() or not isinstance(kind, str):
        raise IssuerRefused("the token answer has no token")
    if kind.lower() != "dpop":
        raise IssuerRefused("the token is not bound to the wallet's key")
    return AccessToken(token)


def read_nonce(answer: HttpAnswer) -> str:
    """The nonce for the proofs (7.2). Raises IssuerRefused."""
    nonce = json_object(answer).get("c_nonce")
    if not isinstance(nonce, str) or not nonce:
        raise IssuerRefused("the nonce answer has no c_nonce")
    return nonce


def credential_request(
    provider: Provider,
    configuration: str,
    keys: Sequence[SigningKey],
    token: AccessToken,
    nonce: str,
    now: datetime,
) -> HttpRequest:
    """A request for a copy per key (8.2), each with the key's proof (appendix F.1)."""
    claims = {"iss": WALLET_CLIENT_ID, "aud": provider.issuer.credential_issuer, "iat": int(now.timestamp())}
    proofs = [jose.prove({**claims, "nonce": nonce}, key, PROOF_TYPE) for key in keys]
    body = {"credential_configuration_id": configuration, "proofs": {"jwt": proofs}}
    return HttpRequest(provider.issuer.credential_endpoint, token.headers(), json=strict_json.dump(body))


def read_credentials(
    answer: HttpAnswer, provider: Provider, configuration: str, keys: Sequence[SigningKey], now: datetime
) -> Received:
    """The copies, each verified and matched with its key (8.3). Raises IssuerRefused, IssuingEnded."""
    if answer.status in {400, 403}:
        raise IssuingEnded(_said(answer))
    body = json_object(answer)
    match body.get("credentials"):
        case [*listed] if len(listed) == len(keys):
            texts = [_credential(entry) for entry in listed]
        case _:
            raise IssuerRefused("there are not as many copies as keys")
    issuer = provider.issuer.credential_issuer
    trusted = Trusted(issuer, net_credential.type_of(issuer), provider.anchors.keys)
    waiting = {key.public.thumbprint: key for key in keys}
    copies = []
    for text in texts:
        verified = _verified(text, trusted, now)
        key = waiting.pop(verified.holder_key.thumbprint, None)
        if key is None:
            raise IssuerRefused("a copy is bound to a key that is not ours, or to one that another has")
        copies.append(NewCopy(configuration, verified.expires_at, text, key, _fields(verified)))
    notification = body.get("notification_id")
    return Received(tuple(copies), notification if isinstance(notification, str) else None)


def notification(provider: Provider, token: AccessToken, received: Received) -> HttpRequest | None:
    """What tells the provider that the copies are kept (11.1), where it wants to know."""
    endpoint = provider.issuer.notification_endpoint
    if endpoint is None or received.notification_id is None:
        return None
    body = {"notification_id": received.notification_id, "event": "credential_accepted"}
    return HttpRequest(endpoint, token.headers(), json=strict_json.dump(body))


def new_keys(count: int, random: Callable[[int], bytes]) -> list[SigningKey]:
    """A key for each copy."""
    return [SigningKey.generate("ES256", random) for _ in range(count)]


def _credential(entry: object) -> str:
    match entry:
        case {"credential": str(text)}:
            return text
    raise IssuerRefused("a copy is not text")


def _verified(text: str, trusted: Trusted, now: datetime) -> VerifiedCredential:
    try:
        return sd_jwt_vc.verify_credential(text, trusted, now)
    except TokenRefused as error:
        raise IssuerRefused(f"a copy is not right: {error.detail}") from error


def _fields(verified: VerifiedCredential) -> dict[str, str | bool]:
    """What each disclosure shows; each stands at the top, and is a text or a yes or no."""
    fields: dict[str, str | bool] = {}
    for path in verified.disclosed:
        value = verified.claims.get(str(path[0]))
        if len(path) != 1 or not isinstance(value, str | bool):
            raise IssuerRefused("a copy hides something of another shape than a net credential's")
        fields[str(path[0])] = value
    return fields


def _said(answer: HttpAnswer) -> str:
    """The provider's error code, cut to what a log may carry."""
    try:
        code = strict_json.parse_object(answer.body).get("error")
    except ValueError:
        code = None
    return "".join(c for c in str(code)[:60] if c.isprintable())
