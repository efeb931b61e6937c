"""One request to a page of a sign-in under way: which browser, which sign-in, and who acts in it."""

from dataclasses import dataclass

from flask import Request, Response

from netid import responses
from netid.oauth.authorize import Authorize
from netid.oauth.browsers import Browsers
from netid.pages.forms import FormError
from netid.pages.frame import show
from netid.pages.language import prefer, said
from netid.services.interaction import Interaction, Role, Step
from netid.services.sign_in import Browser, Proved, SignIn


@dataclass(frozen=True)
class Visit:
    """Who is at the page."""

    browser: Browser
    interaction: Interaction
    role: Role


class Visits:
    """Lets people in to the pages of their own sign-in, and sees them on."""

    def __init__(self, *, browsers: Browsers, sign_in: SignIn, authorize: Authorize) -> None:
        self._browsers = browsers
        self._sign_in = sign_in
        self._authorize = authorize

    def come(self, request: Request, handle: str) -> Visit:
        """Somebody opens a page, or sends its form. Raises InteractionExpired, FormRefused."""
        browser = self._browsers.read(request)
        interaction = self._sign_in.load(handle, browser)
        prefer(interaction.request.language)
        if request.method == "POST":
            self._browsers.check_form(request, browser, handle)
        return Visit(browser, interaction, _role(request))

    def next_step(self, visit: Visit) -> Step:
        """What `authorize` would have the person do now."""
        return self._authorize.next_step(visit.interaction)

    def onward(self, visit: Visit, proved: Proved | None = None) -> Response:
        """To the next step, after a proof or because this page is not it."""
        if proved is None:
            return self._authorize.resume(visit.interaction, visit.browser)
        return self._authorize.resume(proved.interaction, visit.browser, proved.new_session)

    def leave(self, visit: Visit) -> Response:
        """Back to the relying party without a decision."""
        return self._authorize.leave(visit.interaction)

    def show(
        self, visit: Visit, template: str, errors: tuple[FormError, ...] = (), **context: object
    ) -> Response:
        """A page of this sign-in. Its forms may lead back to the relying party, which CSP must allow."""
        interaction = visit.interaction
        return show(
            template,
            errors=errors,
            form_action_origins=[responses.redirect_origin(interaction.request.redirect_uri)],
            interaction=interaction,
            role=visit.role,
            platform=interaction.relying_party.name,
            way_back=None if interaction.is_own else said(interaction.relying_party.name),
            form_token=self._browsers.form_token(visit.browser, interaction.handle),
            **context,
        )


def _role(request: Request) -> Role:
    return Role.GUARDIAN if request.args.get("role") == Role.GUARDIAN else Role.PERSON
