"""The catalogue of claims: what could leave the vault at all, and what predicates answer."""

from datetime import date

import pytest

from netid.disclosure import NET_NUMBER_FIELD
from netid.identity.claims import CATALOGUE, in_catalogue_order
from netid.identity.persons import shipped_personas

TODAY = date(2026, 11, 23)
PREDICATES = {"age_over_14": 14, "age_over_16": 16, "age_over_18": 18}


def test_measures_9_the_catalogue_is_what_it_is() -> None:
    """A new row is a new way out of the vault: it is added here by somebody who means it."""
    fields = {name for name, claim in CATALOGUE.items() if claim.is_field}
    assert fields == {
        "name",
        "document_kind",
        "document_number",
        "sex",
        "birthdate",
        "nationality",
        "document_expires_on",
        "phone_number",
    }
    assert CATALOGUE.keys() - fields == PREDICATES.keys()


def test_measures_2_the_net_number_is_in_no_row() -> None:
    assert NET_NUMBER_FIELD not in CATALOGUE
    assert NET_NUMBER_FIELD not in {claim.source for claim in CATALOGUE.values()}


def test_every_row_rests_on_a_field_that_people_have() -> None:
    kept = set().union(*(persona.fields for persona in shipped_personas(TODAY)))
    assert {claim.source for claim in CATALOGUE.values()} <= kept


def test_rows_are_found_by_their_own_name_and_labelled_in_both_languages() -> None:
    assert all(claim.name == name for name, claim in CATALOGUE.items())
    for language in ("zh", "en"):
        labels = [getattr(claim.label, language) for claim in CATALOGUE.values()]
        assert len(set(labels)) == len(labels)


def test_pipl_28_the_document_number_says_what_giving_it_means() -> None:
    assert [name for name, claim in CATALOGUE.items() if claim.sensitive] == ["document_number"]


def test_the_catalogue_cannot_be_added_to_while_running() -> None:
    with pytest.raises(TypeError):
        CATALOGUE["shoe_size"] = CATALOGUE["name"]  # type: ignore[index]


@pytest.mark.parametrize(("name", "years"), PREDICATES.items())
@pytest.mark.parametrize(
    ("birthday", "eve", "day"),
    [
        (date(2000, 5, 17), (5, 16), (5, 17)),
        (date(2000, 2, 29), (2, 27), (2, 28)),  # no 29 February 14, 18 years on; 28 February stands in
        (date(2000, 1, 1), (12, 31), (1, 1)),
    ],
)
def test_measures_5_a_predicate_turns_on_the_birthday_itself(
    name: str, years: int, birthday: date, eve: tuple[int, int], day: tuple[int, int]
) -> None:
    predicate = CATALOGUE[name].predicate
    assert predicate is not None
    year = birthday.year + years
    if birthday == date(2000, 2, 29) and years == 16:
        eve, day = (2, 28), (2, 29)  # 2016 has one
    before = date(year - 1 if eve > day else year, *eve)

    assert predicate(birthday.isoformat(), before) is False
    assert predicate(birthday.isoformat(), date(year, *day)) is True


def test_s4_a_predicate_answers_true_or_false_and_nothing_finer() -> None:
    for name in PREDICATES:
        predicate = CATALOGUE[name].predicate
        assert predicate is not None
        assert {predicate(f"{year}-06-01", TODAY) for year in range(1900, 2027)} == {True, False}


def test_claims_come_in_the_order_of_the_catalogue() -> None:
    assert [claim.name for claim in in_catalogue_order(frozenset(CATALOGUE))] == list(CATALOGUE)
    names = frozenset({"age_over_18", "name", "phone_number"})
    assert [claim.name for claim in in_catalogue_order(names)] == ["name", "phone_number", "age_over_18"]


def test_an_unknown_claim_is_not_passed_over_in_silence() -> None:
    with pytest.raises(KeyError, match="net_number"):
        in_catalogue_order(frozenset({"name", "net_number"}))
