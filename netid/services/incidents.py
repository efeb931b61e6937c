"""An incident, or an exercise of one: both notices of PIPL 57, and the duty to give them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from netid.ambient import Ambient
from netid.identity.incidents import Incident
from netid.identity.shape import misshapen
from netid.identity.strict_yaml import parse_yaml
from netid.identity.text import Language, Text
from netid.storage.duties import DutyKind
from netid.storage.stores import Stores

_ID_BYTES = 12


@dataclass(frozen=True)
class Declared:
    """What an incident set in motion."""

    people: int
    """How many people are concerned: everybody enrolled."""
    to_people: Mapping[Language, list[str]]
    """The notice, line by line."""
    to_authority: Mapping[Language, list[str]]
    duties: list[str]
    """The notices that are owed now."""


def read_incident(text: str) -> Incident:
    """The incident a YAML file describes. Raises InvalidField with the field and what was expected."""
    try:
        return Incident.model_validate(parse_yaml(text))
    except ValidationError as error:
        raise misshapen(error, Incident) from error


class Incidents:
    """Declares incidents."""

    def __init__(self, stores: Stores, *, region: str, ambient: Ambient) -> None:
        self._stores = stores
        self._region = region
        self._ambient = ambient

    def declare(self, incident: Incident) -> Declared:
        """Opens both duties, in one transaction with the record, and writes the notices."""
        now = self._ambient.now()
        about = {"incident": incident.model_dump(mode="json"), "region": self._region}
        duties = []
        with self._stores.db.write() as tx:
            people = self._stores.persons.count(tx)
            for kind in (DutyKind.INCIDENT_REPORT, DutyKind.INCIDENT):
                duties.append(self._ambient.random(_ID_BYTES).hex())
                self._stores.duties.add(tx, duties[-1], kind, None, about, now)
            details = {"drill": str(incident.drill).lower(), "cause": incident.cause.value}
            self._stores.audit.record(tx, "incident_declared", at=now, details=details)
        extra = [
            (Text(zh="涉及人数", en="People concerned"), Text(zh=str(people), en=str(people))),
            (Text(zh="数据所在地区", en="Region of the stores"), Text(zh=self._region, en=self._region)),
            (Text(zh="发现时间", en="Discovered"), _moment(incident)),
        ]
        facts = incident.facts()
        return Declared(
            people, _written(incident.title, facts), _written(incident.title, facts + extra), duties
        )


def _moment(incident: Incident) -> Text:
    written = incident.discovered_at.isoformat(timespec="minutes")
    return Text(zh=written, en=written)


def _written(title: Text, facts: list[tuple[Text, Text]]) -> Mapping[Language, list[str]]:
    return {
        "zh": [title.zh, *(f"{name.zh}：{value.zh}" for name, value in facts)],
        "en": [title.en, *(f"{name.en}: {value.en}" for name, value in facts)],
    }
