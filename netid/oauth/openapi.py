"""The OpenAPI 3.1 document of every public address: endpoints in detail, pages as the app has them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from netid.identity.levels import AssuranceLevel
from netid.oauth.parameters import FORM
from netid.oauth.requests import MAX_STATE, VERIFY_SCOPE
from netid.services.interaction import Prompt, ResponseMode
from netid.services.pushed_requests import REQUEST_URI_PREFIX

Json = dict[str, Any]

HTML = "text/html"
JSON = "application/json"
PROBLEM = "application/problem+json"
_TEXT: Json = {"type": "string"}
_OBJECT: Json = {"type": "object"}
_NAME: Json = {"type": "string", "minLength": 1}
_LOCATION: Json = {"Location": {"required": True, "schema": {"type": "string"}}}
_PROOF: Json = {"name": "DPoP", "in": "header", "schema": _TEXT, "description": "A proof (RFC 9449)"}
_VARIABLE = re.compile(r"<(?:any\((?P<choices>[^)]*)\):|[^:<>]+:)?(?P<name>[^<>]+)>")
_MEANINGS = {
    "400": "Something is missing or malformed; the answer says what",
    "401": "The caller did not prove who they are",
    "403": "The form did not come from the page this browser was shown",
    "404": "There is nothing here, or nothing of yours",
    "409": "An earlier step is not done yet",
    "413": "The request is larger than this address could need",
    "503": "Not just now, and nothing was changed: try again",
}

_AUTHORIZATION_REQUEST: Mapping[str, Json] = {
    "client_id": _TEXT,
    "redirect_uri": {"type": "string", "format": "uri"},
    "response_type": {"type": "string", "enum": ["code"]},
    "scope": {"type": "string", "examples": [f"openid {VERIFY_SCOPE}"]},
    "state": {"type": "string", "maxLength": MAX_STATE},
    "nonce": {"type": "string", "maxLength": MAX_STATE},
    "code_challenge": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
    "code_challenge_method": {"type": "string", "enum": ["S256"]},
    "dpop_jkt": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
    "response_mode": {"type": "string", "enum": [mode.value for mode in ResponseMode]},
    "prompt": {"type": "string", "enum": [prompt.value for prompt in Prompt]},
    "display": _TEXT,
    "max_age": {"type": "integer", "minimum": 0},
    "login_hint": _TEXT,
    "id_token_hint": _TEXT,
    "ui_locales": _TEXT,
    "claims_locales": _TEXT,
    "acr_values": {"type": "string", "enum": [level.value for level in AssuranceLevel]},
    "claims": {"type": "string", "contentMediaType": JSON},
}
_PUSHED_OR_NOT: Mapping[str, Json] = {
    **_AUTHORIZATION_REQUEST,
    "request_uri": {"type": "string", "pattern": f"^{REQUEST_URI_PREFIX}"},
}
"""With a `request_uri`, that and `client_id` are all that counts."""
_ALWAYS = ("client_id", "redirect_uri", "response_type", "scope")
_CLIENT: Mapping[str, Json] = dict.fromkeys(
    ("client_id", "client_secret", "client_assertion", "client_assertion_type"), _TEXT
)
_TOKEN_REQUEST: Mapping[str, Json] = {
    "grant_type": {"type": "string", "enum": ["authorization_code"]},
    "code": _TEXT,
    "redirect_uri": _TEXT,
    "code_verifier": {"type": "string", "pattern": "^[A-Za-z0-9._~-]{43,128}$"},
    **_CLIENT,
}
_REVOCATION: Mapping[str, Json] = {"token": _TEXT, **_CLIENT}
_LOGOUT_REQUEST: Mapping[str, Json] = {
    "id_token_hint": _TEXT,
    "logout_hint": _TEXT,
    "client_id": _TEXT,
    "post_logout_redirect_uri": {"type": "string", "format": "uri"},
    "state": {"type": "string", "maxLength": MAX_STATE},
    "ui_locales": _TEXT,
}
_SCHEMAS: Json = {
    "Tokens": {
        "type": "object",
        "required": ["access_token", "token_type", "expires_in", "scope", "id_token"],
        "properties": {
            "access_token": _TEXT,
            "token_type": {"enum": ["Bearer", "DPoP"]},
            "expires_in": {"type": "integer"},
            "scope": _TEXT,
            "id_token": _TEXT,
        },
        "additionalProperties": False,
    },
    "Pushed": {
        "type": "object",
        "required": ["request_uri", "expires_in"],
        "properties": {"request_uri": _TEXT, "expires_in": {"type": "integer"}},
        "additionalProperties": False,
    },
    "OAuthError": {
        "type": "object",
        "required": ["error", "error_description"],
        "properties": {"error": _TEXT, "error_description": _TEXT},
        "additionalProperties": False,
    },
}


@dataclass(frozen=True)
class Address:
    """One address that the app answers, as its routes have it."""

    rule: str
    """The path, with Flask's `<variables>`."""
    methods: frozenset[str]
    summary: str
    """The first line of the view's docstring, or the view's name."""
    content: str = HTML
    """The media type of its answer."""


