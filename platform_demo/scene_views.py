"""One scene's pages: the ways in, and one way on."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import cast

import segno
from flask import Blueprint, Flask, Response, redirect, request, url_for

from netid.client import (
    Ambient,
    Ask,
    ConsentWithdrawn,
    PresentationAsk,
    SecurityEvent,
    SignedIn,
    SignedOut,
    VerifiedPresentation,
)
from netid.client.errors import ClientError, Refused
from netid.client.flask_extension import NetIDFlask
from netid.client.flask_wallet import NetIDWallet
from platform_demo.accounts import SESSION_LIFETIME, Account, Accounts
from platform_demo.comparison import who_saw_what
from platform_demo.evidence import Evidence, EvidenceInMemory, pretty
from platform_demo.language import language
from platform_demo.made_up import (
    EXAMPLE_NUMBER,
    EXAMPLE_PHONE,
    Fault,
    is_adult,
    read_details,
)
from platform_demo.pages import Forms, origin_of, show
from platform_demo.scenes import Scene
from platform_demo.words import CLAIMS, LEVELS, Words, moment

_log = logging.getLogger("platform_demo")
_LONGEST_DEED = 140
_NO_SUCH_CODE = Words(
    "没有这个会员码。请照注册时看到的填写。", "There is no such member code. Enter it as it was shown."
)
_DEED_FAULT = Words(f"请填写1到{_LONGEST_DEED}个字。", f"Enter 1 to {_LONGEST_DEED} characters.")


@dataclass(frozen=True)
class SceneParts:
    """What the pages of one scene lean on."""

    scene: Scene
    netid: NetIDFlask
    wallets: NetIDWallet
    wallet_origin: str
    """Where the wallet's pages are."""
    accounts: Accounts
    evidence: EvidenceInMemory
    forms: Forms
    ambient: Ambient


