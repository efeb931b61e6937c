"""/authorize: the one place that decides what comes next (RFC 6749, 4.1; OpenID Connect Core, 3.1.2)."""

from collections.abc import Mapping
from urllib.parse import urlencode

from flask import Blueprint, Request, Response, request

from netid import responses
from netid.errors import (
    AccessDenied,
    ConsentRequired,
    InteractionExpired,
    LoginRequired,
    NetIDError,
    OAuthError,
    PushedRequestRequired,
    SignInRefused,
    StorageBusy,
    UnprovenRedirect,
)
from netid.identity.levels import AssuranceLevel
from netid.identity.relying_party import RelyingParty
from netid.identity.text import Language
from netid.oauth.browsers import Browsers
from netid.oauth.id_token_hint import IdTokenHints
from netid.oauth.parameters import received
from netid.oauth.replies import ReplyTo
from netid.oauth.requests import parse_request, proven_redirect_uri
from netid.services.approval import ApprovalRule, Approvals
from netid.services.decisions import Decisions
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.interaction import (
    AuthorizationRequest,
    Interaction,
    OwnAction,
    Progress,
    Prompt,
    ResponseMode,
    Role,
    Standing,
    Step,
    StepKind,
)
from netid.services.own_pages import own_pages
from netid.services.pushed_requests import REQUEST_URI_PREFIX, PushedRequests
from netid.services.registration import Registration
from netid.services.sign_in import Browser, SignIn
from netid.settings import Settings


