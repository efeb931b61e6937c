"""What a person decides about one request: a receipt, and on agreement a code, in one transaction."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from netid.ambient import Ambient
from netid.credentials.jose import sign
from netid.credentials.keyring import Keyring
from netid.disclosure import Disclosure
from netid.errors import AccessDenied, GuardianRequired, InteractionExpired, InvalidField, PersonSuspended
from netid.identity.claims import in_catalogue_order
from netid.identity.consent import Action, Notice, NoticeReference, Receipt, StoredReceipt, notice_for
from netid.identity.ages import Capacity
from netid.identity.levels import AssuranceLevel
from netid.identity.text import Language
from netid.services.grants import ACCESS_TOKEN_LIFETIME, CODE_LIFETIME, Grant, Grants
from netid.services.interaction import Interaction, Prompt, digest_of, encode_secret
from netid.services.sign_in import Browser, SignIn
from netid.storage.persons import Person
from netid.storage.stores import Stores

RECEIPT_TYPE = "netid-receipt+jwt"
RECEIPT_ID_BYTES = 16


@dataclass(frozen=True)
class Standing:
    """What is known of the person of an interaction when the next step is decided."""

    person: Person
    capacity: Capacity
    remembered: StoredReceipt | None
    """The agreement to check results that is remembered for this relying party."""

    @property
    def needs_guardian(self) -> bool:
        """Whether a guardian decides for this person (Measures, article 5)."""
        return self.capacity is Capacity.UNDER_14


class Decisions:
    """Takes decisions and keeps their receipts."""

    def __init__(
        self,
        stores: Stores,
        *,
        sign_in: SignIn,
        grants: Grants,
        disclosure: Disclosure,
        keyring: Keyring,
        issuer: str,
        ambient: Ambient,
    ) -> None:
        self._stores = stores
        self._sign_in = sign_in
        self._grants = grants
        self._disclosure = disclosure
        self._keyring = keyring
        self._issuer = issuer
        self._ambient = ambient

    def standing(self, interaction: Interaction) -> Standing:
        """The person's standing for this interaction now."""
        with self._stores.db.read() as tx:
            return self.standing_in(tx, interaction)

    def standing_in(self, tx: Connection, interaction: Interaction) -> Standing:
        """The same within a transaction. Raises InteractionExpired if the person has left."""
        who = interaction.progress.person
        person = self._stores.persons.get(tx, who.person_id) if who and who.person_id else None
        if person is None or person.status == "cancelled":
            raise InteractionExpired("the person left meanwhile")
        now = self._ambient.now()
        remembered = self._stores.consents.latest_check(tx, person.person_id, interaction.relying_party.client_id)
        if remembered is not None and not self._still_good(remembered, interaction, now):
            remembered = None
        return Standing(person, self._disclosure.capacity(tx, person.person_id, now), remembered)

    def _still_good(self, remembered: StoredReceipt, interaction: Interaction, now: datetime) -> bool:
        """A remembered decision holds for the text it was made on, in whichever language."""
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
        self, interaction: Interaction, browser: Browser, ticked: frozenset[str], language: Language
    ) -> str:
        """Keeps the agreement and issues a code, or nothing at all. Raises InvalidField.

        `ticked` are the voluntary claims the person chose; essential ones go together.
        """
        with self._stores.db.write() as tx:
            interaction, standing, now = self._open(tx, interaction, browser)
            purpose = interaction.purpose
            essential = purpose.essential & interaction.asked if purpose else frozenset()
            if extra := ticked - (interaction.asked - essential):
                raise InvalidField(
                    "claims", f"{len(extra)} of them are not optional here", "tick only what the page offers"
                )
            agreed = essential | ticked
            receipt = self._keep(tx, interaction, standing, Action.AGREED, agreed, language, now)
            return self._conclude(tx, interaction, standing, receipt.receipt.receipt_id, agreed, now)

    def refuse(self, interaction: Interaction, browser: Browser, language: Language) -> None:
        """Keeps the refusal and ends the interaction."""
        with self._stores.db.write() as tx:
            interaction, standing, now = self._open(tx, interaction, browser)
            self._keep(tx, interaction, standing, Action.REFUSED, frozenset(), language, now)
            self._finish(tx, interaction, now)

    def conclude(self, interaction: Interaction, browser: Browser) -> str:
        """Issues a code on a remembered decision, without a page."""
        with self._stores.db.write() as tx:
            interaction, standing, now = self._open(tx, interaction, browser)
            if standing.remembered is None or self.needs_asking(interaction, standing):
                raise AccessDenied(detail="nothing remembered for this request")
            receipt_id = standing.remembered.receipt.receipt_id
            return self._conclude(tx, interaction, standing, receipt_id, frozenset(), now)

    def leave(self, interaction: Interaction) -> None:
        """Ends an interaction that the person left before deciding."""
        with self._stores.db.write() as tx:
            self._finish(tx, interaction, self._ambient.now())

    def _open(
        self, tx: Connection, interaction: Interaction, browser: Browser
    ) -> tuple[Interaction, Standing, datetime]:
        """The interaction as it stands in this transaction, for the person whom the page named."""
        current = self._sign_in.load_in(tx, interaction.handle, browser)
        shown, now_there = interaction.progress.person, current.progress.person
        if shown is None or now_there is None or shown.person_id != now_there.person_id:
            raise InteractionExpired("another person signed in meanwhile")
        if now_there.missing(current.request.level):
            raise InteractionExpired("the person is not fully checked")
        standing = self.standing_in(tx, current)
        if standing.person.status == "suspended":
            raise PersonSuspended
        guardian = current.progress.guardian
        if standing.needs_guardian and self.needs_asking(current, standing):
            linked = guardian is not None and guardian.person_id == standing.person.guardian_id
            if not linked or not current.progress.guardian_checked:
                raise GuardianRequired
        return current, standing, self._ambient.now()

    def _keep(
        self,
        tx: Connection,
        interaction: Interaction,
        standing: Standing,
        action: Action,
        agreed: frozenset[str],
        language: Language,
        now: datetime,
    ) -> StoredReceipt:
        relying_party, purpose = interaction.relying_party, interaction.purpose
        notice = self.notice(interaction, standing, language)
        sector, person = relying_party.legal_entity.sector, standing.person
        subject = self._stores.subjects.subject_for(tx, person.person_id, sector, person.generation)
        guardian = self._guardian_subject(tx, standing, sector)
        receipt_id = encode_secret(self._ambient.random(RECEIPT_ID_BYTES))

        def build(sequence: int, previous: str) -> StoredReceipt:
            receipt = Receipt(
                receipt_id=receipt_id,
                sequence=sequence,
                previous=previous,
                subject=subject.reveal(),
                guardian_subject=guardian,
                client_id=relying_party.client_id,
                purpose=purpose.id if purpose else None,
                legal_basis=purpose.legal_basis.code if purpose and purpose.legal_basis else None,
                offered=_ordered(interaction.asked),
                agreed=_ordered(agreed),
                notice=NoticeReference(version=notice.version, sha256=notice.sha256, language=language),
                action=action,
                decided_at=now,
                expires_at=self._ends(tx, interaction, standing, now),
            )
            return StoredReceipt(receipt, person.person_id, self._sign(receipt), None)

        kept = self._stores.consents.append(tx, person.person_id, build)
        self._stores.audit.record(
            tx,
            f"consent_{action.value}",
            at=now,
            person_id=person.person_id,
            client_id=relying_party.client_id,
            receipt_id=receipt_id,
            details={"claims": " ".join(_ordered(agreed))},
        )
        return kept

    def _guardian_subject(self, tx: Connection, standing: Standing, sector: str) -> str | None:
        guardian_id = standing.person.guardian_id
        guardian = self._stores.persons.get(tx, guardian_id) if standing.needs_guardian and guardian_id else None
        if guardian is None:
            return None
        return self._stores.subjects.subject_for(tx, guardian.person_id, sector, guardian.generation).reveal()

    def _ends(
        self, tx: Connection, interaction: Interaction, standing: Standing, now: datetime
    ) -> datetime | None:
        """A release lasts one access token; a guardian's word lasts until the child turns 14."""
        if interaction.purpose is not None:
            return now + CODE_LIFETIME + ACCESS_TOKEN_LIFETIME
        if standing.needs_guardian:
            return self._disclosure.turns_14_at(tx, standing.person.person_id)
        return None

    def _sign(self, receipt: Receipt) -> str:
        payload = {"iss": self._issuer, "mock": True, **receipt.model_dump(mode="json")}
        return sign(payload, self._keyring.receipt_key(), RECEIPT_TYPE)

    def _conclude(
        self,
        tx: Connection,
        interaction: Interaction,
        standing: Standing,
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
            nonce=request.nonce,
            scope=request.scope,
            verify=request.verify,
            purpose=request.purpose,
            userinfo=tuple(name for name in request.userinfo if name in agreed),
            id_token=tuple(name for name in request.id_token if name in agreed),
            person_id=standing.person.person_id,
            receipt_id=receipt_id,
            level=AssuranceLevel.of(who.proved),
            amr=tuple(sorted(who.proved)),
            checked_at=interaction.progress.checked_at,
        )
        return self._grants.issue_code(tx, grant, now)

    def _finish(self, tx: Connection, interaction: Interaction, now: datetime) -> None:
        if not self._stores.interactions.finish(tx, digest_of(interaction.handle), now):
            raise InteractionExpired("it has already ended")


def _ordered(names: frozenset[str]) -> tuple[str, ...]:
    return tuple(claim.name for claim in in_catalogue_order(names))
