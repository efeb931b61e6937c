"""Access certificates (RFC 5280, 6.1; RFC 7515, 4.1.6): what leads to the pinned root, and what does not."""

from base64 import b64encode
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from netid.credentials import jose
from netid.credentials.certificate_chain import chain_to, read_certificate, write_certificate, x509_hash
from netid.credentials.jwk import SigningKey
from netid.errors import TokenRefused
from tests.unit.presenting import NOW, certificate, key

ROOT_KEY, OWN = key(), key()
ROOT = certificate(ROOT_KEY, ROOT_KEY, ca=True)
LEAF = certificate(OWN, ROOT_KEY)


def signed(*certificates: x509.Certificate, by: SigningKey = OWN) -> str:
    return jose.sign_with_chain({"a": 1}, by, "t", [write_certificate(one) for one in certificates])


def verified(token: str, at: timedelta = timedelta(0)) -> jose.VerifiedJws:
    return jose.verify(token, key_source=chain_to(ROOT, NOW + at), algorithms=("ES256",), typ="t")


def test_a_certificate_of_the_root_shows_whose_key_signed() -> None:
    assert verified(signed(LEAF)).key.thumbprint == OWN.public.thumbprint


def test_the_hash_is_over_the_der_form() -> None:
    assert x509_hash(LEAF) == x509_hash(read_certificate([write_certificate(LEAF)]))
    assert len(x509_hash(LEAF)) == 43


def test_a_key_that_the_certificate_does_not_name_signs_nothing() -> None:
    with pytest.raises(TokenRefused, match="signature"):
        verified(signed(LEAF, by=key()))


def test_v1_a_certificate_by_another_authority_of_the_same_name_is_refused() -> None:
    stranger = key()
    forged_root = ROOT.subject
    leaf = (
        x509.CertificateBuilder()
        .subject_name(LEAF.subject)
        .issuer_name(forged_root)
        .public_key(OWN.public.material)
        .serial_number(7)
        .not_valid_before(LEAF.not_valid_before_utc)
        .not_valid_after(LEAF.not_valid_after_utc)
    )
    assert isinstance(stranger.private, ec.EllipticCurvePrivateKey)
    with pytest.raises(TokenRefused, match="pinned root"):
        verified(signed(leaf.sign(stranger.private, SHA256())))


def test_v1_a_certificate_signed_by_its_own_key_is_refused() -> None:
    with pytest.raises(TokenRefused, match="pinned root"):
        verified(signed(certificate(OWN, OWN)))


@pytest.mark.parametrize("at", [timedelta(hours=-2), timedelta(days=31)])
def test_a_certificate_counts_in_its_time_alone(at: timedelta) -> None:
    with pytest.raises(TokenRefused, match="expired"):
        verified(signed(LEAF), at)


def test_an_expired_root_certifies_nobody() -> None:
    old_root = certificate(ROOT_KEY, ROOT_KEY, ca=True, lifetime=timedelta(minutes=1))
    source = chain_to(old_root, NOW + timedelta(hours=1))
    with pytest.raises(TokenRefused, match="expired"):
        jose.verify(signed(LEAF), key_source=source, algorithms=("ES256",), typ="t")


@pytest.mark.parametrize("usage", [{"ca": True}, {"digital_signature": False, "key_agreement": True}])
def test_a_certificate_for_something_else_signs_no_requests(usage: dict[str, bool]) -> None:
    with pytest.raises(TokenRefused, match="not for signing requests"):
        verified(signed(certificate(OWN, ROOT_KEY, **usage)))


def test_a_certificate_that_does_not_say_what_it_is_for_is_refused() -> None:
    assert isinstance(ROOT_KEY.private, ec.EllipticCurvePrivateKey)
    bare = (
        x509.CertificateBuilder()
        .subject_name(LEAF.subject)
        .issuer_name(ROOT.subject)
        .public_key(OWN.public.material)
        .serial_number(8)
        .not_valid_before(LEAF.not_valid_before_utc)
        .not_valid_after(LEAF.not_valid_after_utc)
        .sign(ROOT_KEY.private, SHA256())
    )
    with pytest.raises(TokenRefused, match="does not say"):
        verified(signed(bare))


def test_a_key_on_another_curve_does_not_count() -> None:
    assert isinstance(ROOT_KEY.private, ec.EllipticCurvePrivateKey)
    other = ec.generate_private_key(ec.SECP384R1())
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "p-384")]))
        .issuer_name(ROOT.subject)
        .public_key(other.public_key())
        .serial_number(9)
        .not_valid_before(LEAF.not_valid_before_utc)
        .not_valid_after(LEAF.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(LEAF.extensions.get_extension_for_class(x509.KeyUsage).value, critical=True)
        .sign(ROOT_KEY.private, SHA256())
    )
    with pytest.raises(TokenRefused, match="ES256"):
        verified(signed(leaf))


@pytest.mark.parametrize(
    "x5c",
    [
        None,
        "text",
        [],
        [1],
        ["not base64!"],
        ["AAAA"],
        ["A" * 5000],
        [b64encode(LEAF.public_bytes(Encoding.PEM)).decode()],
        [write_certificate(LEAF), write_certificate(ROOT)],
    ],
)
def test_x5c_is_a_list_with_the_one_certificate(x5c: object) -> None:
    with pytest.raises(TokenRefused, match="x5c"):
        read_certificate(x5c)


@pytest.mark.parametrize("source", [jose.Proof(), jose.Confirmed(OWN.public)])
def test_a_chain_counts_where_one_is_expected_and_nowhere_else(source: jose.KeySource) -> None:
    with pytest.raises(TokenRefused, match="names a key"):
        jose.verify(signed(LEAF), key_source=source, algorithms=("ES256",), typ="t")
    with pytest.raises(TokenRefused, match="names a key"):
        verified(jose.sign({"a": 1}, OWN, "t"))


def test_no_byte_that_is_another_makes_it_anything_but_refused() -> None:
    der = LEAF.public_bytes(Encoding.DER)
    for at in range(len(der)):
        spoilt = b64encode(der[:at] + bytes([der[at] ^ 0x55]) + der[at + 1 :]).decode()
        token = jose.sign_with_chain({"a": 1}, OWN, "t", [spoilt])
        with pytest.raises(TokenRefused):
            verified(token)
