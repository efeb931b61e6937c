"""Giving out what a legal exception covers, always on record, with a notice owed to the person."""

from dataclasses import dataclass
from datetime import datetime

from netid.ambient import Ambient
from netid.disclosure import Disclosure, Release
from netid.errors import InvalidField
from netid.identity.exceptions import EXCEPTIONS, ExceptionRequest
from netid.storage.duties import DutyKind
from netid.storage.stores import Stores

SIGN_INS = frozenset({"signed_in", "code_redeemed"})
"""The audit events that the log of a person's authentications consists of."""

_ID_BYTES = 12


@dataclass(frozen=True)
class LogLine:
    """One authentication."""

    at: datetime
    kind: str
    client_id: str | None


@dataclass(frozen=True)
class GivenOut:
    """What an authority gets."""

    release: Release
    log: list[LogLine]
    duty_id: str
    """The notice that is now owed to the person."""


class Exceptions:
    """Answers authorities within the coded exceptions."""

    def __init__(self, stores: Stores, *, disclosure: Disclosure, ambient: Ambient) -> None:
        self._stores = stores
        self._disclosure = disclosure
        self._ambient = ambient

    def give_out(self, person_id: str, request: ExceptionRequest) -> GivenOut:
        """What the exception covers, in one transaction with its record and the notice that is owed.

        Raises InvalidField if the exception is not that authority's.
        """
        exception = EXCEPTIONS[request.code]
        if request.authority not in exception.authorities:
            raise InvalidField(
                "authority", f"may not use {request.code}", "name one that the exception lists"
            )
        now = self._ambient.now()
        duty_id = self._ambient.random(_ID_BYTES).hex()
        with self._stores.db.write() as tx:
            release = self._disclosure.release_by_law(tx, person_id, request.code)
            log = [
                LogLine(event.at, event.kind, event.client_id)
                for event in (self._stores.audit.of_person(tx, person_id) if exception.with_log else ())
                if event.kind in SIGN_INS
            ]
            details = request.model_dump(mode="json") | {"claims": " ".join(sorted(release.claims))}
            self._stores.duties.add(tx, duty_id, DutyKind.EXCEPTION, person_id, details, now)
            self._stores.audit.record(
                tx, "given_out_by_law", at=now, person_id=person_id, details=details | {"duty": duty_id}
            )
        return GivenOut(release, log, duty_id)
