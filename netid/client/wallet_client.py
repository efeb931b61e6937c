"""Asking wallets and checking what they show: the second road, on which the provider is not contacted."""

import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlencode

from netid.ambient import Ambient
from netid.client.errors import (
    CallbackRefused,
    ClientError,
    PresentationRefused,
    Refused,
)
from netid.client.messages import Send
from netid.client.pending_presentations import (
    PendingPresentation,
    PresentationsInMemory,
    PresentationStore,
    WalletAnswer,
    digest,
)
from netid.client.presentation import (
    PresentationAsk,
    VerifiedPresentation,
    query_for,
    verify_presentation,
)
from netid.client.registration import Registration, checked_address
from netid.client.standing import REFRESHED_EVERY, Standing, Standings
from netid.client.transport import Transport, inside
from netid.credentials import base64url, presentation_response, request_object
from netid.credentials.presentation_response import Declined, Shown
from netid.errors import TokenRefused

_LONGEST_NONCE = 200
_PAIRING_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_log = logging.getLogger("netid.client")


@dataclass(frozen=True)
class PresentationRequest:
    """A request that was made for one browser."""

    request_id: str
    """Ask for the outcome with it, in the same browser."""
    parameters: Mapping[str, str] = field(repr=False)
    """What a wallet is called with (OpenID4VP 1.0, 5): `client_id`, `request_uri`, `request_uri_method`."""
    pairing_code: str | None
    """Show it beside the QR code: the wallet shows it too, and the person compares. None on one device."""

    def link(self, wallet: str = "openid4vp://authorize") -> str:
        """The address that opens a wallet: any on this device, or the one at that web address."""
        return f"{wallet}?{urlencode(self.parameters)}"


