"""What a relying party can register, and everything that is refused, with the field and the remedy."""

import copy
import secrets
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from netid.credentials import registration_statement
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.credentials.registration_statement import Statement
from netid.errors import RegistrationRefused
from netid.identity.claims import CATALOGUE
from netid.identity.relying_party import Authentication, RelyingParty
from netid.services.registration import checked_registration

ENTRY: dict[str, Any] = {
    "client_id": "parcels",
    "name": {"zh": "包裹站", "en": "Parcel point"},
    "contact": "privacy@parcels.example",
    "legal_entity": {"name": {"zh": "包裹公司", "en": "Parcels Ltd"}, "sector": "parcels.example"},
    "redirect_uris": ["https://parcels.example/callback"],
    "authentication": "client_secret_basic",
    "secret": "s" * 32,
    "purposes": [
        {
            "id": "real-name-parcel",
            "text": {"zh": "寄件实名核验", "en": "Real-name check"},
            "legal_basis": {"code": "CN-POSTAL-REALNAME", "text": {"zh": "条例", "en": "Rules"}},
            "retention_days": 180,
            "claims": [
                {"name": "name", "necessity": "essential", "because": {"zh": "核对", "en": "to check"}},
                {
                    "name": "phone_number",
                    "necessity": "voluntary",
                    "because": {"zh": "联系", "en": "to call"},
                },
            ],
        },
        {
            "id": "minors-mode",
            "text": {"zh": "未成年人模式", "en": "Minors’ mode"},
            "retention_days": 0,
            "claims": [
                {"name": "age_over_18", "necessity": "essential", "because": {"zh": "时长", "en": "time"}}
            ],
        },
    ],
}
ABSENT = object()


def entry(path: str = "", value: object = ABSENT) -> dict[str, Any]:
    """The entry with one place changed, or taken out."""
    changed = copy.deepcopy(ENTRY)
    *way, last = path.split(".") if path else [""]
    place: Any = changed
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    key: Any = int(last) if last.isdigit() else last
    if path and value is ABSENT:
        del place[key]
    elif path:
        place[key] = value
    return changed


def refused(changed: object) -> str:
    with pytest.raises(RegistrationRefused) as caught:
        checked_registration(changed)
    assert "\n" not in caught.value.detail
    return caught.value.detail


def test_a_registration_is_taken_as_it_is() -> None:
    registered = checked_registration(entry())

    assert registered.authentication is Authentication.SECRET_BASIC
    assert [purpose.scope for purpose in registered.purposes] == [
        "netid.purpose.real-name-parcel",
        "netid.purpose.minors-mode",
    ]
    parcel = registered.purpose("real-name-parcel")
    assert parcel is not None
    assert sorted(parcel.names) == ["name", "phone_number"]
    assert sorted(parcel.essential) == ["name"]
    assert parcel.because("name").en == "to check"
    assert registered.purpose("another") is None


def test_it_comes_back_from_storage_as_it_was() -> None:
    registered = checked_registration(entry())

    assert RelyingParty.model_validate_json(registered.model_dump_json()) == registered


def test_the_secret_is_kept_as_a_digest_only() -> None:
    registered = checked_registration(entry())

    assert "s" * 32 not in registered.model_dump_json()
    # printf 's%.0s' {1..32} | sha256sum
    assert registered.secret_digest == "8fd6a6a78f5857d7ba1cfe9033bffeec86da2ba6a4bd60a6f833209d9d3e390d"


def test_a_registration_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        checked_registration(entry()).contact = "other@parcels.example"  # type: ignore[misc]


def test_measures_8_a_field_without_a_legal_basis_is_refused() -> None:
    assert refused(entry("purposes.0.legal_basis")) == (
        "purposes.0: legal_basis: is needed for the fields name, phone_number (Measures, article 8); "
        "name it, or ask for predicates only"
    )


def test_purposes_that_no_wallet_would_read_are_refused() -> None:
    """They travel together with each request to a wallet, signed by the provider."""
    long = {"zh": "需要" * 200, "en": "because " * 50}
    claims = [{"name": name, "necessity": "voluntary", "because": long} for name in CATALOGUE]
    purposes = [
        {**entry()["purposes"][0], "id": f"purpose-{number}", "text": long, "claims": claims}
        for number in range(3)
    ]
    assert refused(entry() | {"purposes": purposes}).startswith("purposes: take ")
    fitting = checked_registration(entry() | {"purposes": purposes[:1]})
    now, key = datetime.now(UTC), SigningKey.generate("ES256", secrets.token_bytes)
    statement = Statement.of(fitting, "x" * 43)
    token = registration_statement.state(statement, "https://p.example", key, now)
    keys = PublicKeySet((key.public,))
    assert registration_statement.verify(token, "https://p.example", keys, now) == statement


