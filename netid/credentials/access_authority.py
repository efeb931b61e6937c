"""The authority that certifies relying parties to wallets: who asks is who the provider registered.

Its key is made of a secret of the keyring, and its own certificate of that key, the same whenever it is
made: a wallet that pinned it once knows it again.
"""

import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from netid.ambient import Ambient
from netid.credentials.certificates import key_usage, subject
from netid.credentials.jwk import PublicKey, SigningKey

LIFETIME = timedelta(days=30)
"""How long an access certificate is good for; relying parties fetch a new one each day."""

_BEGINS, _ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2056, 1, 1, tzinfo=UTC)
_NAME = "NetID mock: access authority"
_EARLIER = timedelta(minutes=5)
"""Valid from before it was made: clocks differ."""


class AccessAuthority:
    """Certifies the keys that relying parties sign requests to wallets with."""

    def __init__(self, secret: bytes) -> None:
        """`secret` is the keyring's 32 bytes for this use."""

        def stretched(length: int) -> bytes:
            blocks = (hmac.digest(secret, b"netid-access-v1" + bytes([at]), "sha256") for at in range(2))
            return b"".join(blocks)[:length]

        self._key = SigningKey.generate("ES256", stretched)
        material = self._key.private
        assert isinstance(material, ec.EllipticCurvePrivateKey)  # noqa: S101  (ES256 is P-256)
        self._material = material
        self.root = self._make_root()
        """The certificate that wallets pin."""

    @property
    def trust_anchor(self) -> str:
        """The root as metadata writes it: base64 of its DER form."""
        return b64encode(self.root.public_bytes(Encoding.DER)).decode("ascii")

    def certify(self, client_id: str, key: PublicKey, ambient: Ambient) -> x509.Certificate:
        """A certificate for this key of that relying party, good for signing requests and nothing else.

        Raises ValueError for a key that is not on P-256.
        """
        if not isinstance(key.material, ec.EllipticCurvePublicKey):
            raise ValueError("an access certificate is for a P-256 key")
        begins = ambient.now().replace(microsecond=0) - _EARLIER
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._material.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject(client_id))
            .issuer_name(self.root.subject)
            .public_key(key.material)
            # RFC 5280, 4.1.2.2: positive, and at most 20 octets.
            .serial_number(int.from_bytes(ambient.random(16)) + 1)
            .not_valid_before(begins)
            .not_valid_after(begins + LIFETIME)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(signs_certificates=False), critical=True)
            .add_extension(by, critical=False)
        )
        return builder.sign(self._material, SHA256())

    def _make_root(self) -> x509.Certificate:
        public = self._material.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject(_NAME))
            .issuer_name(subject(_NAME))
            .public_key(public)
            .serial_number(1)
            .not_valid_before(_BEGINS)
            .not_valid_after(_ENDS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )
        return builder.sign(self._material, SHA256(), ecdsa_deterministic=True)
