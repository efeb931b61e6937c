"""Putting one's net credential into a wallet: what goes in, the decision, and the offer to scan."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for
from pydantic import StringConstraints

from netid import responses
from netid.errors import FreshSignInRequired, NotFound, NoticeChanged
from netid.identity.text import Language
from netid.oauth.authorize import Authorize
from netid.oauth.browsers import Browsers
from netid.pages.forms import Form, FormError, Unfinished, read_form
from netid.pages.frame import show
from netid.pages.language import gettext as _
from netid.pages.language import language, ngettext
from netid.pages.naming import Name
from netid.pages.owner import Owners
from netid.pages.qr_code import qr_code
from netid.pages.refusing import Refusing
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.interaction import OwnAction
from netid.services.offers import Offer, Offers
from netid.services.records import Records
from netid.services.revocation import Revocation
from netid.services.sign_in import Browser

_ACT = OwnAction.WALLET


class OfferForm(Form):
    """Whether to sign in for it, and what was decided on which text."""

    decision: Literal["sign-in", "refuse", "agree", "revoke"]
    notice: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = ""
    language: Language = "zh"


class Offering:
    """The pages of an offer; without a session they begin with signing in."""

    def __init__(
        self,
        owners: Owners,
        *,
        browsers: Browsers,
        authorize: Authorize,
        fresh: FreshSignIn,
        offers: Offers,
        revocation: Revocation,
        records: Records,
        refusing: Refusing,
        wallet_url: str,
    ) -> None:
        self._owners = owners
        self._browsers = browsers
        self._authorize = authorize
        self._fresh = fresh
        self._offers = offers
        self._revocation = revocation
        self._records = records
        self._refusing = refusing
        self._wallet_url = wallet_url

    def wallet(self) -> Response:
        """/records/wallet: what goes into a wallet; the decision itself only after a fresh sign-in."""
        browser, session = self._owners.come(request)
        if request.method == "POST":
            self._browsers.check_form(request, browser, _ACT.value)
            return self._act(browser)
        if session is None:
            return self._sign_in_anew(browser)
        return self._ask(browser)

    def _act(self, browser: Browser) -> Response:
        try:
            form = read_form(OfferForm, request.form)
            if form.decision == "sign-in":
                return self._sign_in_anew(browser)
            if form.decision == "refuse":
                return self._authorize.to_own_pages("")
            if form.decision == "revoke":
                self._revocation.revoke_own(browser)
                return self._authorize.to_own_pages("revoked")
            secret = self._offers.make(browser, form.language, form.notice)
        except Unfinished:
            return self._ask(browser, (FormError("decision", _("Choose one of the two answers.")),))
        except NoticeChanged:
            changed = _("The text below has changed since you opened this page. Read it, then decide.")
            return self._ask(browser, (FormError("decision", changed),))
        except FreshSignInRequired as refusal:
            self._refusing.note(refusal)
            return self._sign_in_anew(browser)
        return responses.see_other(url_for("pages.offer", secret=secret))

    def _ask(self, browser: Browser, errors: tuple[FormError, ...] = ()) -> Response:
        person_id = self._fresh.person_for(_ACT, browser)
        live = self._revocation.live(person_id) if person_id else 0
        notice = self._offers.notice(person_id, language()) if person_id else None
        for_guardian = notice is not None and notice.for_guardian
        return show(
            "wallet.html",
            errors=errors,
            notice=notice,
            child=Name(masked=self._records.masked_label(person_id)) if person_id and for_guardian else None,
            live=live,
            copies=ngettext("%(num)s long copy is good.", "%(num)s long copies are good.", live),
            status=_("That offer was used, or has expired.") if "ended" in request.args else None,
            form_token=self._browsers.form_token(browser, _ACT.value),
        )

    def offer(self, secret: str) -> Response:
        """/records/wallet/<secret>: link, QR code and transaction code of an open offer."""
        browser, session = self._owners.come(request)
        if session is None:
            return self._sign_in_anew(browser)
        try:
            offer = self._offers.shown(session.person_id, secret)
        except NotFound:
            return responses.see_other(url_for("pages.wallet", ended=""))
        return show("wallet_offer.html", offer=offer, link=self._link(offer), qr=qr_code(offer.link))

    def _link(self, offer: Offer) -> str:
        """For the wallet that the provider knows of, in this browser (OpenID4VCI 1.0, 4.1.3)."""
        return f"{self._wallet_url}/offer?{urlencode({'credential_offer_uri': offer.uri})}"

    def _sign_in_anew(self, browser: Browser) -> Response:
        return self._authorize.visit_own_pages(browser, language(), _ACT)


def add_routes(routes: Blueprint, pages: Offering) -> None:
    """The addresses of offers."""
    routes.add_url_rule("/records/wallet", "wallet", pages.wallet, methods=["GET", "POST"])
    routes.add_url_rule("/records/wallet/<secret>", "offer", pages.offer)
