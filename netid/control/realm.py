"""A realm: one isolated instance for one test, with its own people, clock, outcomes, faults and capture."""

import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Protocol
from wsgiref.types import WSGIApplication

from netid.ambient import Ambient
from netid.control.capture import Capture
from netid.control.clock import RealmClock
from netid.control.doubles import Doubles
from netid.control.faulty_answers import FaultyAnswers
from netid.control.faulty_tokens import FaultySigner
from netid.control.made_people import PersonWanted, made_people
from netid.control.masking import Mask
from netid.control.pacing import Paced, Pacing
from netid.control.standing_faults import Faults
from netid.control.template import Template, settings_in
from netid.credentials.keyring import Keyring
from netid.identity.calendar import legal_day
from netid.identity.persons import Persona
from netid.identity.revocation import RevocationReason
from netid.services.approval import Outcomes
from netid.services.enrolment import Enrolment
from netid.services.records import Records
from netid.services.registration import Registration
from netid.services.revocation import Revocation
from netid.services.rights import Rights
from netid.settings import Settings

_MASK_BYTES = 32


class Services(Protocol):
    """The services of a provider that the management API calls."""

    @property
    def registration(self) -> Registration: ...
    @property
    def enrolment(self) -> Enrolment: ...
    @property
    def rights(self) -> Rights: ...
    @property
    def records(self) -> Records: ...
    @property
    def revocation(self) -> Revocation: ...


class Instance(Protocol):
    """A provider, as it is seen from below the composition root."""

    @property
    def services(self) -> Services: ...
    @property
    def people(self) -> Sequence[Persona]: ...
    @property
    def wsgi(self) -> WSGIApplication: ...
    def close(self) -> None:
        """Stops it."""


Build = Callable[[Settings, Keyring, Ambient, Doubles], Instance]
"""The composition root's `build`."""


class Realm:
    """One isolated instance. Only `Realms.create` makes one, and only `Realms` ends one."""

    def __init__(
        self,
        realm_id: str,
        settings: Settings,
        *,
        directory: Path,
        template: Callable[[], Template],
        keyring: Keyring,
        ambient: Ambient,
        build: Build,
        expires_at: datetime,
        has_line: bool,
    ) -> None:
        """`settings` have the realm's own issuer; the directory does not exist yet."""
        self.id = realm_id
        self.issuer = settings.issuer
        self.expires_at = expires_at
        self.clock = RealmClock(ambient.now)
        self.outcomes = Outcomes()
        self.pacing = Pacing()
        self.faults = Faults(has_line=has_line)
        self.capture = Capture(self._now, Mask(ambient.random(_MASK_BYTES)))
        self._settings = settings_in(directory, settings, settings.issuer)
        self.directory = directory
        self._template = template
        self._original_keys = keyring
        self._ambient = Ambient(now=self._now, random=ambient.random)
        self._build = build
        self._lock = RLock()
        self._begin()

    def _now(self) -> datetime:
        return self.clock.now()

    def _begin(self) -> None:
        template = self._template()
        template.copy_to(self.directory)
        self.people = tuple(template.people)
        self._keyring = self._original_keys
        self.provider = self._built()

    def _built(self) -> Instance:
        doubles = Doubles(
            signer=lambda ordinary: FaultySigner(ordinary, self.faults, self._now),
            middleware=self._fronted,
            outcomes=self.outcomes,
            enrolled=self.people,
        )
        return self._build(self._settings, self._keyring, self._ambient, doubles)

    def _fronted(self, app: WSGIApplication) -> WSGIApplication:
        paced = Paced(app, self.issuer, self.pacing, self.outcomes.decides)
        return self.capture.wrap(FaultyAnswers(paced, self.faults))

    def _rebuild(self) -> None:
        """A new instance on the same databases; requests under way end on the old one's connections."""
        before, self.provider = self.provider, self._built()
        before.close()

    def enrol(self, wanted: PersonWanted) -> Persona:
        """Enrols somebody, whom the sign-in page lists from now on. Raises InvalidField."""
        with self._lock:
            taken = [persona.id for persona in self.people]
            made = made_people(wanted, taken, legal_day(self._now()), self._ambient.random)
            for persona in made:
                self.provider.services.enrolment.enrol_persona(persona)
            self.people = (*self.people, *made)
            self._rebuild()
            return made[-1]

    def withdraw_all(self, persona_id: str) -> int:
        """Withdraws every consent that this persona gave, as they could on their pages; how many."""
        services = self.provider.services
        person_id = services.records.person_of(persona_id)
        given = [entry for entry in services.rights.history(person_id) if entry.can_withdraw]
        for entry in given:
            services.rights.withdraw(person_id, entry.stored.receipt.receipt_id)
        return len(given)

    def revoke_copies(self, persona_id: str) -> int:
        """Revokes every copy with a status in this persona's wallets; how many. Raises NotFound for none."""
        services = self.provider.services
        person_id = services.records.person_of(persona_id)
        return services.revocation.revoke(person_id, RevocationReason.DEVICE_LOST)

    def rotate_keys(self) -> None:
        """Signs with the announced keys from now on; the old ones stay published."""
        with self._lock:
            self._keyring = self._keyring.rotate(self._ambient, announced_for=timedelta())
            self._rebuild()

    def reset(self) -> None:
        """Everything as it was at the beginning, under the same issuer."""
        with self._lock:
            self._end()
            self.clock.reset()
            self.outcomes.clear()
            self.faults.clear()
            self.pacing.pace = "fast"
            self.capture.clear()
            self._begin()

    def close(self) -> None:
        """Ends the instance and leaves nothing on the disk."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        self.provider.close()
        shutil.rmtree(self.directory)
