"""The tables of both databases, and for which purpose each column is kept (Measures, article 9)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_epoch_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970-01-01 UTC; what is finer is cut off."""
    return (moment - _EPOCH) // _MILLISECOND


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, stored as whole milliseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To epoch milliseconds."""
        return None if value is None else to_epoch_ms(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """To an aware datetime in UTC."""
        return None if value is None else _EPOCH + value * _MILLISECOND


def storable(text: str) -> bool:
    """Whether the text can stand in a name column: what comes from outside may hold NUL or surrogates."""
    return text.isprintable()


# SQLite numbers rows by itself only in a column that is spelled INTEGER.
_Sequence = BigInteger().with_variant(Integer, "sqlite")


def _counter(name: str) -> Column[int]:
    return Column(name, _Sequence, primary_key=True, autoincrement=True)


def _key(name: str, type_: type[Text | LargeBinary] = Text) -> Column[Any]:
    return Column(name, type_, primary_key=True, nullable=False)


def _person(**options: Any) -> Column[str]:
    return Column("person_id", Text, ForeignKey("persons.person_id"), nullable=False, **options)


MAIN = MetaData()
KEYS = MetaData()

persons = Table(
    "persons",
    MAIN,
    _key("person_id"),
    Column("status", Text, nullable=False),
    Column("net_number_digest", LargeBinary, unique=True),
    Column("document_digest", LargeBinary, unique=True),
    Column("passcode_hash", Text),
    Column("guardian_id", Text, ForeignKey("persons.person_id")),
    Column("suspension", Text),
    Column("created_at", Instant, nullable=False),
    Column("cancelled_at", Instant),
)

former_documents = Table("former_documents", MAIN, _key("digest", LargeBinary), _person(index=True))

vault = Table(
    "vault", MAIN, _person(primary_key=True), _key("field"), Column("sealed", LargeBinary, nullable=False)
)

personas = Table("personas", MAIN, _key("persona_id"), _person(unique=True))

sectors = Table("sectors", MAIN, _key("sector"), Column("legal_entity", Text, nullable=False, unique=True))

relying_parties = Table(
    "relying_parties",
    MAIN,
    _key("client_id"),
    Column("registration", Text, nullable=False),
    Column("version", LargeBinary, nullable=False),
    Column("sector", Text, ForeignKey("sectors.sector"), nullable=False),
    Column("registered_at", Instant, nullable=False),
)

pairwise_subjects = Table(
    "pairwise_subjects",
    MAIN,
    _person(primary_key=True),
    _key("sector"),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("subject", Text, nullable=False, unique=True),
    Column("ended_at", Instant),
)

interactions = Table(
    "interactions",
    MAIN,
    _key("digest", LargeBinary),
    Column("browser_digest", LargeBinary, nullable=False),
    Column("request", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("finished_at", Instant),
)

applications = Table(
    "applications",
    MAIN,
    _key("digest", LargeBinary),
    Column("browser_digest", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

sessions = Table(
    "sessions",
    MAIN,
    _key("digest", LargeBinary),
    Column("browser_digest", LargeBinary, nullable=False),
    Column("session_id", Text, nullable=False, index=True),
    _person(index=True),
    Column("proved", Text, nullable=False),
    Column("auth_time", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("ended_at", Instant),
)

session_relying_parties = Table(
    "session_relying_parties",
    MAIN,
    _key("session_id"),
    _key("client_id"),
)

browser_people = Table(
    "browser_people",
    MAIN,
    _key("browser_digest", LargeBinary),
    _person(primary_key=True, index=True),
    Column("added_at", Instant, nullable=False),
)

single_use = Table(
    "single_use",
    MAIN,
    _key("kind"),
    _key("digest", LargeBinary),
    Column("payload", Text, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("consumed_at", Instant),
)

access_tokens = Table(
    "access_tokens",
    MAIN,
    _key("digest", LargeBinary),
    Column("code_digest", LargeBinary, nullable=False, index=True),
    Column("client_id", Text, nullable=False),
    _person(),
    Column("receipt_id", Text),
    Column("grant", Text, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("revoked_at", Instant),
    Index("ix_access_tokens_person_client", "person_id", "client_id"),
)

receipts = Table(
    "receipts",
    MAIN,
    _key("receipt_id"),
    _person(),
    Column("client_id", Text, nullable=False),
    Column("purpose", Text),
    Column("action", Text, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("withdrawn_at", Instant),
    Column("sequence", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("record_hash", Text, nullable=False),
    UniqueConstraint("person_id", "sequence"),
    Index("ix_receipts_person_client", "person_id", "client_id"),
)

messages = Table(
    "messages",
    MAIN,
    _key("message_id"),
    Column("kind", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    _person(index=True),
    Column("receipt_id", Text),
    Column("body", Text),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("answer", Text),
    Index("ix_messages_state_due", "state", "due_at"),
)

appeals = Table(
    "appeals",
    MAIN,
    _key("appeal_id"),
    _person(),
    Column("suspended_at", Instant, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("outcome", Text),
    UniqueConstraint("person_id", "suspended_at"),
)

complaints = Table(
    "complaints",
    MAIN,
    _key("complaint_id"),
    _person(index=True),
    Column("client_id", Text, nullable=False),
    Column("receipt_id", Text, nullable=False, unique=True),
    Column("made_at", Instant, nullable=False),
    Column("answered_at", Instant),
)

duties = Table(
    "duties",
    MAIN,
    _key("duty_id"),
    Column("kind", Text, nullable=False),
    Column("person_id", Text, ForeignKey("persons.person_id"), index=True),
    Column("details", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
)

status_lists = Table(
    "status_lists",
    MAIN,
    _key("list_id"),
    Column("opened_at", Instant, nullable=False),
    Column("used", Integer, nullable=False),
    Column("last_expires_at", Instant, nullable=False),
)

copies = Table(
    "copies",
    MAIN,
    Column("list_id", Text, ForeignKey("status_lists.list_id"), primary_key=True, nullable=False),
    Column("idx", Integer, primary_key=True, autoincrement=False),
    Column("person_id", Text, ForeignKey("persons.person_id"), index=True),
    Column("status", Integer, nullable=False),
    Column("previous", Integer, nullable=False),
    Column("shown_from", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

child_wallets = Table(
    "child_wallets",
    MAIN,
    _person(primary_key=True),
    _key("thumbprint"),
    Column("seen_at", Instant, nullable=False),
)

permissions = Table(
    "permissions",
    MAIN,
    _key("permission_id"),
    _person(index=True),
    Column("client_id", Text, nullable=False),
    Column("purpose", Text),
    Column("token", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

erasures = Table(
    "erasures",
    MAIN,
    _person(primary_key=True),
    Column("reference_digest", LargeBinary, unique=True),
    Column("begun_at", Instant, nullable=False),
    Column("erased_at", Instant),
)

throttle = Table(
    "throttle",
    MAIN,
    _key("key_digest", LargeBinary),
    Column("failures", Integer, nullable=False),
    Column("next_attempt_at", Instant, nullable=False, index=True),
)

audit_events = Table(
    "audit_events",
    MAIN,
    _counter("sequence"),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("person_id", Text, index=True),
    Column("client_id", Text),
    Column("receipt_id", Text),
    Column("details", Text, nullable=False),
    sqlite_autoincrement=True,
)

audit_seals = Table(
    "audit_seals",
    MAIN,
    _counter("sequence"),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("rows", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_autoincrement=True,
)

instance = Table("instance", MAIN, _key("name"), Column("value", Text, nullable=False))

data_keys = Table("data_keys", KEYS, _key("person_id"), Column("wrapped", LargeBinary, nullable=False))

keys_instance = Table("instance", KEYS, _key("name"), Column("value", Text, nullable=False))

PURPOSES: Mapping[str, str] = {
    "persons.person_id": "tells people apart inside the provider; random",
    "persons.status": "a suspended or cancelled net credential does not sign in",
    "persons.net_number_digest": "finds who types a net number (keyed digest)",
    "persons.document_digest": "one person, one net number (keyed digest)",
    "persons.passcode_hash": "checks the passcode",
    "persons.guardian_id": "finds the guardian who must consent for a child",
    "persons.suspension": "tells the person why, since when and until when",
    "persons.created_at": "shown to the person in their records",
    "persons.cancelled_at": "evidence that a cancellation was carried out, and when",
    "former_documents.digest": "one person, one net number, also by a document they renewed (keyed digest)",
    "former_documents.person_id": "whose document it was",
    "vault.person_id": "whose field it is",
    "vault.field": "which field it is",
    "vault.sealed": "the field, encrypted, for release by separate consent",
    "personas.persona_id": "which synthetic persona of the mock this is",
    "personas.person_id": "which synthetic persona of the mock this is",
    "relying_parties.client_id": "names the relying party",
    "relying_parties.registration": "what the relying party may ask, and why",
    "relying_parties.version": "tells workers that a registration has changed",
    "relying_parties.sector": "keeps the sector while a relying party stands on it",
    "relying_parties.registered_at": "evidence of when the registration came to hold",
    "sectors.sector": "separates what legal entities know a person by",
    "sectors.legal_entity": "refuses a sector that two legal entities would share",
    "pairwise_subjects.person_id": "keeps a pairwise subject the same for good",
    "pairwise_subjects.sector": "keeps a pairwise subject the same for good",
    "pairwise_subjects.generation": "keeps a pairwise subject the same for good",
    "pairwise_subjects.subject": "keeps a pairwise subject the same for good",
    "pairwise_subjects.ended_at": "a person who asked for a new subject there gets one",
    "interactions.digest": "finds a sign-in under way (digest of a random secret)",
    "interactions.browser_digest": "binds a sign-in to the browser that began it",
    "interactions.request": "what the relying party asked",
    "interactions.state": "how far the sign-in has come",
    "interactions.expires_at": "ends a sign-in that was left lying",
    "interactions.finished_at": "a sign-in ends once",
    "applications.digest": "finds an enrolment under way (digest of a random secret)",
    "applications.browser_digest": "binds an enrolment to the browser that began it",
    "applications.sealed": "what was entered so far, readable with that browser's secrets alone",
    "applications.expires_at": "deletes an enrolment that was left lying",
    "sessions.digest": "finds a session (digest of a random secret)",
    "sessions.browser_digest": "binds a session to its browser",
    "sessions.session_id": "stays the same while the same person signs in again (random)",
    "sessions.person_id": "who is signed in",
    "sessions.proved": "which factors were checked",
    "sessions.auth_time": "when they were checked (max_age)",
    "sessions.expires_at": "ends a session that was left open",
    "sessions.ended_at": "a session that was signed out stays out",
    "session_relying_parties.session_id": "tells relying parties when a session ends",
    "session_relying_parties.client_id": "tells relying parties when a session ends",
    "browser_people.browser_digest": "lists who enrolled in this browser",
    "browser_people.person_id": "lists who enrolled in this browser",
    "browser_people.added_at": "lists them in order",
    "single_use.kind": "a value of one kind is never taken for another",
    "single_use.digest": "recognises the value (digest of a random secret)",
    "single_use.payload": "what the value stands for",
    "single_use.expires_at": "ends the value",
    "single_use.consumed_at": "the value works once",
    "access_tokens.digest": "recognises the token (digest of a random secret)",
    "access_tokens.code_digest": "revokes the tokens of a replayed code",
    "access_tokens.client_id": "binds the token to its relying party",
    "access_tokens.person_id": "binds the token to its person",
    "access_tokens.receipt_id": "names the consent that the token rests on",
    "access_tokens.grant": "what the token permits",
    "access_tokens.expires_at": "ends the token",
    "access_tokens.revoked_at": "a revoked token stays revoked",
    "receipts.receipt_id": "names the receipt",
    "receipts.person_id": "whose decision it was",
    "receipts.client_id": "the recipient the consent names",
    "receipts.purpose": "the purpose the consent names",
    "receipts.action": "what was decided",
    "receipts.decided_at": "when it was decided",
    "receipts.expires_at": "when the consent ends",
    "receipts.withdrawn_at": "when the consent was withdrawn",
    "receipts.sequence": "its place in the person's chain",
    "receipts.content": "the receipt, for the person's records and for decisions",
    "receipts.record": "the receipt as signed, as evidence",
    "receipts.previous_hash": "chains the receipts of one person",
    "receipts.record_hash": "chains the receipts of one person",
    "messages.message_id": "names the message (its jti)",
    "messages.kind": "an event, or the end of a session",
    "messages.client_id": "whom it is for",
    "messages.person_id": "whom it concerns; the person sees what became of it",
    "messages.receipt_id": "the consent that was taken back",
    "messages.body": "the signed message, until it is answered or given up",
    "messages.state": "whether the relying party confirmed it",
    "messages.attempts": "how often it was tried",
    "messages.created_at": "when the person asked for it",
    "messages.due_at": "when it is tried next",
    "messages.ended_at": "when it was confirmed or given up",
    "messages.answer": "the error code it was answered with, for the operator",
    "appeals.appeal_id": "names the appeal (random)",
    "appeals.person_id": "whose appeal it is",
    "appeals.suspended_at": "which suspension it is against",
    "appeals.made_at": "when it was made",
    "appeals.answered_at": "when it was answered",
    "appeals.outcome": "what became of it",
    "complaints.complaint_id": "names the complaint (random)",
    "complaints.person_id": "whose complaint it is",
    "complaints.client_id": "which relying party it is about",
    "complaints.receipt_id": "which entry of the records it is about",
    "complaints.made_at": "when it was made",
    "complaints.answered_at": "when it was answered",
    "duties.duty_id": "names a notice that the operator owes (random)",
    "duties.kind": "what the notice is about",
    "duties.person_id": "whom it is owed to, unless to everybody",
    "duties.details": "what has to be told, as codes without a field's value",
    "duties.opened_at": "since when it is owed",
    "duties.closed_at": "when it was given",
    "status_lists.list_id": "names a status list (random)",
    "status_lists.opened_at": "new copies go into the newest list",
    "status_lists.used": "a list that is half full is followed by another",
    "status_lists.last_expires_at": "forgets a list that nobody needs any more",
    "copies.list_id": "where a long-lived copy's status is told",
    "copies.idx": "where a long-lived copy's status is told (random)",
    "copies.person_id": "whose copy it is: suspends and revokes it; empty once they left",
    "copies.status": "whether the copy is good",
    "copies.previous": "what is published until a change is",
    "copies.shown_from": "the time from which a change is published",
    "copies.expires_at": "ends it",
    "child_wallets.person_id": "the child whose wallet it is",
    "child_wallets.thumbprint": "which wallet a guardian's permission is made out to",
    "child_wallets.seen_at": "a permission is for the wallet that got copies last",
    "permissions.permission_id": "names the permission (random)",
    "permissions.person_id": "the child it is for",
    "permissions.client_id": "the platform it is for",
    "permissions.purpose": "the purpose it is for",
    "permissions.token": "the permission as signed, for the child's wallet",
    "permissions.made_at": "when the guardian gave it",
    "permissions.expires_at": "ends it",
    "erasures.person_id": "whose deletion it is",
    "erasures.reference_digest": "finds it for who left (digest of a random secret)",
    "erasures.begun_at": "when the person left",
    "erasures.erased_at": "when no byte of the rows was left in the files",
    "throttle.key_digest": "which account is slowed down (digest)",
    "throttle.failures": "how far it is slowed down",
    "throttle.next_attempt_at": "until when it is slowed down",
    "audit_events.sequence": "the order of events",
    "audit_events.at": "when it happened",
    "audit_events.kind": "what happened",
    "audit_events.person_id": "whom it concerns; the person can read it",
    "audit_events.client_id": "which relying party it concerns",
    "audit_events.receipt_id": "the consent it rests on",
    "audit_events.details": "value-free circumstances",
    "audit_seals.sequence": "the order of seals",
    "audit_seals.first": "which events the seal covers",
    "audit_seals.last": "which events the seal covers",
    "audit_seals.rows": "names the first event that was tampered with",
    "audit_seals.hash": "chains the seals",
    "audit_seals.at": "when it was sealed",
    "instance.name": "facts about this installation",
    "instance.value": "facts about this installation",
    "data_keys.person_id": "whose data key it is",
    "data_keys.wrapped": "the person's data key, encrypted",
}
"""Every stored column and what it is kept for; a column that is not listed fails a test."""