def document(issuer: str, addresses: Iterable[Address]) -> Json:
    """The document: the endpoints below, and whatever else the app answers, which is pages."""
    known = _endpoints()
    pages: Json = {}
    for address in addresses:
        path = _VARIABLE.sub(r"{\g<name>}", address.rule)
        if path not in known:
            pages.setdefault(path, {}).update(_page(address))
    return {
        "openapi": "3.1.0",
        "info": {"title": "NetID provider (a mock: every person is made up)", "version": "1"},
        "servers": [{"url": issuer}],
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "dpop": {"type": "http", "scheme": "dpop"},
                "client": {"type": "http", "scheme": "basic"},
            },
        },
        "paths": known | pages,
    }


def _endpoints() -> Json:
    described = {"get": _operation("What the provider says of itself", _answers({JSON: _OBJECT}))}
    return {
        "/.well-known/openid-configuration": described,
        "/.well-known/oauth-authorization-server": described,
        "/jwks": {"get": _operation("Public keys", _answers({"application/jwk-set+json": _OBJECT}))},
        "/openapi.json": {"get": _operation("This document", _answers({JSON: _OBJECT}))},
        "/authorize": _authorize(),
        "/par": {"post": _par()},
        "/token": {"post": _token()},
        "/revoke": {"post": _for_clients("End an access token", _REVOCATION, ("token",), _answers({}))},
        "/userinfo": _userinfo(),
        "/logout": _logout(),
        "/records.json": {"get": _records()},
        "/records/{receipt_id}/receipt.json": {"get": _receipt()},
        **_issuing(),
        "/schemas/copy.json": {"get": _published_schema("the copy that people can save")},
        "/schemas/receipts.json": {"get": _published_schema("a file of receipts")},
    }


def _authorize() -> Json:
    answers = _answers({HTML: {}}) | _redirect() | _refusals(HTML, "400", "409", "413", "503")
    query = [
        {"name": name, "in": "query", "required": name == "client_id", "schema": schema}
        for name, schema in _PUSHED_OR_NOT.items()
    ]
    return {
        "get": {**_operation("Begin a sign-in", answers), "parameters": query},
        "post": {
            **_operation("Begin a sign-in, from a form", answers),
            "requestBody": _form(_PUSHED_OR_NOT, ("client_id",)),
        },
    }


def _par() -> Json:
    answers = _answers({JSON: _schema("Pushed")}, "201")
    fields = {**_AUTHORIZATION_REQUEST, **_CLIENT}
    return _for_clients("Push a request, to be named at /authorize", fields, _ALWAYS, answers)


def _token() -> Json:
    answers = _answers({JSON: _schema("Tokens")})
    return _for_clients("A code for tokens", _TOKEN_REQUEST, ("grant_type", "code"), answers)


def _for_clients(summary: str, fields: Mapping[str, Json], required: tuple[str, ...], answers: Json) -> Json:
    answers |= _refusals(JSON, "400", "401", "413", "503", error=_schema("OAuthError"))
    operation = {**_operation(summary, answers), "security": [{"client": []}, {}]}
    return {**operation, "parameters": [_PROOF], "requestBody": _form(fields, required)}


def _userinfo() -> Json:
    answers = _answers({JSON: _OBJECT, "application/jwt": _TEXT})
    answers |= _refusals(JSON, "400", "401", "413", "503", error=_schema("OAuthError"))
    security: list[Json] = [{"bearer": []}, {"dpop": []}]
    get = {**_operation("What the person agreed to give", answers), "security": security}
    get["parameters"] = [_PROOF]
    return {"get": get, "post": {**get, "requestBody": {"content": {FORM: {"schema": _OBJECT}}}}}


def _logout() -> Json:
    answers = _answers({HTML: {}}) | _redirect() | _refusals(HTML, "400", "413", "503")
    query = [{"name": name, "in": "query", "schema": schema} for name, schema in _LOGOUT_REQUEST.items()]
    return {
        "get": {**_operation("Ask a person whether to sign out here", answers), "parameters": query},
        "post": {
            **_operation("Ask a person whether to sign out here, from a form", answers),
            "requestBody": _form(_LOGOUT_REQUEST, ()),
        },
    }


