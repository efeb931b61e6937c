"""Token Status List: what a list says, and every list that says nothing (draft-ietf-oauth-status-list-18)."""

import tracemalloc
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netid.credentials import base64url, jose, status_list
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.credentials.status_list import Bits, Status, StatusList, StatusReference, VerifiedStatusList
from netid.errors import CredentialRevoked, CredentialSuspended, StatusListRefused, TokenRefused

# Section 4.1 and appendix C: lists of 2^20 entries, VALID but for those named.
C_1_BIT = (
    "eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogEAAKkeCQAAAAAAAAAAAAAAAAAAAIBylgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAXG9IAAAAAAAAAPwsJAAAAAAAAAAAAAAAvhsSAAAAAAAAAAAA7KpLAAAAAAAAAAAAAAAAAAAAAJsLCQAA"
    "AAAAAAAAADjelAAAAAAAAAAAKjDMAQAAAACAZC8L2AEb"
)
C_1_BIT_STATUSES = {
    0: 1,
    1993: 1,
    25460: 1,
    159495: 1,
    495669: 1,
    554353: 1,
    645645: 1,
    723232: 1,
    854545: 1,
    934534: 1,
    1000345: 1,
}
C_2_BIT = (
    "eNrt2zENACEQAEEuoaBABP5VIO01fCjIHTMStt9ovGVIAAAAAABAbiEBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEB5WwIA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AID0ugQAAAAAAAAAAAAAAAAAQG12SgAAAAAAAAAAAAAAAAAAAAAAAAAAAOCSIQEAAAAAAAAAAAAAAAAAAAAAAAD8ExIAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAwJEuAQAAAAAAAAAAAAAAAAAAAAAAAMB9SwIAAAAAAAAAAAAAAAAAAACoYUoAAAAAAAAAAAAAAEBq"
    "H81gAQw"
)
C_2_BIT_STATUSES = {
    0: 1,
    1993: 2,
    25460: 1,
    159495: 3,
    495669: 1,
    554353: 1,
    645645: 2,
    723232: 1,
    854545: 1,
    934534: 2,
    1000345: 3,
}
C_4_BIT = (
    "eNrt0EENgDAQADAIHwImkIIEJEwCUpCEBBQRHOy35Li1EjoOQGabAgAAAAAAAAAAAAAAAAAAACC1SQEAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABADrsCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAADoxaEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAIIoCgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACArpwKAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAGhqVkAzlwIAAAAAiGVRAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABx"
    "3AoAgLpVAQAAAAAAAAAAAAAAwM89rwMAAAAAAAAAAAjsA9xMBMA"
)
C_4_BIT_STATUSES = {
    0: 1,
    1993: 2,
    35460: 3,
    459495: 4,
    595669: 5,
    754353: 6,
    845645: 7,
    923232: 8,
    924445: 9,
    934534: 10,
    1004534: 11,
    1000345: 12,
    1030203: 13,
    1030204: 14,
    1030205: 15,
}
C_8_BIT = (
    "eNrt0WOQM2kYhtGsbdu2bdu2bdu2bdu2bdu2jVnU1my-SWYm6U5enFPVf7ue97orFYAo7CQBAACQuuckAABStqUEAAAAAAAAtN6wEgAE"
    "71QJAAAAAIrwhwQAAAAAAdtAAgAAAAAAACLwkAQAAAAAAAAAAACUaFcJAACAeJwkAQAAAAAAAABQvL4kAAAAWmJwCQAAAAAAAAjAwBIA"
    "AAB06ywJoDKQBARpfgkAAAAAAAAAAAAAAAAAAACo50sJAAAAAAAAAOiRcSQAAAAAgAJNKgEAAG23mgQAAAAAAECw3pUAQvegBAAAAAAA"
    "AADduE4CAAAAyjSvBAAQiw8koHjvSABAb-wlARCONyVoxtMSZOd0CQAAAOjWDRKQmLckAAAAAACysLYEQGcnSAAAAAAQooUlAABI15kS"
    "AIH5RAIgLB9LABC4_SUgGZNIAABAmM6RoLbTJIASzCIBAEAhfpcAAAAAAABquk8CAAAAAAAAaJl9SvvzBOICAFWmkIBgfSgBAAAANOgr"
    "CQAAAAAAAADStK8EAAC03gASAAAAAAAAAADFWFUCAAAAMjOaBEADHpYAQjCIBADduFwCAAAAAGitMSSI3BUSAECOHpAA6IHrJQAAAAAA"
    "sjeVBAAAKRpVAorWvwQAAAAAAAAAkKRtJAAAAAAAgCbcLAF0bXUJAAAAoF02kYDg7CYBAAAAAEB6NpQAAAAAAAAAAAAAAEr1uQQAAF06"
    "VgIAAAAAAAAAqDaeBAAQqgMkAAAAAABogQMlAAAAAAAa87MEAAAQiwslAAAAAAAAAAAAAAAAMrOyBAAAiekv-hcsY0Sgne6QAAAAAAAg"
    "aUtJAAAAAAAAAAAAAAAAAAAAAAAAAADwt-07vjVkAAAAgDy8KgFAUEaSAAAAAJL3vgQAWdhcAgAAoBHDSUDo1pQAAACI2o4SAABZm14C"
    "ALoyuwQAAPznGQkgZwdLAAAQukclAAAAAAAAAAAAgKbMKgEAAAAAAAAAAAAAAAAAAECftpYAAAAAAAAAAAAACnaXBAAAAADk7iMJAAAA"
    "AAAAAABqe00CAnGbBBG4TAIAgFDdKgFAXCaWAAAAAAAAAAAAAAAAAKAJQwR72XbGAQAAAKAhh0sAAAAAAABQgO8kAAAAAAAAAAAAACAa"
    "M0kAAAC5W0QCAIJ3mAQAxGwxCQAA6nhSAsjZBRIAANEbWQIAAAAAaJE3JACAwA0qAUBIVpKAlphbAiAPp0iQnKEkAAAAAAAgBP1KAAAA"
    "dOl4CQAAAAAAAPjLZBIAAG10RtrPm8_CAEBMTpYAAAAAAIjQYBL8z5QSAAAAAEDYPpUAACAsj0gAAADQkHMlAAjHDxIA0Lg9JQAAgHDs"
    "LQEAAABAQS6WAAAAgLjNFs2l_RgLAIAEfCEBlGZZCQAAaIHjJACgtlskAAAozb0SAAAAVFtfAgAAAAAAAAAAAAAAAAAAAAAAAKDDtxIA"
    "AAAAVZaTAKB5W0kAANCAsSUgJ0tL0GqHSNBbL0gAZflRAgCARG0kQXNmlgCABiwkAQAAAEB25pIAAAAAAAAAAAAAoFh9SwAAAAAAADWN"
    "mOSrpjFsEoaRgDKcF9Q1dxsEAAAAAAAAAAAAAAAAgPZ6SQIAAAAAAAAAgChMLgEAAAAAAAAAqZlQAsK2qQQAAAAAAAD06XUJAAAAqG9b"
    "CQAAgLD9IgEAAAAAAAAAAAAAAAAAAEBNe0gAAAAAAAAAAEBPHSEBAAAAlOZtCYA4fS8B0GFRCQAo0gISAOTgNwmC840EAAAAAAAAAAAA"
    "AAAAAAAAUJydJfjXPBIAAAAAAAAAAAAAAABk6WwJAAAAAAAAAAAAAAAAqG8UCQAAgPpOlAAAIA83SQAANWwc9HUjGAgAAAAAAACAusaS"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAqHKVBACQjxklAAAAAAAAAKBHxpQAAAAAACBME0lAdlaUAACyt7sEAAAA0Nl0EgAAAAAAAAAAAABA"
    "-8wgAQAAAAAAAKU4SgKgUtlBAgAAAAAAAAAAgMCMLwEE51kJICdzSgCJGl2CsE0tAQAA0L11JQAAAAAAAAjUOhIAAAAAAAAAAAAAAGTq"
    "eQkAAAAAAAAAAAAAKM8SEjTrJwkAAAAAAACocqQEULgVJAAAACjDUxJUKgtKAAAAqbpRAgCA0n0mAQAAAABAGzwmAUCTLpUAAAAAAAAA"
    "AEjZNRIAAAAAAAAAAAAAAAAAAAAA8I-vJaAlhpQAAAAAAHrvzjJ-OqCuuVlLAojP8BJAr70sQZVDJYAgXS0BAAAAAAAAAAAAtMnyEgAA"
    "AAAAFONKCQAAAAAAAADorc0kAAAAAAAAgDqOlgAAAAAAAAAAAADIwv0SAAAAAAAAAAAAAADBuV0CIFVDSwAAAABAAI6RAAAAAGIwrQSE"
    "ZAsJAABouRclAAAAAKDDrxIAAAA0bkkJgFiMKwEAAAAAAHQyhwRk7h4JAAAAAAAAAAAgatdKAACUYj0JAAAAAAAAAAAAQnORBLTFJRIA"
    "AAAAkIaDJAAAAJryngQAAAAAAAAAAAA98oQEAAAAAAAAAEC2zpcgWY9LQKL2kwAgGK9IAAAAAPHaRQIAAAAAAAAAAADIxyoSAAAAAAAA"
    "AAAAAADQFotLAECz_gQ1PX-B"
)
# Section 5.1: a Status List Token.
SECTION_5_1 = (
    "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEyIiwidHlwIjoic3RhdHVzbGlzdCtqd3QifQ.eyJleHAiOjIyOTE3MjAxNzAsImlhdCI6MTY4N"
    "jkyMDE3MCwiaXNzIjoiaHR0cHM6Ly9leGFtcGxlLmNvbSIsInN0YXR1c19saXN0Ijp7ImJpdHMiOjEsImxzdCI6ImVOcmJ1UmdBQWhjQ"
    "lhRIn0sInN1YiI6Imh0dHBzOi8vZXhhbXBsZS5jb20vc3RhdHVzbGlzdHMvMSIsInR0bCI6NDMyMDB9.2lKUUNG503R9htu4aHAYi7vj"
    "mr3sgApbfoDvPrl65N3URUO1EYqqQl45Jfzd-Av4QzlKa3oVALpLwOEUOq-U_g"
)

