"""What a child's wallet may do: permissions of the guardian, each for one platform and one purpose."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for
from pydantic import StringConstraints

from netid import responses
from netid.credentials.guardian_grant import AllowedPurpose
from netid.errors import FreshSignInRequired, InvalidField, NoticeChanged
from netid.identity.claims import FIELDS
from netid.identity.relying_party import Necessity, Purpose
from netid.identity.text import Language, Text
from netid.oauth.authorize import Authorize
from netid.oauth.browsers import Browsers
from netid.pages.forms import Form, FormError, Unfinished, read_form
from netid.pages.frame import show
from netid.pages.language import gettext as _
from netid.pages.language import language, said
from netid.pages.naming import Name
from netid.pages.owner import Owners
from netid.pages.qr_code import qr_code
from netid.pages.refusing import Refusing
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.interaction import OwnAction
from netid.services.permitting import Permitting, Use
from netid.services.records import Records
from netid.services.sign_in import Browser
from netid.storage.sessions import Session

_ACT = OwnAction.PERMIT
_CHECK_ALONE = "-"

Handle = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Chosen = Annotated[str, StringConstraints(pattern=r"^[^ ]{1,64} [^ ]{1,40}$")]
"""Client id and purpose id."""


class ChoiceForm(Form):
    """Which child, and for what; or to sign in first."""

    decision: Literal["sign-in", "choose"]
    child: Handle | None = None
    use: Chosen | None = None


class PermitForm(Form):
    """What the guardian decided, and on which text."""

    decision: Literal["refuse", "agree"]
    child: Handle
    use: Chosen
    notice: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    language: Language


class PermittingPages:
    """The pages of a guardian's permissions; without a session they begin with signing in."""

    def __init__(
        self,
        owners: Owners,
        *,
        browsers: Browsers,
        authorize: Authorize,
        fresh: FreshSignIn,
        permitting: Permitting,
        records: Records,
        refusing: Refusing,
        wallet_url: str,
    ) -> None:
        self._owners = owners
        self._browsers = browsers
        self._authorize = authorize
        self._fresh = fresh
        self._permitting = permitting
        self._records = records
        self._refusing = refusing
        self._wallet_url = wallet_url

    def permissions(self) -> Response:
        """/records/permissions: what children's wallets may do, and, freshly signed in, permitting more."""
        browser, session = self._owners.come(request)
        if session is None:
            return self._sign_in_anew(browser)
        if request.method == "GET":
            return self._list(browser, session)
        self._browsers.check_form(request, browser, _ACT.value)
        try:
            form = read_form(ChoiceForm, request.form)
        except Unfinished as wrong:
            return self._list(browser, session, _unchosen(wrong.fields))
        if form.decision == "sign-in":
            return self._sign_in_anew(browser)
        if form.child is None or form.use is None:
            missing = [name for name in ("child", "use") if getattr(form, name) is None]
            return self._list(browser, session, _unchosen(tuple(missing)))
        query = urlencode({"child": form.child, "use": form.use})
        return responses.see_other(f"{url_for('pages.permit')}?{query}")

    def _list(self, browser: Browser, session: Session, errors: tuple[FormError, ...] = ()) -> Response:
        wards = self._permitting.wards(session.person_id)
        uses = self._permitting.uses()
        names = {_value(use): _name(use) for use in uses}
        return show(
            "permissions.html",
            errors=errors,
            wards=[(ward, self._records.masked_label(ward.person_id)) for ward in wards],
            uses=list(names.items()),
            named=lambda one: _called(one.grant.platform, one.grant.purpose),
            is_fresh=self._fresh.person_for(_ACT, browser) is not None,
            form_token=self._browsers.form_token(browser, _ACT.value),
        )

    def permit(self) -> Response:
        """/records/permissions/new: what is permitted, word for word, and the decision."""
        browser, session = self._owners.come(request)
        if session is None:
            return self._sign_in_anew(browser)
        if request.method == "GET":
            return self._ask(browser, session, request.args.get("child", ""), request.args.get("use", ""))
        self._browsers.check_form(request, browser, _ACT.value)
        try:
            form = read_form(PermitForm, request.form)
        except Unfinished as wrong:
            if set(wrong.fields) != {"decision"}:
                raise InvalidField("form", "is not as the page has it", "reload the page") from wrong
            unanswered = (FormError("decision", _("Choose one of the two answers.")),)
            return self._ask(browser, session, request.form["child"], request.form["use"], unanswered)
        if form.decision == "refuse":
            return responses.see_other(url_for("pages.permissions"))
        try:
            client_id, purpose = _parts(form.use)
            permission_id = self._permitting.permit(
                browser, form.child, client_id, purpose, form.language, form.notice
            )
        except NoticeChanged:
            changed = _("The text below has changed since you opened this page. Read it, then decide.")
            return self._ask(browser, session, form.child, form.use, (FormError("decision", changed),))
        except FreshSignInRequired as refusal:
            self._refusing.note(refusal)
            return self._sign_in_anew(browser)
        return responses.see_other(url_for("pages.permission", permission_id=permission_id))

    def _ask(
        self, browser: Browser, session: Session, handle: str, use: str, errors: tuple[FormError, ...] = ()
    ) -> Response:
        ward = self._permitting.ward(session.person_id, handle)
        return show(
            "permit.html",
            errors=errors,
            notice=self._permitting.notice(*_parts(use), language()),
            child=Name(masked=self._records.masked_label(ward.person_id)),
            fields=FIELDS,
            necessities=list(Necessity),
            handle=handle,
            use=use,
            form_token=self._browsers.form_token(browser, _ACT.value),
        )

    def permission(self, permission_id: str) -> Response:
        """/records/permissions/<id>: a permission, to be taken into the child's wallet."""
        browser, session = self._owners.come(request)
        if session is None:
            return self._sign_in_anew(browser)
        permitted = self._permitting.shown(session.person_id, permission_id)
        return show(
            "permission.html",
            permitted=permitted,
            wallet_url=self._wallet_url,
            qr=qr_code(permitted.permission.token),
        )

    def _sign_in_anew(self, browser: Browser) -> Response:
        return self._authorize.visit_own_pages(browser, language(), _ACT)


def _unchosen(fields: tuple[str, ...]) -> tuple[FormError, ...]:
    words = {"child": _("Choose a child."), "use": _("Choose what to permit.")}
    return tuple(FormError(name, words.get(name, _("Choose one of the answers."))) for name in fields)


def _value(use: Use) -> str:
    return f"{use.relying_party.client_id} {use.purpose.id if use.purpose else _CHECK_ALONE}"


def _name(use: Use) -> str:
    return _called(use.relying_party.name, use.purpose)


def _called(platform: Text, purpose: Purpose | AllowedPurpose | None) -> str:
    what = said(purpose.text) if purpose else _("check result alone")
    return f"{said(platform)} · {what}"


def _parts(use: str) -> tuple[str, str | None]:
    client_id, _space, purpose = use.partition(" ")
    return client_id, None if purpose == _CHECK_ALONE else purpose


def add_routes(routes: Blueprint, pages: PermittingPages) -> None:
    """The addresses of a guardian's permissions."""
    both = ["GET", "POST"]
    routes.add_url_rule("/records/permissions", "permissions", pages.permissions, methods=both)
    routes.add_url_rule("/records/permissions/new", "permit", pages.permit, methods=both)
    routes.add_url_rule("/records/permissions/<permission_id>", "permission", pages.permission)
