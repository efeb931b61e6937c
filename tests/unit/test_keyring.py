"""The keyring: what it shows, what it refuses, and how its keys are exchanged."""

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from flask import Flask, jsonify

from netid.ambient import Ambient
from netid.credentials import base64url, jose, keyring, keyring_file
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.credentials.keyring import Keyring, Secret
from netid.errors import InvalidField, TokenRefused

MADE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 9, 1, 12, 0, 0, 5, tzinfo=UTC)
SECRETS = ("wrapping", "index", "pairwise", "passcode", "browser", "access")
ALL = ("id_token", "receipt", "credential")
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def ambient(seed: int, now: datetime = MADE) -> Ambient:
    return Ambient(now=lambda: now, random=Random(seed).randbytes)


KEYS = Keyring.generate(ambient(1))
FILE = keyring_file.serialise(KEYS)


# Secrets


def test_a_secret_reveals_itself_only_when_asked() -> None:
    secret = Secret(b"k" * 32)

    assert secret.reveal() == b"k" * 32
    assert repr(secret) == "<Secret>"
    assert secret == Secret(b"k" * 32)
    assert secret != Secret(b"l" * 32)
    assert secret != b"k" * 32


@pytest.mark.parametrize(
    "way",
    [
        str,
        json.dumps,
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        hash,
        bytes,
        "{}".format,
        "{:s}".format,
        lambda secret: f"{secret}",
        lambda secret: "%s" % secret,  # noqa: UP031
        vars,
    ],
)
def test_a_secret_refuses_to_become_text_by_accident(way: Callable[[object], object]) -> None:
    with pytest.raises(TypeError):
        way(Secret(b"k" * 32))


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_secret_has_32_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Secret(bytes(size))


def test_no_accident_of_flask_or_dataclasses_shows_a_keyring() -> None:
    with Flask(__name__).app_context():
        for shown in (KEYS, KEYS.wrapping, KEYS.receipt_key(MADE)):
            with pytest.raises(TypeError):
                jsonify(shown)
    with pytest.raises(TypeError):
        dataclasses.asdict(KEYS)


def test_the_text_of_a_keyring_has_no_secret_in_it() -> None:
    shown = repr(KEYS) + str(KEYS)
    private = [entry.signing.private_jwk() for entry in KEYS.signing_keys if entry.signing]

    for value in (getattr(KEYS, name).reveal() for name in SECRETS):
        assert base64url.encode(value) not in shown
        assert value.hex() not in shown
        assert repr(value) not in shown
    assert not [jwk[name] for jwk in private for name in jwk.keys() & PRIVATE_MEMBERS if jwk[name] in shown]


# A new keyring


def test_the_six_secrets_differ() -> None:
    assert len({getattr(KEYS, name).reveal() for name in SECRETS}) == 6


def test_secrets_come_from_the_randomness_it_was_given() -> None:
    assert Keyring.generate(ambient(1)).index == KEYS.index
    assert Keyring.generate(ambient(2)).index != KEYS.index


def test_there_is_a_key_for_everything_that_is_signed() -> None:
    assert KEYS.id_token_key("RS256", MADE).public.algorithm == "RS256"
    assert KEYS.id_token_key("ES256", MADE).public.algorithm == "ES256"
    assert KEYS.receipt_key(MADE).public.algorithm == "ES256"
    assert KEYS.receipt_key(MADE).public != KEYS.id_token_key("ES256", MADE).public


# What is published


def test_published_keys_have_no_private_part() -> None:
    for jwk in KEYS.jwks(MADE, *ALL)["keys"]:
        assert jwk.keys() & PRIVATE_MEMBERS == set()
    published = json.dumps(KEYS.jwks(MADE, *ALL))
    for private in (entry.signing.private_jwk() for entry in KEYS.signing_keys if entry.signing):
        assert not [name for name in private.keys() & PRIVATE_MEMBERS if private[name] in published]


def test_every_published_key_is_named_by_its_thumbprint() -> None:
    entries = {entry.public.thumbprint for entry in KEYS.signing_keys}

    assert {jwk["kid"] for jwk in KEYS.jwks(MADE, *ALL)["keys"]} == entries
    assert len(entries) == 8


def test_a_key_verifies_only_what_it_is_for() -> None:
    receipts = jose.Pinned(KEYS.public_keys("receipt"))
    id_tokens = jose.Pinned(KEYS.public_keys("id_token"))
    receipt = jose.sign({"a": 1}, KEYS.receipt_key(MADE), None)

    assert jose.verify(receipt, key_source=receipts, algorithms=("ES256",), typ=None).payload == {"a": 1}
    with pytest.raises(TokenRefused):
        jose.verify(receipt, key_source=id_tokens, algorithms=("ES256",), typ=None)


# Rotation

