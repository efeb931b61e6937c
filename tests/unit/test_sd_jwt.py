"""SD-JWT (RFC 9901): what is hidden comes back as it was chosen, and nothing that was meddled with passes."""

import json
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netid.credentials import base64url, disclosures, jose, sd_jwt
from netid.credentials.disclosures import Hidden, Path, digest
from netid.credentials.jwk import PublicKey, PublicKeySet, SigningKey
from netid.credentials.sd_jwt import SdJwt
from netid.errors import DisclosureRefused, InvalidField, TokenRefused
from tests.unit import rfc9901

KEY = SigningKey.generate("ES256", Random(1).randbytes)
TYPE = "example+sd-jwt"
RFC_ISSUER = PublicKey.from_jwk(rfc9901.ISSUER_KEY)


def issue(claims: Mapping[str, object], digests: int = 0) -> SdJwt:
    return sd_jwt.issue(claims, KEY, TYPE, Random(2).randbytes, digests)


def verify(credential: SdJwt, key: PublicKey = KEY.public, typ: str = TYPE) -> disclosures.Revealed:
    pinned = jose.Pinned(PublicKeySet((key,)))
    return sd_jwt.verify(SdJwt.parse(str(credential)), key_source=pinned, typ=typ)


def disclosure(*parts: object) -> str:
    return base64url.encode(json.dumps(parts).encode())


def forged(payload: Mapping[str, object], *texts: str) -> SdJwt:
    """Whatever an issuer could have signed, and whatever a holder could have attached."""
    return SdJwt(jose.sign(payload, KEY, TYPE), texts, None)


def refusal(payload: Mapping[str, object], *texts: str) -> str:
    with pytest.raises(DisclosureRefused) as refused:
        verify(forged(payload, *texts))
    return refused.value.detail


NAME = disclosure("2GLC42sKQveCfGfryNRN9w", "name", "Lin")
CITY = disclosure("eluV5Og3gSNII8EYnsxA_A", "city", "Chengdu")
ELEMENT = disclosure("6Ij7tM-a5iVPGboS5tmvVA", "CN")


# The published examples


@pytest.mark.parametrize(
    ("text", "typ"),
    [
        (rfc9901.EXAMPLE_1, TYPE),
        (rfc9901.EXAMPLE_1_PRESENTED, TYPE),
        (rfc9901.EXAMPLE_2_PRESENTED, TYPE),
        (rfc9901.EXAMPLE_3_PRESENTED, TYPE),
        (rfc9901.PID, "dc+sd-jwt"),
        (rfc9901.PID_PRESENTED, "dc+sd-jwt"),
        (rfc9901.VACCINATION, TYPE),
        (rfc9901.VACCINATION_PRESENTED, TYPE),
    ],
)
def test_every_example_of_rfc_9901_verifies_and_keeps_its_form(text: str, typ: str) -> None:
    parsed = SdJwt.parse(text)

    revealed = verify(parsed, RFC_ISSUER, typ)

    assert str(parsed) == text
    assert sorted(revealed.disclosed.values()) == sorted(parsed.disclosures)


def test_the_claims_of_section_5_are_the_ones_printed_there() -> None:
    claims = verify(SdJwt.parse(rfc9901.EXAMPLE_1), RFC_ISSUER).claims

    assert claims == {
        "sub": "user_42",
        "given_name": "John",
        "family_name": "Doe",
        "email": "johndoe@example.com",
        "phone_number": "+1-202-555-0101",
        "phone_number_verified": True,
        "address": {
            "street_address": "123 Main St",
            "locality": "Anytown",
            "region": "Anystate",
            "country": "US",
        },
        "birthdate": "1940-01-01",
        "updated_at": 1570000000,
        "nationalities": ["US", "DE"],
        "iss": "https://issuer.example.com",
        "iat": 1683000000,
        "exp": 1883000000,
        "cnf": {"jwk": rfc9901.HOLDER_KEY},
    }


