"""Token Status List, draft 18: what became of long-lived copies, told to everybody alike and on the clock."""

from datetime import datetime, timedelta

import pytest
import requests

from netid.credentials import net_credential, status_list
from netid.credentials.jwk import PublicKeySet
from netid.credentials.sd_jwt_vc import Trusted, verify_credential
from netid.credentials.status_list import Status, StatusReference, VerifiedStatusList
from netid.errors import CredentialRevoked, CredentialSuspended
from netid.identity.revocation import RevocationReason
from netid.identity.suspension import SuspensionReason
from netid.services.statuses import PERIOD, SPREAD
from netid.storage.instance import Instance
from tests.pages import Page
from tests.privacy.leaving import signed_in_to_leave
from tests.protocol.meddling import person_id_of
from tests.protocol.refusals import Refusals
from tests.running import DEMO_PASSCODE, Running, Starter
from tests.wallets import Owner, Wallet, new_key

LONG = "net_credential_long"
ALL_PUBLISHED = PERIOD * (SPREAD + 1)


@pytest.fixture
def stopped(provider: Running) -> Running:
    """A provider whose clock stands a minute after a publication."""
    provider.clock.stop()
    now = provider.clock.now()
    provider.clock.offset += timedelta(seconds=900 - now.timestamp() % 900 + 60)
    return provider


def issuer_keys(running: Running) -> PublicKeySet:
    answer = requests.get(running.url("/.well-known/jwt-vc-issuer"), timeout=10)
    return PublicKeySet.from_jwks(answer.json()["jwks"])


def references(
    running: Running, copies: int = 10, configuration: str = LONG, persona: str = "an-adult"
) -> list[StatusReference | None]:
    """The status of each copy of a new batch."""
    wallet, now = Wallet(running), running.clock.now()
    vct = net_credential.type_of(running.issuer)
    trusted = Trusted(running.issuer, vct, issuer_keys(running))
    received = wallet.receive(wallet.token(persona, scope=configuration), copies, configuration)
    return [verify_credential(credential, trusted, now).status for credential, _key in received]


def long_copies(running: Running, copies: int = 10, persona: str = "an-adult") -> list[StatusReference]:
    found = [one for one in references(running, copies, persona=persona) if one is not None]
    assert len(found) == copies
    return found


def fetch(running: Running, uri: str, **headers: str) -> requests.Response:
    return requests.get(uri, headers=headers, timeout=10)


def published(running: Running, uri: str) -> VerifiedStatusList:
    answer = fetch(running, uri)
    assert answer.status_code == 200, answer.text
    return status_list.verify(answer.text, uri=uri, keys=issuer_keys(running), now=running.clock.now())


def said(running: Running, entries: list[StatusReference]) -> list[int]:
    lists = {one.uri: published(running, one.uri) for one in entries}
    return [lists[one.uri].entries[one.index] for one in entries]


def suspend(running: Running) -> None:
    person_id = person_id_of(running, "an-adult")
    running.provider.services.suspensions.suspend(person_id, SuspensionReason.DOCUMENT_LOST, 30)


# The list


def test_short_copies_have_no_status(provider: Running) -> None:
    assert references(provider, 3, "net_credential") == [None] * 3


def test_a_long_copy_names_a_list_of_at_least_131072_entries_that_verifies(stopped: Running) -> None:
    [entry] = long_copies(stopped, 1)
    assert entry.uri.startswith(f"{stopped.issuer}/status-lists/")
    verified = published(stopped, entry.uri)
    assert len(verified.entries.data) * 4 == 2**17
    verified.check(entry, stopped.clock.now())


def test_s6_every_copy_has_an_index_of_its_own_that_follows_from_nothing(provider: Running) -> None:
    entries = long_copies(provider, 40)
    indexes = [entry.index for entry in entries]
    assert len(set(indexes)) == 40
    assert indexes not in (sorted(indexes), sorted(indexes, reverse=True))


