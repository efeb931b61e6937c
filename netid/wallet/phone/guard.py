"""Who may press a button on this phone: the pages it shows, and nobody else's. And who may open a page.

The phone sets no cookie and knows no session, since it is one person's. A form carries a token that
only a page of ours tells, and its browser has to say that it came from one.
"""

import hmac

from flask import Response, render_template, request

from netid.ambient import Ambient
from netid.credentials import base64url


class FormRefused(Exception):
    """The form did not come from a page of this phone, or a page of it is loaded where nobody sees it."""


class Guard:
    """Makes and checks forms' tokens; a restart makes the old ones void."""

    def __init__(self, ambient: Ambient, origin: str) -> None:
        self._key = ambient.random(32)
        self._origin = origin

    def token(self, action: str) -> str:
        """The hidden value of a form that is posted to this path."""
        return base64url.encode(hmac.digest(self._key, action.encode(), "sha256"))

    def check(self) -> None:
        """Raises FormRefused.

        Under `Referrer-Policy: no-referrer` browsers send `Origin: null` with our own forms too;
        `Sec-Fetch-Site`, which no page can forge, then tells them from a stranger's.
        """
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
        own = origin in {None, self._origin} or (origin == "null" and site == "same-origin")
        if not own or site not in {None, "same-origin"}:
            raise FormRefused
        given = request.form.get("form_token", "")
        if not hmac.compare_digest(given.encode(), self.token(request.path).encode()):
            raise FormRefused


def check_visit() -> None:
    """That another's page leads to one of ours, and does not load it as an image, in a frame or by script:
    a link makes the wallet fetch a request from wherever it says. Raises FormRefused.

    Nor does a browser load it ahead, which a page can ask for (speculation rules) and which then names no
    site that it came from; it asks again once its person goes there.
    """
    site, into = request.headers.get("Sec-Fetch-Site"), request.headers.get("Sec-Fetch-Dest")
    is_ahead = "prefetch" in request.headers.get("Sec-Purpose", "")
    if is_ahead or (site in {"cross-site", "same-site"} and into != "document"):
        raise FormRefused


def show(template: str, *, status: int = 200, leads_to: str = "", **context: object) -> Response:
    """A page with the headers every page carries; `leads_to`: where a form of it may be redirected to."""
    response = Response(render_template(template, **context), status=status)
    response.headers.update(
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": (
                "default-src 'none'; style-src 'self'; img-src 'self'; "
                f"form-action 'self' {leads_to}; base-uri 'none'; frame-ancestors 'none'"
            ),
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
    )
    return response