def test_measures_8_predicates_need_no_legal_basis() -> None:
    minors = checked_registration(entry()).purpose("minors-mode")

    assert minors is not None
    assert minors.legal_basis is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("purposes.0.text", ABSENT),
        ("purposes.0.text", {"zh": "寄件"}),
        ("purposes.0.text", {"zh": "寄件", "en": ""}),
        ("purposes.0.text", {"zh": " \t ", "en": "Sending"}),
        ("purposes.0.text", {"zh": "寄件\n同意一切", "en": "Sending"}),
        ("purposes.0.text", {"zh": "寄\u202e件", "en": "Sending"}),
        ("purposes.0.text", {"zh": "长" * 401, "en": "Sending"}),
        ("purposes.0.text", {"zh": "寄件", "en": "Sending", "fr": "Envoi"}),
        ("purposes.0.id", "Real Name"),
        ("purposes.0.id", ""),
        ("purposes.0.retention_days", ABSENT),
        ("purposes.0.retention_days", -1),
        ("purposes.0.claims", []),
        ("purposes.0.claims.0.because", ABSENT),
        ("purposes.0.claims.0.because", {"zh": "", "en": "x"}),
        ("purposes.0.claims.0.necessity", "required"),
        ("purposes.0.claims.0.necessity", ABSENT),
        ("purposes.0.claims.0.name", "net_number"),
        ("purposes.0.claims.0.name", "face"),
        ("purposes.0.claims.0.name", "phone_number"),
        ("purposes.0.legal_basis.code", "cn postal"),
        ("purposes.0.legal_basis.text", {"zh": "条例", "en": " "}),
        ("purposes.1.id", "real-name-parcel"),
        ("name", ABSENT),
        ("name.en", ""),
        ("contact", ABSENT),
        ("contact", " "),
        ("legal_entity.sector", ABSENT),
        ("legal_entity.sector", "Parcels.Example"),
        ("legal_entity.sector", "https://parcels.example"),
        ("legal_entity.name", ABSENT),
        ("client_id", "a client"),
        ("client_id", "../a"),
        ("client_id", "a" * 65),
        ("redirect_uris", []),
        ("redirect_uris", ABSENT),
        ("authentication", "none"),
        ("authentication", "client_secret_jwt"),
        ("authentication", "private_key_jwt"),
        ("secret", ABSENT),
        ("secret", "s" * 31),
        ("secret", "密" * 32),
        ("secret", 32),
        ("secret_digest", "0" * 64),
        ("id_token_signed_response_alg", "none"),
        ("id_token_signed_response_alg", "HS256"),
        ("userinfo_signed_response_alg", "none"),
        ("default_level", "urn:netid:acr:nothing"),
        ("profile", "implicit"),
        ("logo", "https://parcels.example/logo.svg"),
    ],
)
def test_a_registration_that_breaks_a_rule_is_refused_with_its_field(path: str, value: object) -> None:
    said = refused(entry(path, value))

    named = [*(step for step in path.split(".") if not step.isdigit()), str(value)]
    assert any(step in said for step in named)


FAPI2_KEY = SigningKey.generate("ES256", secrets.token_bytes).public.jwk()
FAPI2 = {
    **{name: value for name, value in ENTRY.items() if name != "secret"},
    "profile": "fapi2",
    "authentication": "private_key_jwt",
    "jwks": {"keys": [FAPI2_KEY]},
}
RSA_KEY = SigningKey.generate("RS256", secrets.token_bytes).public.jwk()