def _records() -> Json:
    answers = _answers({JSON: _OBJECT}) | _refusals(PROBLEM, "403", "503")
    looked_for = [{"name": name, "in": "query", "schema": _TEXT} for name in ("platform", "outcome", "words")]
    return {**_operation("One's own records, for who is signed in", answers), "parameters": looked_for}


def _receipt() -> Json:
    answers = _answers({JSON: _OBJECT}) | _refusals(PROBLEM, "403", "404", "503")
    which = {"name": "receipt_id", "in": "path", "required": True, "schema": _NAME}
    return {**_operation("One of one's own receipts, as it was signed", answers), "parameters": [which]}


def _issuing() -> Json:
    """Net credentials: what the issuer publishes, and what wallets and relying parties send it."""
    published = {
        "/.well-known/openid-credential-issuer": "What the credential issuer says of itself",
        "/.well-known/jwt-vc-issuer": "The keys that net credentials are signed with",
        "/vct/net-credential": "The type of net credentials",
        "/status-lists": "Where every status list is (Token Status List, 9.3)",
    }
    wallet = {"security": [{"dpop": []}], "parameters": [_PROOF]}
    refusals = _refusals(JSON, "400", "401", "413", "503", error=_schema("OAuthError"))
    body = {"requestBody": {"required": True, "content": {JSON: {"schema": _OBJECT}}}}
    beyond = {"403": {**refusals["400"], "description": "The access token was not given for this credential"}}
    copies = _answers({JSON: _OBJECT}) | refusals | beyond
    issued = _operation("Copies of a net credential, one for each key", copies)
    told = _operation("What became of what was issued", _answers({}, "204") | refusals)
    offered = _operation("An offer", _answers({JSON: _OBJECT}) | _refusals(PROBLEM, "404", "503"))
    offer = {"name": "secret", "in": "path", "required": True, "schema": _NAME}
    certified = _answers({JSON: _OBJECT})
    lists = _answers({"application/statuslist+jwt": _TEXT}) | _refusals(PROBLEM, "404", "503")
    listed = _operation("Which long-lived copies are suspended or revoked", lists)
    return {
        **{path: {"get": _operation(what, _answers({JSON: _OBJECT}))} for path, what in published.items()},
        "/credential-offer/{secret}": {"get": {**offered, "parameters": [offer]}},
        "/status-lists/{list_id}": {"get": {**listed, "parameters": [{**offer, "name": "list_id"}]}},
        "/nonce": {"post": _operation("A nonce for proofs of keys", _answers({JSON: _OBJECT}))},
        "/credential": {"post": {**issued, **wallet, **body}},
        "/notification": {"post": {**told, **wallet, **body}},
        "/access-certificate": {
            "post": _for_clients(
                "A certificate to ask wallets with", {"jwk": _TEXT, **_CLIENT}, ("jwk",), certified
            )
        },
    }


def _published_schema(what: str) -> Json:
    return _operation(f"The JSON Schema of {what}", _answers({"application/schema+json": _OBJECT}))


def _page(address: Address) -> Json:
    variables = [
        {"name": found["name"], "in": "path", "required": True, "schema": _variable(found["choices"])}
        for found in _VARIABLE.finditer(address.rule)
    ]
    answers = (
        _answers({address.content: {}})
        | _redirect()
        | _refusals(HTML, "400", "403", "404", "409", "413", "503")
    )
    operation = {**_operation(address.summary, answers), "parameters": variables}
    form = {"content": {FORM: {"schema": {"type": "object", "additionalProperties": _TEXT}}}}
    posted = {"post": {**operation, "requestBody": form}} if "POST" in address.methods else {}
    return ({"get": operation} if "GET" in address.methods else {}) | posted


def _variable(choices: str | None) -> Json:
    return {"type": "string", "enum": re.split(r", ?", choices)} if choices else _NAME


def _operation(summary: str, answers: Json) -> Json:
    return {"summary": summary, "responses": answers}


def _answers(content: Mapping[str, Json], status: str = "200") -> Json:
    answer: Json = {"description": "Done"}
    if content:
        answer["content"] = {kind: {"schema": schema} for kind, schema in content.items()}
    return {status: answer}


def _redirect() -> Json:
    return {"303": {"description": "The next page, or back to the relying party", "headers": _LOCATION}}


def _refusals(kind: str, *codes: str, error: Json | None = None) -> Json:
    content = {kind: {"schema": error or {}}}
    return {code: {"description": _MEANINGS[code], "content": content} for code in codes}


def _form(fields: Mapping[str, Json], required: tuple[str, ...]) -> Json:
    schema = {"type": "object", "properties": dict(fields), "required": list(required)}
    return {"required": True, "content": {FORM: {"schema": schema}}}


def _schema(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
