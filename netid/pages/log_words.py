"""What the log calls each event and each factor, and what the person reads."""

from collections.abc import Collection

from flask import Flask

from netid.pages.language import gettext as _


def factor_names(proved: Collection[str]) -> str:
    """What a person was checked by (`pop`, `pin`, `face`), always in this order."""
    words = {"pop": _("net credential in this browser"), "pin": _("passcode"), "face": _("face")}
    return _(", ").join(said for factor, said in words.items() if factor in proved)


def event_name(kind: str) -> str:
    """The event in a few words; one that has none is shown as the log has it."""
    return {
        "enrolled": _("net number given"),
        "notice_accepted": _("notice read and accepted"),
        "signed_in": _("signed in"),
        "consent_agreed": _("agreed"),
        "consent_refused": _("refused"),
        "consent_withdrawn": _("consent withdrawn"),
        "code_redeemed": _("check result fetched"),
        "code_replayed": _("a used code came again; its tokens were ended"),
        "released": _("details given out"),
        "left": _("left without deciding"),
        "event_confirmed": _("the platform confirmed a message"),
        "event_refused": _("the platform did not accept a message"),
        "event_not_answered": _("the platform did not answer a message"),
        "suspended": _("net credential suspended"),
        "resumed": _("suspension ended"),
        "appealed": _("appeal sent"),
        "appeal_read": _("appeal read by the operator"),
        "appeal_answered": _("appeal answered"),
        "complained": _("complaint sent"),
        "complaint_read": _("complaint read by the operator"),
        "complaint_answered": _("complaint answered"),
        "child_permitted": _("your guardian permitted your wallet to answer a platform"),
        "given_out_by_law": _("details given to an authority, as the law provides"),
        "notice_given": _("notice given"),
        "number_shown": _("net number shown to you"),
        "copied": _("copy of everything given to you"),
        "corrected": _("renewed document taken"),
        "correction_refused": _("renewed document refused"),
        "copies_changed": _("copies in wallets changed"),
        "page_refused": _("a page refused what was asked of it"),
    }.get(kind, kind)


def install(app: Flask) -> None:
    """Lets templates name factors."""
    app.jinja_env.globals["factor_names"] = factor_names
