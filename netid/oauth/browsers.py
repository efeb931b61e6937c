"""The browser a request came from: its cookies, and the forms that only it can send."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from typing import TypeVar

from flask import Request, Response

from netid.ambient import Ambient
from netid.credentials.keyring import Keyring
from netid.errors import FormRefused
from netid.services.interaction import SECRET_BYTES, encode_secret
from netid.services.sign_in import SESSION_LIFETIME, Browser
from netid.settings import Settings

_YEAR = 365 * 24 * 3600
_SECRET_LENGTH = 43  # 32 bytes in base64url
R = TypeVar("R", bound=Response)


class Browsers:
    """Reads and sets the provider's two cookies, and guards its forms."""

    def __init__(self, settings: Settings, keyring: Keyring, ambient: Ambient) -> None:
        self._settings = settings
        self._keyring = keyring
        self._ambient = ambient
        # Realms are mounted under a path, for which __Host- is not to be had, and a browser sends each
        # the cookies of the paths above: they have names of their own.
        realm = f"_{hashlib.sha256(settings.path.encode()).hexdigest()[:8]}" if settings.path else ""
        self._browser_cookie = f"netid_browser{realm}"
        self._session_cookie = f"netid_session{realm}"

    def read(self, request: Request) -> Browser:
        """The browser of this request; one without a valid cookie is new."""
        secret = request.cookies.get(self._browser_cookie, "")
        if len(secret) != _SECRET_LENGTH:
            return Browser(encode_secret(self._ambient.random(SECRET_BYTES)), None)
        return Browser(secret, request.cookies.get(self._session_cookie))

    def write(self, response: R, browser: Browser, new_session: str | None = None) -> R:
        """Sets the browser's cookie, and the session's where a person has just signed in."""
        self._set(response, self._browser_cookie, browser.secret, _YEAR)
        if new_session is not None:
            self._set(response, self._session_cookie, new_session, int(SESSION_LIFETIME.total_seconds()))
        return response

    def forget_session(self, response: R) -> R:
        """Takes the session's cookie away, which is good for nothing any more."""
        response.delete_cookie(
            self._session_cookie,
            path=self._settings.path or "/",
            secure=self._settings.secure,
            httponly=True,
            samesite="Lax",
        )
        return response

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path=self._settings.path or "/",
            secure=self._settings.secure,
            httponly=True,
            samesite="Lax",
        )

    def form_token(self, browser: Browser, about: str) -> str:
        """The hidden value by which a form proves that this browser was shown the page `about`."""
        message = f"form|{browser.secret}|{browser.session or ''}|{about}"
        digest = hmac.digest(self._keyring.browser.reveal(), message.encode(), "sha256")
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    def check_form(self, request: Request, browser: Browser, about: str) -> None:
        """Raises FormRefused unless the form is this browser's own, sent from our own page.

        Under `Referrer-Policy: no-referrer` browsers send `Origin: null` with our own forms too;
        `Sec-Fetch-Site`, which no page can forge, then tells them from a sandboxed stranger.
        """
        origin = request.headers.get("Origin")
        own = origin == self._settings.origin or (
            origin == "null" and request.headers.get("Sec-Fetch-Site") == "same-origin"
        )
        if origin is not None and not own:
            raise FormRefused("foreign Origin")
        sent = request.form.get("form_token", "")
        if not hmac.compare_digest(sent.encode(), self.form_token(browser, about).encode()):
            raise FormRefused("form token")
