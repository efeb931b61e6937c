"""A page in its frame, with the headers every page carries."""

from collections.abc import Sequence

from flask import Response, render_template

from netid import responses
from netid.pages.forms import FormError


def show(
    template: str,
    *,
    errors: Sequence[FormError] = (),
    form_action_origins: Sequence[str] = (),
    **context: object,
) -> Response:
    """The page of that template; with errors (they stand at the top and at their inputs) it answers 400.

    `form_action_origins`: where a form of this page may be redirected to, apart from the provider.
    """
    body = render_template(template, errors=errors, **context)
    return responses.page_headers(Response(body, status=400 if errors else 200), form_action_origins)
