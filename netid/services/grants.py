"""What a decision grants: a code, then an access token, then the claims, each worked out anew."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from netid.ambient import Ambient
from netid.disclosure import Disclosure, Release
from netid.errors import CodeReplayed, InvalidGrant, InvalidToken, ReleaseRefused
from netid.identity.consent import StoredReceipt
from netid.identity.levels import AssuranceLevel
from netid.identity.pseudonym import PairwiseSubject
from netid.identity.relying_party import WALLET_CLIENT_ID, RelyingParty
from netid.identity.verified_claims import VerifiedRequest, names_in
from netid.services.interaction import SECRET_BYTES, digest_of, encode_secret
from netid.storage.single_use import Kind
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

CODE_LIFETIME = timedelta(seconds=60)
ACCESS_TOKEN_LIFETIME = timedelta(minutes=5)


class Grant(BaseModel):
    """What one code, and the access token made of it, stand for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str
    redirect_uri: str
    code_challenge: str | None
    dpop_jkt: str | None = None
    """The thumbprint of the only key that may redeem the code (RFC 9449, 10)."""
    nonce: str | None
    scope: tuple[str, ...]
    verify: bool
    purpose: str | None
    userinfo: tuple[str, ...]
    id_token: tuple[str, ...]
    verified_userinfo: tuple[VerifiedRequest, ...] = ()
    verified_id_token: tuple[VerifiedRequest, ...] = ()
    person_id: str
    receipt_id: str
    session_id: str | None = None
    """The session at the provider that the code came of; None for what was stored before there was one."""
    level: AssuranceLevel
    amr: tuple[str, ...]
    checked_at: datetime

    @property
    def is_for_wallet(self) -> bool:
        """Whether it is good for net credentials, and for nothing else."""
        return self.client_id == WALLET_CLIENT_ID

    @property
    def in_id_token(self) -> frozenset[str]:
        """Every claim for the ID token, in whichever form."""
        return frozenset(self.id_token) | names_in(self.verified_id_token)

    @property
    def in_userinfo(self) -> frozenset[str]:
        """Every claim for UserInfo, in whichever form."""
        return frozenset(self.userinfo) | names_in(self.verified_userinfo)


@lru_cache(maxsize=512)
def stored_grant(text: str) -> Grant:
    """The grant that was stored; code, token and each UserInfo call read the same text again."""
    return Grant.model_validate_json(text)


@dataclass(frozen=True)
class Redeemed:
    """A code that was redeemed: everything the token response says."""

    access_token: str
    grant: Grant
    subject: PairwiseSubject
    release: Release
    """Predicates for the ID token."""
    sid: str | None
    """What this relying party knows the session by; None where it takes no logout tokens."""


@dataclass(frozen=True)
class Answered:
    """What UserInfo answers."""

    relying_party: RelyingParty
    grant: Grant
    subject: PairwiseSubject
    release: Release


NOTHING = Release({})


