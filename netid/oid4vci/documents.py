"""What an issuer publishes: its metadata, its keys, the credential's type; and offers.

OpenID4VCI 1.0, 4.1.3 and 12.2; SD-JWT VC, draft 15, JWT VC Issuer Metadata and Type Metadata.
"""

from flask import Blueprint, Response, jsonify

from netid import responses
from netid.credentials import net_credential, sd_jwt_vc
from netid.credentials.current_keys import CurrentKeys
from netid.identity.own_wallet import CONFIGURATIONS
from netid.oid4vci.requests import MAX_BATCH
from netid.services.offers import PRE_AUTHORIZED, TX_CODE_LENGTH, Offers


def metadata(issuer: str, trust_anchor: str) -> dict[str, object]:
    """The credential issuer's metadata (12.2.4): only what it really does.

    `trust_anchor` is ours: the root that relying parties' access certificates lead to.
    """
    return {
        "credential_issuer": issuer,
        "trust_anchor": trust_anchor,
        "credential_endpoint": f"{issuer}/credential",
        "nonce_endpoint": f"{issuer}/nonce",
        "notification_endpoint": f"{issuer}/notification",
        "status_list_aggregation_endpoint": f"{issuer}/status-lists",
        "batch_credential_issuance": {"batch_size": MAX_BATCH},
        "display": [{"name": "NetID 模拟", "locale": "zh-CN"}, {"name": "NetID mock", "locale": "en"}],
        "credential_configurations_supported": {
            configuration: _configuration(issuer, configuration) for configuration in CONFIGURATIONS
        },
    }


def _configuration(issuer: str, configuration: str) -> dict[str, object]:
    described = net_credential.type_metadata(issuer)
    return {
        "format": sd_jwt_vc.TYPE,
        "scope": configuration,
        "vct": net_credential.type_of(issuer),
        "cryptographic_binding_methods_supported": ["jwk"],
        "credential_signing_alg_values_supported": ["ES256"],
        "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
        "credential_metadata": {"display": described["display"], "claims": _claims(described["claims"])},
    }


def _claims(described: object) -> list[dict[str, object]]:
    """The type's claims in the form of B.2: what is a label there is a name here."""
    assert isinstance(described, list)  # noqa: S101  (it is written so)
    return [
        {
            "path": claim["path"],
            "display": [{"name": one["label"], "locale": one["locale"]} for one in claim["display"]],
        }
        for claim in described
    ]


def offer(issuer: str, pre_authorized_code: str) -> dict[str, object]:
    """A credential offer (4.1.1)."""
    return {
        "credential_issuer": issuer,
        "credential_configuration_ids": list(CONFIGURATIONS),
        "grants": {
            PRE_AUTHORIZED: {
                "pre-authorized_code": pre_authorized_code,
                "tx_code": {"input_mode": "numeric", "length": TX_CODE_LENGTH},
            }
        },
    }


def blueprint(issuer: str, keys: CurrentKeys, offers: Offers, trust_anchor: str) -> Blueprint:
    """The public documents, which may be cached, and offers, which may not."""
    routes = Blueprint("issuer", __name__)
    described, type_described = metadata(issuer, trust_anchor), net_credential.type_metadata(issuer)

    @routes.get("/.well-known/openid-credential-issuer")
    def describe() -> Response:
        return responses.public(jsonify(described))

    @routes.get("/.well-known/jwt-vc-issuer")
    def jwt_vc_issuer() -> Response:
        return responses.public(jsonify(issuer=issuer, jwks=keys.jwks("credential")))

    @routes.get("/vct/net-credential")
    def type_metadata() -> Response:
        return responses.public(jsonify(type_described))

    @routes.get("/credential-offer/<secret>")
    def credential_offer(secret: str) -> Response:
        return responses.uncached(jsonify(offer(issuer, offers.pre_authorized_code(secret))))

    return routes
