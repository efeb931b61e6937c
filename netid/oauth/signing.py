"""What leaves signed: ID tokens, and UserInfo's answer where a registration asks for that.

An answer is as long with a yes in it as with a no: who counts bytes on the way learns nothing.
"""

from collections.abc import Mapping

from netid.credentials.current_keys import CurrentKeys
from netid.credentials.jose import sign_even
from netid.credentials.jwk import Algorithm, SigningKey
from netid.identity.relying_party import RelyingParty

UserInfoAnswer = Mapping[str, object] | str
"""UserInfo's answer: members for plain JSON, or a compact JWS."""


class Signer:
    """Turns claims that were decided on into what a relying party receives; it decides nothing itself."""

    def __init__(self, keys: CurrentKeys) -> None:
        self._keys = keys

    def key(self, algorithm: Algorithm) -> SigningKey:
        """The key that signs ID tokens and UserInfo answers with this algorithm now."""
        return self._keys.id_token_key(algorithm)

    def id_token(self, claims: Mapping[str, object], relying_party: RelyingParty) -> str:
        """The ID token, by the algorithm of the registration (OpenID Connect Core, 2)."""
        return sign_even(claims, self.key(relying_party.id_token_signed_response_alg), None)

    def userinfo(self, claims: Mapping[str, object], relying_party: RelyingParty) -> UserInfoAnswer:
        """The claims as they are, or signed where the registration says so (OpenID Connect Core, 5.3.2)."""
        algorithm = relying_party.userinfo_signed_response_alg
        return claims if algorithm is None else sign_even(claims, self.key(algorithm), None)