A_MINUTE_LATER = LATER + timedelta(minutes=1)
SOON = LATER.replace(microsecond=0) + keyring.ANNOUNCED


def phases(keys: Keyring, slot: keyring.Slot, now: datetime = LATER) -> list[tuple[str | None, str]]:
    return [(entry.public.kid, phase) for entry, phase in keys.phases(now) if entry.slot == slot]


@pytest.mark.parametrize("slot", keyring.SLOTS)
def test_rotation_uses_the_announced_key_and_announces_another(slot: keyring.Slot) -> None:
    old, announced = (kid for kid, _ in phases(KEYS, slot))

    rotated = KEYS.rotate(ambient(7, LATER))

    (past, was), (current, signs), (_new, waits) = phases(rotated, slot)
    assert (past, current) == (old, announced)
    assert (was, signs, waits) == ("past", "current", "next")
    assert rotated.has_secrets_of(KEYS)


def test_the_first_rotation_takes_place_at_once_however_long_the_keys_took_to_make() -> None:
    moments = (MADE + timedelta(seconds=passed) for passed in count())
    slow = Ambient(lambda: next(moments), ambient(6).random)
    rotated = Keyring.generate(slow).rotate(slow)
    for slot in keyring.SLOTS:
        assert [phase for _, phase in phases(rotated, slot, next(moments))] == ["past", "current", "next"]


def test_what_was_signed_before_a_rotation_still_verifies() -> None:
    before = jose.sign({"a": 1}, KEYS.id_token_key("ES256", LATER), None)
    rotated = KEYS.rotate(ambient(7, LATER), timedelta()).rotate(ambient(8, LATER), timedelta())
    after = jose.sign({"a": 2}, rotated.id_token_key("ES256", LATER), None)

    pinned = jose.Pinned(PublicKeySet.from_jwks(rotated.jwks(LATER, *ALL)))
    for token in (before, after):
        jose.verify(token, key_source=pinned, algorithms=("ES256",), typ=None)


def test_whoever_knew_the_published_keys_before_a_rotation_can_verify_what_follows_it() -> None:
    known = jose.Pinned(PublicKeySet.from_jwks(KEYS.jwks(LATER, *ALL)))
    after = jose.sign({}, KEYS.rotate(ambient(7, LATER)).id_token_key("RS256", LATER), None)

    assert jose.verify(after, key_source=known, algorithms=("RS256",), typ=None).payload == {}


@pytest.mark.parametrize("moment", [LATER, A_MINUTE_LATER])
def test_a_key_that_was_announced_a_moment_ago_waits_until_caches_know_it(moment: datetime) -> None:
    rotated = KEYS.rotate(ambient(7, LATER))
    before = rotated.receipt_key(LATER)

    again = rotated.rotate(ambient(8, moment))

    assert again.receipt_key(SOON - timedelta(seconds=1)) == before
    assert again.receipt_key(SOON) != before
    assert {key["kid"] for key in rotated.jwks(LATER, *ALL)["keys"]} >= {again.receipt_key(SOON).public.kid}


def test_the_private_half_of_a_key_ends_when_another_signs() -> None:
    again = KEYS.rotate(ambient(7, LATER)).rotate(ambient(8, A_MINUTE_LATER))
    first, current, coming, waiting = (entry for entry in again.signing_keys if entry.use == "receipt")

    assert first.signing is None
    assert all(entry.signing for entry in (current, coming, waiting))
    assert (
        b'"d"'
        not in json.dumps(json.loads(keyring_file.serialise(again))["content"]["signing_keys"][0]).encode()
    )


def test_old_keys_are_published_until_the_last_message_has_arrived_and_those_of_receipts_for_good() -> None:
    rotated = KEYS.rotate(ambient(7, LATER))
    begun = LATER.replace(microsecond=0)
    over = begun + timedelta(days=7)
    old = {KEYS.id_token_key("RS256", MADE).public.kid, KEYS.id_token_key("ES256", MADE).public.kid}
    of_credentials = {KEYS.credential_key(MADE).public.kid}

    def published(now: datetime) -> set[str]:
        return {key["kid"] for key in rotated.jwks(now, *ALL)["keys"]}

    assert published(over - timedelta(seconds=1)) - published(over) == old
    gone = begun + timedelta(days=40)
    assert published(gone - timedelta(seconds=1)) - published(gone) == of_credentials
    assert KEYS.receipt_key(MADE).public.kid in published(over + timedelta(days=20_000))
    assert old <= {key.kid for key in rotated.public_keys("id_token").keys}


def test_a_clock_that_was_set_back_finds_a_key() -> None:
    rotated = KEYS.rotate(ambient(7, LATER))

    assert KEYS.id_token_key("ES256", MADE - timedelta(days=900)) == KEYS.id_token_key("ES256", MADE)
    assert rotated.id_token_key("ES256", MADE) == rotated.id_token_key("ES256", LATER)
    kid = rotated.id_token_key("ES256", MADE).public.kid
    assert kid not in {key["kid"] for key in rotated.retire(kid, ambient(8, MADE)).jwks(MADE, *ALL)["keys"]}


