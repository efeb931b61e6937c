"""NetID in a Flask app, the second road: the person shows their net credential from their wallet."""

import logging
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

from netid.client.errors import CallbackRefused, ClientError
from netid.client.flask_extension import answer_plainly, path_within, private
from netid.client.presentation import PresentationAsk, VerifiedPresentation
from netid.client.wallet_client import PresentationRequest, WalletClient
from netid.credentials.presentation_response import MAX_BYTES
from netid.credentials.request_object import LIFETIME, TYPE

_log = logging.getLogger("netid.client")

WhenPresented = Callable[[VerifiedPresentation], ResponseReturnValue]
"""A view that is called with a person who came back from their wallet."""


class NetIDWallet:
    """Adds the addresses that wallets ask and answer at, and binds each request to its browser by a cookie.

    A failure is raised as a ClientError for the app's own `errorhandler`; a wallet is answered in JSON.
    """

    def __init__(self, app: Flask, client: WalletClient, *, wallet: str = "openid4vp://authorize") -> None:
        """`wallet` is what opens a wallet on this device; or the web address of one."""
        self.client = client
        self._app = app
        self._wallet = wallet
        name = client.registration.client_id
        self._cookie = f"netid_wallet_{name}"
        self._when_presented: WhenPresented | None = None
        path = path_within(app, f"{client.address}/<request_id>")
        app.add_url_rule(f"{path}/request", f"netid_request_{name}", self._request, methods=["GET", "POST"])
        app.add_url_rule(f"{path}/answer", f"netid_answer_{name}", self._answer, methods=["POST"])
        app.add_url_rule(f"{path}/return", f"netid_presented_{name}", self._return)
        app.error_handler_spec[None][None].setdefault(ClientError, answer_plainly)

    def present(self, ask: PresentationAsk | None = None) -> Response:
        """The redirect to the wallet on this device: answer your button with it."""
        asked = ask or PresentationAsk()
        browser = self._browser()
        address = self.client.request_presentation(browser, asked).link(self._wallet)
        response = Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})
        return self._remember(response, browser)

    def scan(self, page: Callable[[str], str], ask: PresentationAsk | None = None) -> Response:
        """The redirect to the page, made for this request id, that shows a QR code and waits."""
        browser = self._browser()
        asked = self.client.request_presentation(browser, ask or PresentationAsk(), scanned=True)
        response = Response(status=HTTPStatus.SEE_OTHER, headers={"Location": page(asked.request_id)})
        return self._remember(response, browser)

    def asked(self, request_id: str) -> PresentationRequest:
        """The request that this browser waits for, for the page's pairing code. Raises CallbackRefused."""
        return self.client.asked(request.cookies.get(self._cookie, ""), request_id)

    def link(self, asked: PresentationRequest) -> str:
        """What the QR code says."""
        return asked.link(self._wallet)

    def outcome(self, request_id: str) -> VerifiedPresentation | None:
        """What the wallet showed that scanned this browser's request; None while it has not answered.

        It is given out once. Raises as `WalletClient.outcome` does.
        """
        return self.client.outcome(request.cookies.get(self._cookie, ""), request_id)

    def presented(self, view: WhenPresented) -> WhenPresented:
        """Decorates the view for who comes back from the wallet; let it answer with a redirect."""
        self._when_presented = view
        return view

    def _browser(self) -> str:
        return request.cookies.get(self._cookie) or self.client.new_browser()

    def _remember(self, response: Response, browser: str) -> Response:
        response.set_cookie(
            self._cookie,
            browser,
            # A little longer than the request can be answered: the person has to come back too.
            max_age=LIFETIME + timedelta(minutes=1),
            secure=self.client.address.startswith("https:"),
            httponly=True,
            samesite="Lax",
        )
        return private(response)

    def _request(self, request_id: str) -> Response:
        nonce = request.form.get("wallet_nonce") if request.method == "POST" else None
        try:
            signed = self.client.request_object(request_id, nonce)
        except ClientError as error:
            return _told(error)
        return private(Response(signed, mimetype=f"application/{TYPE}"))

    def _answer(self, request_id: str) -> Response:
        # However large the app lets requests be: no answer is longer.
        request.max_content_length = MAX_BYTES + 1024
        try:
            back = self.client.answer(request_id, request.form)
        except ClientError as error:
            return _told(error)
        return private(jsonify({"redirect_uri": back} if back else {}))

    def _return(self, request_id: str) -> Response:
        if self._when_presented is None:
            raise RuntimeError("decorate a view with presented")
        browser, code = request.cookies.get(self._cookie, ""), request.args.get("response_code", "")
        verified = self.client.outcome(browser, request_id, code)
        if verified is None:
            raise CallbackRefused("response_code: the wallet has not answered")
        return private(self._app.make_response(self._when_presented(verified)))


def _told(error: ClientError) -> Response:
    """What the wallet hears: that it was refused, and not which check it was (8.2)."""
    _log.warning("%s: %s", type(error).__name__, error)
    response = private(jsonify(error="invalid_request", error_description=error.description))
    response.status_code = error.status
    return response
