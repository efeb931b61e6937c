"""The phone's composition root: the library, its pages, and what goes around each."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, SecurityError

from netid.ambient import Ambient
from netid.credentials.net_credential import NET_NUMBER
from netid.errors import NetIDError
from netid.identity.claims import CATALOGUE
from netid.identity.readable import write_moment
from netid.identity.text import Language, Text
from netid.sending import Send, Sender
from netid.wallet.errors import GuardianNeeded, OverAsked
from netid.wallet.grants import Grants
from netid.wallet.phone import words
from netid.wallet.phone.guard import FormRefused, Guard, check_visit, show
from netid.wallet.phone.views import Phone
from netid.wallet.presenting import Presenter
from netid.wallet.receiver import Receiver
from netid.wallet.safe import Safe

MAX_REQUEST_BYTES = 32 * 1024
MAX_ANSWER = 1024 * 1024
"""Room for a hundred copies."""

_NET_NUMBER = Text(zh="网号", en="Net number")
_TAGS: dict[Language, str] = {"zh": "zh-CN", "en": "en"}


@dataclass(frozen=True)
class PhoneSettings:
    """How one phone runs."""

    issuer: str
    """The provider it belongs to."""
    url: str
    """Where browsers reach it, without a slash at the end."""
    data: Path
    """The directory of its safe."""
    trust: Path | None = None
    """The certificate of the local authority, where there is one."""


def create_app(settings: PhoneSettings, ambient: Ambient, send: Send | None = None) -> Flask:
    """The WSGI application. Raises KeyFileError for a safe that cannot be opened."""
    app = Flask("netid.wallet.phone")
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    # A name that somebody else's page could point at this machine does not reach it.
    app.config["TRUSTED_HOSTS"] = [urlsplit(settings.url).hostname]
    send = send or Sender(ambient, trust=settings.trust, max_answer=MAX_ANSWER).send
    safe = Safe(settings.data, ambient)
    receiver = Receiver(settings.issuer, f"{settings.url}/callback", safe=safe, send=send, ambient=ambient)
    grants = Grants(safe=safe, device_key=receiver.device_key, now=ambient.now)
    presenter = Presenter(settings.issuer, safe=safe, grants=grants, send=send, ambient=ambient)
    guard = Guard(ambient, settings.url)
    phone = Phone(
        settings.issuer,
        safe=safe,
        receiver=receiver,
        grants=grants,
        presenter=presenter,
        ambient=ambient,
    )
    app.extensions["netid-wallet"] = phone
    app.register_blueprint(phone.routes())
    _speak(app)
    _answer_errors(app, settings)
    app.jinja_env.globals["token"] = guard.token

    @app.before_request
    def guarded() -> None:
        if request.method == "POST":
            guard.check()
        else:
            check_visit()

    return app


def _speak(app: Flask) -> None:
    """The language of the last switch, which the phone remembers while it runs; else the browser's."""
    chosen: list[Language] = []

    def language() -> Language:
        if "language" not in g:
            switched = next((known for known in _TAGS if request.args.get("lang") == known), None)
            if switched:
                chosen[:] = [switched]
            offered = request.accept_languages.best_match(list(_TAGS))
            g.language = chosen[0] if chosen else "en" if offered == "en" else "zh"
        spoken: Language = g.language
        return spoken

    def frame() -> dict[str, object]:
        here = language()
        other: Language = "en" if here == "zh" else "zh"
        return {
            "tag": _TAGS[here],
            "other_tag": _TAGS[other],
            "other_name": "English" if other == "en" else "中文",
            # Quoted: to a browser a backslash is a slash, and two of them begin another host.
            "switch_href": f"{quote(request.path)}?lang={other}",
        }

    def label(name: str) -> str:
        if name == NET_NUMBER:
            return _NET_NUMBER.in_(language())
        return CATALOGUE[name].label.in_(language()) if name in CATALOGUE else name

    def text(given: "Text | dict[str, str]") -> str:
        return (given if isinstance(given, Text) else Text.model_validate(given)).in_(language())

    app.context_processor(frame)
    app.jinja_env.globals["say"] = lambda zh, en: zh if language() == "zh" else en
    app.jinja_env.filters.update(
        said=text,
        label=label,
        value=lambda given, name: words.value(name, given, language()),
        moment=lambda at: write_moment(at, language()),
    )


def _answer_errors(app: Flask, settings: PhoneSettings) -> None:
    @app.errorhandler(SecurityError)
    def foreign_host(_error: SecurityError) -> Response:
        # No page can be made for a host that is not ours: its links would lead there.
        return Response(f"请打开 / Open {settings.url}\n", status=400, mimetype="text/plain")

    @app.errorhandler(OverAsked)
    def over_asked(error: OverAsked) -> Response:
        return show("stopped.html", status=error.status, platform=error.platform, reason="over-asked")

    @app.errorhandler(GuardianNeeded)
    def guardian_needed(error: GuardianNeeded) -> Response:
        return show(
            "stopped.html",
            status=error.status,
            platform=error.platform,
            purpose=error.purpose,
            reason="guardian",
        )

    @app.errorhandler(NetIDError)
    def failed(error: NetIDError) -> Response:
        known = words.FAULTS.get(type(error))
        if known is None:
            app.logger.error("unexpected: %s", type(error).__name__)
        heading, body = known or words.MISSING
        return show("error.html", status=error.status, fault=heading, body=body)

    @app.errorhandler(FormRefused)
    def form_refused(_error: FormRefused) -> Response:
        heading, body = words.FORM_REFUSED
        return show("error.html", status=403, fault=heading, body=body)

    @app.errorhandler(HTTPException)
    def http_failed(error: HTTPException) -> Response:
        heading, body = words.MISSING
        return show("error.html", status=error.code or 500, fault=heading, body=body)