def test_it_may_be_kept_until_the_next_one_and_asked_for_again_for_nothing(stopped: Running) -> None:
    [entry] = long_copies(stopped, 1)
    answer = fetch(stopped, entry.uri)
    assert answer.headers["Content-Type"] == "application/statuslist+jwt"
    assert answer.headers["Cache-Control"] == "public, max-age=840"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in answer.headers
    again = fetch(stopped, entry.uri, **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    stopped.clock.advance(minutes=15)
    later = fetch(stopped, entry.uri, **{"If-None-Match": answer.headers["ETag"]})
    assert later.status_code == 200


def test_v7_two_workers_publish_the_same(start: Starter) -> None:
    first = start()
    first.clock.stop()
    [entry] = long_copies(first, 1)
    second = start(beside=first)
    there = entry.uri.replace(first.issuer, second.address)
    assert fetch(first, entry.uri).headers["ETag"] == fetch(second, there).headers["ETag"]


def test_a_list_that_does_not_exist_is_not_found(provider: Running, refused: Refusals) -> None:
    for name in ("nothing", "0", "%00"):
        refused(
            provider,
            lambda name=name: fetch(provider, provider.url(f"/status-lists/{name}")),
            404,
            "not_found",
        )


# What it says


def test_v8_a_suspension_is_published_and_so_is_its_end(stopped: Running) -> None:
    entries = long_copies(stopped)
    suspend(stopped)
    assert said(stopped, entries) == [Status.VALID] * 10, "nothing changes between two publications"
    stopped.clock.advance(seconds=ALL_PUBLISHED.total_seconds())
    assert said(stopped, entries) == [Status.SUSPENDED] * 10
    with pytest.raises(CredentialSuspended):
        published(stopped, entries[0].uri).check(entries[0], stopped.clock.now())
    stopped.provider.services.suspensions.resume(person_id_of(stopped, "an-adult"))
    assert said(stopped, entries) == [Status.SUSPENDED] * 10
    stopped.clock.advance(seconds=ALL_PUBLISHED.total_seconds())
    assert said(stopped, entries) == [Status.VALID] * 10


def test_a_suspension_that_was_lifted_before_it_was_published_never_is(stopped: Running) -> None:
    entries = long_copies(stopped)
    suspend(stopped)
    stopped.provider.services.suspensions.resume(person_id_of(stopped, "an-adult"))
    for _period in range(SPREAD + 2):
        stopped.clock.advance(minutes=15)
        assert said(stopped, entries) == [Status.VALID] * 10


def test_v8_a_revocation_does_not_put_off_the_suspension_before_it(stopped: Running) -> None:
    entries = long_copies(stopped, 60)
    suspend(stopped)
    stopped.clock.advance(hours=1)
    stopped.provider.services.revocation.revoke(
        person_id_of(stopped, "an-adult"), RevocationReason.DEVICE_LOST
    )
    stopped.clock.advance(hours=1)
    assert Status.VALID not in said(stopped, entries)


def test_v8_revoked_is_for_good_and_only_this_persons(stopped: Running) -> None:
    entries, anothers = long_copies(stopped), long_copies(stopped, persona="another-adult")
    person_id = person_id_of(stopped, "an-adult")
    assert stopped.provider.services.revocation.revoke(person_id, RevocationReason.DEVICE_LOST) == 10
    suspend(stopped)
    stopped.provider.services.suspensions.resume(person_id)
    stopped.clock.advance(seconds=ALL_PUBLISHED.total_seconds())
    assert said(stopped, entries) == [Status.INVALID] * 10
    assert said(stopped, anothers) == [Status.VALID] * 10
    with pytest.raises(CredentialRevoked):
        published(stopped, entries[0].uri).check(entries[0], stopped.clock.now())


def test_v8_leaving_revokes_every_long_copy_and_keeps_no_name_beside_it(stopped: Running) -> None:
    entries = long_copies(stopped)
    visitor, page = signed_in_to_leave(stopped, "persona:an-adult", DEMO_PASSCODE)
    visitor.open(visitor.send(page, decision="agree"))
    stopped.clock.advance(seconds=ALL_PUBLISHED.total_seconds())
    assert said(stopped, entries) == [Status.INVALID] * 10


def test_the_owner_revokes_their_own_copies_and_reads_of_it(stopped: Running) -> None:
    entries = long_copies(stopped, 2)
    owner = Owner(stopped)
    page = owner.at_the_page()
    assert 'data-testid="revoke"' in page.text
    answer = owner.send(page, decision="revoke")
    assert answer.status_code == 303
    assert "published within little more than two hours" in Page(owner.open(answer)).test("status").text
    stopped.clock.advance(seconds=ALL_PUBLISHED.total_seconds())
    assert said(stopped, entries) == [Status.INVALID] * 2
    notices = stopped.provider.services.notices.told(person_id_of(stopped, "an-adult"))
    assert [notice.title.en for notice in notices] == ["The long copies in your wallets are void"]


def test_each_change_is_told_with_its_reason(stopped: Running) -> None:
    long_copies(stopped, 1)
    suspend(stopped)
    person_id = person_id_of(stopped, "an-adult")
    stopped.provider.services.suspensions.resume(person_id)
    stopped.provider.services.revocation.revoke(person_id, RevocationReason.SUSPECTED_MISUSE)
    told = stopped.provider.services.notices.told(person_id)
    reasons = {value.en for notice in told for name, value in notice.facts if name.en == "Why"}
    assert len(told) == 3
    assert reasons == {
        "The document was reported lost",
        "The suspension has ended",
        "Somebody else seems to be using the copies in your wallet",
    }


def steps(running: Running, entries: list[StatusReference]) -> list[int]:
    """How many of these copies change at each of the next publications."""
    before, changes = said(running, entries), []
    for _period in range(SPREAD + 1):
        running.clock.advance(minutes=15)
        now = said(running, entries)
        changes.append(sum(one != other for one, other in zip(before, now, strict=True)))
        before = now
    return changes


def test_s6_no_difference_of_two_lists_shows_a_batch(stopped: Running) -> None:
    entries = long_copies(stopped, 40)
    stopped.provider.services.revocation.revoke(person_id_of(stopped, "an-adult"), RevocationReason.OWN_WISH)
    changes = steps(stopped, entries)
    assert sum(changes) == 40
    assert max(changes) < 20
    assert sum(change > 0 for change in changes) >= 4


def test_s6_control_changes_published_at_once_would_show_it(
    stopped: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netid.services.statuses.SPREAD", 1)
    entries = long_copies(stopped, 40)
    stopped.provider.services.revocation.revoke(person_id_of(stopped, "an-adult"), RevocationReason.OWN_WISH)
    assert max(steps(stopped, entries)) == 40


def test_a_list_says_when_it_was_published_and_not_when_it_was_made(stopped: Running) -> None:
    [entry] = long_copies(stopped, 1)
    claims = status_list.jose.unverified_payload(fetch(stopped, entry.uri).text, status_list.MAX_TOKEN_BYTES)
    issued = datetime.fromtimestamp(float(str(claims["iat"])), stopped.clock.now().tzinfo)
    assert issued == stopped.clock.now().replace(second=0, microsecond=0) - timedelta(minutes=1)
    assert claims["ttl"] == 900


def test_after_a_restored_backup_copies_go_into_a_new_list(stopped: Running) -> None:
    [before] = long_copies(stopped, 1)
    with stopped.provider.stores.db.write() as tx:
        Instance().put(tx, "restored_at", stopped.clock.now().isoformat())
    stopped.clock.advance(seconds=1)
    [after, other] = long_copies(stopped, 2)
    assert after.uri == other.uri
    assert after.uri != before.uri


def test_v8_after_a_restored_backup_no_copy_of_before_is_good(stopped: Running) -> None:
    """Which of them were revoked since the backup is not known any more; they can be had anew."""
    entries = long_copies(stopped, 2)
    assert said(stopped, entries) == [Status.VALID] * 2
    with stopped.provider.stores.db.write() as tx:
        Instance().put(tx, "restored_at", stopped.clock.now().isoformat())
    stopped.clock.advance(minutes=15)
    assert said(stopped, entries) == [Status.SUSPENDED] * 2
    assert set(published(stopped, entries[0].uri).entries.data) == {0b10101010}
    assert said(stopped, long_copies(stopped, 1)) == [Status.VALID]


def test_there_is_always_a_list_that_the_next_copy_can_be_in(provider: Running) -> None:
    """Relying parties fetch on a timer: a list that began with its first copy they would not know."""
    [entry] = long_copies(provider, 1)
    provider.clock.advance(days=31)
    provider.provider.housekeeping.round()
    [there] = provider.provider.services.statuses.addresses()
    assert there != entry.uri
    assert long_copies(provider, 1)[0].uri == there


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_list_that_there_is_not_is_not_found(
    request: pytest.FixtureRequest, start: Starter, database: str
) -> None:
    changes = {"database_url": request.getfixturevalue("postgres_url")} if database == "postgresql" else {}
    running = start(**changes)
    for name in ("another", "a%00b", "%C3%A9%C2%85", "x" * 2000):
        answer = requests.get(running.url(f"/status-lists/{name}"), timeout=10)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_nobody_has_copies_without_end(provider: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netid.services.statuses.MOST_COPIES", 5)
    wallet = Wallet(provider)
    token = wallet.token(scope=LONG)
    wallet.receive(token, 5, LONG)
    answer = wallet.ask(token, wallet.request([new_key()], LONG))
    assert (answer.status_code, answer.json()["error"]) == (400, "credential_request_denied")
    provider.clock.advance(days=31)
    long_copies(provider, 5)
