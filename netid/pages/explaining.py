"""What an error page says: what happened, and the way on. Never the cause."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flask import Flask

from netid.errors import (
    CommitUnconfirmed,
    FormRefused,
    InteractionEnded,
    InteractionExpired,
    InvalidField,
    LogoutUnproven,
    MalformedRequest,
    MethodNotAllowed,
    NetIDError,
    NotFound,
    OAuthError,
    RequestTooLarge,
    RequestUriRefused,
    StorageBusy,
    UnsupportedMediaType,
)
from netid.pages.language import gettext as _


@dataclass(frozen=True)
class Explanation:
    """An error in words, in the page's language."""

    title: str
    text: str
    way_on: str
    nothing_was_shared: bool = True
    """Whether the page may say so."""
    for_developers: str | None = None
    """Field, rule and remedy for whoever wrote the request, in English; it repeats no value."""


def explain(error: NetIDError) -> Explanation:
    """The words for an error; what is not listed is against the rules, or a fault of ours."""
    if isinstance(error, InvalidField):
        return _invalid(error)
    for kinds, words in _WORDS:
        if isinstance(error, kinds):
            about_the_request = error.description if isinstance(error, OAuthError) else None
            return replace(words(), for_developers=about_the_request)
    return _fault() if error.status >= 500 else _not_possible()


def _ended() -> Explanation:
    return Explanation(
        _("This sign-in has ended"),
        _("The outcome stands; pressing again changed nothing. “My records” shows what was shared."),
        _("Go back to the site or app you came from. If you are not signed in there, start again."),
        nothing_was_shared=False,
    )


def _expired() -> Explanation:
    return Explanation(
        _("This link has expired"),
        _("The sign-in was begun too long ago, or in another browser."),
        _("Go back to the site or app you came from and start again."),
    )


def _used_up() -> Explanation:
    return Explanation(
        _("This link has expired"),
        _("The sign-in that it led to has ended, or it was made too long ago."),
        _("Go back to the site or app you came from. If you are not signed in there, start again."),
        nothing_was_shared=False,
    )


def _not_found() -> Explanation:
    return Explanation(
        _("There is no such page"),
        _("The address is wrong, or what it led to is no longer there."),
        _("Check the address, or start from the home page."),
    )


def _form_refused() -> Explanation:
    return Explanation(
        _("This form could not be accepted"),
        _("It was not sent from the page that this browser was shown, or you signed in anew meanwhile."),
        _("Go back, reload the page and send the form again. This service needs cookies."),
    )


def _busy() -> Explanation:
    return Explanation(
        _("The service is busy"),
        _("Nothing was changed."),
        _("Go back and try again in a moment."),
    )


def _unconfirmed() -> Explanation:
    return Explanation(
        _("The service was interrupted"),
        _("It is not certain whether this was still done."),
        _("Look at “My records”, or go back and try again in a moment."),
        nothing_was_shared=False,
    )


def _invalid(error: InvalidField) -> Explanation:
    return Explanation(
        _("This form could not be accepted"),
        _("The field “%(field)s” does not have the form that is asked for.", field=error.field),
        _("Go back, reload the page and fill it in again."),
    )


def _request_refused() -> Explanation:
    return Explanation(
        _("This sign-in cannot begin"),
        _("The site or app you came from sent a request that cannot be answered."),
        _("Go back to it and use another way, or tell the people who run it."),
    )


def _logout_refused() -> Explanation:
    return Explanation(
        _("Nobody was signed out"),
        _("The site or app you came from asked for it in a way that cannot be proven."),
        _("To sign out here, open “My records”."),
    )


def _not_possible() -> Explanation:
    return Explanation(
        _("This is not possible"),
        _("The rules of the service do not allow this step now."),
        _("Go back to the site or app you came from and use another way."),
    )


def _fault() -> Explanation:
    return Explanation(
        _("Something went wrong here"),
        _("The fault is ours, not yours."),
        _("Go back and try again, or use another way at the site or app you came from."),
    )


_WORDS: Sequence[tuple[tuple[type[NetIDError], ...], Callable[[], Explanation]]] = (
    ((InteractionEnded,), _ended),
    ((InteractionExpired,), _expired),
    ((RequestUriRefused,), _used_up),
    ((NotFound, MethodNotAllowed), _not_found),
    ((FormRefused, MalformedRequest, RequestTooLarge, UnsupportedMediaType), _form_refused),
    ((CommitUnconfirmed,), _unconfirmed),
    ((StorageBusy,), _busy),
    ((LogoutUnproven,), _logout_refused),
    ((OAuthError,), _request_refused),
)
"""By kind of error; the first that fits speaks."""


def install(app: Flask) -> None:
    """Gives the error page its words."""
    app.jinja_env.globals["explain"] = explain
