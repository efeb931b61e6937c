"""What is wrong with an answer on enrolment, in the page's language.

Rules and remedies are written in English where they are checked; here each has its Chinese by way
of the catalogue. `tests/unit/test_enrolment_corrections.py` fails when one is missing.
"""

from collections.abc import Callable, Mapping

from netid.errors import InvalidField, NetIDError, NoticeIncomplete, SignInRefused
from netid.pages.forms import FormError, Unfinished
from netid.pages.language import gettext, ngettext

LABELS: Mapping[str, Callable[[], str]] = {
    "kind": lambda: gettext("Kind of document"),
    "name": lambda: gettext("Name"),
    "number": lambda: gettext("Document number"),
    "sex": lambda: gettext("Sex"),
    "birthdate": lambda: gettext("Date of birth"),
    "nationality": lambda: gettext("Nationality"),
    "expires_on": lambda: gettext("Valid until"),
    "age": lambda: gettext("Age"),
    "phone_number": lambda: gettext("Mobile number"),
    "passcode": lambda: gettext("Passcode"),
    "net_number": lambda: gettext("Net number"),
    "face": lambda: gettext("Face"),
    "who": lambda: gettext("Guardian"),
    "decision": lambda: gettext("Decision"),
}
"""What each field is called."""


def N_(text: str) -> str:  # noqa: N802 (the name by which texts are collected)
    """Marks a text that is written in English here and translated where it is shown."""
    return text


RULES = (
    N_("is required"),
    N_("must be printable text"),
    N_("must begin with a letter or a Chinese character"),
    N_("must have only letters, spaces, middle dots, apostrophes, hyphens and full stops"),
    N_("must end in its check digit"),
    N_("must agree with the number"),
    N_("must be in 1900 or later"),
    N_("must not be in the future"),
    N_("must not be in the past"),
    N_("is required for this kind of document"),
    N_("must be after the date of birth"),
    N_("must be female or male"),
    N_("must be a date in the form YYYY-MM-DD"),
    N_("must be a day that exists"),
    N_("must be one of the eight kinds"),
    N_("has no free made-up number left to draw"),
    N_("must be a mainland mobile number of 11 digits"),
    N_("must be exactly 8 digits"),
    N_("must not be one digit repeated"),
    N_("must not be consecutive digits"),
    N_("must not be the date of birth"),
    N_("must not be part of the document number or the phone number"),
    N_("must be 10 letters and digits without I, L, O, 0 and 1"),
    N_("must end in its check character"),
    N_("differs from the document"),
    N_("must be a live person’s"),
)
REMEDIES = (
    N_("enter it"),
    N_("leave control characters out"),
    N_("write what you mean"),
    N_("shorten it"),
    N_("enter it as printed"),
    N_("leave out other characters"),
    N_("check the number for a slip"),
    N_("check number and date of birth"),
    N_("check number and sex"),
    N_("leave it out or correct it"),
    N_("enter it as it is printed"),
    N_("use a made-up document"),
    N_("use a document that has not expired"),
    N_("check the year"),
    N_("check the date of birth"),
    N_("enter its last valid day"),
    N_("check both dates"),
    N_("give one of the two"),
    N_("write it like 1990-05-17"),
    N_("check month and day"),
    N_("choose one"),
    N_("choose another kind"),
    N_("write it like +86 115 0000 0001"),
    N_("use a made-up number such as +86 115 0000 0001"),
    N_("choose 8 digits that are hard to guess"),
    N_("check each character"),
    N_("check the net number for a slip"),
    N_("try again"),
)
NUMBERS = (
    N_("18 characters: address, date of birth, sequence and check digit"),
    N_("first two digits 10, 16-20, 24-30, 38-40, 47-49, 55-60, 67-70 or 72-80"),
    N_("9 characters: E or G, a digit or letter, and 7 digits"),
    N_("EI or EO and 7 digits"),
    N_("9 characters: C, a digit or letter, and 7 digits"),
    N_("CI or CO and 7 digits"),
    N_("H or M and 8 digits, or 10 with the number of renewals"),
    N_("H or M and 8 digits that begin with 0000"),
    N_("8 digits"),
    N_("8 digits that begin with 0000"),
    N_("18 characters: 81 or 82 and four digits, date of birth, sequence and check digit"),
    N_("first four digits 8199 or 8299"),
    N_("18 characters: 83 and four digits, date of birth, sequence and check digit"),
    N_("first four digits 8399"),
    N_("18 digits that begin with 9 (cards since 2023), or 3 letters and 12 digits"),
    N_("111, 113-118, 121, 123-129"),
    N_("country 900-925 in 18 digits, or QMA-QMZ in 15 characters"),
)

_CHOICES = {"kind", "sex", "age", "face", "who", "decision"}
_ONLY_NUMBERS = "this mock only takes numbers that cannot belong to a real person: "
_AT_MOST, _CHARACTERS = "must have at most ", " characters"
_MUST_BE = "must be "


def in_words(rule: str) -> str:
    """A rule in the page's language."""
    if rule.startswith(_ONLY_NUMBERS):
        numbers = gettext(rule.removeprefix(_ONLY_NUMBERS))
        return gettext(
            "is not one that this mock takes: it only takes numbers that cannot belong to a real person "
            "(%(numbers)s)",
            numbers=numbers,
        )
    if rule.startswith(_AT_MOST):
        count = rule.removeprefix(_AT_MOST).removesuffix(_CHARACTERS)
        return gettext("must have at most %(count)s characters", count=count)
    if rule.removeprefix(_MUST_BE) in NUMBERS:
        return gettext("must be %(form)s", form=gettext(rule.removeprefix(_MUST_BE)))
    return gettext(rule)


def correction(error: InvalidField) -> FormError:
    """The field, the rule and the remedy; never the value."""
    remedy = gettext(error.remedy)
    message = gettext(
        "%(field)s %(rule)s. %(remedy)s.",
        field=LABELS[error.field](),
        rule=in_words(error.rule),
        remedy=remedy[:1].upper() + remedy[1:],
    )
    return FormError(error.field, message)


def unanswered(field: str) -> FormError:
    """For a field that is missing, or is none of the choices the page offers."""
    name = "face" if field == "outcome" else field
    return correction(InvalidField(name, "is required", "choose one" if name in _CHOICES else "enter it"))


def mistakes(wrong: NetIDError | Unfinished) -> tuple[FormError, ...]:
    """What the page says; a mistake no person can make on our page is raised again."""
    if isinstance(wrong, Unfinished):
        if not LABELS.keys() | {"outcome"} >= set(wrong.fields):
            raise InvalidField("form", "is not as the page has it", "reload the page") from wrong
        return tuple(unanswered(field) for field in wrong.fields)
    if isinstance(wrong, SignInRefused):
        return (FormError("passcode", _slowed_down(wrong.retry_after)),)
    if isinstance(wrong, NoticeIncomplete):
        return (changed_text(),)
    if isinstance(wrong, InvalidField) and wrong.field in LABELS:
        return (correction(wrong),)
    raise wrong


def _slowed_down(seconds: int) -> str:
    if not seconds:
        return gettext("That net number or passcode is not right.")
    return ngettext(
        "That net number or passcode is not right. Try again in %(num)s second.",
        "That net number or passcode is not right. Try again in %(num)s seconds.",
        seconds,
    )


def changed_text() -> FormError:
    """For a decision on a text that is no longer the current one."""
    return FormError("decision", gettext("The notice has changed meanwhile. Read it again, then decide."))
