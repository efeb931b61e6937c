"""The authority that certifies relying parties to wallets."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from netid.ambient import Ambient
from netid.credentials.access_authority import LIFETIME, AccessAuthority
from netid.credentials.certificate_chain import chain_to, write_certificate
from netid.credentials.jwk import SigningKey
from netid.errors import TokenRefused

NOW = datetime(2026, 3, 5, 6, 20, tzinfo=UTC)
AMBIENT = Ambient(lambda: NOW, os.urandom)
KEY = SigningKey.generate("ES256", os.urandom)


def leaf_key(authority: AccessAuthority, certificate: x509.Certificate, now: datetime):
    return chain_to(authority.root, now).leaf_key([write_certificate(certificate)])


def test_the_same_secret_makes_the_same_root_byte_for_byte():
    secret = os.urandom(32)
    assert AccessAuthority(secret).trust_anchor == AccessAuthority(secret).trust_anchor
    assert AccessAuthority(secret).trust_anchor != AccessAuthority(os.urandom(32)).trust_anchor


def test_a_certificate_leads_to_the_root_and_gives_the_key():
    authority = AccessAuthority(os.urandom(32))
    certificate = authority.certify("forum", KEY.public, AMBIENT)
    assert leaf_key(authority, certificate, NOW).thumbprint == KEY.public.thumbprint
    assert certificate.subject.rfc4514_string() == "CN=forum"


def test_another_authoritys_certificate_leads_nowhere():
    certificate = AccessAuthority(os.urandom(32)).certify("forum", KEY.public, AMBIENT)
    with pytest.raises(TokenRefused):
        leaf_key(AccessAuthority(os.urandom(32)), certificate, NOW)


def test_a_certificate_ends():
    authority = AccessAuthority(os.urandom(32))
    certificate = authority.certify("forum", KEY.public, AMBIENT)
    leaf_key(authority, certificate, NOW + LIFETIME - timedelta(minutes=6))
    with pytest.raises(TokenRefused, match="expired"):
        leaf_key(authority, certificate, NOW + LIFETIME)


def test_what_it_certified_certifies_nobody():
    authority = AccessAuthority(os.urandom(32))
    certificate = authority.certify("forum", KEY.public, AMBIENT)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert not constraints.value.ca


def test_a_key_of_another_kind_is_refused():
    authority, rsa = AccessAuthority(os.urandom(32)), SigningKey.generate("RS256", os.urandom).public
    with pytest.raises(ValueError, match="P-256"):
        authority.certify("forum", rsa, AMBIENT)