def test_u6_a_name_is_never_used_again() -> None:
    keys = KEYS
    for seed in range(20, 23):
        keys = keys.rotate(ambient(seed, LATER), timedelta())

    assert len({jwk["kid"] for jwk in keys.jwks(LATER, *ALL)["keys"]}) == 8 + 4 * 3
    with pytest.raises(ValueError, match="occurs twice"):
        keys.rotate(ambient(20, LATER), timedelta())


def test_a_rotation_is_due_when_the_keys_have_signed_for_long_enough() -> None:
    period = timedelta(days=30)

    assert not KEYS.is_due(period, MADE + timedelta(days=29))
    assert KEYS.is_due(period, MADE + period)
    assert not KEYS.rotate(ambient(7, MADE + period)).is_due(period, MADE + period)


# Retiring


@pytest.mark.parametrize("slot", keyring.SLOTS)
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_retired_key_is_gone_at_once_and_another_signs(slot: keyring.Slot, at: int) -> None:
    """One that is past, one that signs, one that is to sign soon, one that waits."""
    keys = KEYS.rotate(ambient(7, LATER)).rotate(ambient(8, A_MINUTE_LATER))
    kids = [kid for kid, _ in phases(keys, slot)]
    assert [phase for _, phase in phases(keys, slot)] == ["past", "current", "next", "next"]

    retired = keys.retire(kids[at] or "", ambient(9, A_MINUTE_LATER))

    left = phases(retired, slot, A_MINUTE_LATER)
    assert kids[at] not in [kid for kid, _ in left]
    assert kids[at] not in {key["kid"] for key in retired.jwks(A_MINUTE_LATER, *ALL)["keys"]}
    [signs] = [kid for kid, phase in left if phase == "current"]
    assert signs == (kids[2] if at == 1 else kids[1])
    assert left[-1][1] == "next"
    assert retired.rotate(ambient(10, SOON)).has_secrets_of(keys)


def test_a_retired_key_that_signs_is_followed_even_by_one_that_nobody_knows_yet() -> None:
    rotated = KEYS.rotate(ambient(7, LATER))
    current, waiting = (entry for entry in rotated.signing_keys if entry.use == "receipt" and entry.signing)

    retired = rotated.retire(current.public.kid or "", ambient(8, A_MINUTE_LATER))

    assert retired.receipt_key(A_MINUTE_LATER) == waiting.signing


def test_only_a_key_that_is_there_can_be_retired() -> None:
    with pytest.raises(InvalidField, match="kid: names no signing key"):
        KEYS.retire("no such key", ambient(7))


# The file's content


def test_a_keyring_is_read_back_as_it_was_written() -> None:
    rotated = KEYS.rotate(ambient(7, LATER))

    for keys in (KEYS, rotated):
        read = keyring_file.parse(keyring_file.serialise(keys))
        assert read == keys
        assert keyring_file.serialise(read) == keyring_file.serialise(keys)
        token = jose.sign({}, read.receipt_key(MADE), None)
        jose.verify(
            token, key_source=jose.Pinned(keys.public_keys("receipt")), algorithms=("ES256",), typ=None
        )


def test_a_file_cut_anywhere_is_refused() -> None:
    for length in range(len(FILE)):
        with pytest.raises(InvalidField):
            keyring_file.parse(FILE[:length])


def test_a_file_with_one_changed_byte_is_refused() -> None:
    for at in range(0, len(FILE), 7):
        with pytest.raises(InvalidField):
            keyring_file.parse(FILE[:at] + bytes([FILE[at] ^ 1]) + FILE[at + 1 :])


