"""What a person decides about one request: a receipt, and on agreement a code, in one transaction."""

from datetime import datetime

from netid.ambient import Ambient
from netid.disclosure import Disclosure
from netid.errors import (
    AccessDenied,
    GuardianRequired,
    InteractionEnded,
    InteractionExpired,
    InvalidField,
    NoticeChanged,
    PersonSuspended,
    StepSkipped,
)
from netid.identity.consent import Action, Notice, NoticeReference, StoredReceipt, notice_for
from netid.identity.levels import AssuranceLevel
from netid.identity.text import Language
from netid.identity.verified_claims import narrowed
from netid.services.grants import ACCESS_TOKEN_LIFETIME, CODE_LIFETIME, Grant, Grants
from netid.services.interaction import Interaction, Prompt, Standing, digest_of
from netid.services.pushed_requests import PushedRequests
from netid.services.receipts import Receipts
from netid.services.sign_in import Browser, SignIn
from netid.storage.epoch import restored_at
from netid.storage.persons import Person
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction


class Decisions:
    """Takes decisions and keeps their receipts."""

    def __init__(
        self,
        stores: Stores,
        *,
        sign_in: SignIn,
        grants: Grants,
        pushed_requests: PushedRequests,
        receipts: Receipts,
        disclosure: Disclosure,
        ambient: Ambient,
    ) -> None:
        self._stores = stores
        self._sign_in = sign_in
        self._grants = grants
        self._pushed_requests = pushed_requests
        self._disclosure = disclosure
        self._receipts = receipts
        self._ambient = ambient

    def standing(self, interaction: Interaction) -> Standing:
        """The person's standing for this interaction now."""
        with self._stores.db.read() as tx:
            return self.standing_in(tx, interaction)

    def standing_in(self, tx: Transaction, interaction: Interaction) -> Standing:
        """The same within a transaction. Raises InteractionExpired if the person has left."""
        who = interaction.progress.person
        person = self._stores.persons.get(tx, who.person_id) if who and who.person_id else None
        if person is None or person.status == "cancelled":
            raise InteractionExpired("the person left meanwhile")
        now = self._ambient.now()
        remembered = self._stores.consents.latest_check(
            tx, person.person_id, interaction.relying_party.client_id
        )
        if remembered is not None and not self._still_good(tx, remembered, interaction, now):
            remembered = None
        return Standing(
            person,
            self._disclosure.capacity(tx, person.person_id, now),
            remembered,
            self._sign_in.is_somebody_else(tx, interaction.request, person.person_id),
            person.is_suspended(now),
            self._has_guardian(tx, person, now),
        )

    def _has_guardian(self, tx: Transaction, person: Person, now: datetime) -> bool:
        guardian = self._stores.persons.get(tx, person.guardian_id) if person.guardian_id else None
        return guardian is not None and guardian.is_active(now)

    def _still_good(
        self, tx: Transaction, remembered: StoredReceipt, interaction: Interaction, now: datetime
    ) -> bool:
        """A remembered decision holds for the text it was made on, in whichever language.

        One of before the database was put back may have been withdrawn since: that is asked anew.
        """
        restored = restored_at(tx)
        if restored is not None and remembered.receipt.decided_at <= restored:
            return False
        reference = remembered.receipt.notice
        shown = notice_for(
            interaction.relying_party,
            None,
            frozenset(),
            reference.language,
            for_guardian=remembered.receipt.guardian_subject is not None,
        )
        return remembered.holds(now) and shown.sha256 == reference.sha256

    def needs_asking(self, interaction: Interaction, standing: Standing) -> bool:
        """Whether a page has to ask: fields and predicates every time, a check result the first time."""
        return (
            interaction.request.purpose is not None
            or standing.remembered is None
            or Prompt.CONSENT in interaction.request.prompt
        )

    def notice(self, interaction: Interaction, standing: Standing, language: Language) -> Notice:
        """The exact text for this request."""
        return notice_for(
            interaction.relying_party,
            interaction.purpose,
            interaction.asked,
            language,
            for_guardian=standing.needs_guardian,
        )

    def agree(
        self,
        interaction: Interaction,
        browser: Browser,
        ticked: frozenset[str],
        language: Language,
        shown: str | None = None,
    ) -> str:
        """Keeps the agreement and issues a code, or nothing at all.

        `ticked` are the voluntary claims the person chose; essential ones go together. `shown` is the
        hash of the notice on the page. Raises InvalidField, NoticeChanged if the text is another by
        now, StepSkipped, PersonSuspended, GuardianRequired, AccessDenied or InteractionExpired.
        """
        with self._stores.db.write() as tx:
            interaction, standing, now = self._open(tx, interaction, browser)
            session_id = self._session_of(tx, browser, standing, now)
            notice = self._same_notice(interaction, standing, language, shown)
            purpose = interaction.purpose
            essential = purpose.essential & interaction.asked if purpose else frozenset()
            if extra := ticked - (interaction.asked - essential):
                raise InvalidField(
                    "claims", f"{len(extra)} of them are not optional here", "tick only what the page offers"
                )
            agreed = essential | ticked
            receipt = self._keep(tx, interaction, standing, Action.AGREED, agreed, notice, now)
            receipt_id = receipt.receipt.receipt_id
            return self._conclude(tx, interaction, standing, session_id, receipt_id, agreed, now)

    def refuse(
        self, interaction: Interaction, browser: Browser, language: Language, shown: str | None = None
    ) -> None:
        """Keeps the refusal and ends the interaction. Raises what `agree` raises."""
        with self._stores.db.write() as tx:
            interaction, standing, now = self._open(tx, interaction, browser)
            notice = self._same_notice(interaction, standing, language, shown)
            self._keep(tx, interaction, standing, Action.REFUSED, frozenset(), notice, now)
            self._finish(tx, interaction, now)

    def _same_notice(
        self, interaction: Interaction, standing: Standing, language: Language, shown: str | None
    ) -> NoticeReference:
        """A decision holds for the text that was read."""
        notice = self.notice(interaction, standing, language)
        if shown is not None and shown != notice.sha256:
            raise NoticeChanged
        return NoticeReference(version=notice.version, sha256=notice.sha256, language=language)

    def conclude(self, interaction: Interaction, browser: Browser) -> str:
        """Issues a code on a remembered decision, without a page."""
        with self._stores.db.write() as tx:
            interaction, standing, now = self._open(tx, interaction, browser)
            if standing.remembered is None or self.needs_asking(interaction, standing):
                raise AccessDenied(detail="nothing remembered for this request")
            session_id = self._session_of(tx, browser, standing, now)
            receipt_id = standing.remembered.receipt.receipt_id
            return self._conclude(tx, interaction, standing, session_id, receipt_id, frozenset(), now)

    def leave(self, interaction: Interaction) -> None:
        """Ends an interaction that the person left before deciding; on record, if it is known who left."""
        now, who = self._ambient.now(), interaction.progress.person
        with self._stores.db.write() as tx:
            self._finish(tx, interaction, now)
            if who is not None and interaction.progress.checked_at is not None and not interaction.is_own:
                client_id = interaction.relying_party.client_id
                self._stores.audit.record(tx, "left", at=now, person_id=who.person_id, client_id=client_id)

    def _open(
        self, tx: Transaction, interaction: Interaction, browser: Browser
    ) -> tuple[Interaction, Standing, datetime]:
        """The interaction as it stands in this transaction, for the person whom the page named."""
        current = self._sign_in.load_in(tx, interaction.handle, browser)
        shown, now_there = interaction.progress.person, current.progress.person
        if shown is None or now_there is None or shown.person_id != now_there.person_id:
            raise InteractionExpired("another person signed in meanwhile")
        if now_there.missing(current.request.level):
            raise StepSkipped("the person is not fully checked")
        standing = self.standing_in(tx, current)
        if standing.is_somebody_else:
            raise AccessDenied(detail="the request asks for somebody else")
        if standing.is_suspended:
            raise PersonSuspended
        if standing.needs_guardian and self.needs_asking(current, standing):
            self._require_guardian(tx, current, standing)
        return current, standing, self._ambient.now()

    def _session_of(self, tx: Transaction, browser: Browser, standing: Standing, now: datetime) -> str:
        """The session a code comes of. Raises InteractionExpired where it has been ended meanwhile."""
        name = digest_of(browser.session) if browser.session else b""
        session = self._stores.sessions.get(tx, name, browser.digest, now)
        if session is None or session.person_id != standing.person.person_id:
            raise InteractionExpired("signed out meanwhile")
        return session.session_id

    def _require_guardian(self, tx: Transaction, interaction: Interaction, standing: Standing) -> None:
        guardian = self._stores.persons.get(tx, standing.person.guardian_id or "")
        signed_in = interaction.progress.guardian
        if guardian is None or not standing.has_guardian or not interaction.progress.guardian_checked:
            raise GuardianRequired
        if signed_in is None or signed_in.person_id != guardian.person_id:
            raise GuardianRequired

    def _keep(
        self,
        tx: Transaction,
        interaction: Interaction,
        standing: Standing,
        action: Action,
        agreed: frozenset[str],
        notice: NoticeReference,
        now: datetime,
    ) -> StoredReceipt:
        guardian_id = standing.person.guardian_id if standing.needs_guardian else None
        return self._receipts.decided(
            tx,
            person=standing.person,
            guardian=self._stores.persons.get(tx, guardian_id) if guardian_id else None,
            relying_party=interaction.relying_party,
            purpose=interaction.purpose,
            offered=interaction.asked,
            agreed=agreed,
            notice=notice,
            action=action,
            now=now,
            expires_at=self._ends(tx, interaction, standing, now),
        )

    def _ends(
        self, tx: Transaction, interaction: Interaction, standing: Standing, now: datetime
    ) -> datetime | None:
        """A release lasts one access token; a guardian's word lasts until the child turns 14 at most."""
        release = now + CODE_LIFETIME + ACCESS_TOKEN_LIFETIME if interaction.purpose else None
        if not standing.needs_guardian:
            return release
        birthday = self._disclosure.turns_14_at(tx, standing.person.person_id)
        return min(release, birthday) if release else birthday

    def _conclude(
        self,
        tx: Transaction,
        interaction: Interaction,
        standing: Standing,
        session_id: str,
        receipt_id: str,
        agreed: frozenset[str],
        now: datetime,
    ) -> str:
        self._finish(tx, interaction, now)
        request, who = interaction.request, interaction.progress.person
        if who is None or interaction.progress.checked_at is None:
            raise InteractionExpired("the person is not fully checked")
        grant = Grant(
            client_id=request.client_id,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            dpop_jkt=request.dpop_jkt,
            nonce=request.nonce,
            scope=request.scope,
            verify=request.verify,
            purpose=request.purpose,
            userinfo=tuple(name for name in request.userinfo if name in agreed),
            id_token=tuple(name for name in request.id_token if name in agreed),
            verified_userinfo=narrowed(request.verified_userinfo, agreed),
            verified_id_token=narrowed(request.verified_id_token, agreed),
            person_id=standing.person.person_id,
            receipt_id=receipt_id,
            session_id=session_id,
            # OpenID Connect Core, 5.5.1.1: an essential acr is answered with a value that was asked for.
            level=request.level if request.level_essential else AssuranceLevel.of(who.proved),
            amr=tuple(sorted(who.proved)),
            checked_at=interaction.progress.checked_at,
        )
        self._stores.sessions.visit(tx, session_id, request.client_id)
        return self._grants.issue_code(tx, grant, now)

    def _finish(self, tx: Transaction, interaction: Interaction, now: datetime) -> None:
        if not self._stores.interactions.finish(tx, digest_of(interaction.handle), now):
            raise InteractionEnded
        if not self._pushed_requests.finish_in(tx, interaction.request, now):
            raise InteractionEnded("another sign-in with the same request_uri ended before")