def test_the_claims_of_appendix_a_2_show_disclosures_inside_disclosures() -> None:
    claims = verify(SdJwt.parse(rfc9901.EXAMPLE_3_PRESENTED), RFC_ISSUER).claims

    assert claims["verified_claims"] == {
        "verification": {
            "trust_framework": "de_aml",
            "time": "2012-04-23T18:25Z",
            "evidence": [{"method": "pipp"}],
        },
        "claims": {
            "given_name": "Max",
            "family_name": "Müller",
            "address": {
                "locality": "Maxstadt",
                "postal_code": "12344",
                "country": "DE",
                "street_address": "Weidenstraße 22",
            },
        },
    }


def test_what_section_5_2_presents_is_selected_from_what_section_5_1_issues() -> None:
    wanted: list[Path] = [("family_name",), ("address",), ("given_name",), ("nationalities", 0)]

    chosen = sd_jwt.select(SdJwt.parse(rfc9901.EXAMPLE_1), wanted)

    assert set(chosen.disclosures) == set(SdJwt.parse(rfc9901.EXAMPLE_1_PRESENTED).disclosures)


# Issuing and choosing


def test_claims_come_back_as_far_as_they_are_shown() -> None:
    address = {"country": "CN", "city": Hidden("Chengdu"), "street": Hidden("Renmin Road")}
    issued = issue(
        {"iss": "x", "name": Hidden("Lin"), "address": Hidden(address), "tags": [Hidden("a"), "b"]}
    )

    shown = sd_jwt.select(issued, [("address", "city")])
    revealed = verify(shown)

    assert revealed.claims == {"iss": "x", "address": {"country": "CN", "city": "Chengdu"}, "tags": ["b"]}
    assert set(revealed.disclosed) == {("address",), ("address", "city")}


def test_an_array_s_element_has_the_index_that_its_reader_sees() -> None:
    shown = sd_jwt.select(issue({"tags": [Hidden("a"), Hidden("b"), "c"]}), [("tags", 1)])

    revealed = verify(shown)

    assert revealed.claims == {"tags": ["b", "c"]}
    assert set(revealed.disclosed) == {("tags", 0)}


names = st.text(max_size=6).filter(lambda name: name not in disclosures.RESERVED)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)


