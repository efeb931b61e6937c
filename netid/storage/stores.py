"""Everything a service reads and writes, except the vault, which only the one door opens."""

from dataclasses import dataclass, field

from netid.storage.appeals import Appeals
from netid.storage.audit import Audit
from netid.storage.complaints import Complaints
from netid.storage.consents import Consents
from netid.storage.copies import Copies
from netid.storage.database import Database
from netid.storage.duties import Duties
from netid.storage.erasures import Erasures
from netid.storage.interactions import Interactions
from netid.storage.messages import OutgoingMessages
from netid.storage.permissions import Permissions
from netid.storage.persons import Persons
from netid.storage.relying_parties import RelyingParties
from netid.storage.sessions import Sessions
from netid.storage.single_use import SingleUse
from netid.storage.subjects import Subjects
from netid.storage.throttle import Throttle
from netid.storage.tokens import AccessTokens


@dataclass(frozen=True)
class Stores:
    """The tables of one provider's main database, by what they hold."""

    db: Database
    subjects: Subjects
    persons: Persons = field(default_factory=Persons)
    relying_parties: RelyingParties = field(default_factory=RelyingParties)
    interactions: Interactions = field(default_factory=Interactions)
    sessions: Sessions = field(default_factory=Sessions)
    single_use: SingleUse = field(default_factory=SingleUse)
    tokens: AccessTokens = field(default_factory=AccessTokens)
    consents: Consents = field(default_factory=Consents)
    messages: OutgoingMessages = field(default_factory=OutgoingMessages)
    appeals: Appeals = field(default_factory=Appeals)
    complaints: Complaints = field(default_factory=Complaints)
    duties: Duties = field(default_factory=Duties)
    copies: Copies = field(default_factory=Copies)
    permissions: Permissions = field(default_factory=Permissions)
    erasures: Erasures = field(default_factory=Erasures)
    throttle: Throttle = field(default_factory=Throttle)
    audit: Audit = field(default_factory=Audit)
