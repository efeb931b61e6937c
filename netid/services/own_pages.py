"""The provider's own pages as a destination of sign-in: the same steps, and no release at the end."""

from netid.identity.levels import AssuranceLevel
from netid.identity.relying_party import Authentication, LegalEntity, RelyingParty
from netid.identity.text import Text

OWN_CLIENT_ID = "netid-records"
"""Nobody can register it."""
_NOBODYS_DIGEST = "0" * 64


def own_pages(issuer: str) -> RelyingParty:
    """“My records”, in the shape that sign-in pages know; it receives nothing and can redeem nothing."""
    name = Text(zh="我的记录", en="My records")
    return RelyingParty(
        client_id=OWN_CLIENT_ID,
        name=name,
        contact=issuer,
        legal_entity=LegalEntity(name=name, sector=OWN_CLIENT_ID),
        redirect_uris=(f"{issuer}/records",),
        authentication=Authentication.SECRET_BASIC,
        secret_digest=_NOBODYS_DIGEST,
        default_level=AssuranceLevel.CREDENTIAL_PASSCODE,
    )