def containers(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    either = inner | inner.map(Hidden)
    return st.lists(either, max_size=4) | st.dictionaries(names, either, max_size=4)


json_values = st.recursive(scalars, containers, max_leaves=12)
claim_trees = st.dictionaries(names, json_values | json_values.map(Hidden), max_size=5)


def hidden_paths(value: object, path: Path = ()) -> set[Path]:
    if isinstance(value, Hidden):
        return {path} | hidden_paths(value.value, path)
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return {found for at, one in inner for found in hidden_paths(one, (*path, at))}


def as_shown(value: Any, chosen: set[Path], path: Path = ()) -> Any:
    """What a reader should see: nothing hidden but what was chosen, or has something chosen in it."""

    def visible(at: str | int, inner: object) -> bool:
        here = (*path, at)
        return not isinstance(inner, Hidden) or any(one[: len(here)] == here for one in chosen)

    value = value.value if isinstance(value, Hidden) else value
    if isinstance(value, dict):
        return {n: as_shown(one, chosen, (*path, n)) for n, one in value.items() if visible(n, one)}
    if isinstance(value, list):
        return [as_shown(one, chosen, (*path, at)) for at, one in enumerate(value) if visible(at, one)]
    return value


@given(claim_trees, st.data())
def test_whatever_is_chosen_is_what_a_reader_sees(tree: dict[str, object], data: st.DataObject) -> None:
    hidden = sorted(hidden_paths(tree), key=repr)
    chosen = data.draw(st.sets(st.sampled_from(hidden))) if hidden else set()

    issued = issue(tree)
    shown = sd_jwt.select(issued, chosen)

    assert verify(issued).claims == as_shown(tree, set(hidden))
    assert verify(shown).claims == as_shown(tree, chosen)
    assert len(shown.disclosures) == len({one for one in hidden if any(c[: len(one)] == one for c in chosen)})


@given(st.integers(0, 8))
def test_the_number_of_digests_says_nothing_about_how_much_is_hidden(count: int) -> None:
    issued = issue({f"claim-{number}": Hidden(number) for number in range(count)}, digests=8)

    payload = jose.unverified_payload(issued.issued)
    digests = payload["_sd"]

    assert isinstance(digests, list)
    assert len(set(digests)) == 8
    assert {len(one) for one in digests} == {43}
    assert payload.keys() == {"_sd", "_sd_alg"}
    assert {digest(text) for text in issued.disclosures} <= set(digests)


def test_digests_stand_in_an_order_that_says_nothing() -> None:
    [first, second] = [
        sd_jwt.issue({"a": Hidden(1), "b": Hidden(2), "c": Hidden(3)}, KEY, TYPE, Random(seed).randbytes, 6)
        for seed in (1, 2)
    ]

    def places(issued: SdJwt) -> list[int]:
        digests = jose.unverified_payload(issued.issued)["_sd"]
        assert isinstance(digests, list)
        assert digests == sorted(digests)
        return [digests.index(digest(text)) for text in issued.disclosures]

    assert places(first) != places(second)


def test_the_same_claim_never_has_the_same_digest() -> None:
    random = Random(3).randbytes
    digests = {
        digest(sd_jwt.issue({"age_over_18": Hidden(True)}, KEY, TYPE, random).disclosures[0])
        for _ in range(50)
    }

    assert len(digests) == 50


def test_a_salt_has_more_than_128_bits() -> None:
    [text] = issue({"name": Hidden("Lin")}).disclosures

    assert len(base64url.decode(json.loads(base64url.decode(text))[0])) == 18


def test_no_two_salts_or_decoys_are_made_of_the_same_bytes() -> None:
    """Salts that shared bytes would let one disclosure help to guess the next."""
    drawn = b""

    def random(count: int) -> bytes:
        nonlocal drawn
        drawn += (piece := Random(len(drawn)).randbytes(count))
        return piece

    issued = sd_jwt.issue({f"claim-{one}": Hidden(one) for one in range(40)}, KEY, TYPE, random, 50)

    salts = [base64url.decode(json.loads(base64url.decode(text))[0]) for text in issued.disclosures]
    pieces = [drawn[at : at + 18] for at in range(0, len(drawn), 18)]
    decoys = {digest(base64url.encode(piece)) for piece in pieces[40:50]}
    digests = jose.unverified_payload(issued.issued)["_sd"]
    assert salts == pieces[:40]
    assert isinstance(digests, list)
    assert decoys | {digest(text) for text in issued.disclosures} == set(digests)


def test_nothing_hidden_leaves_no_trace_of_digests() -> None:
    issued = sd_jwt.issue({"iss": "x", "tags": ["a"]}, KEY, TYPE, Random(2).randbytes)

    assert jose.unverified_payload(issued.issued) == {"iss": "x", "tags": ["a"]}
    assert str(issued) == f"{issued.issued}~"


def test_more_hidden_claims_than_digests_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="more claims are hidden"):
        issue({"a": Hidden(1), "b": Hidden(2)}, digests=1)


@pytest.mark.parametrize("name", ["_sd", "...", "_sd_alg"])
@pytest.mark.parametrize(
    ("claims", "path"),
    [
        (lambda name: {name: "x"}, "{}"),
        (lambda name: {name: Hidden("x")}, "{}"),
        (lambda name: {"a": {"b": [{name: ["x"]}]}}, "a.b.0.{}"),
        (lambda name: {"a": Hidden({name: "x"})}, "a.{}"),
        (lambda name: {"a": [Hidden({name: "x"})]}, "a.0.{}"),
    ],
    ids=["clear", "hidden", "deep", "inside a hidden one", "inside an element"],
)
def test_c4_a_claim_with_a_name_of_sd_jwt_is_not_issued(name: str, claims: Any, path: str) -> None:
    with pytest.raises(InvalidField) as refused:
        issue(claims(name))

    assert refused.value.description == (
        f"{path.format(name)}: is a name that SD-JWT keeps for itself; rename the claim"
    )


