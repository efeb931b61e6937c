"""The keyring: what it shows, what it refuses, and how its keys are exchanged."""

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

import pytest
from flask import Flask, jsonify

from netid.ambient import Ambient
from netid.credentials import base64url, jose, keyring
from netid.credentials.jwk import Algorithm, SigningKey
from netid.credentials.keyring import Keyring, KeyUse, Secret
from netid.errors import InvalidField, TokenRefused

MADE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 9, 1, 12, 0, 0, 5, tzinfo=UTC)
SECRETS = ("wrapping", "index", "pairwise", "passcode", "browser")
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def ambient(seed: int, now: datetime = MADE) -> Ambient:
    return Ambient(now=lambda: now, random=Random(seed).randbytes)


KEYS = Keyring.generate(ambient(1))
FILE = KEYS.serialise()


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
        for shown in (KEYS, KEYS.wrapping, KEYS.receipt_key()):
            with pytest.raises(TypeError):
                jsonify(shown)
    with pytest.raises(TypeError):
        dataclasses.asdict(KEYS)


def test_the_text_of_a_keyring_has_no_secret_in_it() -> None:
    shown = repr(KEYS) + str(KEYS)
    private = [entry.key.private_jwk() for entry in KEYS.signing_keys]

    for value in (getattr(KEYS, name).reveal() for name in SECRETS):
        assert base64url.encode(value) not in shown
        assert value.hex() not in shown
        assert repr(value) not in shown
    assert not [jwk[name] for jwk in private for name in jwk.keys() & PRIVATE_MEMBERS if jwk[name] in shown]


# A new keyring


def test_the_five_secrets_differ() -> None:
    assert len({getattr(KEYS, name).reveal() for name in SECRETS}) == 5


def test_secrets_come_from_the_randomness_it_was_given() -> None:
    assert Keyring.generate(ambient(1)).index == KEYS.index
    assert Keyring.generate(ambient(2)).index != KEYS.index


def test_there_is_a_key_for_everything_that_is_signed() -> None:
    assert KEYS.id_token_key("RS256").public.algorithm == "RS256"
    assert KEYS.id_token_key("ES256").public.algorithm == "ES256"
    assert KEYS.receipt_key().public.algorithm == "ES256"
    assert KEYS.receipt_key().public != KEYS.id_token_key("ES256").public


# What is published


def test_published_keys_have_no_private_part() -> None:
    for jwk in KEYS.jwks()["keys"]:
        assert jwk.keys() & PRIVATE_MEMBERS == set()
    published = json.dumps(KEYS.jwks())
    for entry in KEYS.signing_keys:
        private = entry.key.private_jwk()
        assert not [name for name in private.keys() & PRIVATE_MEMBERS if private[name] in published]


def test_every_published_key_is_named_by_its_thumbprint() -> None:
    entries = {entry.key.public.thumbprint for entry in KEYS.signing_keys}

    assert {jwk["kid"] for jwk in KEYS.jwks()["keys"]} == entries
    assert len(entries) == 6


def test_a_key_verifies_only_what_it_is_for() -> None:
    receipts = jose.Pinned(KEYS.public_keys("receipt"))
    id_tokens = jose.Pinned(KEYS.public_keys("id_token"))
    receipt = jose.sign({"a": 1}, KEYS.receipt_key(), None)

    assert jose.verify(receipt, key_source=receipts, algorithms=("ES256",), typ=None).payload == {"a": 1}
    with pytest.raises(TokenRefused):
        jose.verify(receipt, key_source=id_tokens, algorithms=("ES256",), typ=None)


# Rotation


@pytest.mark.parametrize(("use", "algorithm"), keyring.SLOTS)
def test_rotation_uses_the_announced_key_and_keeps_the_old_one_published(
    use: KeyUse, algorithm: Algorithm
) -> None:
    old, announced = (entry for entry in KEYS.signing_keys if entry.slot == (use, algorithm))

    rotated = KEYS.rotate(use, algorithm, ambient(7, LATER))

    now = [entry for entry in rotated.signing_keys if entry.slot == (use, algorithm)]
    assert [entry.status for entry in now] == ["active", "next", "retired"]
    assert (now[0].key, now[2].key) == (announced.key, old.key)
    assert {entry.since for entry in now} == {LATER.replace(microsecond=0)}
    assert [entry for entry in rotated.signing_keys if entry not in now] == [
        entry for entry in KEYS.signing_keys if entry.slot != (use, algorithm)
    ]
    assert rotated.wrapping == KEYS.wrapping


def test_what_was_signed_before_a_rotation_still_verifies() -> None:
    before = jose.sign({"a": 1}, KEYS.id_token_key("ES256"), None)
    rotated = KEYS.rotate("id_token", "ES256", ambient(7)).rotate("id_token", "ES256", ambient(8))
    after = jose.sign({"a": 2}, rotated.id_token_key("ES256"), None)

    pinned = jose.Pinned(rotated.public_keys("id_token"))
    for token in (before, after):
        jose.verify(token, key_source=pinned, algorithms=("ES256",), typ=None)


