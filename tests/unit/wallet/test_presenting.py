"""Showing the net credential to a relying party (OpenID4VP 1.0), as the wallet does it."""

import json
import os
import stat
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from netid.credentials import guardian_grant, jose
from netid.credentials.dcql import Query
from netid.credentials.guardian_grant import AllowedPurpose, Grant
from netid.credentials.presentation_response import Declined
from netid.errors import KeyFileError
from netid.identity.text import Text
from netid.sending import HttpAnswer, HttpRequest
from netid.wallet.errors import (
    AnswerNotTaken,
    ClaimMissing,
    GrantRefused,
    GuardianNeeded,
    NoCopyLeft,
    OverAsked,
    RequestRefused,
)
from netid.wallet.presenting import Presenter
from netid.wallet.safe import FILE, KEY_FILE, Safe
from tests.unit import presenting
from tests.unit.presenting import ISSUER, PARCEL, VCT
from tests.unit.wallet.world import ADULT, PLATFORM, World, key

NOTHING = Query.of(VCT, frozenset(), frozenset())


def _agree(world: World, *ticked: str, remember: bool = False, **changes: Any) -> Any:
    asked = world.presenter.open(world.platform.asks(**changes))
    return world.presenter.agree(asked, frozenset(ticked), remember=remember)


def test_what_the_person_ticks_is_shown_and_nothing_else(world: World) -> None:
    world.receives()

    answered = _agree(world, "phone_number")

    assert answered.given == ("name", "phone_number")
    assert answered.return_to == f"{PLATFORM}/back#response_code=c"
    assert world.platform.verified().disclosed.keys() == {("name",), ("phone_number",)}


def test_what_is_not_ticked_is_not_shown(world: World) -> None:
    world.receives()
    _agree(world)
    assert world.platform.verified().disclosed.keys() == {("name",)}


def test_what_was_not_asked_for_is_not_shown_even_where_it_is_ticked(world: World) -> None:
    world.receives()
    _agree(world, "document_number", "net_number", "age_over_18")
    assert world.platform.verified().disclosed.keys() == {("name",)}


def test_the_check_result_alone_shows_no_field(world: World) -> None:
    world.receives()
    _agree(world, query=NOTHING, purpose=None)
    assert world.platform.verified().disclosed == {}


def test_a_platform_may_do_without_a_state(world: World) -> None:
    world.receives()
    _agree(world, state=None)
    world.presenter.refuse(world.presenter.open(world.platform.asks(state=None)))
    assert [one.state for one in world.platform.got] == [None, None]


def test_no_request_reaches_the_provider_while_a_credential_is_shown(world: World) -> None:  # S7
    world.receives()
    assert world.hosts() == {"netid.example"}
    world.sent.clear()

    _agree(world)
    world.presenter.refuse(world.presenter.open(world.platform.asks(by_post=True)))

    assert world.hosts() == {"parcels.example"}


@pytest.mark.parametrize("at", ["request", "response"])
def test_a_platform_cannot_send_the_wallet_to_the_provider(world: World, at: str) -> None:  # S7
    world.receives()
    world.sent.clear()
    link = world.platform.asks(**({"response_uri": f"{ISSUER}/answer"} if at == "response" else {}))
    if at == "request":
        link = replace(link, request_uri=f"{ISSUER}:443/request/1")
    with pytest.raises(RequestRefused, match="provider"):
        world.presenter.open(link)
    assert "netid.example" not in world.hosts()


def test_each_presentation_has_a_copy_and_a_key_of_its_own(world: World) -> None:  # S6
    world.receives()
    for _ in range(10):
        _agree(world)

    keys = {world.platform.verified(at).holder_key.thumbprint for at in range(10)}
    assert len(keys) == 10
    assert world.safe.copies() == []


def test_no_copy_is_used_again_without_a_word(world: World) -> None:
    world.receives()
    for _ in range(10):
        _agree(world)
    with pytest.raises(NoCopyLeft):
        world.presenter.open(world.platform.asks())


