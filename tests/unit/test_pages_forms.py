"""A form is read once, strictly: its own fields, each once."""

from typing import Annotated, Literal

import pytest
from pydantic import StringConstraints
from werkzeug.datastructures import MultiDict

from netid.errors import InvalidField
from netid.pages.forms import Form, Unfinished, read_form


class Order(Form):
    size: Literal["small", "large"]
    name: Annotated[str, StringConstraints(min_length=1, max_length=5)]
    extras: tuple[str, ...] = ()


SENT = [("form_token", "t"), ("size", "small"), ("name", " 林 ")]


def test_a_form_is_read_with_its_spaces_trimmed() -> None:
    order = read_form(Order, MultiDict([*SENT, ("extras", "a"), ("extras", "b")]))
    assert (order.size, order.name, order.extras) == ("small", "林", ("a", "b"))


def test_what_a_person_may_get_wrong_is_named_in_the_forms_order() -> None:
    with pytest.raises(Unfinished) as unfinished:
        read_form(Order, MultiDict([("form_token", "t"), ("name", "too long"), ("extras", "a")]))
    assert unfinished.value.fields == ("size", "name")


@pytest.mark.parametrize("more", [("colour", "plum"), ("size", "small"), ("form_token", "t")])
def test_a_field_too_many_is_refused(more: tuple[str, str]) -> None:
    with pytest.raises(InvalidField):
        read_form(Order, MultiDict([*SENT, more]))


def test_the_same_choice_twice_is_refused() -> None:
    with pytest.raises(InvalidField):
        read_form(Order, MultiDict([*SENT, ("extras", "a"), ("extras", "a")]))


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(InvalidField) as refused:
        read_form(Order, MultiDict([*SENT, ("a secret", "another secret")]))
    assert "secret" not in str(refused.value)
