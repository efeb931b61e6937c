"""Fields and predicates: what UserInfo has to be before a relying party sees any of it."""

import json
import pickle

import pytest

from netid.client import Ask, Fields
from netid.client.errors import FieldsEnded, FieldsRefused, IDTokenRefused, ProviderUnreachable
from netid.client.messages import HttpAnswer

PERSON = {"name": "陈一鸣", "document_number": "100101199001010017", "age_over_18": True}
ASK = Ask(purpose="real-name-parcel")


def fields_of(party) -> Fields:
    party.provider.userinfo = PERSON | party.provider.userinfo
    return party.client.fields(party.sign_in(ASK))


def test_fields_come_typed_and_frozen(party):
    fields = fields_of(party)

    assert fields.text("name") == "陈一鸣"
    assert fields.answer("age_over_18") is True
    assert fields.text("phone_number") is None
    assert fields.answer("age_over_16") is None
    assert dict(fields) == PERSON
    assert json.loads(fields.answer_body)["sub"] == "subject-at-parcels"
    with pytest.raises(TypeError, match=r"answer\(\)"):
        fields.text("age_over_18")
    with pytest.raises(TypeError, match=r"text\(\)"):
        fields.answer("name")
    with pytest.raises(AttributeError):
        fields.extra = 1
    with pytest.raises(TypeError):
        fields["name"] = "x"


def test_fields_show_their_names_and_never_their_values(party):
    fields = fields_of(party)

    assert repr(fields) == "<Fields ['age_over_18', 'document_number', 'name']>"
    for way in (json.dumps, pickle.dumps):
        with pytest.raises(TypeError):
            way(fields)


def test_nobody_but_the_verifier_makes_fields():
    with pytest.raises(TypeError):
        Fields(PERSON, b"", object())


def test_a_signed_answer_is_verified(party):
    party.provider.sign_userinfo = True
    assert dict(fields_of(party.configured(userinfo_alg="ES256"))) == PERSON


@pytest.mark.parametrize("sub", ["somebody-else", None])
def test_somebody_elses_fields_are_refused(party, sub):
    party.provider.userinfo = {"sub": sub}
    with pytest.raises(FieldsRefused, match="sub"):
        fields_of(party)


@pytest.mark.parametrize("sub", ["somebody-else", None])
def test_somebody_elses_signed_fields_are_refused(party, sub):
    party.provider.sign_userinfo = True
    party.provider.userinfo = {"sub": sub}
    with pytest.raises(FieldsRefused, match="sub"):
        fields_of(party.configured(userinfo_alg="ES256"))


@pytest.mark.parametrize(
    ("claims", "reason"),
    [({"iss": "https://other.example"}, "iss"), ({"aud": "forum"}, "aud"), ({"aud": None}, "aud")],
)
def test_a_signed_answer_for_somebody_else_is_refused(party, claims, reason):
    party.provider.sign_userinfo = True
    party.provider.userinfo = claims
    with pytest.raises(FieldsRefused, match=reason):
        fields_of(party.configured(userinfo_alg="ES256"))


def test_plain_json_where_a_signed_answer_is_registered_is_refused(party):
    with pytest.raises(FieldsRefused, match="signed"):
        fields_of(party.configured(userinfo_alg="ES256"))


def test_a_signed_answer_where_plain_json_is_registered_is_refused(party):
    party.provider.sign_userinfo = True
    with pytest.raises(FieldsRefused, match="application/json"):
        fields_of(party)


def test_an_answer_with_another_algorithm_is_refused(plain_party):
    plain_party.provider.sign_userinfo = True
    with pytest.raises(FieldsRefused, match="alg"):
        fields_of(plain_party.configured(userinfo_alg="RS256"))


@pytest.mark.parametrize("value", [7, ["x"], {"x": 1}])
def test_a_value_that_is_neither_text_nor_yes_no_is_refused(party, value):
    party.provider.userinfo = {"name": value}
    with pytest.raises(FieldsRefused, match="neither"):
        fields_of(party)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HttpAnswer(401, "application/json", b"{}"), FieldsEnded),
        (HttpAnswer(403, "application/json", b"{}"), FieldsRefused),
        (HttpAnswer(302, "text/html", b""), FieldsRefused),
        (HttpAnswer(500, "text/html", b""), ProviderUnreachable),
        (HttpAnswer(200, "application/json", b'{"sub":"a","sub":"subject-at-parcels"}'), FieldsRefused),
    ],
)
def test_each_other_answer_is_an_error(party, answer, error):
    party.provider.instead["/userinfo"] = answer
    with pytest.raises(error):
        fields_of(party)


def test_after_the_end_no_fields_come(party):
    signed_in = party.sign_in(ASK)
    assert dict(party.client.fields(signed_in)) == {}
    party.client.end(signed_in)

    with pytest.raises(FieldsEnded):
        party.client.fields(signed_in)


def test_fields_are_not_read_from_a_refused_sign_in(party):
    party.provider.id_token = {"nonce": "another"}
    with pytest.raises(IDTokenRefused):
        fields_of(party)
    assert party.provider.count("/userinfo") == 0


@pytest.mark.parametrize(
    "ask",
    [Ask(), Ask(purpose="real-name-parcel", claims=frozenset({"name", "document_number"}))],
    ids=["the check result alone", "two fields by name"],
)
def test_a_field_that_was_not_asked_for_is_refused(party, ask):
    party.provider.userinfo = PERSON
    with pytest.raises(FieldsRefused, match="not asked for"):
        party.client.fields(party.sign_in(ask))