KEY = SigningKey.generate("ES256", Random(1).randbytes)
OTHER = SigningKey.generate("ES256", Random(2).randbytes)
KEYS = PublicKeySet((KEY.public,))
URI = "https://netid.example/status/1"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
DAY = timedelta(days=1)
LIST = StatusList.of(2**17, 2, {7: Status.INVALID, 8: Status.SUSPENDED, 9: 3})


def signed(entries: StatusList = LIST) -> str:
    return status_list.sign(
        entries,
        KEY,
        uri=URI,
        issuer="https://netid.example",
        issued_at=NOW,
        expires_at=NOW + DAY,
        time_to_live=timedelta(hours=1),
    )


def verify(token: str, uri: str = URI, now: datetime = NOW) -> VerifiedStatusList:
    return status_list.verify(token, uri=uri, keys=KEYS, now=now)


def forged(key: SigningKey = KEY, typ: str | None = status_list.TYPE, **changes: Any) -> str:
    payload = {"sub": URI, "iat": AT, "exp": AT + 60, "ttl": 60, "status_list": LIST.claim()} | changes
    return jose.sign({name: value for name, value in payload.items() if value is not ...}, key, typ)


def refusal(token: str, uri: str = URI) -> str:
    with pytest.raises(StatusListRefused) as refused:
        verify(token, uri)
    return refused.value.detail


