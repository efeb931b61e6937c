"""Key proofs: that a wallet holds the keys its copies are to be bound to (OpenID4VCI 1.0, F.1, F.4)."""

from datetime import datetime, timedelta

from netid.credentials import jose
from netid.credentials.jwk import PublicKey
from netid.errors import InvalidNonce, InvalidProof, TokenRefused
from netid.identity.relying_party import WALLET_CLIENT_ID

TYPE = "openid4vci-proof+jwt"
MAX_AGE = timedelta(minutes=5)
"""How long ago a proof may have been made; the nonce alone shows that it is no repetition."""


def verify(proofs: list[str], *, issuer: str, now: datetime) -> tuple[list[PublicKey], str]:
    """The keys, each proved by its own signature, and the one nonce that all of them carry.

    Whether the nonce is ours the caller finds out. Raises InvalidProof, or InvalidNonce where they
    carry several.
    """
    try:
        proved = [_verified(proof, issuer, now) for proof in proofs]
    except TokenRefused as refusal:
        raise InvalidProof(detail=refusal.detail) from refusal
    keys = [key for key, _nonce in proved]
    if len({key.thumbprint for key in keys}) != len(keys):
        raise InvalidProof("proofs.jwt: two are of the same key; each copy needs its own")
    nonces = {nonce for _key, nonce in proved}
    if len(nonces) != 1:
        raise InvalidNonce("proofs.jwt: they carry several nonces; one request has one")
    return keys, nonces.pop()


def _verified(proof: str, issuer: str, now: datetime) -> tuple[PublicKey, str]:
    """F.4, in its order: form, type, algorithm, signature, public key, nonce, time, audience."""
    verified = jose.verify(proof, key_source=jose.Proof(), algorithms=("ES256",), typ=TYPE)
    claims = verified.payload
    nonce = jose.text_claim(claims, "nonce")
    jose.check_times(claims, now, required=("iat",), max_age=MAX_AGE)
    jose.check_audience(claims, issuer)
    # A wallet that did not say who it is leaves it out (F.1).
    if "iss" in claims:
        jose.check_issuer(claims, WALLET_CLIENT_ID)
    return verified.key, nonce