def _changed(change: Callable[[dict[str, dict[str, object]]], object]) -> bytes:
    """The file after a change by somebody who also makes the checksum fit."""
    document = json.loads(FILE)
    change(document)
    document["checksum"] = keyring_file._checksum(document["content"])
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("version", lambda file: file.update(version=4)),
        ("version", lambda file: file.update(version=1)),
        ("version", lambda file: file.update(format="something else")),
        ("file", lambda file: file.update(more=1)),
        ("content", lambda file: file["content"].pop("secrets")),
        ("secrets", lambda file: file["content"]["secrets"].pop("index")),
        ("secrets", lambda file: file["content"]["secrets"].update(more="AA")),
        ("secrets", lambda file: file["content"].update(secrets=[])),
        ("secrets.index", lambda file: file["content"]["secrets"].update(index="AA")),
        ("secrets.index", lambda file: file["content"]["secrets"].update(index=5)),
        ("secrets.index", lambda file: file["content"]["secrets"].update(index="!" * 43)),
        ("signing_keys", lambda file: file["content"].update(signing_keys={})),
        ("signing_keys", lambda file: file["content"].update(signing_keys=[])),
        ("signing_keys", lambda file: file["content"]["signing_keys"].pop()),
        ("signing_keys", lambda file: file["content"]["signing_keys"].reverse()),
        (
            "signing_keys",
            lambda file: file["content"]["signing_keys"].append(file["content"]["signing_keys"][0]),
        ),
        ("signing_keys[1]", lambda file: file["content"]["signing_keys"][1].update(use="other")),
        ("signing_keys[1]", lambda file: file["content"]["signing_keys"][1].update(more=1)),
        ("signing_keys", lambda file: file["content"]["signing_keys"][1].update(signs_from=5)),
        ("signing_keys", lambda file: file["content"]["signing_keys"][0].update(signs_from=None)),
        ("signing_keys", lambda file: file["content"]["signing_keys"][1].update(use="receipt")),
        ("signing_keys", lambda file: file["content"]["signing_keys"][3]["jwk"].pop("d")),
        ("signing_keys[1].announced", lambda file: file["content"]["signing_keys"][1].update(announced=-1)),
        ("signing_keys[1].announced", lambda file: file["content"]["signing_keys"][1].update(announced=True)),
        ("signing_keys[1].announced", lambda file: file["content"]["signing_keys"][1].update(announced=None)),
        (
            "signing_keys[0].signs_from",
            lambda file: file["content"]["signing_keys"][0].update(signs_from=1.5),
        ),
        ("signing_keys[1].jwk", lambda file: file["content"]["signing_keys"][1].update(jwk=None)),
        (
            "signing_keys[1].jwk.kid",
            lambda file: file["content"]["signing_keys"][1]["jwk"].update(kid="mine"),
        ),
        ("signing_keys[1].jwk.kid", lambda file: file["content"]["signing_keys"][1]["jwk"].pop("kid")),
        ("signing_keys[3].jwk.d", lambda file: file["content"]["signing_keys"][3]["jwk"].update(d="AA")),
    ],
)
def test_a_file_with_anything_unexpected_is_refused_and_the_place_named(
    field: str, change: Callable[[dict[str, dict[str, object]]], object]
) -> None:
    with pytest.raises(InvalidField) as refused:
        keyring_file.parse(_changed(change))

    assert refused.value.field == field


def _of_before_net_credentials(version: int) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(FILE)
    content = document["content"]
    del content["secrets"]["access"]
    content["signing_keys"] = [entry for entry in content["signing_keys"] if entry["use"] != "credential"]
    for entry in content["signing_keys"] if version == 1 else ():
        entry["status"] = "next" if entry.pop("signs_from") is None else "active"
        entry["since"] = entry.pop("announced")
    return document | {"version": version, "checksum": keyring_file._checksum(content)}


@pytest.mark.parametrize("version", [1, 2])
def test_a_file_of_an_earlier_version_is_completed_and_never_silently(version: int) -> None:
    data = json.dumps(_of_before_net_credentials(version)).encode()

    with pytest.raises(InvalidField, match="run `netid keys init`"):
        keyring_file.parse(data)
    completed = keyring_file.parse(data, ambient(9, LATER))
    assert all(getattr(completed, name) == getattr(KEYS, name) for name in SECRETS if name != "access")
    assert completed.signing_keys[:6] == KEYS.signing_keys[:6]
    assert completed.credential_key(LATER).public.algorithm == "ES256"
    assert keyring_file.parse(keyring_file.serialise(completed)) == completed


def test_a_key_of_the_first_version_without_its_status_is_refused() -> None:
    document = _of_before_net_credentials(1)
    document["content"]["signing_keys"][1]["status"] = "retired"
    document["checksum"] = keyring_file._checksum(document["content"])
    with pytest.raises(InvalidField, match=r"signing_keys\[1\]: has no status"):
        keyring_file.parse(json.dumps(document).encode(), ambient(9))


def test_a_key_outside_the_slots_is_refused() -> None:
    key = SigningKey.generate("RS256", Random(1).randbytes)
    stray = keyring.SlotKey("receipt", key.public, MADE, MADE, key)

    with pytest.raises(ValueError, match="in no slot"):
        dataclasses.replace(KEYS, signing_keys=(*KEYS.signing_keys, stray))


def test_a_refusal_repeats_no_secret() -> None:
    content = json.loads(FILE)["content"]
    for name in SECRETS:
        value = content["secrets"][name]
        for data in (FILE[:-1], FILE.replace(value.encode(), value[:-1].encode() + b"!")):
            with pytest.raises(InvalidField) as refused:
                keyring_file.parse(data)
            assert value[:8] not in str(refused.value)
