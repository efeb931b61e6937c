"""An error becomes OAuth JSON, problem+json (RFC 9457), a page or a redirect; its cause goes to the log."""

import logging
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from flask import Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from netid.errors import (
    InvalidClient,
    MalformedRequest,
    MethodNotAllowed,
    NetIDError,
    NotFound,
    RequestTooLarge,
    Unauthorized,
    UnexpectedFault,
    UnsupportedMediaType,
)
from netid.identity.text import Text

log = logging.getLogger("netid.refused")

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}
_CHALLENGES: tuple[tuple[type[NetIDError], str], ...] = (
    (InvalidClient, 'Basic realm="netid", charset="UTF-8"'),
    (Unauthorized, 'Bearer realm="netid management"'),
)
_HTTP_ERRORS: tuple[type[NetIDError], ...] = (
    NotFound,
    MethodNotAllowed,
    RequestTooLarge,
    UnsupportedMediaType,
)


def log_refusal(error: NetIDError) -> None:
    """One counted line per refusal: what and why, never whose."""
    log.info("%s %s: %s %s", request.method, request.endpoint, type(error).__name__, error.detail)


def refusal_of(error: HTTPException) -> NetIDError:
    """What Flask itself refuses, as an error of ours."""
    if error.code is None or error.code >= 500:
        return UnexpectedFault(type(error).__name__)
    kind = next((kind for kind in _HTTP_ERRORS if kind.status == error.code), MalformedRequest)
    return kind()


def uncached(response: Response) -> Response:
    """Marks an answer that no cache may keep and no browser may reinterpret."""
    response.headers.update(_NO_STORE)
    return response


def public(response: Response, *, seconds: int = 300) -> Response:
    """Marks a document that everybody may read and keep for so long."""
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def oauth_json(error: NetIDError) -> Response:
    """RFC 6749, 5.2."""
    return _answer(error, jsonify(error=error.code, error_description=printable(error.description)))


def problem(error: NetIDError) -> Response:
    """RFC 9457, for everything that is neither OAuth nor a page."""
    body = {"type": "about:blank", "title": type(error).__name__, "status": error.status}
    body |= {"code": error.code, "detail": error.description, **_located(error)}
    response = _answer(error, jsonify(body))
    response.mimetype = "application/problem+json"
    return response


def _answer(error: NetIDError, response: Response) -> Response:
    """The response with what goes with every refusal of this kind."""
    log_refusal(error)
    response.status_code = error.status
    if error.status == 503:
        response.headers["Retry-After"] = "1"
    for kind, challenge in _CHALLENGES:
        if isinstance(error, kind):
            response.headers["WWW-Authenticate"] = challenge
    return uncached(response)


def _located(error: NetIDError) -> dict[str, str]:
    return {name: getattr(error, name) for name in ("field", "rule", "remedy") if hasattr(error, name)}


def page(error: NetIDError) -> Response:
    """A page that says what happened, whether anything was shared, and where to go."""
    return page_headers(_answer(error, Response(render_template("error.html", error=error))))


def page_headers(
    response: Response, form_action_origins: Sequence[str] = (), *, script: bool = False
) -> Response:
    """What every page carries. `form_action_origins` are proven redirect origins, nothing wider:
    Chromium and WebKit hold the whole redirect chain after a form to `form-action`. `script` lets a
    page run the files of /static; nothing inline runs anywhere."""
    form_action = " ".join(("'self'", *form_action_origins))
    script_src = "script-src 'self'; " if script else ""
    uncached(response)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; {script_src}style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response


def see_other(url: str) -> Response:
    """To another address; 303, so that a POST is never repeated, and without a body to leak from."""
    response = uncached(Response(status=303, headers={"Location": url}))
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def redirect_to_relying_party(redirect_uri: str, parameters: dict[str, str | None]) -> Response:
    """Back to a proven redirect URI with these parameters."""
    given = {name: value for name, value in parameters.items() if value is not None}
    separator = "&" if "?" in redirect_uri else "?"
    return see_other(f"{redirect_uri}{separator}{urlencode(given)}")


def form_for_relying_party(redirect_uri: str, parameters: dict[str, str | None], platform: Text) -> Response:
    """A page whose form posts these parameters to a proven redirect URI (OAuth 2.0 Form Post Response Mode).

    It sends itself; without scripts the person presses its button.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    page = render_template("form_post.html", action=redirect_uri, parameters=given, platform=platform)
    return page_headers(Response(page), [redirect_origin(redirect_uri)], script=True)


def redirect_origin(redirect_uri: str) -> str:
    """The origin of a proven redirect URI, for `form-action`."""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}"


def printable(description: str) -> str:
    """The characters RFC 6749, 4.1.2.1 and 5.2 allow in `error_description`."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in description)
