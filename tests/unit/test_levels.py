"""The four levels of the public service, and which of them satisfies which."""

from itertools import product

import pytest

from netid.identity.levels import AssuranceLevel, Factor

CREDENTIAL = AssuranceLevel.CREDENTIAL
PASSCODE = AssuranceLevel.CREDENTIAL_PASSCODE
FACE = AssuranceLevel.CREDENTIAL_FACE
BOTH = AssuranceLevel.CREDENTIAL_PASSCODE_FACE

SATISFIES = {
    CREDENTIAL: {CREDENTIAL},
    PASSCODE: {CREDENTIAL, PASSCODE},
    FACE: {CREDENTIAL, FACE},
    BOTH: {CREDENTIAL, PASSCODE, FACE, BOTH},
}
"""Neither of passcode and face stands in for the other."""


def test_there_are_the_four_modes_of_the_public_service_by_their_acr_values() -> None:
    assert [level.value for level in AssuranceLevel] == [
        "urn:netid:acr:credential",
        "urn:netid:acr:credential+passcode",
        "urn:netid:acr:credential+face",
        "urn:netid:acr:credential+passcode+face",
    ]


def test_factors_are_named_as_in_rfc_8176() -> None:
    assert {factor.name: factor.value for factor in Factor} == {
        "CREDENTIAL": "pop",
        "PASSCODE": "pin",
        "FACE": "face",
    }


@pytest.mark.parametrize(("reached", "asked"), list(product(AssuranceLevel, repeat=2)))
def test_a_level_satisfies_what_asks_for_no_other_factor(
    reached: AssuranceLevel, asked: AssuranceLevel
) -> None:
    assert reached.satisfies(asked) is (asked in SATISFIES[reached])


@pytest.mark.parametrize("level", AssuranceLevel)
def test_a_level_and_its_factors_say_the_same(level: AssuranceLevel) -> None:
    assert AssuranceLevel.of(level.factors) is level
    assert Factor.CREDENTIAL in level.factors
    assert {factor.page for factor in level.factors} == set(
        level.value.removeprefix("urn:netid:acr:").split("+")
    )


def test_the_credential_is_part_of_every_level() -> None:
    assert AssuranceLevel.of(frozenset()) is CREDENTIAL
    assert AssuranceLevel.of(frozenset({Factor.FACE})) is FACE
    assert AssuranceLevel.of(frozenset({Factor.PASSCODE, Factor.FACE})) is BOTH
