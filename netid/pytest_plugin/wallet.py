"""A wallet of a realm's person that shows net credentials, rightly or with one thing wrong."""

import secrets
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import parse_qs, urlsplit
from wsgiref.types import WSGIApplication

from werkzeug.test import Client

from netid.ambient import Ambient
from netid.credentials import (
    base64url,
    key_binding,
    net_credential,
    presentation_response,
    request_object,
    sd_jwt,
    strict_json,
)
from netid.credentials.key_binding import Challenge
from netid.credentials.presentation_response import Declined, Shown
from netid.credentials.request_object import VerifiedRequest
from netid.credentials.sd_jwt import SdJwt
from netid.errors import ManagementRefused, PageShown, TokenRefused
from netid.identity.claims import CATALOGUE
from netid.identity.own_wallet import LONG, SHORT
from netid.identity.relying_party import WALLET_CLIENT_ID
from netid.identity.shape import nearest
from netid.sending import HttpAnswer, HttpRequest, Sender
from netid.settings import Settings
from netid.wallet.offers import read_request
from netid.wallet.provider import read_anchors
from netid.wallet.receiver import Receiver
from netid.wallet.safe import Copy, Safe

if TYPE_CHECKING:
    from netid.pytest_plugin.realm import NetID, Person

Defect = Literal["nonce", "audience", "key_binding", "disclosure", "unreferenced", "revoked", "expired"]
"""What is wrong with a presentation; everything else about it is right (docs/faults.md)."""

_REDIRECT_URI = f"{Settings.model_fields['wallet_url'].default}/callback"
_ANOTHER = "of-another-request"


class RealmWallet:
    """One person's copies. Unlike a real wallet it shows them again, expired and revoked ones too."""

    def __init__(self, netid: "NetID", person: "Person | str", app: WSGIApplication | None) -> None:
        """Receives copies; `app` is the relying party under test, None where it is served over HTTP."""
        self._netid = netid
        self._app = app
        self._ambient = Ambient(now=lambda: netid.now, random=secrets.token_bytes)
        self._copies, self._anchors = self._received(person)

    def present(self, link: str, *, ticked: Collection[str] = (), defect: Defect | None = None) -> HttpAnswer:
        """Answers the request behind a link with what is essential and what is ticked.

        What comes back is the relying party's answer to the wallet. Raises TokenRefused where its request
        is not one that a wallet answers, ValueError for `expired` before anything has expired, and
        ManagementRefused with the nearest for a claim or a defect that does not exist.
        """
        _check_names("ticked", ticked, CATALOGUE)
        _check_names("defect", () if defect is None else (defect,), get_args(Defect))
        request = self._read(link)
        claims = request.ask.query.essential | frozenset(ticked)
        copy = self._copy(request, defect)
        presentation = _presented(copy, claims, request, defect, self._ambient)
        return self._answer(request, Shown(request.ask.query.id, presentation, request.ask.state))

    def refuse(self, link: str) -> HttpAnswer:
        """The person says no."""
        request = self._read(link)
        return self._answer(request, Declined("access_denied", request.ask.state))

    def _received(self, person: "Person | str") -> tuple[list[Copy], request_object.Anchors]:
        with tempfile.TemporaryDirectory() as directory:
            safe = Safe(Path(directory), self._ambient)
            send = self._netid.send
            receiver = Receiver(
                self._netid.issuer, _REDIRECT_URI, safe=safe, send=send, ambient=self._ambient
            )
            address, pending = receiver.begin()
            self._netid.decide_once(WALLET_CLIENT_ID, person, "none")
            back = self._netid.visit(address) or ""
            given = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
            if not back.startswith(_REDIRECT_URI) or "code" not in given:
                raise PageShown("a page was shown, or refused, in place of the way back to the wallet")
            receiver.finish(pending, given["code"], given["iss"])
            kept = safe.kept("anchors")
            assert kept is not None  # noqa: S101  (it came with the copies)
            copies = safe.copies()
            safe.close()
        return copies, read_anchors(kept)

    def _read(self, link: str) -> VerifiedRequest:
        asked = read_request(link)
        nonce = base64url.encode(self._ambient.random(16))
        fetched = self._send(HttpRequest(asked.request_uri, form={"wallet_nonce": nonce}))
        token = fetched.body.decode("ascii", "replace")
        if fetched.status != 200:
            raise TokenRefused(f"your app answered {fetched.status} in place of its request: {token[:300]}")
        request = request_object.verify(token, asked.client_id, self._anchors, self._ambient.now(), nonce)
        if refusal := request_object.refusal_of(request, net_credential.type_of(self._anchors.issuer)):
            raise TokenRefused(refusal)
        return request

    def _copy(self, request: VerifiedRequest, defect: Defect | None) -> Copy:
        """The same copy for one relying party each time, so that it can recognise the person."""
        now = self._ambient.now()
        kind = LONG if defect == "revoked" else SHORT
        fitting = [
            copy
            for copy in self._copies
            if copy.configuration == kind and (copy.expires_at <= now) is (defect == "expired")
        ]
        if not fitting:
            raise ValueError("no copy fits; for expired ones move the clock on first: netid.advance(days=3)")
        at = int.from_bytes(request.statement.client_id.encode()) % len(fitting)
        return fitting[at]

    def _answer(self, request: VerifiedRequest, answer: Shown | Declined) -> HttpAnswer:
        form = presentation_response.write(answer, request.ask.encryption_key)
        return self._send(HttpRequest(request.ask.response_uri, form=form))

    def _send(self, request: HttpRequest) -> HttpAnswer:
        if self._app is None:
            return Sender(self._ambient).send(request)
        with Client(self._app).post(request.url, data=request.form) as answer:
            return HttpAnswer(answer.status_code, answer.mimetype or "", answer.get_data())


def _check_names(where: str, given: Collection[str], valid: Collection[str]) -> None:
    for name in given:
        if name not in valid:
            raise ManagementRefused(f"{where}: there is none of that name; {nearest(name, valid)}")


def _presented(
    copy: Copy, claims: frozenset[str], request: VerifiedRequest, defect: Defect | None, ambient: Ambient
) -> str:
    """The presentation; the holder's own signature is right over whatever it shows."""
    challenge = Challenge(
        _ANOTHER if defect == "audience" else request.client_id,
        _ANOTHER if defect == "nonce" else request.ask.nonce,
    )
    selected = sd_jwt.select(SdJwt.parse(copy.credential), [(name,) for name in claims])
    if defect == "disclosure":
        first, *others = selected.disclosures or (_disclosure(ambient, "name"),)
        selected = replace(selected, disclosures=(_changed(first), *others))
    elif defect == "unreferenced":
        made_up = _disclosure(ambient, "made_up")
        selected = replace(selected, disclosures=(*selected.disclosures, made_up))
    shown = selected.bound
    if defect == "key_binding":
        return shown
    return shown + key_binding.bind(shown, challenge, copy.key, ambient.now())


def _disclosure(ambient: Ambient, name: str) -> str:
    salt = base64url.encode(ambient.random(16))
    return base64url.encode(strict_json.dump([salt, name, "made up"]))


def _changed(disclosure: str) -> str:
    """The same claim with another value: its digest is in no credential."""
    salt, name, _value = strict_json.parse_array(base64url.decode(disclosure))
    return base64url.encode(strict_json.dump([salt, name, "made up"]))