class Grants:
    """Codes and access tokens of one provider."""

    def __init__(self, stores: Stores, *, disclosure: Disclosure, ambient: Ambient) -> None:
        self._stores = stores
        self._disclosure = disclosure
        self._ambient = ambient

    def issue_code(self, tx: Transaction, grant: Grant, now: datetime) -> str:
        """A code for this grant, good once and for a minute."""
        code = encode_secret(self._ambient.random(SECRET_BYTES))
        self._stores.single_use.put(
            tx, Kind.CODE, digest_of(code), grant.model_dump_json(), now + CODE_LIFETIME
        )
        return code

    def peek(self, relying_party: RelyingParty, code: str) -> Grant:
        """The grant of a code of this relying party, without using it up.

        Raises InvalidGrant; CodeReplayed, once its tokens are ended, where it was used before.
        """
        with self._stores.db.read() as tx:
            payload = self._stores.single_use.peek(tx, Kind.CODE, digest_of(code), self._ambient.now())
        if payload is None:
            self._end_replayed(relying_party, code)
            raise InvalidGrant
        grant = stored_grant(payload)
        if grant.client_id != relying_party.client_id:
            raise InvalidGrant(detail="another client's code")
        return grant

    def redeem(
        self,
        relying_party: RelyingParty,
        code: str,
        dpop_jkt: str | None = None,
        kind: Kind = Kind.CODE,
    ) -> Redeemed:
        """Uses the code up; of several at once exactly one succeeds. Raises InvalidGrant or CodeReplayed.

        The access token is bound to the key of that thumbprint, where there is one (RFC 9449, 6).
        Ends in InvalidGrant too when the consent was withdrawn, or the person left or signed out, in
        the meantime.
        """
        now = self._ambient.now()
        digest = digest_of(code)
        access_token = encode_secret(self._ambient.random(SECRET_BYTES))
        with self._stores.db.write() as tx:
            payload = self._stores.single_use.consume(tx, kind, digest, now)
            if payload is not None:
                grant = stored_grant(payload)
                if grant.dpop_jkt != dpop_jkt:
                    grant = grant.model_copy(update={"dpop_jkt": dpop_jkt})
                    payload = grant.model_dump_json()
                subject, release = self.current(tx, relying_party, grant, grant.in_id_token, now)
                sid = self._session_name(tx, relying_party, grant, subject)
                self._stores.tokens.add(
                    tx,
                    digest=digest_of(access_token),
                    code_digest=digest,
                    client_id=grant.client_id,
                    person_id=grant.person_id,
                    receipt_id=grant.receipt_id,
                    grant=payload,
                    expires_at=now + ACCESS_TOKEN_LIFETIME,
                )
                self._record(tx, "code_redeemed", grant, release, now)
                return Redeemed(access_token, grant, subject, release, sid)
        if kind is Kind.CODE:
            self._end_replayed(relying_party, code)
        raise InvalidGrant

    def _end_replayed(self, relying_party: RelyingParty, code: str) -> None:
        """A code that comes a second time takes the tokens of the first with it (RFC 6749, 4.1.2)."""
        with self._stores.db.write() as tx:
            payload = self._stores.single_use.spent(tx, Kind.CODE, digest_of(code))
            if payload is None or stored_grant(payload).client_id != relying_party.client_id:
                return
            grant = stored_grant(payload)
            self._stores.tokens.revoke_by_code(tx, digest_of(code), self._ambient.now())
            self._record(tx, "code_replayed", grant, NOTHING, self._ambient.now())
        raise CodeReplayed

    def current(
        self,
        tx: Transaction,
        relying_party: RelyingParty,
        grant: Grant,
        names: frozenset[str],
        now: datetime,
    ) -> tuple[PairwiseSubject, Release]:
        """Who the grant is about, as that relying party knows them, and what it releases now of `names`.

        Raises InvalidGrant where the person left or is suspended, or the consent has ended.
        """
        person = self._stores.persons.get(tx, grant.person_id)
        receipt = self._stores.consents.get(tx, grant.receipt_id)
        if person is None or not person.is_active(now) or receipt is None or not receipt.holds(now):
            raise InvalidGrant(detail="the person left, is suspended, or the consent has ended")
        sector = relying_party.legal_entity.sector
        subject = self._stores.subjects.known_as(tx, person.person_id, sector)
        if subject is None or subject.reveal() != receipt.receipt.subject:
            raise InvalidGrant(detail="the consent names another legal entity's subject")
        return subject, self._release(tx, relying_party, grant, receipt, names, now)

    def _session_name(
        self, tx: Transaction, relying_party: RelyingParty, grant: Grant, subject: PairwiseSubject
    ) -> str | None:
        """Raises InvalidGrant where the session has ended: its logout token has gone out already."""
        if grant.session_id is None:
            return None
        if not self._stores.sessions.is_open(tx, grant.session_id):
            raise InvalidGrant(detail="signed out meanwhile")
        if relying_party.backchannel_logout_uri is None:
            return None
        return self._stores.subjects.session_name(relying_party.client_id, grant.session_id, subject)

    def _release(
        self,
        tx: Transaction,
        relying_party: RelyingParty,
        grant: Grant,
        receipt: StoredReceipt,
        names: frozenset[str],
        now: datetime,
    ) -> Release:
        purpose = relying_party.purpose(grant.purpose) if grant.purpose else None
        if purpose is None or not names:
            return NOTHING
        try:
            return self._disclosure.release(
                tx, recipient=relying_party, purpose=purpose, requested=names, consent=receipt, now=now
            )
        except ReleaseRefused as refusal:
            raise InvalidGrant(detail=refusal.detail) from refusal

    def key_of(self, access_token: str) -> str:
        """The thumbprint of the key that the token is bound to. Raises InvalidToken, also for none."""
        with self._stores.db.read() as tx:
            held = self._stores.tokens.get(tx, digest_of(access_token), self._ambient.now())
        bound_to = stored_grant(held.grant).dpop_jkt if held is not None else None
        if bound_to is None:
            raise InvalidToken(detail="unknown, expired, or not bound to a key")
        return bound_to

    def answer(self, access_token: str, dpop_jkt: str | None) -> Answered:
        """What UserInfo answers to this token now, shown with a proof of that key. Raises InvalidToken.

        Each answer that releases something adds one audit event naming the receipt.
        """
        now = self._ambient.now()
        with self._stores.db.read() as tx:
            held = self._stores.tokens.get(tx, digest_of(access_token), now)
            if held is None:
                raise InvalidToken
            grant = stored_grant(held.grant)
            if grant.dpop_jkt != dpop_jkt:
                raise InvalidToken(detail="another key than the token is bound to, or none")
            answered = self._answer(tx, grant, now)
        if not answered.release.claims:
            return answered
        with self._stores.db.write() as tx:
            if self._stores.tokens.get(tx, digest_of(access_token), now) is None:
                raise InvalidToken
            answered = self._answer(tx, grant, now)
            self._record(tx, "released", grant, answered.release, now)
        return answered

    def for_credentials(self, tx: Transaction, access_token: str, now: datetime) -> Grant:
        """The grant of a wallet's token. Raises InvalidToken, for the token of any other use too."""
        held = self._stores.tokens.get(tx, digest_of(access_token), now)
        if held is None or not (grant := stored_grant(held.grant)).is_for_wallet:
            raise InvalidToken
        return grant

    def _answer(self, tx: Transaction, grant: Grant, now: datetime) -> Answered:
        if grant.is_for_wallet:
            raise InvalidToken(detail="a token for net credentials")
        relying_party = self._stores.relying_parties.get(tx, grant.client_id)
        if relying_party is None:
            raise InvalidToken(detail="the relying party was removed")
        try:
            subject, release = self.current(tx, relying_party, grant, grant.in_userinfo, now)
        except InvalidGrant as ended:
            raise InvalidToken(detail=ended.detail) from ended
        return Answered(relying_party, grant, subject, release)

    def revoke(self, relying_party: RelyingParty, token: str) -> None:
        """Ends this relying party's own token; anybody else's stays as it is (RFC 7009)."""
        with self._stores.db.write() as tx:
            self._stores.tokens.revoke(tx, digest_of(token), relying_party.client_id, self._ambient.now())

    def _record(self, tx: Transaction, kind: str, grant: Grant, release: Release, now: datetime) -> None:
        self._stores.audit.record(
            tx,
            kind,
            at=now,
            person_id=grant.person_id,
            client_id=grant.client_id,
            receipt_id=grant.receipt_id,
            details={"claims": " ".join(sorted(release.claims))},
        )
