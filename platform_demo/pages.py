"""A page with the headers every page carries, and forms that only this browser can send."""

import hmac
from base64 import urlsafe_b64encode
from urllib.parse import urlsplit

from flask import Response, render_template, request

from netid.client import Ambient

_BROWSER_COOKIE = "platform_browser"
_SECRET_LENGTH = 43


class FormRefused(Exception):
    """The form did not come from the page this browser was shown."""


def show(
    template: str, *, status: int = 200, form_action: str = "", script: bool = False, **context: object
) -> Response:
    """The page of that template; `form_action` is where a form of it may be redirected to as well.

    `script` lets the page run the files of /static, which may ask this server; nothing inline runs.
    """
    scripts = "script-src 'self'; connect-src 'self'; " if script else ""
    response = Response(render_template(template, **context), status=status)
    response.headers.update(
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": (
                f"default-src 'none'; {scripts}style-src 'self'; img-src 'self' data:; "
                f"form-action 'self' {form_action}; base-uri 'none'; frame-ancestors 'none'"
            ),
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
    )
    return response


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Forms:
    """Hidden values by which a form proves that this browser was shown its page."""

    def __init__(self, ambient: Ambient, origin: str) -> None:
        self._ambient = ambient
        self._origin = origin
        self._key = ambient.random(32)

    def browser(self) -> str:
        """This browser's secret; a new one where it has none."""
        secret = request.cookies.get(_BROWSER_COOKIE, "")
        return secret if len(secret) == _SECRET_LENGTH else _text(self._ambient.random(32))

    def remember(self, response: Response, browser: str) -> Response:
        """Lets the browser keep its secret."""
        response.set_cookie(_BROWSER_COOKIE, browser, secure=request.is_secure, httponly=True, samesite="Lax")
        return response

    def token(self, browser: str, session: str) -> str:
        """The hidden value for this browser and session."""
        return _text(hmac.digest(self._key, f"{browser}|{session}".encode(), "sha256"))

    def check(self, session: str) -> None:
        """Raises FormRefused unless the form is this browser's own, sent from a page of ours.

        Under `Referrer-Policy: no-referrer` browsers send `Origin: null` with our own forms too;
        `Sec-Fetch-Site`, which no page can forge, then tells them from a stranger's.
        """
        origin = request.headers.get("Origin")
        own = origin in {None, self._origin} or (
            origin == "null" and request.headers.get("Sec-Fetch-Site") == "same-origin"
        )
        token = self.token(request.cookies.get(_BROWSER_COOKIE, ""), session)
        if not own or not hmac.compare_digest(request.form.get("form_token", "").encode(), token.encode()):
            raise FormRefused


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