# What a list says


@pytest.mark.parametrize(
    ("bits", "packed", "data"),
    [(1, "eNrbuRgAAhcBXQ", "b9a3"), (2, "eNo76fITAAPfAgc", "c944f9")],
    ids=["section 4.1", "section 4.2"],
)
def test_the_short_examples_of_the_draft(bits: Bits, packed: str, data: str) -> None:
    entries = StatusList.from_claim({"bits": bits, "lst": packed})

    assert entries == StatusList(bits, bytes.fromhex(data))
    assert StatusList.from_claim(entries.claim()) == entries


def test_the_entries_of_the_short_example_stand_where_the_draft_draws_them() -> None:
    statuses = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]

    entries = StatusList.of(12, 2, dict(enumerate(statuses)))

    assert entries.data == bytes.fromhex("c944f9")
    assert [entries[index] for index in range(12)] == statuses


@pytest.mark.parametrize(
    ("bits", "packed", "statuses"),
    [(1, C_1_BIT, C_1_BIT_STATUSES), (2, C_2_BIT, C_2_BIT_STATUSES), (4, C_4_BIT, C_4_BIT_STATUSES)],
)
def test_the_vectors_of_appendix_c(bits: Bits, packed: str, statuses: dict[int, int]) -> None:
    assert StatusList.from_claim({"bits": bits, "lst": packed}) == StatusList.of(2**20, bits, statuses)


