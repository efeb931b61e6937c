"""What guardians permit children's wallets: one relying party and one purpose each (Measures, article 5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from netid.ambient import Ambient
from netid.credentials import guardian_grant
from netid.credentials.current_keys import CurrentKeys
from netid.credentials.guardian_grant import LIFETIME, AllowedPurpose, Grant
from netid.disclosure import Disclosure
from netid.errors import NotFound, NoticeChanged, PersonSuspended, TokenRefused
from netid.identity.consent import Notice, notice_for
from netid.identity.relying_party import Purpose, RelyingParty
from netid.identity.text import Language
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.guardianship import Guardianship
from netid.services.interaction import OwnAction, digest_of, encode_secret
from netid.services.sign_in import Browser
from netid.storage.permissions import Permission
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

_ID_BYTES = 12


@dataclass(frozen=True)
class Permitted:
    """A permission, and what the guardian read when giving it."""

    permission: Permission
    grant: Grant
    is_current: bool
    """Whether the use is registered still, and as it was read; if not, wallets do not answer it any more."""


@dataclass(frozen=True)
class Ward:
    """A child, as the guardian chooses among them."""

    handle: str
    """What forms name the child by."""
    person_id: str
    has_wallet: bool
    """Whether a wallet of the child's has got copies, which a permission is made out to."""
    permitted: list[Permitted]


@dataclass(frozen=True)
class Use:
    """What can be permitted: one purpose of one relying party, or the check result alone."""

    relying_party: RelyingParty
    purpose: Purpose | None

    def notice(self, language: Language) -> Notice:
        """What the guardian reads."""
        names = self.purpose.names if self.purpose else frozenset()
        return notice_for(self.relying_party, self.purpose, names, language, is_permission=True)


class Permitting:
    """Gives permissions, each after a fresh sign-in of the guardian."""

    def __init__(
        self,
        stores: Stores,
        *,
        issuer: str,
        guardianship: Guardianship,
        fresh: FreshSignIn,
        disclosure: Disclosure,
        keys: CurrentKeys,
        ambient: Ambient,
    ) -> None:
        self._stores = stores
        self._issuer = issuer
        self._guardianship = guardianship
        self._fresh = fresh
        self._disclosure = disclosure
        self._keys = keys
        self._ambient = ambient

    def wards(self, guardian_id: str) -> list[Ward]:
        """The children that this person decides for."""
        now = self._ambient.now()
        with self._stores.db.read() as tx:
            return [
                Ward(
                    _handle(child.person_id),
                    child.person_id,
                    self._stores.permissions.latest_wallet(tx, child.person_id) is not None,
                    list(self._permitted(tx, child.person_id, now)),
                )
                for child in self._guardianship.children(tx, guardian_id, now)
            ]

    def _permitted(self, tx: Transaction, child_id: str, now: datetime) -> Iterator[Permitted]:
        """What no wallet would take is left out, as what has ended is: it was made out by another issuer, or
        before the clock was put back."""
        keys = self._keys.public_keys("credential")
        for permission in self._stores.permissions.of_person(tx, child_id, now):
            try:
                grant = guardian_grant.verify(permission.token, self._issuer, keys, now)
            except TokenRefused:
                continue
            yield Permitted(permission, grant, self._is_current(tx, permission, grant))

    def _is_current(self, tx: Transaction, permission: Permission, grant: Grant) -> bool:
        try:
            use = self._use(tx, permission.client_id, permission.purpose)
        except NotFound:
            return False
        return grant.allows(permission.client_id, use.purpose)

    def ward(self, guardian_id: str, handle: str) -> Ward:
        """The child of that handle. Raises NotFound for somebody else's."""
        found = next((ward for ward in self.wards(guardian_id) if ward.handle == handle), None)
        if found is None:
            raise NotFound("no child of this guardian's")
        return found

    def uses(self) -> list[Use]:
        """Everything that is registered and could be permitted."""
        with self._stores.db.read() as tx:
            registered = self._stores.relying_parties.list(tx)
        return [Use(one, purpose) for one in registered for purpose in (None, *one.purposes)]

    def notice(self, client_id: str, purpose_id: str | None, language: Language) -> Notice:
        """What the guardian reads. Raises NotFound."""
        with self._stores.db.read() as tx:
            return self._use(tx, client_id, purpose_id).notice(language)

    def _use(self, tx: Transaction, client_id: str, purpose_id: str | None) -> Use:
        relying_party = self._stores.relying_parties.get(tx, client_id)
        purpose = relying_party.purpose(purpose_id) if relying_party and purpose_id else None
        if relying_party is None or relying_party.is_own_wallet or (purpose_id and purpose is None):
            raise NotFound("no such use is registered")
        return Use(relying_party, purpose)

    def permit(
        self,
        browser: Browser,
        handle: str,
        client_id: str,
        purpose_id: str | None,
        language: Language,
        shown: str,
    ) -> str:
        """Permits one use to the wallet that the child got copies into last; the permission's id.

        `shown` is the hash of the notice on the page. Raises FreshSignInRequired, NotFound for somebody
        else's child or one without a wallet, NoticeChanged, or PersonSuspended.
        """
        now = self._ambient.now()
        permission_id = encode_secret(self._ambient.random(_ID_BYTES))
        with self._stores.db.write() as tx:
            guardian_id = self._fresh.take(tx, OwnAction.PERMIT, browser, now)
            guardian = self._stores.persons.get(tx, guardian_id)
            if guardian is None or not guardian.is_active(now):
                raise PersonSuspended
            children = self._guardianship.children(tx, guardian_id, now)
            child = next((one for one in children if _handle(one.person_id) == handle), None)
            wallet_key = self._stores.permissions.latest_wallet(tx, child.person_id) if child else None
            if child is None or wallet_key is None:
                raise NotFound("no child of this guardian's, or one without a wallet")
            use = self._use(tx, client_id, purpose_id)
            if use.notice(language).sha256 != shown:
                raise NoticeChanged
            expires_at = min(now + LIFETIME, self._disclosure.turns_14_at(tx, child.person_id))
            purpose = AllowedPurpose.of(use.purpose) if use.purpose else None
            grant = Grant(wallet_key, client_id, use.relying_party.name, purpose, expires_at)
            token = guardian_grant.state(grant, self._issuer, self._keys.credential_key(), now)
            self._stores.permissions.add(
                tx,
                Permission(permission_id, child.person_id, client_id, purpose_id, token, now, expires_at),
            )
            self._record(tx, child.person_id, client_id, purpose_id, now)
        return permission_id

    def _record(
        self, tx: Transaction, child_id: str, client_id: str, purpose_id: str | None, now: datetime
    ) -> None:
        details = {"purpose": purpose_id or ""}
        self._stores.audit.record(
            tx, "child_permitted", at=now, person_id=child_id, client_id=client_id, details=details
        )

    def shown(self, guardian_id: str, permission_id: str) -> Permitted:
        """A permission, for the guardian of its child. Raises NotFound."""
        for ward in self.wards(guardian_id):
            for permitted in ward.permitted:
                if permitted.permission.permission_id == permission_id:
                    return permitted
        raise NotFound("no permission of a child of this guardian's")


def _handle(person_id: str) -> str:
    return digest_of(person_id).hex()[:16]
