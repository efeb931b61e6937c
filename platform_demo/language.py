"""Which language a page speaks: the switch, the choice it kept, then the browser."""

from typing import cast
from urllib.parse import quote, urlencode

from flask import Flask, Response, g, request

from netid.client import Language
from platform_demo.words import Words

_COOKIE = "platform_language"
_YEAR = 365 * 24 * 3600
_TAGS: dict[Language, str] = {"zh": "zh-CN", "en": "en"}


def _known(value: str | None) -> Language | None:
    return next((language for language in _TAGS if language == value), None)


def language() -> Language:
    """The language of the page that answers this request."""
    if "language" not in g:
        g.language = (
            _known(request.args.get("lang"))
            or _known(request.cookies.get(_COOKIE))
            or _known(request.accept_languages.best_match(list(_TAGS)))
            or "zh"
        )
    return cast(Language, g.language)


def say(zh: str, en: str) -> str:
    """One of the two, in this page's language."""
    return zh if language() == "zh" else en


def said(words: Words) -> str:
    """The words in this page's language."""
    return words.said(language())


def _frame() -> dict[str, object]:
    here = language()
    other: Language = "en" if here == "zh" else "zh"
    return {
        "tag": _TAGS[here],
        "other_tag": _TAGS[other],
        "other_name": "English" if other == "en" else "中文",
        # Quoted: to a browser a backslash is a slash, and two of them begin another host.
        "switch_href": f"{quote(request.path)}?{urlencode({'lang': other})}",
    }


def _keep(response: Response) -> Response:
    if chosen := _known(request.args.get("lang")):
        response.set_cookie(
            _COOKIE, chosen, max_age=_YEAR, secure=request.is_secure, httponly=True, samesite="Lax"
        )
    return response


def install(app: Flask) -> None:
    """Gives every template its words, and keeps the choice made with the switch."""
    app.after_request(_keep)
    app.context_processor(_frame)
    app.jinja_env.globals["say"] = say
    app.jinja_env.filters["said"] = said
