"""The one door from the vault to claims.

Nothing personal leaves the provider but through `release()`; import-linter holds `storage.vault`
shut to everybody except this module and the enrolment service that fills it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from netid.errors import ReleaseRefused
from netid.identity import policy
from netid.identity.ages import Capacity, anniversary, capacity_on
from netid.identity.calendar import legal_day, start_of_legal_day
from netid.identity.claims import CATALOGUE
from netid.identity.consent import StoredReceipt
from netid.identity.exceptions import EXCEPTIONS, ExceptionCode
from netid.identity.net_number import NetNumber
from netid.identity.relying_party import Purpose, RelyingParty
from netid.storage.transaction import Transaction
from netid.storage.vault import Vault

ClaimValue = str | bool
NET_NUMBER_FIELD = "net_number"
"""The vault field of the net number; not in the catalogue, so no relying party can ask for it."""
_WORDS = "words/"
"""What begins the names of vault fields that are no fields of a document: no claim has such a source."""


@dataclass(frozen=True)
class Release:
    """Claims that may leave, by name. Only `Disclosure.release` makes one."""

    claims: Mapping[str, ClaimValue]


class Disclosure:
    """Reads the vault on behalf of a rule, and gives out what the rules permit."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def release(
        self,
        tx: Transaction,
        *,
        recipient: RelyingParty,
        purpose: Purpose,
        requested: frozenset[str],
        consent: StoredReceipt,
        now: datetime,
    ) -> Release:
        """Registered ∩ requested ∩ consented, for the person of that consent (Measures, articles 8 and 9).

        A field the person does not have is absent. Raises ReleaseRefused, with the rule and its
        article in the detail, when a rule forbids the release.
        """
        person_id = consent.person_id
        names = purpose.names & requested & set(consent.receipt.agreed)
        verdict = policy.judge(
            policy.ProposedRelease(
                recipient=recipient,
                purpose=purpose,
                claims=names,
                person_id=person_id,
                capacity=self.capacity(tx, person_id, now),
                consent=consent,
                now=now,
            )
        )
        if isinstance(verdict, policy.Refuse):
            raise ReleaseRefused(f"{verdict.rule} ({verdict.article}): {verdict.reason}")
        return Release(MappingProxyType(self._derive(tx, person_id, names, now)))

    def _derive(
        self, tx: Transaction, person_id: str, names: frozenset[str], now: datetime
    ) -> dict[str, ClaimValue]:
        values = self._vault.open(tx, person_id, {CATALOGUE[name].source for name in names})
        derived: dict[str, ClaimValue] = {}
        for name in sorted(names):
            claim = CATALOGUE[name]
            if (value := values.get(claim.source)) is not None:
                derived[name] = claim.predicate(value, legal_day(now)) if claim.predicate else value
        return derived

    def release_by_law(self, tx: Transaction, person_id: str, code: ExceptionCode) -> Release:
        """What a coded exception covers, and nothing else: the caller cannot name a field.

        It needs no consent; the caller keeps it on record and owes the person a notice.
        """
        return Release(MappingProxyType(self._vault.open(tx, person_id, EXCEPTIONS[code].fields)))

    def release_to_owner(self, tx: Transaction, person_id: str) -> Mapping[str, str]:
        """Every field that is kept of a person, by claim: for that person alone, who has just signed in."""
        fields = {name: claim.source for name, claim in CATALOGUE.items() if claim.is_field}
        values = self._vault.open(tx, person_id, fields.values())
        return MappingProxyType({name: values[source] for name, source in fields.items() if source in values})

    def keep_words(self, tx: Transaction, person_id: str, about: str, words: str) -> None:
        """Seal what a person wrote, or was answered: it can say anything, and goes when they leave."""
        self._vault.seal(tx, person_id, {_WORDS + about: words})

    def kept_words(self, tx: Transaction, person_id: str, about: Iterable[str]) -> dict[str, str]:
        """What was kept so, for the person and for who answers them."""
        found = self._vault.open(tx, person_id, {_WORDS + one for one in about})
        return {name.removeprefix(_WORDS): words for name, words in found.items()}

    def capacity(self, tx: Transaction, person_id: str, now: datetime) -> Capacity:
        """The person's age band today; it stays inside the provider (Measures, articles 4 and 5)."""
        birthdate = self._kept(tx, person_id, "birthdate")
        return capacity_on(date.fromisoformat(birthdate), legal_day(now))

    def turns_14_at(self, tx: Transaction, person_id: str) -> datetime:
        """The moment a guardian's word for this child ends; it stays inside the provider (article 5)."""
        birthdate = date.fromisoformat(self._kept(tx, person_id, "birthdate"))
        return start_of_legal_day(anniversary(birthdate, 14))

    def net_number_for_owner(self, tx: Transaction, person_id: str) -> NetNumber:
        """The net number, which goes to its owner and to nobody else."""
        return NetNumber.parse(self._kept(tx, person_id, NET_NUMBER_FIELD))

    def _kept(self, tx: Transaction, person_id: str, field: str) -> str:
        """A field that everybody has: without it the person's cancellation is under way."""
        value = self._vault.open(tx, person_id, {field}).get(field)
        if value is None:
            raise ReleaseRefused("nothing is kept of this person any more")
        return value