class Authorize:
    """Receives requests, decides the next step, and answers the relying party."""

    def __init__(
        self,
        settings: Settings,
        *,
        registration: Registration,
        pushed_requests: PushedRequests,
        sign_in: SignIn,
        decisions: Decisions,
        fresh: FreshSignIn,
        browsers: Browsers,
        hints: IdTokenHints,
        approvals: Approvals | None,
    ) -> None:
        self._settings = settings
        self._registration = registration
        self._pushed_requests = pushed_requests
        self._sign_in = sign_in
        self._decisions = decisions
        self._fresh = fresh
        self._browsers = browsers
        self._hints = hints
        self._approvals = approvals

    # A request comes in

    def receive(self, incoming: Request) -> Response:
        """Answers GET and POST /authorize.

        Raises UnprovenRedirect, PushedRequestRequired, RequestUriRefused, or InvalidRequest for what
        cannot be read or comes twice where the answer would go: only a page may show these.
        """
        came = received(incoming)
        given = came.once("client_id", "redirect_uri")
        relying_party = self._relying_party(given)
        pushed = self._pushed(relying_party, given)
        reply_to = ReplyTo.of(pushed, relying_party) if pushed else _reply_to(relying_party, given)
        try:
            came.once()
            if incoming.method == "POST":
                # A cross-site POST comes without our cookies; the GET it becomes has them.
                return responses.see_other(f"{self._settings.issuer}/authorize?{urlencode(given)}")
            asked = pushed or parse_request(relying_party, reply_to.redirect_uri, given, self._hints)
            return self._begin(asked, relying_party, self._browsers.read(incoming))
        except (OAuthError, StorageBusy) as error:
            if pushed and isinstance(error, OAuthError):
                self._pushed_requests.finish(pushed)
            # RFC 6749, 4.1.2.1: a redirect cannot say 503, so its error has to.
            return self._send_error(reply_to, error)

    def _relying_party(self, given: Mapping[str, str]) -> RelyingParty:
        if "client_id" not in given:
            raise UnprovenRedirect("client_id is missing; send the one you registered")
        relying_party = self._registration.get(given["client_id"])
        if relying_party is None:
            raise UnprovenRedirect("client_id is not registered here; register it first")
        return relying_party

    def _pushed(self, relying_party: RelyingParty, given: Mapping[str, str]) -> AuthorizationRequest | None:
        """The request that was pushed; nothing else beside its `request_uri` counts (RFC 9126, 4)."""
        request_uri = given.get("request_uri", "")
        if request_uri.startswith(REQUEST_URI_PREFIX):
            return self._pushed_requests.find(request_uri, relying_party)
        if relying_party.pushes_requests:
            raise PushedRequestRequired
        return None

    def _begin(self, asked: AuthorizationRequest, relying_party: RelyingParty, browser: Browser) -> Response:
        if Prompt.NONE in asked.prompt:
            return self._without_pages(asked, relying_party, browser)
        interaction = self._sign_in.begin(asked, browser)
        rule = self._approvals.take(interaction) if self._approvals else None
        if self._approvals is None or rule is None:
            return self.resume(interaction, browser)
        try:
            proved = self._approvals.sign_in(rule, interaction, browser)
        except (SignInRefused, InteractionExpired) as refusal:
            raise AccessDenied("the persona of the approval rule cannot sign in") from refusal
        browser = Browser(browser.secret, proved.new_session or browser.session)
        response = self._by_rule(rule, proved.interaction, browser)
        return self._browsers.write(response, browser, proved.new_session)

    def _by_rule(self, rule: ApprovalRule, interaction: Interaction, browser: Browser) -> Response:
        """What the person would do on the pages, as an approval rule has it."""
        step = self.next_step(interaction)
        if step.kind is StepKind.FINISH and rule.decision == "agree":
            return self.send_code(interaction, self._decisions.conclude(interaction, browser))
        if step.kind is not StepKind.CONSENT or rule.decision == "leave":
            return self.leave(interaction)
        language = interaction.request.language or "zh"
        if rule.decision == "refuse":
            self._decisions.refuse(interaction, browser, language)
            return self.send_refusal(interaction)
        code = self._decisions.agree(interaction, browser, rule.ticks(interaction), language)
        return self.send_code(interaction, code)

    def _without_pages(
        self, asked: AuthorizationRequest, relying_party: RelyingParty, browser: Browser
    ) -> Response:
        standing = self._sign_in.standing(asked, browser)
        if standing.person is None or standing.person.missing(asked.level):
            raise LoginRequired("nobody is signed in at the level asked for")
        interaction = self._sign_in.begin(asked, browser)
        if self.next_step(interaction).kind is not StepKind.FINISH:
            self._decisions.leave(interaction)
            raise ConsentRequired("the person has to be asked first")
        return self.send_code(interaction, self._decisions.conclude(interaction, browser))

    # What comes next

    def next_step(self, interaction: Interaction) -> Step:
        """The next step of this interaction."""
        missing = _missing_proof(interaction.progress, interaction.request.level)
        if missing is not None:
            return missing
        standing = self._decisions.standing(interaction)
        if standing.is_somebody_else:
            return Step(StepKind.LEAVE, standing=standing)
        if interaction.is_own:
            return self._own_step(interaction, standing)
        if standing.is_suspended:
            return Step(StepKind.SUSPENDED, standing=standing)
        if not self._decisions.needs_asking(interaction, standing):
            return Step(StepKind.FINISH, standing=standing)
        if standing.needs_guardian and not interaction.progress.guardian_checked:
            return _guardian_step(interaction)
        return Step(StepKind.CONSENT, standing=standing)

    def _own_step(self, interaction: Interaction, standing: Standing) -> Step:
        """A child does not leave or correct without the guardian, unless there is none to ask."""
        action = interaction.request.action
        asks_guardian = standing.needs_guardian and standing.has_guardian
        if action and action.needs_guardian and asks_guardian and not interaction.progress.guardian_checked:
            return _guardian_step(interaction)
        return Step(StepKind.FINISH, standing=standing)

    def resume(self, interaction: Interaction, browser: Browser, new_session: str | None = None) -> Response:
        """The way on: a page, or back to the relying party. Every page's POST ends here."""
        step = self.next_step(interaction)
        if new_session is not None:
            browser = Browser(browser.secret, new_session)
        if step.kind is StepKind.FINISH and interaction.is_own:
            response = self._arrive(interaction, browser)
        elif step.kind is StepKind.FINISH:
            response = self.send_code(interaction, self._decisions.conclude(interaction, browser))
        elif step.kind is StepKind.LEAVE:
            response = self.leave(interaction)
        else:
            response = responses.see_other(self.address(interaction, step))
        return self._browsers.write(response, browser, new_session)

    def _arrive(self, interaction: Interaction, browser: Browser) -> Response:
        """At the provider's own pages; signed in anew, if it was for an act."""
        if interaction.request.action is None:
            self._decisions.leave(interaction)
        else:
            self._fresh.confirm(interaction, browser)
        return responses.see_other(interaction.request.redirect_uri)

    def address(self, interaction: Interaction, step: Step) -> str:
        """Where the page of that step is."""
        role = "?role=guardian" if step.role is Role.GUARDIAN else ""
        return f"{self._settings.issuer}/{step.kind.value}/{interaction.handle}{role}"

    # Answers to the relying party

    def send_code(self, interaction: Interaction, code: str) -> Response:
        """Back with a code (RFC 6749, 4.1.2; `iss` by RFC 9207)."""
        return _way_back(interaction).send(self._settings.issuer, code=code)

    def send_refusal(self, interaction: Interaction) -> Response:
        """Back with access_denied: the person did not agree."""
        return self._send_error(_way_back(interaction), AccessDenied("the person did not agree"))

    def leave(self, interaction: Interaction) -> Response:
        """Ends an interaction that the person left before deciding."""
        self._decisions.leave(interaction)
        if interaction.request.action is not None:
            return self.to_own_pages("")
        if interaction.is_own:
            return responses.see_other(f"{self._settings.issuer}/")
        return self.send_refusal(interaction)

    def to_cancelled(self, reference: str) -> Response:
        """To the page that says how far a cancellation has come; this browser is signed out."""
        return responses.see_other(f"{self._settings.issuer}/cancelled/{reference}")

    def to_own_pages(self, done: str) -> Response:
        """Back to the provider's own pages after a form; `done` is shown as the outcome."""
        return responses.see_other(f"{self._settings.issuer}/records{f'?{done}' if done else ''}")

    def visit_own_pages(
        self, browser: Browser, language: Language | None, action: OwnAction | None = None
    ) -> Response:
        """Signs a person in for the provider's own pages; for an act, anew, and on to the act's page."""
        own = own_pages(self._settings.issuer)
        page = own.redirect_uris[0]
        asked = AuthorizationRequest(
            client_id=own.client_id,
            redirect_uri=page if action is None else f"{page}/{action.value}",
            scope=(),
            level=action.level if action else own.default_level,
            language=language,
            action=action,
        )
        return self.resume(self._sign_in.begin(asked, browser), browser)

    def _send_error(self, reply_to: ReplyTo, error: NetIDError) -> Response:
        responses.log_refusal(error)
        description = responses.printable(error.description)
        return reply_to.send(self._settings.issuer, error=error.code, error_description=description)


