"""What can be done at one provider, in one value."""

from dataclasses import dataclass

from netid.services.applying import Applying
from netid.services.approval import Approvals
from netid.services.cancellation import Cancellation
from netid.services.complaining import Complaining
from netid.services.copying import Copying
from netid.services.correcting import Correcting
from netid.services.decisions import Decisions
from netid.services.enrolment import Enrolment
from netid.services.exceptions import Exceptions
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.grants import Grants
from netid.services.incidents import Incidents
from netid.services.issuing import Issuing
from netid.services.notices import Notices
from netid.services.offers import Offers
from netid.services.permitting import Permitting
from netid.services.pushed_requests import PushedRequests
from netid.services.records import Records
from netid.services.refusals import Refusals
from netid.services.registration import Registration
from netid.services.revocation import Revocation
from netid.services.rights import Rights
from netid.services.sign_in import SignIn
from netid.services.signing_out import SignOut
from netid.services.statuses import Statuses
from netid.services.suspensions import Suspensions


@dataclass(frozen=True)
class Services:
    """What people and relying parties can do at one provider."""

    registration: Registration
    pushed_requests: PushedRequests
    sign_in: SignIn
    sign_out: SignOut
    fresh: FreshSignIn
    refusals: Refusals
    decisions: Decisions
    grants: Grants
    offers: Offers
    issuing: Issuing
    statuses: Statuses
    revocation: Revocation
    permissions: Permitting
    enrolment: Enrolment
    applying: Applying
    rights: Rights
    records: Records
    complaining: Complaining
    copying: Copying
    correcting: Correcting
    cancellation: Cancellation
    suspensions: Suspensions
    exceptions: Exceptions
    notices: Notices
    incidents: Incidents
    approvals: Approvals | None
    """In test mode."""