def test_two_requests_at_once_never_get_the_same_copy(world: World) -> None:
    world.receives()
    asked = [world.presenter.open(world.platform.asks()) for _ in range(10)]
    taken: list[str] = []

    def take(at: int) -> None:
        taken.append(world.presenter._taken(asked[at], frozenset(), remember=False).id)

    threads = [Thread(target=take, args=(at,)) for at in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == 10


def test_a_copy_that_was_sent_counts_as_used_although_the_platform_failed(world: World) -> None:
    world.receives()
    world.platform.status = 500
    with pytest.raises(AnswerNotTaken):
        _agree(world)
    assert len(world.safe.copies()) == 9
    assert world.safe.log()[0].outcome == "not-taken"


def test_the_copy_that_expires_first_is_used_first(world: World) -> None:
    world.receives("net_credential", "net_credential_long")
    for _ in range(10):
        _agree(world)
    assert {copy.configuration for copy in world.safe.copies()} == {"net_credential_long"}


def test_copies_that_expired_are_gone(world: World) -> None:
    world.receives("net_credential", "net_credential_long")
    world.clock.advance(days=2)
    assert {copy.configuration for copy in world.safe.copies()} == {"net_credential_long"}


def test_a_platform_that_is_remembered_sees_the_same_copy_and_nobody_else_does(world: World) -> None:
    world.receives("net_credential", "net_credential_long")
    _agree(world, remember=True)
    _agree(world)
    asked = world.presenter.open(world.platform.asks())
    assert asked.remembered
    assert asked.recognised
    first, again = (world.platform.verified(at).holder_key.thumbprint for at in (0, 1))
    assert first == again
    kept = [copy for copy in world.safe.copies() if copy.kept_for == "parcels"]
    assert [copy.configuration for copy in kept] == ["net_credential_long"]

    world.safe.forget("parcels")
    _agree(world)
    assert world.platform.verified(2).holder_key.thumbprint != first


@pytest.mark.parametrize("now", [{"name": "林新名"}, {"phone_number": "19000000009"}], ids=str)
@pytest.mark.parametrize("missing", [{}, {"phone_number"}], ids=str)
@pytest.mark.parametrize("remember", [True, False])
def test_what_the_person_reads_is_what_is_shown_although_copies_differ(
    world: World, now: dict[str, str], missing: set[str], remember: bool
) -> None:
    recent = world.provider.fields | now
    world.provider.fields = {name: value for name, value in ADULT.items() if name not in missing}
    world.receives("net_credential_long")
    _agree(world, remember=remember)
    world.provider.fields = recent
    world.receives()

    asked = world.presenter.open(world.platform.asks())
    world.presenter.agree(asked, frozenset({"phone_number"}), remember=False)

    shown = {str(path[0]) for path in world.platform.verified().disclosed}
    assert {name: world.platform.verified().claims[name] for name in shown} == asked.fields


def test_a_copy_that_says_something_else_is_not_kept_for_a_platform(world: World) -> None:
    world.receives("net_credential_long")
    world.provider.fields["name"] = "林新名"
    world.receives()

    _agree(world, remember=True)

    assert world.platform.verified().claims["name"] == "林新名"
    kept = [copy for copy in world.safe.copies() if copy.kept_for]
    assert [copy.configuration for copy in kept] == ["net_credential"]


def test_the_copy_of_another_platform_says_nothing_here(world: World) -> None:
    world.receives()
    kept, *others = world.safe.copies()
    assert world.safe.keep_for(kept, "forum")
    assert all(world.safe.spend(copy) for copy in others)
    world.provider.fields["name"] = "林新名"
    world.receives("net_credential_long")

    asked = world.presenter.open(world.platform.asks())
    world.presenter.agree(asked, frozenset(), remember=False)

    assert asked.fields["name"] == world.platform.verified().claims["name"] == "林新名"


def test_a_kept_copy_is_not_spent_elsewhere(world: World) -> None:
    world.receives()
    _agree(world, remember=True)
    kept = next(copy for copy in world.safe.copies() if copy.kept_for)
    assert not world.safe.spend(kept)
    assert not world.safe.keep_for(kept, "forum")


def test_refusing_tells_the_platform_no_and_costs_no_copy(world: World) -> None:
    world.receives()
    answered = world.presenter.refuse(world.presenter.open(world.platform.asks()))
    assert not answered.agreed
    assert world.platform.got == [Declined("access_denied", "a-state")]
    assert len(world.safe.copies()) == 10


def test_a_request_beyond_the_registration_is_stopped_and_logged(world: World) -> None:
    world.receives()
    over = Query.of(VCT, frozenset({"name", "document_number"}), frozenset())
    with pytest.raises(OverAsked) as stopped:
        world.presenter.open(world.platform.asks(query=over))
    assert stopped.value.platform.en == "Kite Parcels"
    assert world.platform.got == []
    entry = world.safe.log()[0]
    assert (entry.outcome, entry.details["given"]) == ("stopped", [])
    assert len(world.safe.copies()) == 10


def test_the_net_number_cannot_be_asked_for(world: World) -> None:
    world.receives()
    with pytest.raises(OverAsked):
        world.presenter.open(
            world.platform.asks(query=Query.of(VCT, frozenset({"name", "net_number"}), frozenset()))
        )


def test_what_is_essential_and_not_there_cannot_be_shown(world: World) -> None:
    del world.provider.fields["name"]
    world.receives()
    asked = world.presenter.open(world.platform.asks())
    assert asked.missing == {"name"}
    with pytest.raises(ClaimMissing):
        world.presenter.agree(asked, frozenset(), remember=False)
    assert len(world.safe.copies()) == 10


def test_a_nonce_of_the_wallet_has_to_come_back(world: World) -> None:
    world.receives()
    link = world.platform.asks(by_post=True)
    assert world.presenter.open(link).platform.en == "Kite Parcels"

    signed = world.platform.signed
    world.platform.signed = lambda _nonce: signed("another")
    with pytest.raises(RequestRefused, match="wallet_nonce"):
        world.presenter.open(link)


def test_a_platform_of_another_provider_is_refused(world: World) -> None:  # V1
    world.receives()
    world.platform.verifier = presenting.Authority().verifier(now=world.clock.now())
    with pytest.raises(RequestRefused):
        world.presenter.open(world.platform.asks())


def test_another_platforms_registration_cannot_be_borrowed(world: World) -> None:
    world.receives()
    stranger = world.provider.authority.verifier(now=world.clock.now())
    world.platform.verifier = replace(world.platform.verifier, statement=stranger.statement)
    with pytest.raises(RequestRefused, match="another relying party"):
        world.presenter.open(world.platform.asks())


@pytest.mark.parametrize(
    "uri",
    [
        *("file:///etc/passwd", "http://parcels.example/request/1", "ftp://a", "", "//a", "https://a b/"),
        *("https://a:99999/", "https://a:x/", "https://a:-1/", "https://a:0/", "https://[a/"),
    ],
)
def test_a_request_is_fetched_from_proper_addresses_only(world: World, uri: str) -> None:
    world.receives()
    world.sent.clear()
    with pytest.raises(RequestRefused):
        world.presenter.open(replace(world.platform.asks(), request_uri=uri))
    assert world.sent == []


@pytest.mark.parametrize("redirect", ["javascript:alert(1)", "http://a.example/", 5, "https://a/#\u202e"])
def test_no_page_leads_to_an_address_that_is_none(world: World, redirect: object) -> None:
    world.receives()
    body = json.dumps({"redirect_uri": redirect}).encode()

    def send(request: HttpRequest) -> HttpAnswer:
        answer = world.platform.answer(request)
        return answer if "/request/" in request.url else replace(answer, body=body)

    world.presenter._send_anywhere = send
    with pytest.raises(AnswerNotTaken):
        _agree(world)


# Under 14 (Measures, article 5)


def _child(world: World) -> Presenter:
    world.provider.fields |= {"age_over_14": False, "age_over_18": False}
    world.receives()
    return world.presenter


def _grant(world: World, **changes: Any) -> str:
    given: dict[str, Any] = {
        "wallet_key": world.receiver.device_key().public.thumbprint,
        "client_id": "parcels",
        "platform": Text(zh="风筝寄件", en="Kite Parcels"),
        "purpose": AllowedPurpose.of(PARCEL),
        "expires_at": world.clock.now() + timedelta(days=10),
    }
    signer = changes.pop("key", world.provider.authority.credential_key)
    return guardian_grant.state(Grant(**given | changes), ISSUER, signer, world.clock.now())


def test_under_14_nothing_is_shown_without_the_guardians_word(world: World) -> None:
    child = _child(world)
    with pytest.raises(GuardianNeeded) as needed:
        child.open(world.platform.asks())
    assert needed.value.platform.en == "Kite Parcels"
    assert world.platform.got == []
    assert world.safe.log()[0].outcome == "stopped"


def test_under_14_the_guardians_word_counts_for_that_platform_and_purpose(world: World) -> None:
    child = _child(world)
    world.grants.add(_grant(world))
    assert child.open(world.platform.asks()).platform.en == "Kite Parcels"
    with pytest.raises(GuardianNeeded):
        child.open(world.platform.asks(query=NOTHING, purpose=None))

    world.clock.advance(days=1)
    world.receives()
    world.platform.registers()
    assert child.open(world.platform.asks())
    world.clock.advance(days=9, seconds=11)
    world.receives()
    world.platform.registers()
    with pytest.raises(GuardianNeeded):
        child.open(world.platform.asks())


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "forum"},
        {"purpose": AllowedPurpose.of(PARCEL.model_copy(update={"id": "another"}))},
        {"purpose": AllowedPurpose.of(PARCEL.model_copy(update={"retention_days": 9999}))},
        {"purpose": AllowedPurpose.of(PARCEL.model_copy(update={"claims": PARCEL.claims[:1]}))},
        {"purpose": None},
    ],
    ids=["platform", "purpose", "kept longer", "another field", "check result alone"],
)
def test_under_14_the_guardians_word_for_something_else_does_not_count(
    world: World, changes: dict[str, Any]
) -> None:
    child = _child(world)
    world.grants.add(_grant(world, **changes))
    with pytest.raises(GuardianNeeded):
        child.open(world.platform.asks())


