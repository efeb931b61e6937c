"""What the state machine knows of people, relying parties and consents, in plain sets."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from netid.identity.calendar import legal_day
from netid.identity.claims import CATALOGUE
from tests.running import CALLBACK

SECRET = "a secret of thirty-two characters"
TOKEN_LIFE = timedelta(minutes=5)
Values = dict[str, str | bool]


@dataclass(eq=False)
class Person:
    """Somebody, as the model knows them."""

    persona: str
    person_id: str
    fields: dict[str, str]
    guardian: "Person | None" = None
    """Who decides for somebody under 14."""
    status: str = "active"

    @property
    def may_decide(self) -> bool:
        """Whether a decision can come about, by the person or by the guardian."""
        return self.status == "active" and (self.guardian is None or self.guardian.status == "active")

    def value(self, name: str, now: datetime) -> str | bool | None:
        """What the claim says of this person."""
        claim = CATALOGUE[name]
        source = self.fields.get(claim.source)
        return claim.predicate(source, legal_day(now)) if claim.predicate and source else source


@dataclass(eq=False)
class Shop:
    """A relying party, as the model knows it: claim to necessity, for each of its purposes."""

    client_id: str
    purposes: dict[str, dict[str, str]]
    edition: int = 0
    """Changes with the words of its purposes."""
    removed: bool = False

    @property
    def registration(self) -> dict[str, Any]:
        """What it registers."""
        named = {id_: claims for id_, claims in self.purposes.items() if claims}
        return {
            "client_id": self.client_id,
            "name": {"zh": "商店", "en": "Shop"},
            "contact": f"privacy@{self.client_id}.example",
            "legal_entity": {
                "name": {"zh": self.client_id, "en": self.client_id},
                "sector": f"{self.client_id}.example",
            },
            "redirect_uris": [CALLBACK],
            "authentication": "client_secret_basic",
            "secret": SECRET,
            "purposes": [_purpose(id_, claims, self.edition) for id_, claims in named.items()],
        }


@dataclass(eq=False)
class Token:
    """An access token and what it rests on."""

    code: str
    receipt_id: str
    person: Person
    shop: Shop
    purpose: str
    told: dict[str, str]
    """What was offered, and whether it was called essential."""
    agreed: frozenset[str]
    edition: int
    decided_at: datetime
    value: str = ""
    """The access token itself; empty until the code is redeemed."""
    subject: str = ""
    ended: bool = False
    """Withdrawn, or its code was replayed."""
    last: Values | None = field(default_factory=dict)
    fresh: bool = True

    def allowed(self, now: datetime) -> Values:
        """Registered ∩ requested ∩ agreed, as far as the person has it."""
        names = self.agreed & self.shop.purposes.get(self.purpose, {}).keys()
        values = {name: self.person.value(name, now) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    def must_be_nothing(self, now: datetime) -> bool:
        """Whether the consent has ended, or the person would read another text now."""
        gone = self.shop.removed or self.person.status != "active"
        return self.ended or gone or now >= self.decided_at + TOKEN_LIFE or self._is_reworded()

    def _is_reworded(self) -> bool:
        registered = self.shop.purposes.get(self.purpose)
        if not registered or not self.agreed:
            return False  # there is nothing to release
        told_now = {name: registered.get(name) for name in self.told}
        return self.edition != self.shop.edition or told_now != self.told


def _purpose(id_: str, claims: dict[str, str], edition: int) -> dict[str, Any]:
    because = {"zh": "因为", "en": "because"}
    basis = {"code": "CN-RULE", "text": {"zh": "规定", "en": "A rule"}}
    return {
        "id": id_,
        "text": {"zh": f"用途{edition}", "en": f"Purpose {edition}"},
        "legal_basis": basis,
        "retention_days": 1,
        "claims": [{"name": name, "necessity": how, "because": because} for name, how in claims.items()],
    }