def _reply_to(relying_party: RelyingParty, given: Mapping[str, str]) -> ReplyTo:
    """Where an answer goes, an error also where nothing else of the request can be read."""
    redirect_uri = proven_redirect_uri(relying_party, given)
    mode = next((mode for mode in ResponseMode if mode == given.get("response_mode")), ResponseMode.QUERY)
    return ReplyTo(redirect_uri, mode, given.get("state"), relying_party.name)


def _way_back(interaction: Interaction) -> ReplyTo:
    return ReplyTo.of(interaction.request, interaction.relying_party)


def _missing_proof(progress: Progress, level: AssuranceLevel) -> Step | None:
    if progress.person is None:
        return Step(StepKind.SIGN_IN)
    missing = progress.person.missing(level)
    return Step(StepKind(missing[0].page)) if missing else None


def _guardian_step(interaction: Interaction) -> Step:
    guardian = interaction.progress.guardian
    if guardian is None:
        return Step(StepKind.GUARDIAN)
    missing = guardian.missing(interaction.request.level)
    kind = StepKind(missing[0].page) if missing else StepKind.SIGN_IN
    return Step(kind, Role.GUARDIAN)


def blueprint(authorize: Authorize) -> Blueprint:
    """GET and POST /authorize."""
    routes = Blueprint("authorize", __name__)

    @routes.route("/authorize", methods=["GET", "POST"])
    def receive() -> Response:
        return authorize.receive(request)

    return routes
