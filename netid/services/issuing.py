"""Issuing net credentials to their owner: a release like any other, whose recipient is the owner's wallet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from netid.ambient import Ambient
from netid.credentials import net_credential
from netid.credentials.current_keys import CurrentKeys
from netid.credentials.jwk import PublicKey
from netid.credentials.status_list import StatusReference
from netid.disclosure import Disclosure
from netid.errors import InvalidGrant, InvalidNonce, InvalidNotificationId, InvalidToken
from netid.identity.ages import Capacity
from netid.identity.net_number import NetNumber
from netid.identity.own_wallet import LONG
from netid.identity.relying_party import RelyingParty
from netid.services.grants import ACCESS_TOKEN_LIFETIME, Grant, Grants
from netid.services.interaction import digest_of, encode_secret
from netid.services.statuses import Statuses
from netid.storage.single_use import Kind
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

SHORT_LIFETIME = timedelta(days=2)
LONG_LIFETIME = timedelta(days=30)
_NOTIFICATION_ID_BYTES = 16


@dataclass(frozen=True)
class Wanted:
    """What a wallet asks for, its form and its key proofs checked."""

    configuration: str
    keys: list[PublicKey]
    """One for each copy."""
    nonce: str
    nonce_until: datetime


@dataclass(frozen=True)
class Issued:
    """What a wallet gets."""

    credentials: list[str]
    notification_id: str


@dataclass(frozen=True)
class _Contents:
    """What goes into each copy of one request."""

    fields: Mapping[str, str | bool]
    net_number: NetNumber
    statuses: list[StatusReference | None]


class Issuing:
    """Issues copies for the token of one consent."""

    def __init__(
        self,
        stores: Stores,
        *,
        wallet: RelyingParty,
        issuer: str,
        grants: Grants,
        statuses: Statuses,
        disclosure: Disclosure,
        keys: CurrentKeys,
        ambient: Ambient,
    ) -> None:
        self._stores = stores
        self._wallet = wallet
        self._issuer = issuer
        self._grants = grants
        self._statuses = statuses
        self._disclosure = disclosure
        self._keys = keys
        self._ambient = ambient

    def granted(self, access_token: str) -> Grant:
        """What the token stands for; its scope names the configurations. Raises InvalidToken."""
        with self._stores.db.read() as tx:
            return self._grants.for_credentials(tx, access_token, self._ambient.now())

    def issue(self, access_token: str, wanted: Wanted) -> Issued:
        """A copy for each key. Raises InvalidToken, also where person or consent ended, and InvalidNonce."""
        now = self._ambient.now()
        notification_id = encode_secret(self._ambient.random(_NOTIFICATION_ID_BYTES))
        with self._stores.db.write() as tx:
            # Whoever suspends the person or revokes their copies comes before all of this or after it.
            self._stores.persons.share(tx, self._grants.for_credentials(tx, access_token, now).person_id)
            grant = self._grants.for_credentials(tx, access_token, now)
            self._use_once(tx, wanted)
            contents = self._contents(tx, grant, wanted, now)
            self._stores.single_use.put(
                tx,
                Kind.NOTIFICATION,
                digest_of(notification_id),
                grant.model_dump_json(),
                now + ACCESS_TOKEN_LIFETIME,
            )
            self._note_child_wallet(tx, grant, now)
            self._record(tx, grant, wanted, contents, now)
        # Outside the transaction: signing a hundred copies takes longer than everything else.
        return Issued(self._copies(wanted, contents, now), notification_id)

    def _use_once(self, tx: Transaction, wanted: Wanted) -> None:
        digest = digest_of(wanted.nonce)
        if not self._stores.single_use.put_once(tx, Kind.NONCE, digest, wanted.nonce_until):
            raise InvalidNonce

    def _contents(self, tx: Transaction, grant: Grant, wanted: Wanted, now: datetime) -> _Contents:
        try:
            _subject, release = self._grants.current(tx, self._wallet, grant, grant.in_userinfo, now)
        except InvalidGrant as ended:
            raise InvalidToken(detail=ended.detail) from ended
        return _Contents(
            release.claims,
            self._disclosure.net_number_for_owner(tx, grant.person_id),
            self._statuses_for(tx, grant, wanted, now),
        )

    def _note_child_wallet(self, tx: Transaction, grant: Grant, now: datetime) -> None:
        """The wallet's own key is kept of children alone: a guardian's permissions are made out to it."""
        capacity = self._disclosure.capacity(tx, grant.person_id, now)
        if capacity is Capacity.UNDER_14 and grant.dpop_jkt is not None:
            self._stores.permissions.see_wallet(tx, grant.person_id, grant.dpop_jkt, now)

    def _statuses_for(
        self, tx: Transaction, grant: Grant, wanted: Wanted, now: datetime
    ) -> list[StatusReference | None]:
        if wanted.configuration != LONG:
            return [None] * len(wanted.keys)
        expires_at = datetime.combine(now.astimezone(UTC).date() + LONG_LIFETIME, time(), UTC)
        return [*self._statuses.assign(tx, grant.person_id, len(wanted.keys), expires_at, now)]

    def _copies(self, wanted: Wanted, contents: _Contents, now: datetime) -> list[str]:
        today = now.astimezone(UTC).date()
        lifetime = LONG_LIFETIME if wanted.configuration == LONG else SHORT_LIFETIME
        key = self._keys.credential_key()
        return [
            net_credential.issue(
                issuer=self._issuer,
                fields=contents.fields,
                net_number=contents.net_number,
                holder_key=holder_key,
                issued_on=today,
                expires_on=today + lifetime,
                status=status,
                key=key,
                random=self._ambient.random,
            )
            for holder_key, status in zip(wanted.keys, contents.statuses, strict=True)
        ]

    def _record(
        self, tx: Transaction, grant: Grant, wanted: Wanted, contents: _Contents, now: datetime
    ) -> None:
        self._stores.audit.record(
            tx,
            "released",
            at=now,
            person_id=grant.person_id,
            client_id=grant.client_id,
            receipt_id=grant.receipt_id,
            details={
                "claims": " ".join(sorted(contents.fields)),
                "credential": wanted.configuration,
                "copies": str(len(wanted.keys)),
            },
        )

    def notified(self, access_token: str, notification_id: str, event: str) -> None:
        """Keeps what became of a batch in the wallet; said again, it changes nothing.

        Raises InvalidToken, or InvalidNotificationId for what was not issued to this person.
        """
        now, digest = self._ambient.now(), digest_of(notification_id)
        with self._stores.db.write() as tx:
            grant = self._grants.for_credentials(tx, access_token, now)
            issued = self._stores.single_use.consume(tx, Kind.NOTIFICATION, digest, now)
            known = issued or self._stores.single_use.spent(tx, Kind.NOTIFICATION, digest)
            if known != grant.model_dump_json():
                raise InvalidNotificationId
            if issued is not None:
                self._stores.audit.record(
                    tx,
                    event,
                    at=now,
                    person_id=grant.person_id,
                    client_id=grant.client_id,
                    receipt_id=grant.receipt_id,
                )
