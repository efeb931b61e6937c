"""What a link or a pasted text asks of the wallet: to take copies, or to show one."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netid.credentials import strict_json
from netid.identity.addresses import Issuer
from netid.sending import HttpRequest, Send
from netid.wallet.errors import OfferRefused, RequestRefused

MAX_TEXT = 16_384
"""The longest link or offer that is looked at."""

PRE_AUTHORIZED = "urn:ietf:params:oauth:grant-type:pre-authorized_code"

_MEDIA_TYPE = "application/json"


class TransactionCode(BaseModel):
    """How the code looks that comes by another way than the offer (OpenID4VCI 1.0, 4.1.1)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    input_mode: Literal["numeric", "text"] = "numeric"
    length: int | None = Field(None, ge=1, le=64)


class _PreAuthorized(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str = Field(alias="pre-authorized_code", min_length=1, max_length=1000, repr=False)
    tx_code: TransactionCode | None = None


class _Code(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer_state: str | None = Field(None, max_length=1000, repr=False)


class _Grants(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    pre_authorized: _PreAuthorized | None = Field(None, alias=PRE_AUTHORIZED)
    authorization_code: _Code | None = None


class Offer(BaseModel):
    """A credential offer (OpenID4VCI 1.0, 4.1.1)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    credential_issuer: Issuer
    credential_configuration_ids: tuple[str, ...] = Field(min_length=1, max_length=10)
    grants: _Grants = _Grants()

    @property
    def pre_authorized(self) -> _PreAuthorized | None:
        """The grant that needs no sign-in, where it has one."""
        return self.grants.pre_authorized


@dataclass(frozen=True)
class RequestLink:
    """Where a relying party's request lies (OpenID4VP 1.0, 5.4)."""

    client_id: str
    request_uri: str = field(repr=False)
    by_post: bool
    """Whether it is fetched with POST, and then with a nonce of the wallet's (5.10)."""


def is_request(text: str) -> bool:
    """Whether this link asks the wallet to show something."""
    return "request_uri" in _parameters(text)


def read_request(text: str) -> RequestLink:
    """The request that a link or its query leads to. Raises RequestRefused."""
    given = _parameters(text)
    method = given.get("request_uri_method", "get")
    if not given.get("client_id") or not given.get("request_uri") or method not in {"get", "post"}:
        raise RequestRefused("the link does not say who asks, and where the request lies")
    return RequestLink(given["client_id"], given["request_uri"], method == "post")


def read_offer(text: str, issuer: str, send: Send) -> Offer:
    """The offer in a link, at the address that a link names, or in the text itself.

    Only this issuer's offers count, and nothing is fetched from anybody else: whoever sends a link does
    not decide where the wallet connects to. Raises OfferRefused, Unreachable.
    """
    given = _parameters(text)
    if ("credential_offer" in given) == ("credential_offer_uri" in given):
        raise OfferRefused("there is no offer in it, or more than one")  # 4.1
    if "credential_offer" in given:
        written = given["credential_offer"].encode()
    else:
        written = _fetched(given["credential_offer_uri"], issuer, send)
    try:
        offer = Offer.model_validate(strict_json.parse_object(written))
    except (ValueError, ValidationError) as error:
        raise OfferRefused("it is not an offer") from error
    if offer.credential_issuer != issuer:
        raise OfferRefused("the offer is another provider's")
    return offer


def _fetched(address: str, issuer: str, send: Send) -> bytes:
    """4.1.3."""
    if not address.startswith(f"{issuer}/") or "#" in address:
        raise OfferRefused("the offer does not lie at the provider")
    answer = send(HttpRequest(address))
    if answer.status != 200 or answer.media_type != _MEDIA_TYPE:
        raise OfferRefused("the offer is not there any more")
    return answer.body


def _parameters(text: str) -> dict[str, str]:
    """The parameters of a link in any scheme, of a query alone, or of a written-out offer."""
    text = text.strip()
    if len(text) > MAX_TEXT:
        return {}
    if text.startswith("{"):
        return {"credential_offer": text}
    try:
        query = urlsplit(text).query if "?" in text else text
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        return {}
    # A parameter twice may mean one thing to us and another to somebody else.
    return dict(pairs) if len(dict(pairs)) == len(pairs) else {}
