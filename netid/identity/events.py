"""What the provider tells relying parties afterwards: security events (RFC 8417), as a closed schema.

Names and ids alone: no event has room for a field's value. Two relying parties that compare what
they were sent find nothing in common: subject, `jti` and `txn` are each party's own.
"""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

from netid.identity.relying_party import ClaimName, PurposeId

EVENT_TYPE: Final = "secevent+jwt"
"""The `typ` of a security event token (RFC 8417, 2.3)."""

LOGOUT_TYPE: Final = "logout+jwt"
"""The `typ` of a logout token (OpenID Connect Back-Channel Logout 1.0, 2.4)."""

BACKCHANNEL_LOGOUT: Final = "http://schemas.openid.net/event/backchannel-logout"
"""The member of `events` that makes a token a logout token."""

CONSENT_WITHDRAWN: Final = "urn:netid:event:consent-withdrawn"
"""The person took a consent back: what was given on it is to be deleted (PIPL 15 and 47)."""

SUBJECT_ENDED: Final = "urn:netid:event:subject-ended"
"""Nobody will sign in as this subject again: everything kept under it is to be deleted (PIPL 47).

A person who left for good and one who asked for a new subject look the same. RISC's account-purged
would be untrue of the second, and would tell the two apart.
"""


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class WithdrawnConsent(_Closed):
    """What the event `CONSENT_WITHDRAWN` carries."""

    receipt_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    """The receipt of the consent that was taken back."""
    purpose: PurposeId | None = None
    """The id of its purpose; None for a check result."""
    claims: tuple[ClaimName, ...] = ()
    """The names of the claims it covered, never their values."""


class EndedSubject(_Closed):
    """What the event `SUBJECT_ENDED` carries: nothing but its subject."""


class SubjectId(_Closed):
    """Whom an event is about, as its recipient knows them (RFC 9493, 3.2.4: `iss_sub`)."""

    format: Annotated[str, StringConstraints(pattern=r"^iss_sub$")] = "iss_sub"
    iss: str
    sub: str