@pytest.mark.parametrize("value", ["_sd", "...", '{"_sd":["x"]}', "~", "a~b", '","name","x"'])
def test_c4_a_value_that_looks_like_the_format_is_a_value(value: str) -> None:
    assert verify(issue({"name": Hidden(value), "clear": value})).claims == {"name": value, "clear": value}


@pytest.mark.parametrize("path", [("nobody",), ("name", "first"), ("tags", 2), ("tags", "0"), ("_sd",)])
def test_a_path_at_which_there_is_nothing_cannot_be_chosen(path: Path) -> None:
    issued = issue({"name": Hidden("Lin"), "tags": [Hidden("a"), "b"]})

    with pytest.raises(KeyError, match="the credential has no"):
        sd_jwt.select(issued, [path])


def test_of_several_missing_paths_one_is_named() -> None:
    with pytest.raises(KeyError, match=r"has no \('tags',\)"):
        sd_jwt.select(issue({"name": Hidden("Lin")}), [("tags", 2), ("tags", "x")])


def test_a_claim_in_the_clear_can_be_chosen_and_needs_no_disclosure() -> None:
    assert sd_jwt.select(issue({"iss": "x", "name": Hidden("Lin")}), [("iss",)]).disclosures == ()


def test_choosing_again_drops_the_key_binding_of_before() -> None:
    presented = replace(issue({"a": Hidden(1)}), key_binding="x.y.z")

    assert sd_jwt.select(presented, []).key_binding is None


# V2: disclosures that were meddled with


def test_v2_a_changed_disclosure_is_refused() -> None:
    other = disclosure("2GLC42sKQveCfGfryNRN9w", "name", "Wang")

    assert refusal({"_sd": [digest(NAME)]}, other) == "a disclosure belongs to no digest"


@pytest.mark.parametrize("text", [NAME, ELEMENT])
def test_v2_an_unreferenced_disclosure_is_refused(text: str) -> None:
    assert refusal({"_sd": [digest(CITY)]}, CITY, text) == "a disclosure belongs to no digest"
    assert refusal({"iss": "x"}, text) == "a disclosure belongs to no digest"


def test_v2_a_disclosure_inside_one_that_is_not_shown_is_unreferenced() -> None:
    outer = disclosure("salt-salt", "address", {"_sd": [digest(CITY)]})

    assert refusal({"_sd": [digest(outer)]}, CITY) == "a disclosure belongs to no digest"


def test_v2_a_disclosure_twice_is_refused() -> None:
    assert refusal({"_sd": [digest(NAME)]}, NAME, NAME) == "a disclosure is there twice"


@pytest.mark.parametrize(
    "payload",
    [
        {"_sd": [digest(NAME), digest(NAME)]},
        {"_sd": ["a decoy", "a decoy"]},
        {"_sd": [digest(NAME)], "inner": {"_sd": [digest(NAME)]}},
        {"_sd": [digest(ELEMENT)], "tags": [{"...": digest(ELEMENT)}]},
        {"tags": [{"...": "a decoy"}, {"...": "a decoy"}]},
    ],
)
def test_v2_a_digest_twice_is_refused_a_decoy_too(payload: dict[str, object]) -> None:
    assert refusal(payload) == "a digest occurs twice"


def test_v2_a_digest_that_a_disclosure_repeats_is_refused() -> None:
    outer = disclosure("salt-salt", "address", {"_sd": [digest(CITY)]})

    detail = refusal({"_sd": [digest(outer)], "other": {"_sd": [digest(CITY)]}}, outer)

    assert detail == "a digest occurs twice"


@pytest.mark.parametrize("algorithm", ["md5", "SHA-256", "sha-512", "", None, 256, ["sha-256"]])
def test_v2_another_digest_algorithm_is_refused(algorithm: object) -> None:
    assert refusal({"_sd": [digest(NAME)], "_sd_alg": algorithm}, NAME) == "_sd_alg is another than sha-256"