def test_the_vector_of_appendix_c_with_a_byte_for_each_entry() -> None:
    entries = StatusList.from_claim({"bits": 8, "lst": C_8_BIT})

    assert len(entries.data) == 2**20
    assert sorted(set(entries.data)) == list(range(256))


def test_the_token_of_section_5_1() -> None:
    payload = jose.unverified_payload(SECTION_5_1)
    entries = StatusList.from_claim(payload["status_list"])

    assert payload["sub"] == "https://example.com/statuslists/1"
    assert [entries[index] for index in range(16)] == [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]


@given(st.sampled_from([1, 2, 4, 8]), st.data())
def test_whatever_goes_in_comes_out(bits: Bits, data: st.DataObject) -> None:
    one = st.integers(0, 2**bits - 1)
    statuses = data.draw(st.dictionaries(st.integers(0, 1023), one, max_size=20))

    entries = verify(signed(StatusList.of(1024, bits, statuses))).entries

    assert {index: entries[index] for index in range(1024)} == dict.fromkeys(range(1024), 0) | statuses


@pytest.mark.parametrize(
    ("size", "bits", "statuses"),
    [
        (7, 1, {}),
        (0, 1, {}),
        (2**23 + 8, 1, {}),
        (8, 1, {8: 1}),
        (8, 1, {-1: 1}),
        (8, 1, {0: 2}),
        (8, 2, {0: -1}),
    ],
)
def test_entries_that_do_not_fit_are_a_mistake(size: int, bits: Bits, statuses: dict[int, int]) -> None:
    with pytest.raises(ValueError, match=r"^(the entries|an entry)"):
        StatusList.of(size, bits, statuses)


@pytest.mark.parametrize(("size", "bits"), [(8, 1), (1, 8), (2**23, 1), (2**20, 8)])
def test_the_smallest_and_the_largest_list(size: int, bits: Bits) -> None:
    entries = StatusList.of(size, bits, {size - 1: 1})

    assert entries[size - 1] == 1
    assert entries[0] == (size == 1)


def test_a_token_says_whose_it_is_and_for_how_long() -> None:
    payload = jose.unverified_payload(signed())

    assert payload == {
        "iss": "https://netid.example",
        "sub": URI,
        "iat": AT,
        "exp": AT + 86_400,
        "ttl": 3600,
        "status_list": LIST.claim(),
    }


def test_a_credential_is_valid_revoked_or_suspended() -> None:
    verified = verify(signed())

    verified.check(StatusReference(URI, 6), NOW)
    with pytest.raises(CredentialRevoked):
        verified.check(StatusReference(URI, 7), NOW)
    with pytest.raises(CredentialSuspended):
        verified.check(StatusReference(URI, 8), NOW)


