"""What is said of data that does not have a model's shape: the field, what was expected, what to do."""

from typing import Annotated, Literal, Self

import pytest
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from netid.identity.shape import misshapen


class Wheel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int
    colour: Literal["black", "white"] = "black"


class Car(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(pattern="^[a-z]+$", max_length=5)]
    wheels: Annotated[tuple[Wheel, ...], Field(min_length=1)]
    spare: Wheel | None = None
    extras: tuple[Annotated[str, StringConstraints(max_length=5)], ...] | Literal["all"] = ()

    @model_validator(mode="after")
    def _no_lone_spare(self) -> Self:
        if self.spare is not None and len(self.wheels) < 2:
            raise ValueError("spare: cannot be had with one wheel; leave it out")
        return self


WHEEL = {"size": 1}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"wheels": [WHEEL]}, "name: is missing; add it"),
        ({"nmae": "a", "wheels": [WHEEL]}, "nmae: there is no such field; did you mean name?"),
        ({"name": "a", "wheels": [{"sise": 1}]}, "wheels.0.sise: there is no such field; did you mean size?"),
        (
            {"name": "a", "wheels": [WHEEL], "spare": {"size": 1, "xx": 2}},
            "spare.xx: there is no such field; choose from colour, size",
        ),
        ({"name": "A", "wheels": [WHEEL]}, "name: must match pattern '^[a-z]+$'; correct it"),
        ({"name": "abcdef", "wheels": [WHEEL]}, "name: must have at most 5 characters; correct it"),
        (
            {"name": "a", "wheels": [{"size": 1, "colour": "blak"}]},
            "wheels.0.colour: is not one of its values; did you mean black?",
        ),
        (
            {"name": "a", "wheels": [WHEEL], "spare": WHEEL},
            "spare: cannot be had with one wheel; leave it out",
        ),
        (
            {"name": "a", "wheels": [WHEEL], "extras": ["radio", "heater"]},
            "extras.1: must have at most 5 characters; correct it",
        ),
        ({"name": "a", "wheels": [WHEEL], "extras": "radio"}, "extras: must be a list; correct it"),
    ],
)
def test_the_first_fault_is_one_line_with_its_remedy(given: object, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Car.model_validate(given)
    assert misshapen(caught.value, Car).detail == said


@pytest.mark.parametrize("given", [None, [], "x", {"name": "a", "wheels": []}, {"name": "a", "wheels": {}}])
def test_pydantics_own_words_do_not_come_through(given: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Car.model_validate(given)
    said = misshapen(caught.value, Car).detail
    assert "should" not in said
    assert "Input" not in said
