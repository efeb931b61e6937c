"""What the provider says of itself (OpenID Connect Discovery 1.0; RFC 8414) and its public keys."""

from flask import Blueprint, Flask, Response, current_app, jsonify

from netid import responses
from netid.credentials.current_keys import CurrentKeys
from netid.identity.claims import CATALOGUE
from netid.identity.levels import AssuranceLevel
from netid.identity.own_wallet import CONFIGURATIONS
from netid.identity.relying_party import Authentication
from netid.identity.verified_claims import TRUST_FRAMEWORK
from netid.oauth import openapi
from netid.oauth.claims_parameter import PROTOCOL_CLAIMS
from netid.oauth.client_auth import ASSERTION_ALGORITHMS
from netid.oauth.dpop import DPOP_ALGORITHMS
from netid.oauth.requests import VERIFY_SCOPE
from netid.services.interaction import Prompt, ResponseMode
from netid.services.offers import PRE_AUTHORIZED


def metadata(issuer: str) -> dict[str, object]:
    """The discovery document: only what this provider really does."""
    # The one client without authentication is built in; to everybody else "none" is not offered.
    methods = [method.value for method in Authentication if method is not Authentication.NONE]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "require_pushed_authorization_requests": False,
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "revocation_endpoint": f"{issuer}/revoke",
        "end_session_endpoint": f"{issuer}/logout",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "jwks_uri": f"{issuer}/jwks",
        "status_list_aggregation_endpoint": f"{issuer}/status-lists",
        "scopes_supported": ["openid", VERIFY_SCOPE, *CONFIGURATIONS],
        "response_types_supported": ["code"],
        "response_modes_supported": [mode.value for mode in ResponseMode],
        "grant_types_supported": ["authorization_code", PRE_AUTHORIZED],
        "pre-authorized_grant_anonymous_access_supported": True,
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["pairwise"],
        "acr_values_supported": [level.value for level in AssuranceLevel],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "userinfo_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "dpop_signing_alg_values_supported": list(DPOP_ALGORITHMS),
        "prompt_values_supported": [prompt.value for prompt in Prompt],
        "display_values_supported": ["page"],
        "ui_locales_supported": ["zh", "en"],
        "claim_types_supported": ["normal"],
        "claims_supported": [*sorted(PROTOCOL_CLAIMS), *CATALOGUE],
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "verified_claims_supported": True,
        "trust_frameworks_supported": [TRUST_FRAMEWORK],
        "claims_in_verified_claims_supported": list(CATALOGUE),
    }


def blueprint(issuer: str, keys: CurrentKeys) -> Blueprint:
    """The two well-known documents, /jwks and /openapi.json, public and cacheable."""
    routes = Blueprint("discovery", __name__)
    document = metadata(issuer)

    def describe() -> Response:
        return responses.public(jsonify(document))

    routes.add_url_rule("/.well-known/openid-configuration", "openid_configuration", describe)
    routes.add_url_rule("/.well-known/oauth-authorization-server", "authorization_server", describe)

    @routes.get("/jwks")
    def jwks() -> Response:
        response = responses.public(jsonify(keys.jwks("id_token", "receipt")))
        response.mimetype = "application/jwk-set+json"
        return response

    @routes.get("/openapi.json")
    def addresses() -> Response:
        return responses.public(jsonify(openapi.document(issuer, _addresses(current_app))))

    return routes


def _addresses(app: Flask) -> list[openapi.Address]:
    """Every address of the app; each page is described by its own docstring."""
    return [
        openapi.Address(
            rule=rule.rule,
            methods=frozenset(rule.methods or ()),
            summary=(app.view_functions[rule.endpoint].__doc__ or rule.endpoint).partition("\n")[0],
            content="*/*" if rule.endpoint == "static" else openapi.HTML,
        )
        for rule in app.url_map.iter_rules()
    ]
