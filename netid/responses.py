"""An error becomes OAuth JSON, problem+json (RFC 9457), a page or a redirect; its cause goes to the log."""

import logging
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from flask import Response, jsonify, redirect, render_template, request

from netid.errors import InvalidClient, InvalidToken, NetIDError, OAuthError, StorageBusy

log = logging.getLogger("netid.refused")

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def log_refusal(error: NetIDError) -> None:
    """One counted line per refusal: what and why, never whose."""
    log.info("%s %s: %s %s", request.method, request.endpoint, type(error).__name__, error.detail)


def oauth_json(error: OAuthError) -> Response:
    """RFC 6749, 5.2 and RFC 6750, 3."""
    log_refusal(error)
    response = jsonify(error=error.code, error_description=_printable(error.description))
    response.status_code = error.status
    response.headers.update(_NO_STORE)
    if isinstance(error, InvalidClient):
        response.headers["WWW-Authenticate"] = 'Basic realm="netid", charset="UTF-8"'
    if isinstance(error, InvalidToken):
        response.headers["WWW-Authenticate"] = f'Bearer realm="netid", error="{error.code}"'
    return response


def problem(error: NetIDError) -> Response:
    """RFC 9457, for everything that is neither OAuth nor a page."""
    log_refusal(error)
    response = jsonify(
        type="about:blank",
        title=type(error).__name__,
        status=error.status,
        code=error.code,
        detail=error.description,
        **_located(error),
    )
    response.status_code = error.status
    response.mimetype = "application/problem+json"
    response.headers.update(_NO_STORE)
    if isinstance(error, StorageBusy):
        response.headers["Retry-After"] = "1"
    return response


def _located(error: NetIDError) -> dict[str, str]:
    return {name: getattr(error, name) for name in ("field", "rule", "remedy") if hasattr(error, name)}


def page(error: NetIDError) -> Response:
    """A page that says what happened, whether anything was shared, and where to go."""
    log_refusal(error)
    response = Response(render_template("error.html", error=error), status=error.status)
    if isinstance(error, StorageBusy):
        response.headers["Retry-After"] = "1"
    return page_headers(response)


def page_headers(response: Response, form_action_origins: Sequence[str] = ()) -> Response:
    """What every page carries. `form_action_origins` are proven redirect origins, nothing wider:
    Chromium and WebKit hold the whole redirect chain after a form to `form-action`."""
    form_action = " ".join(("'self'", *form_action_origins))
    response.headers.update(_NO_STORE)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response


def redirect_to_relying_party(redirect_uri: str, parameters: dict[str, str | None]) -> Response:
    """Back to a proven redirect URI with these parameters; 303, so that a POST is never repeated."""
    given = {name: value for name, value in parameters.items() if value is not None}
    separator = "&" if urlsplit(redirect_uri).query else "?"
    response = redirect(f"{redirect_uri}{separator}{urlencode(given)}", code=303)
    response.headers.update(_NO_STORE)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response  # type: ignore[return-value]


def _printable(description: str) -> str:
    """The characters RFC 6749, 5.2 allows in `error_description`."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in description)
