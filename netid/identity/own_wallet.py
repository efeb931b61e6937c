"""A person's own wallet as a recipient: what a net credential gives its owner, in the shape that every
release has (PIPL 45: people may have a copy of what is kept about them, and take it elsewhere)."""

from netid.identity.claims import CATALOGUE
from netid.identity.levels import AssuranceLevel
from netid.identity.relying_party import (
    WALLET_CLIENT_ID,
    Authentication,
    LegalBasis,
    LegalEntity,
    Necessity,
    Purpose,
    PurposeClaim,
    RelyingParty,
)
from netid.identity.text import Text

SHORT, LONG = "net_credential", "net_credential_long"
CONFIGURATIONS = (SHORT, LONG)
"""The ids of the credential configurations, which are also the scopes that ask for them: short copies
without a status, and longer ones with one (OpenID4VCI 1.0, 5.1.2 and 12.2.4)."""

_ITS_OWNER = Text(zh="本人", en="its owner")
_BECAUSE = Text(zh="以后由本人决定向谁出示", en="for its owner to show to whom they choose")

PURPOSE = Purpose(
    id="net-credential",
    text=Text(zh="把网证放进本人的钱包", en="putting a net credential into its owner’s wallet"),
    legal_basis=LegalBasis(
        code="PIPL-45",
        text=Text(
            zh="《个人信息保护法》第四十五条（查阅、复制、转移本人信息）",
            en="PIPL, article 45 (to copy and transfer what is kept about oneself)",
        ),
    ),
    retention_days=0,
    claims=tuple(
        PurposeClaim(name=name, necessity=Necessity.ESSENTIAL, because=_BECAUSE) for name in CATALOGUE
    ),
)
"""Everything that a net credential holds goes into it together; what of it is shown is decided later."""


def own_wallet(issuer: str, wallet_url: str) -> RelyingParty:
    """The recipient of one's own net credential: a public client, which nobody can register."""
    return RelyingParty(
        client_id=WALLET_CLIENT_ID,
        name=Text(zh="网证钱包", en="NetID wallet"),
        contact=issuer,
        legal_entity=LegalEntity(name=_ITS_OWNER, sector=WALLET_CLIENT_ID),
        redirect_uris=(f"{wallet_url}/callback",),
        authentication=Authentication.NONE,
        default_level=AssuranceLevel.CREDENTIAL_PASSCODE,
        purposes=(PURPOSE,),
    )
