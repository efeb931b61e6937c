"""What people are told afterwards: that something was given out by law, or that something was lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from netid.ambient import Ambient
from netid.credentials.status_list import Status
from netid.errors import NotFound
from netid.identity.claims import in_catalogue_order
from netid.identity.exceptions import AUTHORITY_LABELS, EXCEPTIONS, Authority, ExceptionCode
from netid.identity.incidents import Incident
from netid.identity.revocation import REVOCATION_REASONS, RevocationReason
from netid.identity.suspension import SUSPENSION_RULES, SuspensionReason
from netid.identity.text import Text
from netid.storage.duties import Duty, DutyKind
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction


@dataclass(frozen=True)
class Notice:
    """One notice, as its person reads it."""

    happened_at: datetime
    told_at: datetime
    title: Text
    facts: list[tuple[Text, Text]]


class Notices:
    """What is owed, and what was told."""

    def __init__(self, stores: Stores, *, ambient: Ambient) -> None:
        self._stores = stores
        self._ambient = ambient

    def owed(self) -> list[Duty]:
        """What nobody has been told yet, the earliest first."""
        with self._stores.db.read() as tx:
            return self._stores.duties.owed(tx)

    def give(self, duty_id: str) -> Duty:
        """Gives the notice, which closes the duty: it stands in the person's records from now on.

        A report to an authority is closed the same way, once it was handed in. Raises NotFound.
        """
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            duty = self._stores.duties.get(tx, duty_id)
            if duty is None or not self._stores.duties.close(tx, duty_id, now):
                raise NotFound("nothing of that id is owed")
            details = {"duty": duty_id, "about": duty.kind.value}
            self._stores.audit.record(tx, "notice_given", at=now, person_id=duty.person_id, details=details)
        return duty

    def told(self, person_id: str) -> list[Notice]:
        """Everything this person was told, the latest first."""
        with self._stores.db.read() as tx:
            return self.told_in(tx, person_id)

    def told_in(self, tx: Transaction, person_id: str) -> list[Notice]:
        """The same within a transaction."""
        person = self._stores.persons.get(tx, person_id)
        since = person.created_at if person else self._ambient.now()
        return [_notice(duty) for duty in self._stores.duties.told(tx, person_id, since)]


def _notice(duty: Duty) -> Notice:
    told_at = duty.closed_at or duty.opened_at
    if duty.kind is DutyKind.EXCEPTION:
        return Notice(duty.opened_at, told_at, _GIVEN_OUT, _exception_facts(duty))
    if duty.kind is DutyKind.COPIES:
        return Notice(duty.opened_at, told_at, _COPIES[Status[duty.details["became"].upper()]], _why(duty))
    incident = Incident.model_validate(duty.details["incident"])
    return Notice(duty.opened_at, told_at, incident.title, incident.facts())


_GIVEN_OUT = Text(
    zh="您的信息依法提供给了有关机关", en="Details of yours were given to an authority, as the law provides"
)


_COPIES: Mapping[Status, Text] = {
    Status.VALID: Text(
        zh="您钱包里的网证长期副本恢复有效", en="The long copies in your wallets are good again"
    ),
    Status.SUSPENDED: Text(
        zh="您钱包里的网证长期副本已暂停", en="The long copies in your wallets are suspended"
    ),
    Status.INVALID: Text(zh="您钱包里的网证长期副本已作废", en="The long copies in your wallets are void"),
}
_ENDED = Text(zh="暂停已结束", en="The suspension has ended")
_PUBLISHED = Text(zh="两个多小时之内，分几次公布", en="within little more than two hours, at several times")


def _why(duty: Duty) -> list[tuple[Text, Text]]:
    return [
        (
            Text(zh="为什么", en="Why"),
            _reason(Status[duty.details["became"].upper()], duty.details["reason"]),
        ),
        (Text(zh="何时公布", en="Published"), _PUBLISHED),
    ]


def _reason(became: Status, code: str) -> Text:
    if became is Status.VALID:
        return _ENDED
    if became is Status.SUSPENDED:
        return SUSPENSION_RULES[SuspensionReason(code)].text
    return REVOCATION_REASONS[RevocationReason(code)]


def _exception_facts(duty: Duty) -> list[tuple[Text, Text]]:
    exception = EXCEPTIONS[ExceptionCode(duty.details["code"])]
    labels = [claim.label for claim in in_catalogue_order(frozenset(duty.details["claims"].split()))]
    given = [*labels, Text(zh="登录记录", en="sign-in log")] if exception.with_log else labels
    return [
        (Text(zh="提供给", en="Given to"), AUTHORITY_LABELS[Authority(duty.details["authority"])]),
        (Text(zh="为什么", en="Why"), exception.text),
        (Text(zh="依据", en="Basis"), exception.article),
        (
            Text(zh="内容", en="What"),
            Text(zh="、".join(one.zh for one in given), en=", ".join(one.en for one in given)),
        ),
    ]