@pytest.mark.parametrize("bits", [1, 2])
def test_a_list_of_a_million_entries_with_one_revoked_in_a_hundred_is_small(bits: Bits) -> None:
    revoked = Random(5).sample(range(2**20), 2**20 // 100)
    entries = StatusList.of(2**20, bits, dict.fromkeys(revoked, Status.INVALID))

    packed = entries.claim()["lst"]

    assert isinstance(packed, str)
    assert len(base64url.decode(packed)) < 15_000
    assert verify(signed(entries)).entries == entries


def test_a_verified_list_says_how_long_it_holds() -> None:
    verified = verify(signed())

    assert (verified.expires_at, verified.time_to_live) == (NOW + DAY, timedelta(hours=1))
    assert verify(forged(ttl=0.5)).time_to_live == timedelta(seconds=0.5)
    unlimited = verify(forged(exp=..., ttl=...))
    assert (unlimited.expires_at, unlimited.time_to_live) == (None, None)
    unlimited.check(StatusReference(URI, 0), NOW + 1000 * DAY)


def test_only_the_verifier_makes_one() -> None:
    with pytest.raises(TypeError, match="only verify"):
        replace(verify(signed()), uri="https://other.example", _proof=None)


# V7: lists that say nothing


def test_v7_another_list_does_not_say_what_became_of_it() -> None:
    with pytest.raises(StatusListRefused, match="another list"):
        verify(signed()).check(StatusReference("https://netid.example/status/2", 6), NOW)


@pytest.mark.parametrize("index", [2**17, 2**40, -1])
def test_v7_an_index_outside_the_list_is_refused(index: int) -> None:
    with pytest.raises(StatusListRefused, match="outside"):
        verify(signed()).check(StatusReference(URI, index), NOW)


def test_v7_the_last_index_is_inside() -> None:
    verify(signed()).check(StatusReference(URI, 2**17 - 1), NOW)


def test_v7_a_status_without_meaning_is_not_valid() -> None:
    with pytest.raises(StatusListRefused, match="no meaning"):
        verify(signed()).check(StatusReference(URI, 9), NOW)


def test_v7_a_kept_list_says_nothing_once_it_has_expired() -> None:
    verified = verify(signed())

    verified.check(StatusReference(URI, 6), NOW + DAY + timedelta(seconds=9))
    with pytest.raises(StatusListRefused, match="expired"):
        verified.check(StatusReference(URI, 6), NOW + DAY + timedelta(seconds=10))


@pytest.mark.parametrize("sub", [..., "", "https://netid.example/status/2", URI + "/", [URI], None])
def test_v7_a_list_of_another_address_is_refused(sub: object) -> None:
    assert refusal(forged(sub=sub)) == "sub is another list"


def test_v7_a_foreign_signature_is_refused() -> None:
    impostor = replace(OTHER, public=replace(OTHER.public, kid=KEY.public.kid))

    assert refusal(forged(OTHER)) == "no key of the set fits"
    assert refusal(forged(impostor)) == "the signature is not right"


@pytest.mark.parametrize("typ", [None, "JWT", "dc+sd-jwt", "statuslist+cwt"])
def test_v7_a_token_of_another_type_is_refused(typ: str | None) -> None:
    assert refusal(forged(typ=typ)) == "typ is another one"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": AT - 10}, "it has expired"),
        ({"exp": "x"}, "exp is not a time"),
        ({"exp": None}, "exp is not a time"),
        ({"iat": ...}, "iat is missing"),
        ({"iat": AT + 11}, "it was issued in the future"),
        ({"nbf": AT + 11}, "its time has not come"),
        ({"ttl": 0}, "ttl is not a positive number of seconds"),
        ({"ttl": -1}, "ttl is not a positive number of seconds"),
        ({"ttl": True}, "ttl is not a positive number of seconds"),
        ({"ttl": None}, "ttl is not a positive number of seconds"),
        ({"ttl": "60"}, "ttl is not a positive number of seconds"),
        ({"ttl": 10**18}, "ttl is not a positive number of seconds"),
    ],
)
def test_v7_a_list_out_of_its_time_is_refused(changes: dict[str, object], reason: str) -> None:
    assert refusal(forged(**changes)) == reason