def test_whoever_knew_the_published_keys_before_a_rotation_can_verify_what_follows_it() -> None:
    known = jose.Pinned(KEYS.public_keys("id_token"))
    after = jose.sign({}, KEYS.rotate("id_token", "RS256", ambient(7)).id_token_key("RS256"), None)

    assert jose.verify(after, key_source=known, algorithms=("RS256",), typ=None).payload == {}


def test_a_name_is_never_used_again() -> None:
    keys = KEYS
    for seed in range(20, 25):
        keys = keys.rotate("receipt", "ES256", ambient(seed))

    assert len({jwk["kid"] for jwk in keys.jwks()["keys"]}) == 6 + 5
    with pytest.raises(ValueError, match="occurs twice"):
        keys.rotate("receipt", "ES256", ambient(20))


# The file's content


def test_a_keyring_is_read_back_as_it_was_written() -> None:
    rotated = KEYS.rotate("id_token", "ES256", ambient(7, LATER))

    for keys in (KEYS, rotated):
        read = Keyring.parse(keys.serialise())
        assert read == keys
        assert read.serialise() == keys.serialise()
        token = jose.sign({}, read.receipt_key(), None)
        jose.verify(
            token, key_source=jose.Pinned(keys.public_keys("receipt")), algorithms=("ES256",), typ=None
        )


def test_a_file_cut_anywhere_is_refused() -> None:
    for length in range(len(FILE)):
        with pytest.raises(InvalidField):
            Keyring.parse(FILE[:length])


def test_a_file_with_one_changed_byte_is_refused() -> None:
    for at in range(0, len(FILE), 7):
        with pytest.raises(InvalidField):
            Keyring.parse(FILE[:at] + bytes([FILE[at] ^ 1]) + FILE[at + 1 :])


def _changed(change: Callable[[dict[str, dict[str, object]]], object]) -> bytes:
    """The file after a change by somebody who also makes the checksum fit."""
    document = json.loads(FILE)
    change(document)
    document["checksum"] = keyring._checksum(document["content"])
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("version", lambda file: file.update(version=2)),
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
        ("signing_keys[1]", lambda file: file["content"]["signing_keys"][1].update(status="lost")),
        ("signing_keys[1]", lambda file: file["content"]["signing_keys"][1].update(status=["next"])),
        ("signing_keys[1]", lambda file: file["content"]["signing_keys"][1].update(more=1)),
        ("signing_keys", lambda file: file["content"]["signing_keys"][1].update(status="active")),
        ("signing_keys", lambda file: file["content"]["signing_keys"][1].update(use="receipt")),
        ("signing_keys[1].since", lambda file: file["content"]["signing_keys"][1].update(since=-1)),
        ("signing_keys[1].since", lambda file: file["content"]["signing_keys"][1].update(since=True)),
        ("signing_keys[1].since", lambda file: file["content"]["signing_keys"][1].update(since=1.5)),
        ("signing_keys[1].jwk", lambda file: file["content"]["signing_keys"][1].update(jwk=None)),
        (
            "signing_keys[1].jwk.kid",
            lambda file: file["content"]["signing_keys"][1]["jwk"].update(kid="mine"),
        ),
        ("signing_keys[1].jwk.kid", lambda file: file["content"]["signing_keys"][1]["jwk"].pop("kid")),
        ("signing_keys[3].jwk.d", lambda file: file["content"]["signing_keys"][3]["jwk"].pop("d")),
    ],
)
def test_a_file_with_anything_unexpected_is_refused_and_the_place_named(
    field: str, change: Callable[[dict[str, dict[str, object]]], object]
) -> None:
    with pytest.raises(InvalidField) as refused:
        Keyring.parse(_changed(change))

    assert refused.value.field == field


def test_three_active_keys_in_a_slot_are_refused() -> None:
    """A retired key that became active again would sign beside the active one."""
    rotated = KEYS.rotate("receipt", "ES256", ambient(7))
    entries = [
        dataclasses.replace(entry, status="active") if entry.status == "retired" else entry
        for entry in rotated.signing_keys
    ]

    with pytest.raises(ValueError, match="one active key"):
        dataclasses.replace(rotated, signing_keys=tuple(entries))


def test_a_key_outside_the_slots_is_refused() -> None:
    stray = keyring.SlotKey("receipt", "active", MADE, SigningKey.generate("RS256", Random(1).randbytes))

    with pytest.raises(ValueError, match="in no slot"):
        dataclasses.replace(KEYS, signing_keys=(*KEYS.signing_keys, stray))


def test_a_refusal_repeats_no_secret() -> None:
    content = json.loads(FILE)["content"]
    for name in SECRETS:
        value = content["secrets"][name]
        for data in (FILE[:-1], FILE.replace(value.encode(), value[:-1].encode() + b"!")):
            with pytest.raises(InvalidField) as refused:
                Keyring.parse(data)
            assert value[:8] not in str(refused.value)
