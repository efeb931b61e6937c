"""Showing the net credential to a relying party (OpenID4VP 1.0): what is asked, and the answer.

Nothing here reaches the provider: what is needed of it came with the copies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from netid.ambient import Ambient
from netid.credentials import (
    base64url,
    net_credential,
    presentation_response,
    request_object,
    sd_jwt_vc,
    strict_json,
)
from netid.credentials.key_binding import Challenge
from netid.credentials.presentation_response import Declined, Shown
from netid.credentials.request_object import Anchors, VerifiedRequest
from netid.errors import TokenRefused, Unreachable
from netid.identity.addresses import Endpoint
from netid.identity.claims import CATALOGUE, Claim, in_catalogue_order
from netid.identity.relying_party import Purpose
from netid.identity.text import Text
from netid.sending import HttpAnswer, HttpRequest, Send
from netid.wallet.errors import (
    AnswerNotTaken,
    ClaimMissing,
    GuardianNeeded,
    NoCopyLeft,
    OverAsked,
    RequestRefused,
)
from netid.wallet.grants import Grants
from netid.wallet.offers import RequestLink
from netid.wallet.provider import read_anchors
from netid.wallet.safe import Copy, Safe

_ADDRESS: TypeAdapter[str] = TypeAdapter(Endpoint)
_REQUEST_TYPE = "application/oauth-authz-req+jwt"
_ADULT_ENOUGH = "age_over_14"


@dataclass(frozen=True)
class Asked:
    """A relying party's request, checked, with what its owner needs to decide."""

    request: VerifiedRequest
    purpose: Purpose | None
    """None where the check result alone is asked for."""
    fields: Mapping[str, str | bool] = field(repr=False)
    """What the wallet could show of what is asked for, for its owner's eyes."""
    copies_left: int
    """How many copies are left that were never shown, this request's own not yet taken off."""
    remembered: bool
    """Whether the person lets this platform recognise them."""
    recognised: bool
    """Whether a copy that it saw before is kept for it."""

    @property
    def client_id(self) -> str:
        """The relying party, by the name under which it is registered."""
        return self.request.statement.client_id

    @property
    def platform(self) -> Text:
        """What it is called."""
        return self.request.statement.name

    @property
    def essential(self) -> list[Claim]:
        """What is shown or nothing is, in the order a page lists it."""
        return in_catalogue_order(self.request.ask.query.essential)

    @property
    def voluntary(self) -> list[Claim]:
        """What the person may tick."""
        query = self.request.ask.query
        return in_catalogue_order(query.claims - query.essential)

    @property
    def missing(self) -> frozenset[str]:
        """What cannot be done without and is not in the net credential."""
        return self.request.ask.query.essential - self.fields.keys()

    def shown(self, ticked: frozenset[str]) -> frozenset[str]:
        """What is shown if the person ticks these. Raises ClaimMissing where that is no answer."""
        query = self.request.ask.query
        claims = query.essential | (ticked & query.claims & self.fields.keys())
        if self.missing or not query.is_answered_by(claims):
            raise ClaimMissing("what is asked for is not there, or nothing of it was ticked")
        return claims


@dataclass(frozen=True)
class Answered:
    """What became of a request."""

    platform: Text
    given: tuple[str, ...]
    """The names of the claims that were shown; empty where nothing was, or the check result alone."""
    agreed: bool
    return_to: str | None = field(repr=False)
    """Where the person goes on, on this device; None where the request came from another one."""


