"""Records of processing, and an assessment for each purpose, made from what is registered (PIPL 55, 56)."""

from collections.abc import Iterable, Mapping
from typing import Any

from netid.identity.claims import CATALOGUE
from netid.identity.exceptions import EXCEPTIONS
from netid.identity.relying_party import Purpose, RelyingParty
from netid.storage.tables import KEYS, MAIN, PURPOSES

Json = dict[str, Any]

SAFEGUARDS = (
    "fields are encrypted under a key of each person's own, kept in another database (PIPL 51)",
    "a relying party knows a person by a subject that it alone knows",
    "a field leaves on a registered legal basis and a separate consent alone (Measures, articles 8 and 9)",
    "each release is on record and its person can read it (PIPL 48)",
    "withdrawal and cancellation end it at once (PIPL 15 and 47)",
)


def processing_records(relying_parties: Iterable[RelyingParty], region: str) -> Json:
    """What is stored and why, what goes to whom and why, and what it means for people."""
    return {
        "mock": True,
        "region": region,
        "stores": {"main": _columns(MAIN.tables), "keys": _columns(KEYS.tables)},
        "purposes": [_assessed(party, purpose) for party in relying_parties for purpose in party.purposes],
        "without_consent": [
            {
                "code": code.value,
                "basis": one.article.model_dump(),
                "fields": sorted(one.fields),
                "log": one.with_log,
            }
            for code, one in EXCEPTIONS.items()
        ],
    }


def _columns(tables: Mapping[str, Any]) -> dict[str, str]:
    names = (str(column) for table in tables.values() for column in table.c)
    return {name: PURPOSES[name] for name in sorted(names)}


def _assessed(party: RelyingParty, purpose: Purpose) -> Json:
    """PIPL 56: whether it is lawful and needed, what it means for people, whether it is guarded enough."""
    claims = {claim.name: CATALOGUE[claim.name] for claim in purpose.claims}
    sensitive = [claim for claim in claims.values() if claim.sensitive]
    basis = purpose.legal_basis
    return {
        "recipient": party.name.model_dump(),
        "client_id": party.client_id,
        "contact": party.contact,
        "purpose": purpose.text.model_dump(),
        "why_assessed": ["PIPL 55(3): given to another"] + (["PIPL 55(1): sensitive"] if sensitive else []),
        "lawful": {
            "legal_basis": {"code": basis.code, "text": basis.text.model_dump()} if basis else None,
            "consent": "separate, for each release (PIPL 23 and 29)",
        },
        "needed": [
            {"claim": one.name, "necessity": one.necessity.value, "because": one.because.model_dump()}
            for one in purpose.claims
        ],
        "impact": {claim.name: claim.sensitive.model_dump() for claim in sensitive if claim.sensitive},
        "kept_for_days": purpose.retention_days,
        "safeguards": list(SAFEGUARDS),
    }
