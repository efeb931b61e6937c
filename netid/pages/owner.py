"""Who is at their own pages: signed in here, and sending the forms that this browser was shown."""

from flask import Request

from netid.errors import FormRefused
from netid.oauth.browsers import Browsers
from netid.services.sign_in import Browser, SignIn
from netid.storage.sessions import Session


class Owners:
    """Tells pages of one's own who is there."""

    def __init__(self, *, browsers: Browsers, sign_in: SignIn) -> None:
        self._browsers = browsers
        self._sign_in = sign_in

    def come(self, request: Request) -> tuple[Browser, Session | None]:
        """Somebody opens a page; nobody may be signed in."""
        browser = self._browsers.read(request)
        return browser, self._sign_in.signed_in(browser)

    def act(self, request: Request, form: str) -> tuple[Browser, Session]:
        """Who is signed in sends a form of the page `form`. Raises FormRefused."""
        browser = self._browsers.read(request)
        self._browsers.check_form(request, browser, form)
        session = self._sign_in.signed_in(browser)
        if session is None:
            raise FormRefused("nobody is signed in")
        return browser, session
