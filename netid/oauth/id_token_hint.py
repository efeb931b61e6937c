"""An ID token of ours that comes back as a hint at a person (OpenID Connect Core, 3.1.2.1)."""

from dataclasses import dataclass

from netid.ambient import Ambient
from netid.credentials import jose
from netid.credentials.current_keys import CurrentKeys
from netid.errors import InvalidRequest, TokenRefused
from netid.identity.pseudonym import PairwiseSubject

_TIMES = frozenset({"exp", "iat", "auth_time"})
"""What every ID token says, and a signed UserInfo answer, made with the same keys, does not."""


@dataclass(frozen=True)
class IdTokenHint:
    """What an ID token that came back says. Only `IdTokenHints.verify` makes one."""

    client_id: str
    """Whom it was issued to."""
    subject: PairwiseSubject
    """The person, as that relying party knows them."""


class IdTokenHints:
    """Verifies hints against the published keys. They may have expired, since they grant nothing."""

    def __init__(self, issuer: str, *, keys: CurrentKeys, ambient: Ambient) -> None:
        self._issuer = issuer
        self._keys = keys
        self._ambient = ambient

    def verify(self, hint: str) -> IdTokenHint:
        """The hint, to whichever relying party it was issued (OpenID Connect Core, 3.1.2.2).

        Raises InvalidRequest for what is no JWT at all, and TokenRefused for one that is not ours.
        """
        try:
            jose.unverified_payload(hint)
        except TokenRefused as error:
            raise InvalidRequest("id_token_hint is not a JWT; send an ID token you received here") from error
        keys = jose.Pinned(self._keys.public_keys("id_token"))
        claims = jose.verify(hint, key_source=keys, algorithms=("RS256", "ES256"), typ=None).payload
        jose.check_issuer(claims, self._issuer)
        if missing := _TIMES - claims.keys():
            raise TokenRefused(f"{min(missing)} is missing")
        jose.check_times({"iat": claims["iat"]}, self._ambient.now(), required=("iat",))
        return IdTokenHint(jose.text_claim(claims, "aud"), PairwiseSubject(jose.text_claim(claims, "sub")))
