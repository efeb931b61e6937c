"""Which language a page speaks: the switch, the choice it kept, the relying party, then the browser."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, urlencode

from babel.support import Translations
from flask import Flask, Response, g, request, url_for
from markupsafe import Markup
from werkzeug.exceptions import MethodNotAllowed

from netid.identity.text import Language, Text

TRANSLATIONS = Path(__file__).parent / "translations"
"""Every text is written in English in its place, and in Chinese in the catalogues of this folder."""

CATALOGUES = ("messages", "enrol", "records", "leaving", "undoing", "rights", "wallet")
"""What a person sees in general, on enrolment, in their records, on leaving, on undoing,
on their rights, and on wallets."""


def _load_chinese() -> Translations:
    first, *others = (_compiled(name) for name in CATALOGUES)
    for catalogue in others:
        first.merge(catalogue)
    return first


def _compiled(name: str) -> Translations:
    with (TRANSLATIONS / "zh" / "LC_MESSAGES" / f"{name}.mo").open("rb") as file:
        return Translations(file)


_CHINESE = _load_chinese()


def gettext(text: str, /, **values: object) -> str:
    """A text in this page's language; the placeholders `%(name)s` are named arguments."""
    words = _CHINESE.gettext(text) if language() == "zh" else text
    return words % values if values else words


def _marked(text: str, /, **values: object) -> Markup:
    """The same within a template: the text is markup already, the values are escaped.

    In the place of Jinja's own, which passes the context along and makes new markup at every text:
    a sixth of the time of a page.
    """
    words = _MARKUP[language()].get(text) or _mark(text)
    return words % values if values else words


_MARKUP: dict[Language, dict[str, Markup]] = {"zh": {}, "en": {}}
"""The texts of the templates as they were first shown."""


def _mark(text: str) -> Markup:
    words = _MARKUP[language()][text] = Markup(gettext(text))  # noqa: S704  (written by us, not by anybody else)
    return words


def ngettext(one: str, several: str, number: int, /, **values: object) -> str:
    """The same for a number of things, which fills `%(num)s`."""
    english = one if number == 1 else several
    words = _CHINESE.ngettext(one, several, number) if language() == "zh" else english
    return words % {"num": number, **values}


_PARAMETER = "lang"
_COOKIE = "netid_language"
_YEAR = 365 * 24 * 3600
_LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True)
class PageLanguage:
    """What a page says about its language, and the way to the other one."""

    tag: str
    """For `<html lang>`."""
    other_tag: str
    other_name: str
    """The other language's name, in that language."""
    switch_href: str
    """This page in the other language."""


_TAGS: dict[Language, tuple[str, str]] = {"zh": ("zh-CN", "中文"), "en": ("en", "English")}


def _known(value: str | None) -> Language | None:
    return next((language for language in _LANGUAGES if language == value), None)


def _chosen() -> Language:
    asked: Language | None = g.get("relying_party_language")
    return (
        _known(request.args.get(_PARAMETER))
        or _known(request.cookies.get(_COOKIE))
        or asked
        or _known(request.accept_languages.best_match(_LANGUAGES))
        or "zh"
    )


def language() -> Language:
    """The language of the page that answers this request."""
    chosen: Language | None = g.get("page_language")
    if chosen is None:
        chosen = g.page_language = _chosen()
    return chosen


def prefer(asked: Language | None) -> None:
    """Takes the relying party's wish (`ui_locales`) into account; the person's own choice goes before it."""
    g.relying_party_language = asked
    g.pop("page_language", None)


def said(text: Text) -> str:
    """Words that exist in both languages, in this page's."""
    return text.in_(language())


_END_OF_PHRASE = re.compile("(?<=[，：])|(?<=.)(?=向|提供|出示|继续|放进|申领)")


@lru_cache(maxsize=256)
def phrases(heading: Markup) -> Markup:
    """A heading that, if it needs two lines, is broken where a Chinese phrase ends, not within a word."""
    return Markup(_END_OF_PHRASE.sub("<wbr>", str(heading)))  # noqa: S704  (it is markup already)


def page_language() -> PageLanguage:
    """What the frame of every page shows."""
    here = language()
    other: Language = "en" if here == "zh" else "zh"
    tag, name = _TAGS[other]
    return PageLanguage(_TAGS[here][0], tag, name, _switch_href(other))


def _switch_href(other: Language) -> str:
    """The same address with the other language; home where a GET of it would not be this page again."""
    if not _takes_get() or request.blueprint == "authorize":
        return f"{url_for('pages.home')}?{urlencode({_PARAMETER: other})}"
    left_out = {_PARAMETER, "id_token_hint"}  # no page repeats an ID token
    rest = [(name, value) for name, value in request.args.items(multi=True) if name not in left_out]
    # Quoted: to a browser a backslash is a slash, and two of them begin another host.
    path = quote(f"{request.script_root}{request.path}")
    return f"{path}?{urlencode([*rest, (_PARAMETER, other)])}"


def _takes_get() -> bool:
    if request.url_rule is None:
        return not isinstance(request.routing_exception, MethodNotAllowed)
    return "GET" in (request.url_rule.methods or ())


def install(app: Flask, *, cookie_path: str, secure: bool) -> None:
    """Gives every template of the app its words, and keeps the choice made with the switch."""

    def keep(response: Response) -> Response:
        if chosen := _known(request.args.get(_PARAMETER)):
            response.set_cookie(
                _COOKIE,
                chosen,
                max_age=_YEAR,
                path=cookie_path,
                secure=secure,
                httponly=True,
                samesite="Lax",
            )
        return response

    app.jinja_env.globals["_"] = _marked
    app.after_request(keep)
    app.context_processor(lambda: {"page_language": page_language()})
    app.jinja_env.filters.update(said=said, phrases=phrases)
