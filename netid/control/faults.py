"""Faults that a test declares: at which endpoint, which one, for whose requests, how many times.

What is declared here is done elsewhere: answers by `faulty_answers`, the line by `faulty_line`,
tokens by `faulty_tokens`. Nothing of it exists outside test mode.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from netid.identity.relying_party import ClaimName

Endpoint = Literal["discovery", "jwks", "par", "authorize", "token", "userinfo", "revoke"]
"""Where a fault strikes. `authorize` is also the redirect back, whichever page sends it."""

Layer = Literal["answer", "line", "token"]
"""Who does it: the answer's writer, the line in front of the provider, or the signer."""

_Documents = Literal["discovery", "jwks", "par", "token", "userinfo"]
_Signed = Literal["token", "userinfo"]
_Calls = Literal["par", "authorize", "token", "userinfo", "revoke"]


class Match(BaseModel):
    """Whose requests it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    client_id: str | None = None
    """The relying party that the request names; None means any, and requests that name none."""


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    layer: ClassVar[Layer]

    match: Match = Match()
    """Whose requests it is for; left out, everybody's."""
    count: Annotated[int, Field(ge=1)] | None = None
    """How many times it strikes; None means until it is taken away."""


class _AnswerFault(_Declared):
    layer = "answer"


class _LineFault(_Declared):
    layer = "line"
    endpoint: Endpoint


class _TokenFault(_Declared):
    layer = "token"


# Answers


class ErrorAnswer(_AnswerFault):
    """An OAuth error: as JSON (RFC 6749, 5.2), or in the redirect back (4.1.2.1)."""

    fault: Literal["error"]
    endpoint: _Calls
    code: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,64}$")]
    """The error code, such as invalid_grant; one that no specification knows is possible."""
    status: Annotated[int, Field(ge=400, le=499)] = 400
    """The HTTP status; a redirect has none of its own."""


class Unavailable(_AnswerFault):
    """The provider cannot work now (RFC 9110, 15.6; RFC 6585, 4)."""

    fault: Literal["unavailable"]
    endpoint: Endpoint
    status: Literal[429, 500, 502, 503, 504] = 503
    """The HTTP status."""
    retry_after: Annotated[int, Field(ge=0, le=86_400)] | None = None
    """Seconds in Retry-After (RFC 9110, 10.2.3); None leaves the header out."""


class MalformedJson(_AnswerFault):
    """An answer that is not one strict JSON object, although its status and type say so."""

    fault: Literal["malformed_json"]
    endpoint: _Documents
    form: Literal["cut", "twice", "list"] = "cut"
    """`cut` in the middle; a member that occurs `twice`; a `list` around the object."""


class MixUp(_AnswerFault):
    """Another issuer, or none, in the redirect back: what RFC 9207 is against."""

    fault: Literal["mix_up"]
    endpoint: Literal["authorize"]
    issuer: str | None = "https://another-provider.example"
    """What `iss` says; None leaves it out."""


# The line


class Delay(_LineFault):
    """The answer comes late."""

    fault: Literal["delay"]
    seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    """How long the request waits, by the real clock."""


class Hang(_LineFault):
    """The request is taken, and nothing ever comes back."""

    fault: Literal["hang"]


class Reset(_LineFault):
    """The connection is reset without an answer (RFC 9293, 3.5.2); at `jwks`, the keys are unreachable."""

    fault: Literal["reset"]


class CutBody(_LineFault):
    """The connection ends before the body does (RFC 9112, 8)."""

    fault: Literal["cut_body"]
    after: Annotated[int, Field(ge=0, le=65_536)] = 10
    """How many bytes of the body come; a shorter one comes whole but for its last byte."""


# Tokens


class BadForm(_TokenFault):
    """A signature that does not fit, a kid that nobody has, or the typ of a logout token."""

    fault: Literal["signature", "kid", "typ"]
    endpoint: _Signed


class WrongAlgorithm(_TokenFault):
    """No signature, or one with the public key as an HMAC secret (RFC 8725, 2.1)."""

    fault: Literal["alg"]
    endpoint: _Signed
    alg: Literal["none", "HS256"] = "none"
    """What the header says, and how it is then signed."""


class WrongName(_TokenFault):
    """Another issuer or audience (OpenID Connect Core, 3.1.3.7, 2 and 3)."""

    fault: Literal["iss", "aud"]
    endpoint: _Signed


class WrongNonce(_TokenFault):
    """The nonce of another sign-in, or none (OpenID Connect Core, 3.1.3.7, 11)."""

    fault: Literal["nonce"]
    endpoint: Literal["token"]
    missing: bool = False
    """Whether it is left out."""


class WrongTime(_TokenFault):
    """Expired, not valid yet, or issued in the future (RFC 7519, 4.1.4 to 4.1.6)."""

    fault: Literal["exp", "nbf", "iat"]
    endpoint: Literal["token"]
    seconds: Annotated[int, Field(ge=1, le=10**9)] = 3600
    """How long ago `exp` is, or how far ahead `nbf` and `iat` are."""


class LowerLevel(_TokenFault):
    """`acr` is the lowest level there is, whatever was asked for."""

    fault: Literal["acr"]
    endpoint: Literal["token"]


class AnotherSubject(_TokenFault):
    """`sub` is what another relying party would know the person by (OpenID Connect Core, 5.3.4)."""

    fault: Literal["sub"]
    endpoint: _Signed


class ExtraField(_TokenFault):
    """A field that nobody agreed to, with a made-up value (Measures, article 8)."""

    fault: Literal["extra_field"]
    endpoint: Literal["userinfo"]
    field: ClaimName | None = None
    """Which; None means the first that is not there. One that was agreed to stays as it is."""


class MissingField(_TokenFault):
    """A field that was agreed to does not come."""

    fault: Literal["missing_field"]
    endpoint: Literal["userinfo"]
    field: ClaimName | None = None
    """Which; None means the first that is there."""


AnswerFault = ErrorAnswer | Unavailable | MalformedJson | MixUp
LineFault = Delay | Hang | Reset | CutBody
TokenFault = (
    BadForm
    | WrongAlgorithm
    | WrongName
    | WrongNonce
    | WrongTime
    | LowerLevel
    | AnotherSubject
    | ExtraField
    | MissingField
)
Fault = Annotated[AnswerFault | LineFault | TokenFault, Field(discriminator="fault")]
"""Any fault; its name in `fault` says which."""
