"""Access tokens end when they expire, when they are revoked, and when their code is replayed."""

from collections.abc import Callable
from datetime import datetime, timedelta

from netid.storage.database import Database
from netid.storage.tokens import AccessToken, AccessTokens

TOKENS = AccessTokens()


def issue(
    db: Database, digest: bytes, person_id: str, now: datetime, client_id: str = "forum"
) -> AccessToken:
    token = AccessToken(
        digest=digest,
        code_digest=b"code of " + digest,
        client_id=client_id,
        person_id=person_id,
        receipt_id=None,
        grant='{"scope":["openid"]}',
        expires_at=now + timedelta(minutes=5),
    )
    with db.write() as tx:
        TOKENS.add(tx, **token.__dict__)
    return token


def live(db: Database, now: datetime, *digests: bytes) -> list[bytes]:
    with db.read() as tx:
        return [digest for digest in digests if TOKENS.get(tx, digest, now)]


def test_a_token_is_found_as_it_was_issued_until_it_expires(
    db: Database, person_id: str, now: datetime
) -> None:
    token = issue(db, b"a", person_id, now)
    with db.read() as tx:
        assert TOKENS.get(tx, b"a", now) == token
        assert TOKENS.get(tx, b"b", now) is None
        assert TOKENS.get(tx, b"a", token.expires_at) is None


def test_only_its_own_relying_party_revokes_a_token(db: Database, person_id: str, now: datetime) -> None:
    """U4."""
    issue(db, b"a", person_id, now)
    with db.write() as tx:
        assert not TOKENS.revoke(tx, b"a", "game", now)
    assert live(db, now, b"a") == [b"a"]
    with db.write() as tx:
        assert TOKENS.revoke(tx, b"a", "forum", now)
        assert not TOKENS.revoke(tx, b"a", "forum", now)
    assert live(db, now, b"a") == []


def test_a_replayed_code_takes_its_tokens_and_no_others(db: Database, person_id: str, now: datetime) -> None:
    """T1."""
    issue(db, b"a", person_id, now)
    issue(db, b"b", person_id, now)
    with db.write() as tx:
        assert TOKENS.revoke_by_code(tx, b"code of a", now) == 1
    assert live(db, now, b"a", b"b") == [b"b"]


def test_a_withdrawal_ends_the_tokens_at_one_relying_party(
    db: Database, enrol: Callable[[], str], now: datetime
) -> None:
    one, other = enrol(), enrol()
    issue(db, b"a", one, now)
    issue(db, b"b", one, now, "game")
    issue(db, b"c", other, now)
    with db.write() as tx:
        assert TOKENS.revoke_for(tx, one, "forum", now) == 1
    assert live(db, now, b"a", b"b", b"c") == [b"b", b"c"]


def test_a_cancellation_ends_all_tokens_of_one_person(
    db: Database, enrol: Callable[[], str], now: datetime
) -> None:
    one, other = enrol(), enrol()
    issue(db, b"a", one, now)
    issue(db, b"b", one, now, "game")
    issue(db, b"c", other, now)
    with db.write() as tx:
        assert TOKENS.revoke_for(tx, one, None, now) == 2
    assert live(db, now, b"a", b"b", b"c") == [b"c"]


def test_purging_forgets_expired_tokens_alone(db: Database, person_id: str, now: datetime) -> None:
    issue(db, b"a", person_id, now)
    issue(db, b"b", person_id, now + timedelta(hours=1))
    with db.write() as tx:
        assert TOKENS.purge(tx, now + timedelta(minutes=6)) == 1
    assert live(db, now, b"b") == [b"b"]