def test_without_an_algorithm_it_is_sha_256() -> None:
    assert verify(forged({"_sd": [digest(NAME)]}, NAME)).claims == {"name": "Lin"}


OTHER_NAME = disclosure("other-salt", "name", "Wang")


@pytest.mark.parametrize(
    ("payload", "texts"),
    [
        ({"name": "Wang", "_sd": [digest(NAME)]}, [NAME]),
        ({"_sd": [digest(NAME)], "name": None}, [NAME]),
        ({"_sd": [digest(NAME), digest(OTHER_NAME)]}, [NAME, OTHER_NAME]),
    ],
    ids=["in the clear", "in the clear, null", "two disclosures"],
)
def test_v2_a_disclosure_that_overwrites_a_claim_is_refused(
    payload: dict[str, object], texts: list[str]
) -> None:
    assert refusal(payload, *texts) == "a disclosure overwrites a claim"


@pytest.mark.parametrize("name", ["_sd", "...", "_sd_alg"])
def test_v2_a_disclosure_with_a_reserved_name_is_refused(name: str) -> None:
    text = disclosure("salt-salt", name, ["x"])

    assert refusal({"_sd": [digest(text)]}, text) == "a disclosure has a reserved name"


@pytest.mark.parametrize(
    "value", [{"...": "x"}, {"deep": [{"x": 1, "y": {"...": "x"}}]}, {"x": {"_sd_alg": "sha-256"}}]
)
def test_v2_a_reserved_name_in_the_data_is_refused(value: dict[str, object]) -> None:
    text = disclosure("salt-salt", "data", value)

    assert refusal({"data": value}) == "a claim has a reserved name"
    assert refusal({"_sd": [digest(text)]}, text) == "a claim has a reserved name"


def test_v2_dots_at_the_top_are_refused() -> None:
    assert refusal({"...": "x"}) == "a claim has a reserved name"


@pytest.mark.parametrize("digests", ["x", {"x": 1}, None, 1])
def test_v2_digests_that_are_no_list_are_refused(digests: object) -> None:
    assert refusal({"_sd": digests}) == "_sd is not a list of digests"


@pytest.mark.parametrize("one", [1, None, ["x"], {"...": "x"}])
def test_v2_a_digest_that_is_no_string_is_refused(one: object) -> None:
    assert refusal({"_sd": [one]}) == "a digest is not a string"
    assert refusal({"tags": [{"...": one}]}) == "a digest is not a string"


def test_v2_an_element_with_members_beside_its_digest_is_refused() -> None:
    payload = {"tags": [{"...": digest(ELEMENT), "x": 1}]}

    assert refusal(payload, ELEMENT) == "an array's digest has members beside it"


def test_v2_a_member_s_disclosure_cannot_stand_in_an_array_nor_the_reverse() -> None:
    assert refusal({"tags": [{"...": digest(NAME)}]}, NAME) == "a member stands for an array's element"
    assert refusal({"_sd": [digest(ELEMENT)]}, ELEMENT) == "an array's element stands for a member"


@pytest.mark.parametrize(
    "parts",
    [(), ("salt",), ("salt", "name", "value", "more"), (1, "name", "x"), (None, "x"), ("salt", 1, "x")],
)
def test_v2_a_disclosure_of_another_shape_is_refused(parts: tuple[object, ...]) -> None:
    text = disclosure(*parts)

    assert refusal({"_sd": [digest(text)]}, text) == "a disclosure is not a salt, a name and a value"