def test_a_permission_that_was_deleted_counts_no_longer_and_the_others_do(world: World) -> None:
    child = _child(world)
    for changes in ({}, {"purpose": None}, {"client_id": "forum"}):
        world.grants.add(_grant(world, **changes))
    world.grants.delete("parcels", PARCEL.id)
    assert [(grant.client_id, grant.purpose is None) for grant in world.grants.held()] == [
        ("parcels", True),
        ("forum", False),
    ]
    assert child.open(world.platform.asks(query=NOTHING, purpose=None))
    with pytest.raises(GuardianNeeded):
        child.open(world.platform.asks())


def test_a_permission_for_another_wallet_or_by_anybody_else_is_refused(world: World) -> None:
    _child(world)
    for token in (_grant(world, wallet_key="another"), _grant(world, key=key()), "a.b.c", "", "x" * 10_000):
        with pytest.raises(GrantRefused):
            world.grants.add(token)
    signed = jose.sign({"iss": ISSUER}, world.provider.authority.credential_key, "netid-registration+jwt")
    with pytest.raises(GrantRefused):
        world.grants.add(signed)


# The safe


def _bytes_on_disk(world: World) -> bytes:
    return b"".join(path.read_bytes() for path in world.directory.iterdir())


def test_the_disk_holds_no_value_in_the_clear(world: World) -> None:
    world.receives()
    _agree(world)
    held = _bytes_on_disk(world)
    copy = world.safe.copies()[0]
    secrets = [str(value) for value in copy.fields.values() if isinstance(value, str)]
    for secret in (*secrets, copy.credential, copy.key.private_jwk()["d"]):
        assert secret.encode() not in held
    assert "风筝寄件".encode() in held, "the positive control: the log is in the clear"


