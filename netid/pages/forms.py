"""A form becomes a frozen model once, or says which fields the person has to look at again."""

from dataclasses import dataclass
from typing import TypeVar, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.datastructures import MultiDict

from netid.errors import InvalidField

F = TypeVar("F", bound="Form")


class Form(BaseModel):
    """The fields of one form; only these, each once unless its type is a tuple."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    form_token: str


@dataclass(frozen=True)
class FormError:
    """What is wrong with one field, in the page's language."""

    field: str
    """The input's id, which the error summary links to."""
    message: str


class Unfinished(Exception):
    """Some fields are missing or not as asked; the page shows itself again and says which."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__(", ".join(fields))
        self.fields = fields
        """Their names, in the form's order."""


def read_form(model: type[F], sent: MultiDict[str, str]) -> F:
    """The form that was sent.

    Raises Unfinished for what a person may get wrong, and InvalidField for what no page of ours
    sends: a field we did not ask for, or one sent twice.
    """
    values: dict[str, object] = {}
    for name, several in sent.lists():
        if name not in model.model_fields:
            raise InvalidField(
                "form", "carries a field that the page does not have", "send the page's own form"
            )
        is_list = get_origin(model.model_fields[name].annotation) is tuple
        if len(several) > 1 and (not is_list or len(set(several)) < len(several)):
            raise InvalidField(name, "is sent twice", "send it once")
        values[name] = tuple(several) if is_list else several[0]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = {str(found["loc"][0]) for found in error.errors() if found["loc"]}
        raise Unfinished(tuple(name for name in model.model_fields if name in wrong)) from error
