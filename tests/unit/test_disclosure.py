"""The one door: what leaves is registered ∩ requested ∩ consented, as far as the person has it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, product
from typing import Any

import pytest

from netid.disclosure import Disclosure, Release
from netid.errors import ReleaseRefused
from netid.identity.ages import Capacity
from netid.identity.claims import CATALOGUE
from netid.identity.consent import Action, NoticeReference, Receipt, StoredReceipt, notice_for
from netid.identity.exceptions import EXCEPTIONS, ExceptionCode
from netid.identity.net_number import NetNumber
from netid.identity.relying_party import Purpose, RelyingParty

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
FIELDS = {
    "name": "林示例",
    "document_kind": "resident_id",
    "document_number": "100000199005170047",
    "sex": "female",
    "birthdate": "1990-05-17",
    "nationality": "CHN",
    "phone_number": "+8611500000001",
    "net_number": "22222222X2",
}
NAMES = ("name", "phone_number", "age_over_18")
TX: Any = object()


class OpenVault:
    """Stands for the vault: one person's fields, and a note of which were asked for."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.fields = fields
        self.opened: set[str] = set()

    def open(self, tx: object, person_id: str, names: Iterable[str]) -> dict[str, str]:
        assert (tx, person_id) == (TX, "a-person")
        wanted = set(names)
        self.opened |= wanted
        return {name: value for name, value in self.fields.items() if name in wanted}

    def seal(self, tx: object, person_id: str, fields: dict[str, str]) -> None:
        assert (tx, person_id) == (TX, "a-person")
        self.fields |= fields


def purpose_of(names: Iterable[str]) -> Purpose:
    because = {"zh": "因为", "en": "because"}
    return Purpose.model_validate(
        {
            "id": "a-purpose",
            "text": {"zh": "用途", "en": "Purpose"},
            "legal_basis": {"code": "CN-RULE", "text": {"zh": "规定", "en": "A rule"}},
            "retention_days": 1,
            "claims": [{"name": name, "necessity": "voluntary", "because": because} for name in names],
        }
    )


def shop_with(purpose: Purpose) -> RelyingParty:
    return RelyingParty.model_validate(
        {
            "client_id": "a-shop",
            "name": {"zh": "商店", "en": "Shop"},
            "contact": "privacy@shop.example",
            "legal_entity": {"name": {"zh": "公司", "en": "Ltd"}, "sector": "shop.example"},
            "redirect_uris": ["https://shop.example/callback"],
            "authentication": "client_secret_basic",
            "secret_digest": "0" * 64,
            "purposes": [purpose],
        }
    )


def release(
    registered: Iterable[str],
    requested: Iterable[str],
    agreed: Iterable[str],
    vault: OpenVault | None = None,
    expires_at: datetime | None = None,
) -> Release:
    purpose = purpose_of(registered)
    shop = shop_with(purpose)
    notice = notice_for(shop, purpose, purpose.names, "zh")
    receipt = Receipt(
        receipt_id="r",
        sequence=1,
        previous="",
        subject="s",
        client_id="a-shop",
        purpose="a-purpose",
        legal_basis="CN-RULE",
        offered=tuple(purpose.names),
        agreed=tuple(agreed),
        notice=NoticeReference(version=notice.version, sha256=notice.sha256, language="zh"),
        action=Action.AGREED,
        decided_at=NOW,
        expires_at=expires_at,
    )
    disclosure = Disclosure(vault or OpenVault(FIELDS))  # type: ignore[arg-type]
    return disclosure.release(
        TX,
        recipient=shop,
        purpose=purpose,
        requested=frozenset(requested),
        consent=StoredReceipt(receipt, "a-person", "jws", None),
        now=NOW,
    )


SUBSETS = [set(some) for some in chain.from_iterable(combinations(NAMES, n) for n in range(len(NAMES) + 1))]


def test_measures_8_what_leaves_is_the_intersection_of_all_three() -> None:
    for registered, requested, agreed in product(SUBSETS[1:], SUBSETS, SUBSETS):
        assert release(registered, requested, agreed).claims.keys() == registered & requested & agreed


def test_the_vault_is_opened_for_nothing_else() -> None:
    """And for the date of birth, which says whether a guardian has to agree and stays inside."""
    vault = OpenVault(FIELDS)
    release(NAMES, {"name", "phone_number"}, {"name"}, vault)

    assert vault.opened == {"name", "birthdate"}


def test_the_values_are_the_persons_own() -> None:
    every = release(CATALOGUE, CATALOGUE, CATALOGUE).claims

    assert every == {name: value for name, value in FIELDS.items() if name in CATALOGUE} | {
        "age_over_14": True,
        "age_over_16": True,
        "age_over_18": True,
    }