def test_nobody_else_may_read_the_files(world: World) -> None:
    for name in (FILE, KEY_FILE):
        assert stat.S_IMODE(os.stat(world.directory / name).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(world.directory).st_mode) & 0o077 == 0


def test_a_safe_without_its_key_is_not_opened_and_no_new_key_is_made(world: World) -> None:
    world.receives()
    (world.directory / KEY_FILE).unlink()
    with pytest.raises(KeyFileError, match=KEY_FILE):
        Safe(world.directory, world.safe._ambient)
    assert not (world.directory / KEY_FILE).exists()


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 32, b"x" * 33])
def test_a_key_that_does_not_fit_opens_nothing(world: World, damage: bytes) -> None:
    world.receives()
    (world.directory / KEY_FILE).write_bytes(damage)
    with pytest.raises(KeyFileError):
        Safe(world.directory, world.safe._ambient).copies()


def test_a_copy_moved_to_another_row_is_not_opened(world: World) -> None:
    world.receives()
    database = world.safe._database
    (first,), (second,) = database.execute("SELECT id FROM copies LIMIT 2").fetchall()
    database.execute(
        "UPDATE copies SET sealed = (SELECT sealed FROM copies WHERE id = ?) WHERE id = ?", (first, second)
    )
    with pytest.raises(KeyFileError):
        world.safe.copies()


def test_what_is_kept_is_there_after_a_restart(world: World) -> None:
    world.receives()
    world.safe.close()
    safe = Safe(world.directory, world.safe._ambient)
    assert len(safe.copies()) == 10
    safe.close()


def test_erasing_leaves_an_empty_wallet_with_another_key(world: World) -> None:
    world.receives()
    _agree(world)
    device, held_key = world.receiver.device_key(), (world.directory / KEY_FILE).read_bytes()

    world.safe.erase()

    assert world.safe.copies() == []
    assert world.safe.log() == []
    assert world.receiver.device_key() != device
    assert (world.directory / KEY_FILE).read_bytes() != held_key
    assert "风筝寄件".encode() not in _bytes_on_disk(world)


def test_the_log_names_claims_and_platforms_and_holds_no_value(world: World) -> None:
    world.receives()
    _agree(world, "phone_number")
    entry = world.safe.log()[0]
    assert entry.outcome == "shown"
    assert entry.details["given"] == ["name", "phone_number"]
    written = json.dumps(entry.details, ensure_ascii=False)
    for value in world.provider.fields.values():
        if isinstance(value, str):
            assert value not in written
