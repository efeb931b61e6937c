"""A provider's anchors, a verifier it registered and a holder: what tests of presentations lean on."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from netid.credentials import net_credential, registration_statement, sd_jwt_vc
from netid.credentials.certificate_chain import x509_hash
from netid.credentials.dcql import Query
from netid.credentials.disclosures import Path
from netid.credentials.jwk import PublicKey, PublicKeySet, SigningKey
from netid.credentials.key_binding import Challenge
from netid.credentials.presentation_response import DecryptionKey
from netid.credentials.registration_statement import Statement
from netid.credentials.request_object import Anchors, Ask, Verifier
from netid.identity.net_number import NetNumber
from netid.identity.relying_party import Purpose

ISSUER = "https://netid.example"
VCT = net_credential.type_of(ISSUER)
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
RANDOM = Random(11).randbytes
PARCEL = Purpose.model_validate(
    {
        "id": "real-name-parcel",
        "text": {"zh": "寄件实名核验", "en": "Real-name check for sending a parcel"},
        "legal_basis": {"code": "CN-EXPRESS-22", "text": {"zh": "条例第二十二条", "en": "Article 22"}},
        "retention_days": 180,
        "claims": [
            {"name": name, "necessity": necessity, "because": {"zh": "登记", "en": "for the record"}}
            for name, necessity in (("name", "essential"), ("phone_number", "voluntary"))
        ],
    }
)


def key() -> SigningKey:
    """A fresh ES256 key."""
    return SigningKey.generate("ES256", RANDOM)


def certificate(
    subject: PublicKey | SigningKey,
    issuer: SigningKey,
    *,
    ca: bool = False,
    now: datetime = NOW,
    lifetime: timedelta = timedelta(days=30),
    **usage: bool,
) -> x509.Certificate:
    """A certificate for that key by that one; `usage` changes what it is for."""
    uses = dict.fromkeys(
        (
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
            *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    uses |= {"key_cert_sign" if ca else "digital_signature": True} | usage
    assert isinstance(issuer.private, ec.EllipticCurvePrivateKey)
    public = subject.public if isinstance(subject, SigningKey) else subject
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one.thumbprint)])
        for one in (public, issuer.public)
    ]
    return (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(public.material)
        .serial_number(int.from_bytes(RANDOM(8)) + 1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + lifetime)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        .add_extension(x509.KeyUsage(**uses), critical=True)
        .sign(issuer.private, SHA256())
    )


@dataclass(frozen=True)
class Authority:
    """The provider, as far as wallets and verifiers know it."""

    root_key: SigningKey = field(default_factory=key)
    credential_key: SigningKey = field(default_factory=key)
    issuer: str = ISSUER

    @property
    def root(self) -> x509.Certificate:
        return certificate(self.root_key, self.root_key, ca=True)

    @property
    def keys(self) -> PublicKeySet:
        return PublicKeySet((self.credential_key.public,))

    @property
    def anchors(self) -> Anchors:
        return Anchors(self.issuer, self.root, self.keys)

    def statement(self, hashed: str, *purposes: Purpose, now: datetime = NOW) -> str:
        """The statement on a relying party of that certificate."""
        said = Statement(
            client_id="parcels",
            x509_hash=hashed,
            name={"zh": "风筝寄件", "en": "Kite Parcels"},  # type: ignore[arg-type]  # pydantic reads it
            contact="privacy@parcels.example",
            legal_entity={"zh": "风筝快递", "en": "Kite Express"},  # type: ignore[arg-type]
            purposes=purposes or (PARCEL,),
        )
        return registration_statement.state(said, self.issuer, self.credential_key, now)

    def verifier(self, *purposes: Purpose, now: datetime = NOW) -> Verifier:
        """A registered relying party with its access certificate."""
        own = key()
        leaf = certificate(own, self.root_key, now=now)
        return Verifier(leaf, own, self.statement(x509_hash(leaf), *purposes, now=now))

    def credential(self, holder: SigningKey, **changes: Any) -> str:
        """A short copy of a made-up person's net credential."""
        today = changes.pop("issued_on", NOW.date())
        given: dict[str, Any] = {
            "issuer": self.issuer,
            "fields": {"name": "林示例", "phone_number": "19000000001", "age_over_18": True},
            "net_number": NetNumber.draw(RANDOM),
            "holder_key": holder.public,
            "issued_on": today,
            "expires_on": today + timedelta(days=2),
            "status": None,
            "key": self.credential_key,
            "random": RANDOM,
        }
        return net_credential.issue(**given | changes)


QUERY = Query.of(VCT, PARCEL.essential, PARCEL.names - PARCEL.essential)


def ask(**changes: Any) -> tuple[Ask, DecryptionKey]:
    """What a verifier asks, and the key to read the answer with."""
    decryption = DecryptionKey.generate(RANDOM)
    given: dict[str, Any] = {
        "response_uri": "https://parcels.example/netid/answer/1",
        "nonce": "n-0S6_WzA2Mj",
        "state": "a-state",
        "query": QUERY,
        "purpose": PARCEL.id,
        "encryption_key": decryption.public,
    }
    return Ask(**given | changes), decryption


def present(
    credential: str, names: set[str], challenge: Challenge, holder: SigningKey, now: datetime = NOW
) -> str:
    """What an honest wallet shows."""
    paths: list[Path] = [(name,) for name in sorted(names)]
    return sd_jwt_vc.present(credential, paths, challenge, holder, now)