@pytest.mark.parametrize(
    "entries",
    [
        ...,
        None,
        "x",
        [],
        {},
        {"bits": 1},
        {"lst": "eNrbuRgAAhcBXQ"},
        {"bits": 3, "lst": "eNrbuRgAAhcBXQ"},
        {"bits": 0, "lst": "eNrbuRgAAhcBXQ"},
        {"bits": True, "lst": "eNrbuRgAAhcBXQ"},
        {"bits": "1", "lst": "eNrbuRgAAhcBXQ"},
        {"bits": 1.0, "lst": "eNrbuRgAAhcBXQ"},
        {"bits": 1, "lst": ["x"]},
    ],
)
def test_v7_a_list_of_another_form_is_refused(entries: object) -> None:
    assert refusal(forged(status_list=entries)) == "status_list is not of the form bits and lst"


def packed(data: bytes) -> str:
    return base64url.encode(data)


@pytest.mark.parametrize(
    ("lst", "reason"),
    [
        ("", "cut off"),
        ("x", "not base64url"),
        ("eNrbuRgAAhcBXQ==", "not base64url"),
        ("eNrbuRgAAhcBXR", "not base64url"),
        (packed(b"not packed at all"), "ZLIB"),
        (packed(zlib.compress(b"x" * 99)[:-1]), "cut off"),
        (packed(zlib.compress(b"x" * 99)[:-4] + b"0000"), "ZLIB"),
        (packed(zlib.compress(b"x" * 99) + b"x"), "followed"),
        (packed(zlib.compress(b"x" * 99, wbits=-15)), "ZLIB"),
        (packed(zlib.compress(b"x" * 99, wbits=31)), "ZLIB"),
    ],
    ids=[
        "nothing",
        "no base64",
        "padding",
        "stray bits",
        "not packed",
        "cut",
        "checksum",
        "more",
        "raw",
        "gzip",
    ],
)
def test_v7_a_list_that_cannot_be_unpacked_is_refused(lst: str, reason: str) -> None:
    assert reason in refusal(forged(status_list={"bits": 1, "lst": lst}))


def test_v7_the_largest_list_is_unpacked_and_one_byte_more_is_not() -> None:
    for size, good in ((status_list.MAX_LIST_BYTES, True), (status_list.MAX_LIST_BYTES + 1, False)):
        token = forged(status_list={"bits": 1, "lst": packed(zlib.compress(bytes(size)))})
        if good:
            assert len(verify(token).entries.data) == size
        else:
            assert "too large" in refusal(token)


def test_v7_a_zip_bomb_takes_no_more_memory_than_the_largest_list() -> None:
    bomb = zlib.compressobj(9)
    data = b"".join(bomb.compress(bytes(2**20)) for _ in range(512)) + bomb.flush()
    token = forged(status_list={"bits": 1, "lst": packed(data)})
    assert len(token) < status_list.MAX_TOKEN_BYTES

    tracemalloc.start()
    try:
        assert "too large" in refusal(token)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 16 * 2**20


def test_v7_a_token_that_is_too_long_is_not_read() -> None:
    assert refusal("x" * (status_list.MAX_TOKEN_BYTES + 1)) == "it is too long"


def test_the_fullest_list_still_fits_into_a_token() -> None:
    entries = StatusList(8, Random(6).randbytes(status_list.MAX_LIST_BYTES))

    assert verify(signed(entries)).entries == entries


@pytest.mark.parametrize(
    "status",
    [
        {"status_list": {"uri": URI, "idx": True}},
        {"status_list": {"uri": URI, "idx": 1.0}},
        {"status_list": {"uri": URI, "idx": "1"}},
        {"status_list": {"uri": URI, "idx": -1}},
        {"status_list": {"uri": 1, "idx": 1}},
        {"status_list": {"idx": 1}},
        {"status_list": [URI, 1]},
        {"status": {"uri": URI, "idx": 1}},
        None,
        "x",
    ],
)
def test_a_reference_of_another_form_is_refused(status: object) -> None:
    with pytest.raises(TokenRefused, match="status does not name an entry"):
        StatusReference.from_claim(status)


def test_a_reference_is_read_as_it_was_written() -> None:
    reference = StatusReference(URI, 0)

    assert StatusReference.from_claim(reference.claim()) == reference