class Presenter:
    """Opens requests and answers them."""

    def __init__(self, issuer: str, *, safe: Safe, grants: Grants, send: Send, ambient: Ambient) -> None:
        self._issuer = issuer
        self._safe = safe
        self._grants = grants
        self._send_anywhere = send
        self._ambient = ambient

    def open(self, link: RequestLink) -> Asked:
        """The request that this link leads to.

        Raises NoCopyLeft, Unreachable, RequestRefused, OverAsked, GuardianNeeded.
        """
        kept = self._safe.kept("anchors")
        copies = self._safe.copies()
        if kept is None or not copies:
            raise NoCopyLeft
        request = self._fetched(link, read_anchors(kept))
        self._refuse_provider(request.ask.response_uri)
        asked = self._asked(request, copies)
        if refusal := request_object.refusal_of(request, net_credential.type_of(self._issuer)):
            self._log("stopped", asked, frozenset())
            raise OverAsked(asked.platform, refusal)
        self._check_guardian(asked, copies)
        if not asked.copies_left and not asked.recognised:
            raise NoCopyLeft
        return asked

    def agree(self, asked: Asked, ticked: frozenset[str], *, remember: bool) -> Answered:
        """Shows a copy with what is essential and what is ticked.

        `remember` keeps the copy for this relying party, which then recognises the person by it.
        Raises ClaimMissing, NoCopyLeft, AnswerNotTaken, after which the copy counts as used.
        """
        claims = asked.shown(ticked)
        copy = self._taken(asked, claims, remember=remember or asked.remembered)
        ask = asked.request.ask
        challenge = Challenge(asked.request.client_id, ask.nonce)
        paths = [(name,) for name in claims]
        presentation = sd_jwt_vc.present(copy.credential, paths, challenge, copy.key, self._ambient.now())
        return self._answer(asked, Shown(ask.query.id, presentation, ask.state), claims)

    def refuse(self, asked: Asked) -> Answered:
        """Tells the relying party that the person said no. Raises AnswerNotTaken."""
        return self._answer(asked, Declined("access_denied", asked.request.ask.state), frozenset())

    def _fetched(self, link: RequestLink, anchors: Anchors) -> VerifiedRequest:
        """5.10: with POST the wallet's nonce shows that the request was made for this one visit."""
        try:
            address = _ADDRESS.validate_python(link.request_uri)
        except ValidationError as error:
            raise RequestRefused("request_uri is not an address to fetch from") from error
        nonce = base64url.encode(self._ambient.random(16)) if link.by_post else None
        headers = {"Accept": _REQUEST_TYPE}
        answer = self._send(
            HttpRequest(address, headers, form=None if nonce is None else {"wallet_nonce": nonce})
        )
        if answer.status != 200 or answer.media_type != _REQUEST_TYPE:
            raise RequestRefused("there is no request at request_uri")
        try:
            return request_object.verify(
                answer.body.decode("ascii"), link.client_id, anchors, self._ambient.now(), nonce
            )
        except (UnicodeDecodeError, TokenRefused) as error:
            detail = error.detail if isinstance(error, TokenRefused) else "it is not ASCII"
            raise RequestRefused(detail) from error

    def _asked(self, request: VerifiedRequest, copies: list[Copy]) -> Asked:
        statement, ask = request.statement, request.ask
        own = [copy for copy in copies if copy.kept_for == statement.client_id]
        free = [copy for copy in copies if copy.kept_for is None]
        fields = (own or free or copies)[0].fields
        return Asked(
            request=request,
            purpose=statement.purpose(ask.purpose) if ask.purpose is not None else None,
            fields={name: fields[name] for name in ask.query.claims & fields.keys()},
            copies_left=len(free),
            remembered=statement.client_id in self._safe.remembered(),
            recognised=bool(own),
        )

    def _check_guardian(self, asked: Asked, copies: list[Copy]) -> None:
        """Measures, article 5. What does not say that the person is 14 counts as saying that they are not."""
        if copies[0].fields.get(_ADULT_ENOUGH) is True:
            return
        if not self._grants.allow(asked.client_id, asked.purpose):
            self._log("stopped", asked, frozenset())
            raise GuardianNeeded(asked.platform, asked.purpose.text if asked.purpose else None)

    def _taken(self, asked: Asked, claims: frozenset[str], *, remember: bool) -> Copy:
        """The copy to show: kept for this relying party, or taken out of the safe before it is shown.

        A copy that is kept is the one that lasts longest; one that is used up, the first to expire. Copies
        of other days may say something else: only one that says of these claims what its owner read counts.
        """
        client_id = asked.client_id
        copies = [copy for copy in self._safe.copies() if _says(copy, asked.fields, claims)]
        if remember:
            self._safe.remember(client_id)
            own = [copy for copy in copies if copy.kept_for == client_id]
            if own:
                return own[0]
            copies.reverse()
        for copy in copies:
            if copy.kept_for is None and (
                self._safe.keep_for(copy, client_id) if remember else self._safe.spend(copy)
            ):
                return copy
        raise NoCopyLeft

    def _answer(self, asked: Asked, answer: Shown | Declined, claims: frozenset[str]) -> Answered:
        agreed = isinstance(answer, Shown)
        ask = asked.request.ask
        form = presentation_response.write(answer, ask.encryption_key)
        try:
            return_to = _return_to(self._send(HttpRequest(ask.response_uri, form=form)))
        except (Unreachable, AnswerNotTaken) as error:
            self._log("not-taken", asked, claims)
            raise AnswerNotTaken(error.detail) from error
        self._log("shown" if agreed else "refused", asked, claims)
        return Answered(asked.platform, _names(claims), agreed, return_to)

    def _send(self, request: HttpRequest) -> HttpAnswer:
        """To anybody but the provider, who learns nothing of what is shown to whom."""
        self._refuse_provider(request.url)
        return self._send_anywhere(request)

    def _refuse_provider(self, address: str) -> None:
        if _origin(address) == _origin(self._issuer):
            raise RequestRefused("the request leads to the provider")

    def _log(self, outcome: str, asked: Asked, given: frozenset[str]) -> None:
        statement = asked.request.statement
        details = {
            "client_id": statement.client_id,
            "platform": statement.name.model_dump(),
            "contact": statement.contact,
            "purpose": asked.purpose.text.model_dump() if asked.purpose else None,
            "asked": _names(asked.request.ask.query.claims),
            "given": _names(given),
        }
        self._safe.write(outcome, details)


def _says(copy: Copy, fields: Mapping[str, str | bool], claims: frozenset[str]) -> bool:
    return all(copy.fields.get(name) == fields[name] for name in claims)


def _names(claims: frozenset[str]) -> tuple[str, ...]:
    """In the catalogue's order; what is not in it, a wallet that was over-asked logs too."""
    known = in_catalogue_order(claims & CATALOGUE.keys())
    return (*(claim.name for claim in known), *sorted(claims - CATALOGUE.keys()))


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _return_to(answer: HttpAnswer) -> str | None:
    """8.2: where the relying party wants the person to go on. Raises AnswerNotTaken."""
    if answer.status != 200 or answer.media_type != "application/json":
        raise AnswerNotTaken(f"the status is {answer.status}")
    try:
        address = strict_json.parse_object(answer.body).get("redirect_uri")
        # A response code may stand in the fragment, which never goes to a server.
        return None if address is None else _with_fragment(address)
    except ValueError as error:
        raise AnswerNotTaken("the answer is not one strict JSON object with an address in it") from error


def _with_fragment(address: object) -> str:
    text = address if isinstance(address, str) else ""
    start, _, fragment = text.partition("#")
    if not fragment.isascii() or not fragment.isprintable():
        raise ValueError("the fragment is not printable ASCII")
    _ADDRESS.validate_python(start)
    return text
