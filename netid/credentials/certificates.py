"""A certificate authority for one machine, and server certificates by it (RFC 5280).

Whoever trusts this authority trusts it for the names it was made for and for no others: that
stands in its own certificate, so that its key is no danger to the rest of the web.
"""

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from netid.ambient import Ambient
from netid.credentials.jwk import SigningKey

SERVER_LIFETIME = timedelta(days=397)
"""What browsers accept at most is 398 days (CA/Browser Forum Baseline Requirements, 6.3.2)."""

RENEWED_BEFORE = timedelta(days=30)
"""How long before its end a certificate is replaced."""

_AUTHORITY_LIFETIME = timedelta(days=3650)
_AUTHORITY_NAME = "NetID mock: local authority"
_EARLIER = timedelta(hours=1)
"""Valid from before it was made: clocks differ."""


@dataclass(frozen=True)
class Certified:
    """A certificate and the key it is for."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def from_pem(cls, data: bytes) -> "Certified":
        """What `pem` wrote. Raises ValueError."""
        key = load_pem_private_key(data, password=None)
        certificate = x509.load_pem_x509_certificate(data)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ValueError("key and certificate do not belong together")
        return cls(certificate, key)

    def pem(self) -> bytes:
        """Both, one after the other: for a file that only its owner reads."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.public_pem()

    def public_pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM)

    def lasts(self, now: datetime) -> bool:
        """Whether it need not be replaced yet."""
        begins, ends = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        return begins <= now < ends - RENEWED_BEFORE

    def is_by(self, authority: "Certified") -> bool:
        """Whether this authority issued it."""
        issuer = self.certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        own = x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key())
        return issuer.key_identifier == own.digest

    def permits(self, hosts: Iterable[str]) -> bool:
        """Whether this authority may vouch for exactly these hosts."""
        return set(self._constraints().permitted_subtrees or ()) == {_constraint(host) for host in hosts}

    def names(self, hosts: Iterable[str]) -> bool:
        """Whether this server certificate is for exactly these hosts."""
        names = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return set(names) == {_name(host) for host in hosts}

    def _constraints(self) -> x509.NameConstraints:
        return self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value


def make_authority(hosts: Iterable[str], ambient: Ambient) -> Certified:
    """An authority that can vouch for these hosts (names or IP addresses) and nothing else."""
    key = _key(ambient.random)
    constraints = x509.NameConstraints([_constraint(host) for host in sorted(hosts)], None)
    builder = (
        _builder(_AUTHORITY_NAME, key, ambient, _AUTHORITY_LIFETIME)
        .issuer_name(subject(_AUTHORITY_NAME))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(signs_certificates=True), critical=True)
        .add_extension(constraints, critical=True)
    )
    return Certified(builder.sign(key, SHA256()), key)


def make_server_certificate(authority: Certified, hosts: Iterable[str], ambient: Ambient) -> Certified:
    """A certificate for a server at all of these hosts."""
    key = _key(ambient.random)
    names = x509.SubjectAlternativeName([_name(host) for host in sorted(hosts)])
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        _builder("NetID mock", key, ambient, SERVER_LIFETIME)
        .issuer_name(authority.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(names, critical=False)
        .add_extension(by, critical=False)
    )
    return Certified(builder.sign(authority.key, SHA256()), key)


def _builder(
    name: str, key: ec.EllipticCurvePrivateKey, ambient: Ambient, lifetime: timedelta
) -> x509.CertificateBuilder:
    begins = ambient.now().replace(microsecond=0) - _EARLIER
    return (
        x509.CertificateBuilder()
        .subject_name(subject(name))
        .public_key(key.public_key())
        # RFC 5280, 4.1.2.2: positive, and at most 20 octets.
        .serial_number(int.from_bytes(ambient.random(16)) + 1)
        .not_valid_before(begins)
        .not_valid_after(begins + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key(random: Callable[[int], bytes]) -> ec.EllipticCurvePrivateKey:
    private = SigningKey.generate("ES256", random).private
    assert isinstance(private, ec.EllipticCurvePrivateKey)  # noqa: S101  (ES256 is P-256)
    return private


def subject(name: str) -> x509.Name:
    """A certificate's subject: a common name and nothing more."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """What the key is for (RFC 5280, 4.2.1.3): signing certificates, or signing anything else."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _constraint(host: str) -> x509.GeneralName:
    """The name and those below it, or the one address (RFC 5280, 4.2.1.10)."""
    try:
        return x509.IPAddress(ipaddress.ip_network(host))
    except ValueError:
        return x509.DNSName(host)