def test_what_the_person_does_not_have_is_absent() -> None:
    assert "document_expires_on" not in release(CATALOGUE, CATALOGUE, CATALOGUE).claims


def test_a_release_does_not_change() -> None:
    with pytest.raises(TypeError):
        release(NAMES, NAMES, NAMES).claims["sex"] = "female"  # type: ignore[index]


def test_a_rule_that_objects_is_named_with_its_article() -> None:
    child = OpenVault(FIELDS | {"birthdate": "2015-05-17"})

    with pytest.raises(ReleaseRefused) as caught:
        release(NAMES, NAMES, NAMES, child)
    assert caught.value.detail == (
        "GuardianConsentRequired (Measures 5; PIPL 31): the person is under 14 and no guardian agreed"
    )


def test_a_consent_holds_until_the_moment_it_ends() -> None:
    assert release(NAMES, NAMES, NAMES, expires_at=NOW + timedelta(seconds=1)).claims

    with pytest.raises(ReleaseRefused, match="withdrawn or has ended"):
        release(NAMES, NAMES, NAMES, expires_at=NOW)


@pytest.mark.parametrize(
    ("birthdate", "capacity"),
    [
        ("2012-11-24", Capacity.UNDER_14),
        ("2012-11-23", Capacity.FROM_14_UNDER_18),
        ("2008-11-24", Capacity.FROM_14_UNDER_18),
        ("2008-11-23", Capacity.ADULT),
    ],
)
def test_measures_5_capacity_turns_on_the_birthday_in_china(birthdate: str, capacity: Capacity) -> None:
    disclosure = Disclosure(OpenVault({"birthdate": birthdate}))  # type: ignore[arg-type]

    assert disclosure.capacity(TX, "a-person", NOW) is capacity


def test_measures_5_a_guardian_s_word_ends_with_the_day_before_the_14th_birthday() -> None:
    disclosure = Disclosure(OpenVault({"birthdate": "2012-11-23"}))  # type: ignore[arg-type]

    # 23 November begins in China at 16:00 UTC of the 22nd.
    assert disclosure.turns_14_at(TX, "a-person") == datetime(2026, 11, 22, 16, 0, tzinfo=UTC)


def test_the_net_number_is_read_for_its_owner_and_nothing_else_with_it() -> None:
    number = NetNumber.draw(lambda count: bytes(count))
    vault = OpenVault(FIELDS | {"net_number": number.reveal()})

    assert Disclosure(vault).net_number_for_owner(TX, "a-person") == number  # type: ignore[arg-type]
    assert vault.opened == {"net_number"}


@pytest.mark.parametrize("code", ExceptionCode)
def test_measures_11_an_exception_gives_out_the_fields_that_it_names(code: ExceptionCode) -> None:
    vault = OpenVault(FIELDS)

    released = Disclosure(vault).release_by_law(TX, "a-person", code)  # type: ignore[arg-type]

    assert vault.opened == EXCEPTIONS[code].fields
    assert released.claims == {name: FIELDS[name] for name in FIELDS if name in EXCEPTIONS[code].fields}


def test_pipl_45_the_owner_reads_every_field_and_no_predicate() -> None:
    vault = OpenVault(FIELDS)

    released = Disclosure(vault).release_to_owner(TX, "a-person")  # type: ignore[arg-type]

    assert released == {name: value for name, value in FIELDS.items() if name in CATALOGUE}
    assert vault.opened == {claim.source for claim in CATALOGUE.values() if claim.is_field}
    with pytest.raises(TypeError):
        released["sex"] = "male"  # type: ignore[index]


def test_words_are_kept_apart_from_the_fields_of_a_document() -> None:
    vault = OpenVault(dict(FIELDS))
    disclosure = Disclosure(vault)  # type: ignore[arg-type]

    disclosure.keep_words(TX, "a-person", "an-appeal", "it was not me")
    disclosure.keep_words(TX, "a-person", "name", "call me Lin")

    assert disclosure.kept_words(TX, "a-person", ["an-appeal", "name", "sex"]) == {
        "an-appeal": "it was not me",
        "name": "call me Lin",
    }
    assert {name: vault.fields[name] for name in FIELDS} == FIELDS
    assert {"words/an-appeal", "words/name"} == vault.fields.keys() - FIELDS.keys()


def test_nothing_is_read_of_somebody_whose_data_key_is_gone() -> None:
    """A cancellation destroys the key first: until it has ended, every question is refused, not a fault."""
    disclosure = Disclosure(OpenVault({}))  # type: ignore[arg-type]

    for question in (
        lambda: disclosure.capacity(TX, "a-person", NOW),
        lambda: disclosure.turns_14_at(TX, "a-person"),
        lambda: disclosure.net_number_for_owner(TX, "a-person"),
    ):
        with pytest.raises(ReleaseRefused, match=r"^nothing is kept of this person any more$"):
            question()
