"""Whether somebody who signed in before, in the same browser, goes on without signing in again."""

from datetime import datetime, timedelta

from netid.credentials.keyring import Keyring
from netid.identity.levels import Factor
from netid.services.interaction import AuthorizationRequest, Identified, Progress, Prompt, digest_of
from netid.storage.persons import Person, index_digest
from netid.storage.sessions import Session
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction


class Returning:
    """Takes up a browser's session where it is good enough for the request."""

    def __init__(self, stores: Stores, *, keyring: Keyring) -> None:
        self._stores = stores
        self._keyring = keyring

    def progress(
        self,
        tx: Transaction,
        request: AuthorizationRequest,
        browser_digest: bytes,
        secret: str | None,
        now: datetime,
    ) -> Progress:
        """What the session of that secret already proves for the request; nothing, if it does not serve."""
        session = self._usable(tx, request, browser_digest, secret, now)
        person = self._stores.persons.get(tx, session.person_id) if session else None
        if session is None or person is None or person.status == "cancelled":
            return Progress()
        if request.action is not None:
            # Who it is stays known; every other factor has to be shown anew.
            typed = Factor.CREDENTIAL not in session.proved
            proved = frozenset(session.proved) & {Factor.CREDENTIAL}
            return Progress(
                person=self.identified(person).model_copy(update={"proved": proved, "typed": typed})
            )
        identified = self.identified(person).model_copy(update={"proved": frozenset(session.proved)})
        return Progress(person=identified, checked_at=session.auth_time)

    def identified(self, person: Person) -> Identified:
        """Somebody whose net credential is here, and nothing else proved."""
        key = person.net_number_digest or index_digest(
            self._keyring.index.reveal(), "person", person.person_id
        )
        return Identified(
            person_id=person.person_id, throttle_key=key.hex(), proved=frozenset({Factor.CREDENTIAL})
        )

    def is_somebody_else(self, tx: Transaction, request: AuthorizationRequest, person_id: str) -> bool:
        """Whether the request names a subject, and this person is not it."""
        if request.subject is None:
            return False
        relying_party = self._stores.relying_parties.get(tx, request.client_id)
        if relying_party is None:
            return True
        sector = relying_party.legal_entity.sector
        known = self._stores.subjects.known_as(tx, person_id, sector)
        return known is None or known.reveal() != request.subject

    def _usable(
        self,
        tx: Transaction,
        request: AuthorizationRequest,
        browser_digest: bytes,
        secret: str | None,
        now: datetime,
    ) -> Session | None:
        if secret is None or request.prompt & {Prompt.LOGIN, Prompt.SELECT_ACCOUNT}:
            return None
        session = self._stores.sessions.get(tx, digest_of(secret), browser_digest, now)
        if session is None:
            return None
        # OpenID Connect Core, 3.1.2.1: a max_age of 0 asks for the same as prompt=login. Time counts from
        # the second that `auth_time` will name, or the relying party would find its limit exceeded.
        since = session.auth_time.replace(microsecond=0)
        if request.max_age is not None and now - since >= timedelta(seconds=request.max_age):
            return None
        hinted = self._hinted(tx, request)
        if hinted not in (None, session.person_id) or self.is_somebody_else(tx, request, session.person_id):
            return None
        return session

    def _hinted(self, tx: Transaction, request: AuthorizationRequest) -> str | None:
        if request.login_hint is None:
            return None
        person = self._stores.persons.by_persona(tx, request.login_hint)
        return person.person_id if person else None
