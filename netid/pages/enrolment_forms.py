"""The forms of an enrolment: what each may carry. What an answer must be is checked by the services."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from netid.identity.ages import Capacity
from netid.identity.text import Language
from netid.pages.forms import Form
from netid.services.sign_in import FaceOutcome


class DecisionForm(Form):
    """Refusing or agreeing to one notice."""

    decision: Literal["refuse", "agree"]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    language: Language


class KindForm(Form):
    """The kind of document."""

    kind: str


class MadeUpForm(Form):
    """Whose document is to be made up."""

    age: Capacity


class DocumentForm(Form):
    """A document as typed; its own rules are checked by its kind."""

    name: str = ""
    number: str = ""
    sex: str = ""
    birthdate: str = ""
    expires_on: str = ""


class GuardianForm(Form):
    """The guardian: one of the made-up people, or a typed net number; and their passcode."""

    who: Annotated[str, StringConstraints(pattern=r"^(typed|persona:[a-z0-9-]{1,40})$")]
    net_number: str = ""
    passcode: str = ""


class FaceForm(Form):
    """The outcome that a tester chooses for the simulated face check."""

    outcome: FaceOutcome


class PhoneForm(Form):
    """The mobile number."""

    phone_number: str = ""


class PasscodeForm(Form):
    """The new passcode."""

    passcode: str = ""


class PressedForm(Form):
    """A button without an answer."""
