"""The phone's pages: what it holds, what is offered, what is asked, what became of it."""

from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from netid.ambient import Ambient
from netid.credentials.net_credential import NET_NUMBER
from netid.identity.claims import CATALOGUE
from netid.identity.own_wallet import LONG
from netid.wallet.errors import (
    ClaimMissing,
    IssuingEnded,
    OfferRefused,
    RequestEnded,
    TransactionCodeWrong,
)
from netid.wallet.grants import Grants
from netid.wallet.offers import Offer, is_request, read_request
from netid.wallet.phone.guard import show
from netid.wallet.phone.waiting import Waiting
from netid.wallet.phone.words import REFUSED_THERE
from netid.wallet.presenting import Answered, Asked, Presenter
from netid.wallet.receiver import PendingSignIn, Receiver
from netid.wallet.safe import Safe

FEW = 3
"""With so many copies left the phone asks for new ones."""

T = TypeVar("T")


class Phone:
    """One person's phone."""

    def __init__(
        self,
        issuer: str,
        *,
        safe: Safe,
        receiver: Receiver,
        grants: Grants,
        presenter: Presenter,
        ambient: Ambient,
    ) -> None:
        self._issuer = issuer
        self._provider_origin = "{0.scheme}://{0.netloc}".format(urlsplit(issuer))
        self._safe = safe
        self._receiver = receiver
        self._grants = grants
        self._presenter = presenter
        self._offers: Waiting[Offer] = Waiting(ambient)
        self._sign_ins: Waiting[PendingSignIn] = Waiting(ambient)
        self._asked: Waiting[Asked] = Waiting(ambient)
        self._answered: Waiting[Answered] = Waiting(ambient)

    def routes(self) -> Blueprint:
        """Every page of the phone."""
        routes = Blueprint("phone", __name__)
        pages: list[tuple[str, str, Callable[..., AnyResponse]]] = [
            ("GET", "/", self.home),
            ("POST", "/paste", self.paste),
            ("GET", "/offer", self.offered),
            ("GET", "/offer/<name>", self.offer),
            ("POST", "/offer/<name>", self.decide_offer),
            ("POST", "/sign-in", self.sign_in),
            ("GET", "/callback", self.callback),
            ("GET", "/present", self.present),
            ("GET", "/request/<name>", self.request),
            ("POST", "/request/<name>", self.decide),
            ("GET", "/outcome/<name>", self.outcome),
            ("GET", "/log", self.log),
            ("GET", "/settings", self.settings),
            ("POST", "/forget", self.forget),
            ("POST", "/permission", self.delete_permission),
            ("GET", "/erase", self.confirm_erasing),
            ("POST", "/erase", self.erase),
        ]
        for method, path, view in pages:
            routes.add_url_rule(path, view.__name__, view, methods=[method])
        return routes

    def home(self) -> Response:
        """What the wallet holds."""
        copies = self._safe.copies()
        free = [copy for copy in copies if copy.kept_for is None]
        return show(
            "home.html",
            leads_to=self._provider_origin,
            copies=copies,
            short=sum(copy.configuration != LONG for copy in free),
            long=sum(copy.configuration == LONG for copy in free),
            few=len(free) <= FEW,
            fields=_ordered(copies[0].fields) if copies else {},
            told=request.args.get("told"),
        )

    def paste(self) -> AnyResponse:
        """A link or code from elsewhere: an offer, a request, or a guardian's permission."""
        text = request.form.get("text", "").strip()
        if is_request(text):
            return self._open(text)
        if text.count(".") == 2 and not set(text) & set("{?:/"):
            self._grants.add(text)
            return _to("home", told="permission")
        return self._offer(text)

    def offered(self) -> AnyResponse:
        """The link of an offer leads here."""
        return self._offer(_query())

    def offer(self, name: str) -> Response:
        """Whether to take what is offered."""
        return self._show_offer(name, wrong=False)

    def decide_offer(self, name: str) -> AnyResponse:
        """Takes it, or leaves it."""
        offer = _there(self._offers.get(name), IssuingEnded)
        if request.form.get("decision") != "agree":
            self._offers.take(name)
            return _to("home")
        if offer.pre_authorized is None:
            state = offer.grants.authorization_code
            return self._go_to_provider(state.issuer_state if state else None)
        try:
            self._receiver.accept(offer, request.form.get("code", "").strip())
        except TransactionCodeWrong:
            return self._show_offer(name, wrong=True)
        self._offers.take(name)
        return _to("home", told="received")

    def sign_in(self) -> AnyResponse:
        """New copies by signing in at the provider."""
        return self._go_to_provider(None)

    def callback(self) -> AnyResponse:
        """Back from the provider."""
        given = request.args
        pending = _there(self._sign_ins.take(given.get("state", "")), IssuingEnded)
        if "code" not in given:
            heading, body = REFUSED_THERE
            return show("error.html", status=400, fault=heading, body=body)
        self._receiver.finish(pending, given["code"], given.get("iss", ""))
        return _to("home", told="received")

    def present(self) -> AnyResponse:
        """The link of a relying party's request leads here."""
        return self._open(_query())

    def request(self, name: str) -> AnyResponse:
        """Who asks for what; the person decides."""
        if self._answered.get(name):
            return _to("outcome", name=name)
        return self._show_request(name, _there(self._asked.get(name), RequestEnded))

    def decide(self, name: str) -> AnyResponse:
        """Shows the credential, or says no. A second press shows the outcome."""
        if self._answered.get(name):
            return _to("outcome", name=name)
        asked = _there(self._asked.get(name), RequestEnded)
        ticked = frozenset(request.form.getlist("claim"))
        agreed = request.form.get("decision") == "agree"
        if agreed:
            try:
                asked.shown(ticked)
            except ClaimMissing:
                return self._show_request(name, asked, wrong=True)
        # Of two presses at once, one answers.
        _there(self._asked.take(name), RequestEnded)
        if agreed:
            answered = self._presenter.agree(asked, ticked, remember="remember" in request.form)
        else:
            answered = self._presenter.refuse(asked)
        self._answered.put(answered, name)
        return _to("outcome", name=name)

    def outcome(self, name: str) -> Response:
        """What became of a request."""
        return show("outcome.html", answered=_there(self._answered.get(name), RequestEnded))

    def log(self) -> Response:
        """What was asked of this wallet, on its own disk."""
        return show("log.html", entries=self._safe.log())

    def settings(self) -> Response:
        """Platforms that recognise the person; guardians' permissions; erasing."""
        names: dict[str, object] = {}
        for entry in self._safe.log():
            names.setdefault(str(entry.details.get("client_id")), entry.details.get("platform"))
        return show(
            "settings.html",
            remembered=sorted(self._safe.remembered()),
            names=names,
            grants=self._grants.held(),
            told=request.args.get("told"),
        )

    def forget(self) -> AnyResponse:
        """From now on that platform sees a stranger."""
        self._safe.forget(request.form.get("client_id", ""))
        return _to("settings", told="forgotten")

    def delete_permission(self) -> AnyResponse:
        """From now on this purpose of this platform takes a guardian's permission again."""
        self._grants.delete(request.form.get("client_id", ""), request.form.get("purpose") or None)
        return _to("settings", told="permission-deleted")

    def confirm_erasing(self) -> Response:
        """What is deleted, before it is."""
        return show("erase.html")

    def erase(self) -> AnyResponse:
        """Empties the wallet."""
        if request.form.get("decision") != "erase":
            return _to("settings")
        for waiting in (self._offers, self._sign_ins, self._asked, self._answered):
            waiting.clear()
        self._safe.erase()
        return _to("home", told="erased")

    def _offer(self, text: str) -> AnyResponse:
        return _to("offer", name=self._offers.put(self._receiver.offer(text)))

    def _show_offer(self, name: str, *, wrong: bool) -> Response:
        offer = _there(self._offers.get(name), OfferRefused)
        code = offer.pre_authorized.tx_code if offer.pre_authorized else None
        return show(
            "offer.html",
            status=400 if wrong else 200,
            leads_to=self._provider_origin,
            issuer=self._issuer,
            code=code,
            wrong=wrong,
            name=name,
        )

    def _go_to_provider(self, issuer_state: str | None) -> AnyResponse:
        url, pending = self._receiver.begin(issuer_state)
        self._sign_ins.put(pending, pending.state)
        return redirect(url, 303)

    def _open(self, text: str) -> AnyResponse:
        return _to("request", name=self._asked.put(self._presenter.open(read_request(text))))

    def _show_request(self, name: str, asked: Asked, *, wrong: bool = False) -> Response:
        return show(
            "request.html", status=400 if wrong else 200, asked=asked, wrong=wrong, name=name, few=FEW
        )


def _query() -> str:
    """The request's query as a link has it: after its "?", since another may stand in it (RFC 3986, 3.4)."""
    return f"?{request.query_string.decode('ascii', 'replace')}"


def _ordered(fields: Mapping[str, str | bool]) -> dict[str, str | bool]:
    """In the order of the catalogue, the net number first: a copy's own order says nothing."""
    return {name: fields[name] for name in (NET_NUMBER, *CATALOGUE) if name in fields}


def _to(page: str, *, name: str | None = None, told: str | None = None) -> AnyResponse:
    return redirect(url_for(f"phone.{page}", name=name, told=told), 303)


def _there(thing: T | None, error: type[OfferRefused] | type[IssuingEnded] | type[RequestEnded]) -> T:
    if thing is None:
        raise error
    return thing