@pytest.mark.parametrize(
    "text",
    [
        NAME + "=",
        NAME[:-1] + chr(ord(NAME[-1]) + 1),
        NAME[:10] + "\n" + NAME[10:],
        NAME.replace("W", "+", 1),
        base64url.encode(b'["salt","name","x"'),
        base64url.encode(b'{"salt":"name"}'),
        base64url.encode(b'["salt","name",NaN]'),
        base64url.encode(b'["salt","name",{"a":1,"a":2}]'),
        base64url.encode(b'["salt","name","\\ud800"]'),
        base64url.encode(b'["salt","name","\xff"]'),
        base64url.encode(b'["salt","name",' + b"[" * 32 + b"]" * 32 + b"]"),
    ],
    ids=["padding", "stray bits", "line break", "plus", "cut", "object", "NaN", "member twice", "surrogate",
         "not UTF-8", "too deep"],
)  # fmt: skip
def test_v2_a_disclosure_that_is_spelt_otherwise_is_refused(text: str) -> None:
    detail = refusal({"_sd": [digest(text)]}, text)

    assert detail == "a disclosure is not base64url of a strict JSON array"


def nested(levels: int) -> tuple[dict[str, object], list[str]]:
    """Disclosures each of which shows the next."""
    payload: dict[str, object] = {}
    texts: list[str] = []
    for level in range(levels):
        texts.append(disclosure(f"salt-{level}", "inner", payload))
        payload = {"_sd": [digest(texts[-1])]}
    return payload, texts


def test_v2_disclosures_may_be_nested_as_deep_as_json_and_no_deeper() -> None:
    payload, texts = nested(32)
    assert len(verify(forged(payload, *texts)).disclosed) == 32

    payload, texts = nested(33)
    assert refusal(payload, *texts) == "disclosures are nested too deep"


def test_v2_arrays_in_disclosures_do_not_reach_deeper() -> None:
    """Sixty-four texts, each as deep as one may be, would be two thousand levels."""
    value: object = "x"
    texts: list[str] = []
    for level in range(64):
        for _ in range(29):
            value = [value]
        texts.append(disclosure(f"salt-{level}", value))
        value = {"...": digest(texts[-1])}

    assert refusal({"tags": [value]}, *texts) == "disclosures are nested too deep"


# The compact form


@pytest.mark.parametrize(
    "text",
    ["", "a.b.c", "~", "~~", "a.b.c~~", "~x~", "a.b.c~x~~", "a.b.c~~x.y.z", "a.b.c~é~", "a.b.c~\u2028~"],
)
def test_v2_what_is_no_compact_form_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused, match="not a compact SD-JWT"):
        SdJwt.parse(text)


def test_the_three_parts_of_the_compact_form() -> None:
    assert SdJwt.parse("a.b.c~") == SdJwt("a.b.c", (), None)
    assert SdJwt.parse("a.b.c~x~y~") == SdJwt("a.b.c", ("x", "y"), None)
    assert SdJwt.parse("a.b.c~x~k.l.m") == SdJwt("a.b.c", ("x",), "k.l.m")
    assert SdJwt.parse("a.b.c~x~k.l.m").bound == "a.b.c~x~"


def test_v2_size_is_limited_before_anything_is_read() -> None:
    assert len(SdJwt.parse("a.b.c~" + "x~" * 64).disclosures) == 64
    for text in ("a.b.c~" + "x~" * 65, "a.b.c~" + "x" * sd_jwt.MAX_BYTES):
        with pytest.raises(TokenRefused, match="too long"):
            SdJwt.parse(text)
    assert SdJwt.parse("a.b.c~" + "x" * (sd_jwt.MAX_BYTES - 6)).key_binding


def test_a_credential_may_be_longer_than_other_tokens() -> None:
    issued = issue({"portrait": "x" * 2 * jose.MAX_BYTES, "name": Hidden("Lin")})

    assert verify(sd_jwt.select(issued, [("name",)])).claims["name"] == "Lin"


# V1: the issuer's signature


def test_v1_another_key_or_type_is_refused() -> None:
    issued = issue({"name": Hidden("Lin")})
    impostor = replace(SigningKey.generate("ES256", Random(9).randbytes).public, kid=KEY.public.kid)

    with pytest.raises(TokenRefused, match="signature"):
        verify(issued, impostor)
    with pytest.raises(TokenRefused, match="typ"):
        verify(issued, typ="dc+sd-jwt")
