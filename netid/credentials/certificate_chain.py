"""Access certificates: who may ask a wallet, as the provider certifies it (RFC 5280; RFC 7515, 4.1.6)."""

import hashlib
from base64 import b64decode, b64encode
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from netid.credentials import base64url
from netid.credentials.jose import Chain
from netid.credentials.jwk import PublicKey
from netid.errors import InvalidField, TokenRefused

MAX_CERTIFICATE = 4096
"""The longest certificate that is looked at, in characters of base64."""


def chain_to(root: x509.Certificate, now: datetime) -> Chain:
    """Takes what a certificate signed by this root signed; the root itself is not sent along."""

    def leaf_key(x5c: object) -> PublicKey:
        leaf = read_certificate(x5c)
        _check_issued(leaf, root, now)
        return key_of(leaf)

    return Chain(leaf_key)


def read_certificate(x5c: object) -> x509.Certificate:
    """The one certificate of an `x5c` member. Raises TokenRefused."""
    match x5c:
        case [str(text)] if len(text) <= MAX_CERTIFICATE:
            try:
                return x509.load_der_x509_certificate(b64decode(text, validate=True))
            except (ValueError, x509.InvalidVersion) as error:
                raise TokenRefused("x5c holds no certificate") from error
    raise TokenRefused("x5c is not a list with one certificate, the root left out")


def write_certificate(certificate: x509.Certificate) -> str:
    """The certificate as `x5c` lists it: base64 of its DER form."""
    return b64encode(certificate.public_bytes(Encoding.DER)).decode("ascii")


def x509_hash(certificate: x509.Certificate) -> str:
    """What a client identifier of prefix `x509_hash` names (OpenID4VP 1.0, 5.9.3)."""
    return base64url.encode(hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest())


def key_of(certificate: x509.Certificate) -> PublicKey:
    """The certificate's ES256 key. Raises TokenRefused."""
    material = certificate.public_key()
    if not isinstance(material, ec.EllipticCurvePublicKey):
        raise TokenRefused("the certificate is not for an ES256 key")
    try:
        return PublicKey.of(material)
    except InvalidField as error:
        raise TokenRefused("the certificate is not for an ES256 key") from error


def _check_issued(leaf: x509.Certificate, root: x509.Certificate, now: datetime) -> None:
    """RFC 5280, 6.1, for a path of one: by the root, in its time, for signing and no authority itself."""
    try:
        leaf.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise TokenRefused("the certificate was not issued by the pinned root") from error
    for certificate in (leaf, root):
        if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
            raise TokenRefused("a certificate of the chain has expired, or its time has not come")
    try:
        constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError) as error:
        raise TokenRefused("the certificate does not say what it is for") from error
    if constraints.ca or not usage.digital_signature:
        raise TokenRefused("the certificate is not for signing requests")
