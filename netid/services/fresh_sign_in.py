"""Signing in anew for one act: what a session that was left open must not be enough for.

An act begins with `Authorize.visit_own_pages(…, action=…)`, which asks for the passcode. What comes
out of it is good for that act, once, in that session, and for a few minutes.
"""

from datetime import datetime, timedelta

from netid.ambient import Ambient
from netid.errors import FreshSignInRequired, InteractionEnded, InteractionExpired
from netid.identity.levels import Factor
from netid.services.interaction import Interaction, OwnAction, digest_of
from netid.services.sign_in import Browser
from netid.storage.sessions import Session
from netid.storage.single_use import Kind
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

FRESH_FOR = timedelta(minutes=5)


class FreshSignIn:
    """Notes who has just signed in for which act, and lets the act take place once."""

    def __init__(self, stores: Stores, *, ambient: Ambient) -> None:
        self._stores = stores
        self._ambient = ambient

    def confirm(self, interaction: Interaction, browser: Browser) -> None:
        """Ends a sign-in that was for an act, and lets this browser's new session do the act.

        Raises InteractionEnded, or InteractionExpired unless the session is that person's and of now.
        """
        action = interaction.request.action
        if action is None:
            raise InteractionExpired("this sign-in is for no act")
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            if not self._stores.interactions.finish(tx, digest_of(interaction.handle), now):
                raise InteractionEnded
            session = self._session(tx, browser, now)
            if session is None or not _is_of_now(session, interaction, now):
                raise InteractionExpired("the session is not the one that was signed in")
            self._stores.single_use.renew(
                tx, Kind.ACTION, _digest(action, browser), session.person_id, now + FRESH_FOR
            )

    def person_for(self, action: OwnAction, browser: Browser) -> str | None:
        """Who may do the act now, by person_id; None if nobody has signed in for it."""
        now = self._ambient.now()
        with self._stores.db.read() as tx:
            person_id = self._stores.single_use.peek(tx, Kind.ACTION, _digest(action, browser), now)
            return person_id if self._session(tx, browser, now) else None

    def require(self, tx: Transaction, action: OwnAction, browser: Browser, now: datetime) -> str:
        """The same for an act that only reads, which may be done again in those minutes."""
        person_id = self._stores.single_use.peek(tx, Kind.ACTION, _digest(action, browser), now)
        if person_id is None or self._session(tx, browser, now) is None:
            raise FreshSignInRequired(f"no fresh sign-in for {action}")
        return person_id

    def take(self, tx: Transaction, action: OwnAction, browser: Browser, now: datetime) -> str:
        """Uses the sign-in up, for the person whose id it answers. Raises FreshSignInRequired."""
        if self._session(tx, browser, now) is None:
            raise FreshSignInRequired("nobody is signed in")
        person_id = self._stores.single_use.consume(tx, Kind.ACTION, _digest(action, browser), now)
        if person_id is None:
            raise FreshSignInRequired(f"no fresh sign-in for {action}")
        return person_id

    def _session(self, tx: Transaction, browser: Browser, now: datetime) -> Session | None:
        if browser.session is None:
            return None
        return self._stores.sessions.get(tx, digest_of(browser.session), browser.digest, now)


def _is_of_now(session: Session, interaction: Interaction, now: datetime) -> bool:
    who = interaction.progress.person
    return (
        who is not None
        and who.person_id == session.person_id
        and interaction.request.level.factors - {Factor.CREDENTIAL} <= set(session.proved)
        and now - session.auth_time < FRESH_FOR
    )


def _digest(action: OwnAction, browser: Browser) -> bytes:
    # The session's name is secret, and another at each sign-in: so is what stands for act and session.
    return digest_of(f"{action.value}\0{browser.session or ''}")
