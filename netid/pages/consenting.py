"""The page on which a person decides: exactly the notice, and two answers of equal weight."""

from typing import Annotated, Literal

from flask import Blueprint, Response, request
from pydantic import StringConstraints

from netid.errors import AccessDenied, GuardianRequired, NoticeChanged, PersonSuspended, StepSkipped
from netid.identity.claims import FIELDS
from netid.identity.consent import Notice
from netid.identity.relying_party import Necessity
from netid.identity.text import Language
from netid.oauth.authorize import Authorize
from netid.pages.forms import Form, FormError, Unfinished, read_form
from netid.pages.language import gettext as _
from netid.pages.language import language
from netid.pages.naming import Names
from netid.pages.visit import Visit, Visits
from netid.services.decisions import Decisions
from netid.services.interaction import StepKind

ClaimName = Annotated[str, StringConstraints(max_length=64)]


class ConsentForm(Form):
    """What a person decided, and on which text."""

    decision: Literal["refuse", "agree"]
    notice: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """The hash of the notice that was on the page."""
    language: Language
    """The language it was in."""
    claim: tuple[ClaimName, ...] = ()
    """The voluntary claims that were ticked."""


class Consenting:
    """The consent page, and the short notice before a check result."""

    def __init__(self, visits: Visits, *, decisions: Decisions, authorize: Authorize, names: Names) -> None:
        self._visits = visits
        self._decisions = decisions
        self._authorize = authorize
        self._names = names

    def consent(self, handle: str) -> Response:
        """/consent: ask, keep the decision with its receipt, and go back to the relying party."""
        visit = self._visits.come(request, handle)
        if request.method == "GET":
            return self._ask(visit)
        try:
            return self._decide(visit, read_form(ConsentForm, request.form))
        except Unfinished:
            return self._ask(visit, (FormError("decision", _("Choose one of the two answers.")),))
        except NoticeChanged:
            changed = _("The text below has changed since you opened this page. Read it, then decide.")
            return self._ask(visit, (FormError("decision", changed),))
        except (PersonSuspended, GuardianRequired, StepSkipped, AccessDenied):
            return self._visits.onward(visit)

    def _ask(self, visit: Visit, errors: tuple[FormError, ...] = ()) -> Response:
        step = self._visits.next_step(visit)
        who = visit.interaction.progress.person
        if step.kind is not StepKind.CONSENT or step.standing is None or who is None:
            return self._visits.onward(visit)
        notice = self._decisions.notice(visit.interaction, step.standing, language())
        return self._visits.show(
            visit,
            _template(notice),
            errors,
            notice=notice,
            name=self._names.of(who),
            fields=FIELDS,
            necessities=list(Necessity),
        )

    def _decide(self, visit: Visit, form: ConsentForm) -> Response:
        interaction = visit.interaction
        if form.decision == "refuse":
            self._decisions.refuse(interaction, visit.browser, form.language, form.notice)
            return self._authorize.send_refusal(interaction)
        ticked = frozenset(form.claim)
        code = self._decisions.agree(interaction, visit.browser, ticked, form.language, form.notice)
        return self._authorize.send_code(interaction, code)


def _template(notice: Notice) -> str:
    if notice.to_own_wallet:
        return "wallet_consent.html"
    return "consent.html" if notice.purpose else "check_result.html"


def add_routes(routes: Blueprint, pages: Consenting) -> None:
    """The address that `authorize` sends people to."""
    routes.add_url_rule("/consent/<handle>", "consent", pages.consent, methods=["GET", "POST"])
