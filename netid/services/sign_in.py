"""A person (or a guardian, within a child's flow) shows who they are."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from netid.ambient import Ambient
from netid.credentials.keyring import Keyring
from netid.errors import InteractionEnded, InteractionExpired, SignInRefused
from netid.identity.levels import Factor
from netid.identity.net_number import NetNumber
from netid.identity.relying_party import RelyingParty
from netid.services.interaction import (
    INTERACTION_LIFETIME,
    SECRET_BYTES,
    AuthorizationRequest,
    Identified,
    Interaction,
    Progress,
    Role,
    digest_of,
    encode_secret,
    stored_request,
)
from netid.services.messages import Messages
from netid.services.passcode_check import PasscodeCheck
from netid.services.returning import Returning
from netid.storage.persons import Person, index_digest
from netid.storage.sessions import Session
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

SESSION_LIFETIME = timedelta(hours=8)
SESSION_ID_BYTES = 16
FaceOutcome = Literal["match", "differs", "not-live"]


@dataclass(frozen=True)
class Browser:
    """The browser a request came from."""

    secret: str
    """The value of its long-lived cookie."""
    session: str | None
    """The value of its session cookie."""

    @property
    def digest(self) -> bytes:
        """What storage knows it by."""
        return digest_of(self.secret)


@dataclass(frozen=True)
class Proved:
    """What a proof led to."""

    interaction: Interaction
    new_session: str | None = None
    """The session cookie to set, once the person is fully checked: it changes at every sign-in."""


class SignIn:
    """Begins interactions, identifies people and checks their factors."""

    def __init__(
        self,
        stores: Stores,
        *,
        own_pages: RelyingParty,
        passcodes: PasscodeCheck,
        messages: Messages,
        keyring: Keyring,
        ambient: Ambient,
    ) -> None:
        self._stores = stores
        self._messages = messages
        self._own_pages = own_pages
        self._passcodes = passcodes
        self._keyring = keyring
        self._ambient = ambient
        self._returning = Returning(stores, keyring=keyring)

    # Interactions

    def begin(self, request: AuthorizationRequest, browser: Browser) -> Interaction:
        """Stores a checked request for this browser; a session that is good enough is taken up."""
        now = self._ambient.now()
        handle = encode_secret(self._ambient.random(SECRET_BYTES))
        with self._stores.db.write() as tx:
            relying_party = self._relying_party(tx, request.client_id)
            if relying_party is None:
                raise InteractionExpired("the relying party was removed meanwhile")
            progress = self._returning.progress(tx, request, browser.digest, browser.session, now)
            expires_at = now + INTERACTION_LIFETIME
            self._stores.interactions.add(
                tx,
                digest=digest_of(handle),
                browser_digest=browser.digest,
                request=request.model_dump_json(),
                state=progress.model_dump_json(),
                expires_at=expires_at,
            )
        return Interaction(handle, request, relying_party, progress, expires_at)

    def standing(self, request: AuthorizationRequest, browser: Browser) -> Progress:
        """What a session of this browser already proves for the request (prompt=none)."""
        with self._stores.db.read() as tx:
            now = self._ambient.now()
            return self._returning.progress(tx, request, browser.digest, browser.session, now)

    def is_somebody_else(self, tx: Transaction, request: AuthorizationRequest, person_id: str) -> bool:
        """Whether the request names a subject, and this person is not it."""
        return self._returning.is_somebody_else(tx, request, person_id)

    def load(self, handle: str, browser: Browser) -> Interaction:
        """The interaction of that name in this browser. Raises InteractionEnded, InteractionExpired."""
        with self._stores.db.read() as tx:
            return self.load_in(tx, handle, browser)

    def load_in(self, tx: Transaction, handle: str, browser: Browser) -> Interaction:
        """The same within a transaction."""
        stored = self._stores.interactions.get(tx, digest_of(handle), browser.digest, self._ambient.now())
        if stored is None:
            ended = self._stores.interactions.has_ended(tx, digest_of(handle), browser.digest)
            raise InteractionEnded if ended else InteractionExpired
        request = stored_request(stored.request)
        relying_party = self._relying_party(tx, request.client_id)
        if relying_party is None:
            raise InteractionExpired("the relying party was removed meanwhile")
        progress = Progress.model_validate_json(stored.state)
        return Interaction(handle, request, relying_party, progress, stored.expires_at)

    def _relying_party(self, tx: Transaction, client_id: str) -> RelyingParty | None:
        if client_id == self._own_pages.client_id:
            return self._own_pages
        return self._stores.relying_parties.get(tx, client_id)

    def signed_in(self, browser: Browser) -> Session | None:
        """Who is signed in at the provider itself in this browser."""
        if browser.session is None:
            return None
        with self._stores.db.read() as tx:
            return self._stores.sessions.get(
                tx, digest_of(browser.session), browser.digest, self._ambient.now()
            )

    # Who

    def choose_persona(
        self, interaction: Interaction, browser: Browser, role: Role, persona_id: str
    ) -> Proved:
        """Identifies a synthetic persona, whose net credential is simulated. Raises SignInRefused."""
        with self._stores.db.write() as tx:
            who = self._present(self._stores.persons.by_persona(tx, persona_id))
            return self._identify(tx, interaction, browser, role, who)

    def choose_known(self, interaction: Interaction, browser: Browser, role: Role, person_id: str) -> Proved:
        """Identifies somebody who enrolled in this browser, which holds their key. Raises SignInRefused."""
        with self._stores.db.write() as tx:
            person = self._stores.persons.get(tx, person_id)
            if person_id not in self._stores.sessions.people_of(tx, browser.digest):
                raise SignInRefused(detail="not enrolled in this browser")
            return self._identify(tx, interaction, browser, role, self._present(person))

    def type_net_number(
        self, interaction: Interaction, browser: Browser, role: Role, net_number: NetNumber
    ) -> Proved:
        """Takes a typed net number; whether it belongs to anybody shows nowhere before the passcode."""
        digest = index_digest(self._keyring.index.reveal(), "net-number", net_number.reveal())
        with self._stores.db.write() as tx:
            person = self._stores.persons.by_net_number(tx, digest)
            identified = Identified(
                person_id=person.person_id if person else None, throttle_key=digest.hex(), typed=True
            )
            return self._identify(tx, interaction, browser, role, identified)

    def people_of(self, browser: Browser) -> list[str]:
        """Who enrolled in this browser, as person ids."""
        with self._stores.db.read() as tx:
            return self._stores.sessions.people_of(tx, browser.digest)

    def _present(self, person: Person | None) -> Identified:
        if person is None or person.status == "cancelled":
            raise SignInRefused(detail="nobody of that name holds a net number")
        return self._returning.identified(person)

    def _identify(
        self, tx: Transaction, interaction: Interaction, browser: Browser, role: Role, who: Identified
    ) -> Proved:
        progress = Progress() if role is Role.PERSON else interaction.progress
        return self._advance(tx, interaction, browser, role, who, progress)

    # Factors

    def prove_passcode(self, interaction: Interaction, browser: Browser, role: Role, passcode: str) -> Proved:
        """Checks the passcode. Raises SignInRefused with the seconds to wait."""
        who = _who(interaction, role)
        with self._stores.db.read() as tx:
            person = self._stores.persons.get(tx, who.person_id or "")
        self._passcodes.require(person, bytes.fromhex(who.throttle_key), browser.digest, passcode)
        with self._stores.db.write() as tx:
            return self._prove(tx, interaction, browser, role, Factor.PASSCODE)

    def prove_face(
        self, interaction: Interaction, browser: Browser, role: Role, outcome: FaceOutcome
    ) -> Proved:
        """Takes the simulated outcome of the face check; anything but a match asks again."""
        with self._stores.db.write() as tx:
            if outcome == "match":
                return self._prove(tx, interaction, browser, role, Factor.FACE)
            progress = interaction.progress.model_copy(update={"face_failed": outcome})
            self._stores.interactions.update(tx, digest_of(interaction.handle), progress.model_dump_json())
        return Proved(replace(interaction, progress=progress))

    def simulate_persona(self, interaction: Interaction, browser: Browser, persona_id: str) -> Proved:
        """`simulate` for a persona. Raises SignInRefused if there is none of that id."""
        with self._stores.db.read() as tx:
            person = self._stores.persons.by_persona(tx, persona_id)
        if person is None:
            raise SignInRefused(detail="no such persona")
        return self.simulate(interaction, browser, Role.PERSON, person.person_id)

    def simulate(self, interaction: Interaction, browser: Browser, role: Role, person_id: str) -> Proved:
        """Checks every factor asked for without a page: only approval rules of the test mode call it."""
        with self._stores.db.write() as tx:
            who = self._present(self._stores.persons.get(tx, person_id))
            who = who.model_copy(update={"proved": interaction.request.level.factors})
            return self._identify(tx, interaction, browser, role, who)

    def _prove(
        self, tx: Transaction, interaction: Interaction, browser: Browser, role: Role, factor: Factor
    ) -> Proved:
        who = _who(interaction, role)
        if who.person_id is None:
            raise SignInRefused(detail="nobody to prove")
        proved = who.model_copy(update={"proved": who.proved | {factor}})
        return self._advance(tx, interaction, browser, role, proved, interaction.progress)

    def _advance(
        self,
        tx: Transaction,
        interaction: Interaction,
        browser: Browser,
        role: Role,
        who: Identified,
        progress: Progress,
    ) -> Proved:
        """Keeps what was proved; the person's last missing factor starts a session of a new name."""
        now = self._ambient.now()
        complete = not who.missing(interaction.request.level)
        changes: dict[str, object] = {role.value: who, "face_failed": None}
        new_session = None
        if role is Role.GUARDIAN:
            changes["guardian_checked"] = complete and self._is_guardian(tx, progress.person, who)
        elif complete:
            changes["checked_at"] = now
            new_session = self._start_session(tx, browser, who, now)
        progress = progress.model_copy(update=changes)
        if not self._stores.interactions.update(
            tx, digest_of(interaction.handle), progress.model_dump_json()
        ):
            raise InteractionExpired
        return Proved(replace(interaction, progress=progress), new_session)

    def _is_guardian(self, tx: Transaction, child: Identified | None, who: Identified) -> bool:
        """Whether this is the child's own guardian, with an active net credential (Measures, article 5)."""
        person = self._stores.persons.get(tx, child.person_id or "") if child else None
        guardian = self._stores.persons.get(tx, who.person_id or "")
        if person is None or guardian is None or not guardian.is_active(self._ambient.now()):
            return False
        return person.guardian_id == guardian.person_id

    def _start_session(self, tx: Transaction, browser: Browser, who: Identified, now: datetime) -> str:
        if who.person_id is None:
            raise SignInRefused(detail="nobody to sign in")
        secret = encode_secret(self._ambient.random(SECRET_BYTES))
        self._stores.sessions.add(
            tx,
            digest=digest_of(secret),
            browser_digest=browser.digest,
            session_id=self._succeed(tx, browser, who.person_id, now),
            person_id=who.person_id,
            proved=sorted(who.proved),
            auth_time=now,
            expires_at=now + SESSION_LIFETIME,
        )
        self._stores.audit.record(
            tx,
            "signed_in",
            at=now,
            person_id=who.person_id,
            details={"factors": " ".join(sorted(who.proved))},
        )
        return secret

    def _succeed(self, tx: Transaction, browser: Browser, person_id: str, now: datetime) -> str:
        """The new session's name: that of this browser's last one, if it is the same person's.

        Another person's session ends here, as if they had signed out.
        """
        last = digest_of(browser.session) if browser.session else b""
        session = self._stores.sessions.get(tx, last, browser.digest, now)
        if session is not None and self._stores.sessions.end(tx, last, now):
            if session.person_id == person_id:
                return session.session_id
            self._messages.session_ended(tx, session, now)
        return encode_secret(self._ambient.random(SESSION_ID_BYTES))


def _who(interaction: Interaction, role: Role) -> Identified:
    who = interaction.progress.person if role is Role.PERSON else interaction.progress.guardian
    if who is None:
        raise InteractionExpired("nobody has said who they are")
    return who