class WalletClient:
    """One relying party's side of OpenID4VP; safe for all threads of one process.

    Nothing here asks the provider for a person: `refresh`, or `keep_fresh` on a timer, fetches what is
    needed beforehand. Every failure is a subclass of ClientError that says what to do.
    """

    def __init__(
        self,
        registration: Registration,
        address: str,
        *,
        ambient: Ambient | None = None,
        pending: PresentationStore | None = None,
        send: Send | None = None,
        trust: Path | None = None,
        internal: str | None = None,
    ) -> None:
        """`address` is where wallets reach this relying party: https, or http on loopback, without a slash at
        the end. The rest is as for NetIDClient. Raises ConfigurationRefused.
        """
        self.registration = registration
        self.address = checked_address("address", address)
        self._ambient = ambient or Ambient.real()
        self._pending = pending or PresentationsInMemory(self._ambient.now)
        direct = send or Transport(self._ambient, trust=trust).send
        reaching = inside(direct, registration.issuer, internal) if internal else direct
        self._standings = Standings(registration, reaching, self._ambient)

    def refresh(self) -> Standing:
        """Fetches keys, certificate and status lists now. Raises as `Standings.refresh` does."""
        return self._standings.refresh()

    def keep_fresh(self) -> "Timer":
        """Fetches them now and every 15 minutes, in a thread of its own, until the timer is ended."""
        return Timer(self.refresh)

    def new_browser(self) -> str:
        """A secret for a browser that has none yet: keep it in an HttpOnly cookie."""
        return base64url.encode(self._ambient.random(32))

    def request_presentation(
        self, browser: str, asked: PresentationAsk, *, scanned: bool = False
    ) -> PresentationRequest:
        """A request to a wallet for this browser, whose random secret (a cookie) `browser` is.

        `scanned` is for a wallet on another device: it compares a pairing code, and this browser asks for
        the outcome by itself. On one device the wallet leads the browser back. Raises NotReady, or
        ConfigurationRefused for what is not registered.
        """
        standing = self._standings.current()
        request_id = base64url.encode(self._ambient.random(24))
        pending = PendingPresentation.begin(
            browser=browser,
            asked=asked,
            response_uri=f"{self.address}/{request_id}/answer",
            query=query_for(asked, standing.statement, standing.trusted.vct),
            pairing_code=self._pairing_code() if scanned else None,
            verifier=standing.verifier,
            ambient=self._ambient,
        )
        self._pending.put(request_id, pending.model_dump_json())
        return self._request(request_id, pending)

    def asked(self, browser: str, request_id: str) -> PresentationRequest:
        """The request that was made for this browser, to be shown again. Raises CallbackRefused."""
        return self._request(request_id, self._own(browser, request_id))

    def _request(self, request_id: str, pending: PendingPresentation) -> PresentationRequest:
        parameters = {
            "client_id": pending.verifier.client_id,
            "request_uri": f"{self.address}/{request_id}/request",
            "request_uri_method": "post",
        }
        return PresentationRequest(request_id, parameters, pending.pairing_code)

    def request_object(self, request_id: str, wallet_nonce: str | None = None) -> str:
        """What the wallet fetches: the signed request (5.10). Raises CallbackRefused for none under way."""
        pending = self._kept(request_id)
        if pending is None or pending.answer is not None:
            raise CallbackRefused("request: there is none under way, or it was answered")
        if wallet_nonce is not None and not 0 < len(wallet_nonce) <= _LONGEST_NONCE:
            raise CallbackRefused(f"wallet_nonce: is empty or longer than {_LONGEST_NONCE} characters")
        ask = replace(pending.ask, wallet_nonce=wallet_nonce)
        return request_object.make(pending.verifier, ask, self._ambient.now())

    def answer(self, request_id: str, form: Mapping[str, str]) -> str | None:
        """Takes a wallet's answer, once (8.2): where it leads its browser to, or None where it was scanned.

        What does not pass ends nothing: the right wallet can still answer. Raises PresentationRefused,
        CredentialEnded, or CallbackRefused for a request that is not under way.
        """
        pending = self._kept(request_id)
        if pending is None or pending.answer is not None:
            raise CallbackRefused("answer: nothing is under way, or it was answered already")
        if pending.pairing_code is not None:
            code, back = None, None
        else:
            code = base64url.encode(self._ambient.random(32))
            back = f"{self.address}/{request_id}/return?{urlencode({'response_code': code})}"
        answered = pending.model_copy(update={"answer": self._read(pending, form, code)})
        if not self._pending.answer(request_id, answered.model_dump_json()):
            raise CallbackRefused("answer: it was answered already")
        return back

    def _read(self, pending: PendingPresentation, form: Mapping[str, str], code: str | None) -> WalletAnswer:
        try:
            read = presentation_response.read(form, pending.key)
        except TokenRefused as error:
            raise PresentationRefused(error.detail) from error
        if not hmac.compare_digest((read.state or "").encode(), pending.state.encode()):
            raise PresentationRefused("state is another one")
        presentation, refusal, now = None, "", self._ambient.now()
        if isinstance(read, Declined):
            refusal = f"the wallet answered {read.error[:60]!r}"
        else:
            presentation = self._verified(pending, read, now).presentation
        return WalletAnswer(
            presentation=presentation,
            refusal=refusal,
            response_code=digest(code) if code else None,
            came_at=now,
        )

    def _verified(self, pending: PendingPresentation, shown: Shown, now: datetime) -> VerifiedPresentation:
        standing = self._standings.current()
        return verify_presentation(shown, pending.asked, pending.query, pending.challenge, standing, now)

    def outcome(
        self, browser: str, request_id: str, response_code: str | None = None
    ) -> VerifiedPresentation | None:
        """What was shown, given out once; None while the wallet has not answered.

        Raises Refused where the person said no, and CallbackRefused for any other browser, for one that
        comes back without the wallet's `response_code`, and once it was given out (V5).
        """
        pending = self._own(browser, request_id)
        answer = pending.answer
        if answer is None:
            return None
        code = digest(response_code) if response_code is not None else ""
        if not hmac.compare_digest(answer.response_code or "", code):
            raise CallbackRefused("response_code: is not the one that the wallet was given")
        verified = None
        if answer.presentation is not None:
            shown = Shown(pending.query.id, answer.presentation, pending.state)
            verified = self._verified(pending, shown, answer.came_at)
        if not self._pending.take(request_id):
            raise CallbackRefused("request: its outcome was given out already")
        if verified is None:
            raise Refused(answer.refusal)
        return verified

    def _own(self, browser: str, request_id: str) -> PendingPresentation:
        pending = self._kept(request_id)
        if pending is None or not pending.is_of(browser):
            raise CallbackRefused("request: nothing was begun in this browser, or it ended already")
        return pending

    def _kept(self, request_id: str) -> PendingPresentation | None:
        text = self._pending.get(request_id)
        pending = None if text is None else PendingPresentation.read(text)
        return None if pending is None or pending.is_over(self._ambient.now()) else pending

    def _pairing_code(self) -> str:
        return "".join(_PAIRING_LETTERS[byte % len(_PAIRING_LETTERS)] for byte in self._ambient.random(4))


class Timer:
    """A thread that fetches at once and then every 15 minutes; a failure is logged, and the next is tried."""

    def __init__(self, refresh: Callable[[], object]) -> None:
        self._refresh = refresh
        self._ended = Event()
        self._thread = Thread(target=self._run, name="netid-standing", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Returns once the thread has ended."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._refresh()
            except ClientError as error:
                _log.warning("%s: %s", type(error).__name__, error)
            self._ended.wait(REFRESHED_EVERY.total_seconds())