class ScenePages:
    """The pages of one scene. All ways lead to the same account page."""

    def __init__(self, parts: SceneParts) -> None:
        self._scene = parts.scene
        self._netid = parts.netid
        self._wallets = parts.wallets
        self._wallet_origin = parts.wallet_origin
        self._accounts = parts.accounts
        self._evidence = parts.evidence
        self._forms = parts.forms
        self._ambient = parts.ambient
        self._cookie = f"platform_{parts.scene.id}"
        self._issuer = parts.netid.client.registration.issuer

    # The ways in

    def landing(self) -> Response:
        """All ways, side by side."""
        here = self._account() is not None
        onward = f"{origin_of(self._issuer)} {origin_of(self._wallet_origin)}"
        return self._show("landing.html", form_action=onward, signed_in=here)

    def sign_in(self) -> Response:
        """Off to the provider."""
        self._forms.check(self._session())
        return self._netid.login(Ask(purpose=self._scene.purpose, language=language()))

    def come_back(self, signed_in: SignedIn) -> Response:
        """A person is back: the check result, and the fields where there is a purpose."""
        fields = self._netid.client.fields(signed_in) if self._scene.purpose else None
        # The token has done its work. Ended, it is worth nothing, and can be shown with the rest.
        self._netid.client.end(signed_in)
        evidence = Evidence.of(signed_in, fields)
        account_id = self._accounts.sign_in(evidence.check, evidence.fields)
        return self._enter(account_id, evidence, "received", signed_in.check.session)

    def present(self) -> Response:
        """Off to the wallet on this device."""
        self._forms.check(self._session())
        return self._wallets.present(PresentationAsk(purpose=self._scene.purpose))

    def scan(self) -> Response:
        """A request for a wallet on another device."""
        self._forms.check(self._session())
        return self._wallets.scan(self._waiting_page, PresentationAsk(purpose=self._scene.purpose))

    def waiting(self, request_id: str) -> Response:
        """A QR code until the wallet has answered; then it is as if the person had come back."""
        shown = self._wallets.outcome(request_id)
        if shown is not None:
            return self.come_from_wallet(shown)
        asked = self._wallets.asked(request_id)
        link = self._wallets.link(asked)
        # Dark on white whatever the page's colours are: not every camera reads it the other way.
        code = segno.make(link, error="l").svg_data_uri(scale=3, border=4, dark="#000", light="#fff")
        return self._show(
            "waiting.html", script=True, pairing_code=asked.pairing_code, link=link, qr_code=code
        )

    def come_from_wallet(self, shown: VerifiedPresentation) -> Response:
        """A person showed their net credential; the provider was not asked, and does not know."""
        evidence = Evidence.shown(shown)
        account_id = self._accounts.sign_in(evidence.check, evidence.fields)
        return self._enter(account_id, evidence, "received")

    def _waiting_page(self, request_id: str) -> str:
        return url_for(f"{self._scene.id}.waiting", request_id=request_id)

    def fail(self, error: ClientError) -> Response:
        """Nobody was signed in. A refusal leads straight to the other way."""
        _log.warning("%s: %s: %s", self._scene.id, type(error).__name__, error)
        if isinstance(error, Refused):
            return self._to("declined")
        return self._show("failed.html", status=error.status, code=error.code)

    def declined(self) -> Response:
        """The person did not agree: the other way, without asking again."""
        return self._other_way_page({}, [], declined=True)

    def other_way(self) -> Response:
        """The form of the other way."""
        return self._other_way_page({}, [])

    def sign_up(self) -> Response:
        """A new account from what was typed."""
        self._forms.check(self._session())
        details, faults = read_details(
            request.form, self._scene.other_way_fields, self._scene.optional_fields
        )
        if faults:
            return self._other_way_page(request.form, faults)
        new = self._accounts.sign_up_other_way(details)
        return self._enter(new.account_id, new.member_code, "account")

    def return_with_code(self) -> Response:
        """A member of the other way comes back."""
        self._forms.check(self._session())
        account_id = self._accounts.by_member_code(request.form.get("member_code", ""))
        if account_id is None:
            return self._other_way_page({}, [Fault("member_code", _NO_SUCH_CODE)])
        return self._enter(account_id, None, "account")

    def _other_way_page(
        self, typed: Mapping[str, str], faults: list[Fault], *, declined: bool = False
    ) -> Response:
        return self._show(
            "other_way.html",
            status=400 if faults else 200,
            typed=typed,
            faults=faults,
            declined=declined,
            labels=CLAIMS,
            examples={"document_number": EXAMPLE_NUMBER, "phone_number": EXAMPLE_PHONE},
        )

    # The same for every member

    def account(self) -> Response:
        """What a member can do, however they signed up."""
        account = self._account()
        return self._to("landing") if account is None else self._account_page(account, [])

    def do(self) -> Response:
        """Uses the scene's feature once."""
        self._forms.check(self._session())
        account = self._account()
        if account is None:
            return self._to("landing")
        text = request.form.get("text", "").strip()
        asked = self._scene.deed.prompt is not None
        if asked and not (0 < len(text) <= _LONGEST_DEED and text.isprintable()):
            return self._account_page(account, [Fault("text", _DEED_FAULT)])
        self._accounts.do(account.account_id, text if asked else "")
        return self._to("account")

    def _account_page(self, account: Account, faults: list[Fault]) -> Response:
        return self._show(
            "account.html",
            status=400 if faults else 200,
            form_action=origin_of(self._issuer),
            faults=faults,
            account=account,
            minor=self._minor(account),
            deeds=self._accounts.deeds(account.account_id),
            member_code=self._evidence.member_code(self._session()),
        )

    def _minor(self, account: Account) -> bool | None:
        """Whether minors' mode is on; None where the scene has none."""
        if self._scene.purpose != "minors-mode":
            return None
        if number := account.details.get("document_number"):
            today = (self._ambient.now().astimezone(UTC) + timedelta(hours=8)).date()
            return not is_adult(number, today)
        return account.details.get("age_over_18") != "true"

    def received(self) -> Response:
        """Everything this scene has been given, and who saw what."""
        account = self._account()
        if account is None:
            return self._to("landing")
        evidence = self._evidence.of(self._session())
        given: dict[str, str | bool] = dict(account.details)
        return self._show(
            "received.html",
            form_action=origin_of(self._wallet_origin),
            account=account,
            details=[(name, account.details[name]) for name in CLAIMS if name in account.details],
            evidence=evidence,
            checked_at=moment(evidence.check.checked_at) if evidence else None,
            withdrawn_at=moment(account.withdrawn_at) if account.withdrawn_at else None,
            level=LEVELS[evidence.check.level] if evidence else None,
            labels=CLAIMS,
            rows=pretty(self._accounts.rows(account.account_id)),
            wallet=self._wallet_origin,
            table=who_saw_what(self._scene, account.way, given),
        )

    # What the provider tells

    def hear(self, event: SecurityEvent) -> None:
        """Deletes what was kept; the provider hears that it is done once this has returned."""
        subject = event.subject.reveal()
        if isinstance(event, ConsentWithdrawn):
            self._accounts.withdraw(subject, event.claims)
        else:
            self._accounts.end_subject(subject)
        self._evidence.forget_subject(event.subject)

    def signed_out_at_netid(self, signed_out: SignedOut) -> None:
        """Ends the sessions here that were opened on one at the provider."""
        if signed_out.session is not None:
            self._accounts.close_sessions_of(signed_out.session)

    # The way out

    def sign_out(self) -> Response:
        """Ends the session; if the member likes, on to the provider, to sign out there as well."""
        self._forms.check(self._session())
        onward = self._to("landing")
        if "also_netid" in request.form:
            onward = cast(Response, redirect(self._netid.client.sign_out_address(language=language()), 303))
        self._leave()
        return self._forget_cookie(onward)

    def delete_page(self) -> Response:
        """What deleting the account means, before it happens."""
        account = self._account()
        return self._to("landing") if account is None else self._show("delete.html", account=account)

    def delete(self) -> Response:
        """Deletes the account and everything kept for it."""
        self._forms.check(self._session())
        account = self._account()
        if account is None:
            return self._to("landing")
        self._leave()
        self._accounts.delete(account.account_id)
        return self._forget_cookie(self._to("deleted"))

    def deleted(self) -> Response:
        """Says that it is gone."""
        return self._show("deleted.html")

    # How they are put together

    def _session(self) -> str:
        return request.cookies.get(self._cookie, "")

    def _account(self) -> Account | None:
        session = self._session()
        return self._accounts.of_session(session) if session else None

    def _enter(
        self, account_id: str, shown: Evidence | str | None, page: str, netid_session: str | None = None
    ) -> Response:
        """A new session in place of any other: what somebody planted before is worth nothing."""
        self._leave()
        session = self._accounts.open_session(account_id, netid_session)
        if shown is not None:
            self._evidence.keep(session, shown)
        response = self._to(page)
        response.set_cookie(
            self._cookie,
            session,
            path=f"/{self._scene.id}",
            max_age=SESSION_LIFETIME,
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
        return response

    def _leave(self) -> None:
        self._evidence.forget(self._session())
        self._accounts.close_session(self._session())

    def _forget_cookie(self, response: Response) -> Response:
        response.delete_cookie(self._cookie, path=f"/{self._scene.id}", httponly=True, samesite="Lax")
        return response

    def _to(self, page: str) -> Response:
        return cast(Response, redirect(url_for(f"{self._scene.id}.{page}"), 303))

    def _show(self, template: str, **context: object) -> Response:
        browser = self._forms.browser()
        token = self._forms.token(browser, self._session())
        response = show(template, scene=self._scene, issuer=self._issuer, form_token=token, **context)  # type: ignore[arg-type]
        return self._forms.remember(response, browser)


def register(app: Flask, parts: SceneParts) -> ScenePages:
    """Adds a scene's pages to the app, under the scene's path."""
    pages = ScenePages(parts)
    parts.netid.signed_in(pages.come_back)
    parts.wallets.presented(pages.come_from_wallet)
    parts.netid.events(pages.hear)
    parts.netid.signed_out(pages.signed_out_at_netid)
    routes = Blueprint(parts.scene.id, __name__, url_prefix=f"/{parts.scene.id}")
    views: list[tuple[str, str, str, Callable[..., Response]]] = [
        ("GET", "/", "landing", pages.landing),
        ("POST", "/sign-in", "sign_in", pages.sign_in),
        ("POST", "/present", "present", pages.present),
        ("POST", "/scan", "scan", pages.scan),
        ("GET", "/waiting/<request_id>", "waiting", pages.waiting),
        ("GET", "/declined", "declined", pages.declined),
        ("GET", "/other-way", "other_way", pages.other_way),
        ("POST", "/other-way", "sign_up", pages.sign_up),
        ("POST", "/member-code", "return_with_code", pages.return_with_code),
        ("GET", "/account", "account", pages.account),
        ("POST", "/account", "do", pages.do),
        ("GET", "/received", "received", pages.received),
        ("POST", "/sign-out", "sign_out", pages.sign_out),
        ("GET", "/delete", "delete_page", pages.delete_page),
        ("POST", "/delete", "delete", pages.delete),
        ("GET", "/deleted", "deleted", pages.deleted),
    ]
    for method, path, endpoint, view in views:
        routes.add_url_rule(path, endpoint, view, methods=[method])
    app.register_blueprint(routes)
    return pages