def test_fapi2_means_es256_and_pkce_without_saying_so() -> None:
    registered = checked_registration(FAPI2)

    assert registered.id_token_signed_response_alg == "ES256"
    assert registered.userinfo_signed_response_alg is None
    assert registered.require_pkce
    assert RelyingParty.model_validate_json(registered.model_dump_json()) == registered
    assert checked_registration(entry()).id_token_signed_response_alg == "RS256"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"id_token_signed_response_alg": "RS256"},
            "id_token_signed_response_alg: is ES256 in profile fapi2",
        ),
        (
            {"userinfo_signed_response_alg": "RS256"},
            "userinfo_signed_response_alg: is ES256 in profile fapi2",
        ),
        ({"require_pkce": False}, "require_pkce: cannot be waived in profile fapi2"),
        (
            {"authentication": "client_secret_basic", "secret": "s" * 32},
            "authentication: is private_key_jwt in profile fapi2",
        ),
        ({"jwks": {"keys": [RSA_KEY]}}, "jwks: has no ES256 key"),
    ],
)
def test_fapi2_refuses_what_the_profile_forbids(changes: dict[str, Any], said: str) -> None:
    assert refused(FAPI2 | changes).startswith(said)


def test_the_refusal_of_a_secret_does_not_repeat_it() -> None:
    assert "abcdefg" not in refused(entry("secret", "abcdefg"))


REFUSED_REDIRECTS = [
    "http://parcels.example/callback",  # http is for loopback
    "http://127.0.0.1.parcels.example/callback",
    "http://localhost.parcels.example/callback",
    "http://127.0.0.2/callback",
    "http://2130706433/callback",
    "http://[::ffff:127.0.0.1]/callback",
    "https://user@parcels.example/callback",
    "https://user:pass@parcels.example/callback",
    "https://:pass@parcels.example/callback",
    "https://@parcels.example/callback",
    "https://parcels.example@evil.example/callback",
    "https://parcels.example/callback#part",
    "https://parcels.example/callback#",
    "https://parcels.example\\@evil.example/callback",
    "https://parcels.example/call\\back",
    "https:\\\\parcels.example/callback",
    "https://parcels.example/call back",
    "https://parcels.example/call\tback",
    "https://parcels.example/callback\n",
    " https://parcels.example/callback",
    "https://parcels.example/\x00",
    "https://包裹.example/callback",
    "https://parcels.example/回来",
    "https:///callback",
    "https:parcels.example/callback",
    "//parcels.example/callback",
    "/callback",
    "parcels.example/callback",
    "ftp://parcels.example/callback",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:text/html,x",
    "myapp://callback",
    "https://parcels.example:99999/callback",
    "https://parcels.example:x/callback",
    "https://[::1/callback",
    "https://*.parcels.example/callback",  # the origin stands in a header, where these mean something
    "https://parcels.example;sandbox/callback",
    "https://parcels.example,evil.example/callback",
    "https://parcels'none'.example/callback",
    "https://parcels.example/" + "a" * 1000,
    "",
]


@pytest.mark.parametrize("uri", REFUSED_REDIRECTS, ids=lambda uri: uri[:50])
def test_p8_a_redirect_uri_that_could_lead_elsewhere_is_refused(uri: str) -> None:
    assert "redirect_uris.0" in refused(entry("redirect_uris", [uri]))


@pytest.mark.parametrize(
    "uri",
    [
        "https://parcels.example/callback",
        "https://parcels.example:8443/callback?shop=1",
        "http://127.0.0.1:8100/callback",
        "http://localhost/callback",
        "http://[::1]:8100/callback",
    ],
)
def test_an_ordinary_redirect_uri_is_taken_to_the_letter(uri: str) -> None:
    assert checked_registration(entry("redirect_uris", [uri])).redirect_uris == (uri,)


@pytest.mark.parametrize("name", ["events_uri", "backchannel_logout_uri"])
@pytest.mark.parametrize("uri", REFUSED_REDIRECTS, ids=lambda uri: uri[:50])
def test_no_message_is_sent_where_no_person_would_be(name: str, uri: str) -> None:
    assert name in refused(entry(name, uri))


@pytest.mark.parametrize("uri", REFUSED_REDIRECTS, ids=lambda uri: uri[:50])
def test_nobody_is_led_there_after_signing_out(uri: str) -> None:
    assert "post_logout_redirect_uris.0" in refused(entry("post_logout_redirect_uris", [uri]))


def test_addresses_for_messages_are_taken_to_the_letter() -> None:
    for name in ("events_uri", "backchannel_logout_uri"):
        registered = checked_registration(entry(name, "https://parcels.example/netid?a=b"))
        assert getattr(registered, name) == "https://parcels.example/netid?a=b"
        assert getattr(checked_registration(entry(name, None)), name) is None


@pytest.mark.parametrize("thing", [None, [], "parcels", 7])
def test_something_else_than_an_object_is_refused(thing: object) -> None:
    assert refused(thing) == "must be an object with client_id, name, contact, …"
