"""The `claims` parameter: which claims a request names, and where (OpenID Connect Core, 5.5)."""

from dataclasses import dataclass

from netid.credentials import strict_json
from netid.errors import InvalidRequest
from netid.identity.verified_claims import VerifiedRequest
from netid.oauth.verified_claims import read_verified_claims
from netid.oauth.wishes import NO_WISH, Wish, below, read_object, read_text_wish, read_wish

PROTOCOL_CLAIMS = frozenset(
    {"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "verified_claims"}
)
"""What the tokens say anyway: asking for one of these neither narrows nor widens a purpose."""


@dataclass(frozen=True)
class Place:
    """What is asked for in one place, `id_token` or `userinfo`."""

    claims: frozenset[str] = frozenset()
    verified: tuple[VerifiedRequest, ...] = ()
    """What is asked for as `verified_claims`, where the demands on the verification are met."""
    asked: bool = False
    """Whether it names any claim of a person, also one that is not to be had."""
    acr: Wish = NO_WISH
    sub: Wish = NO_WISH


@dataclass(frozen=True)
class ClaimsParameter:
    """The parameter, checked for form."""

    userinfo: Place = Place()
    id_token: Place = Place()

    @property
    def asked(self) -> bool:
        """Whether it names any claim of a person, and so says which of a purpose's are wanted."""
        return self.userinfo.asked or self.id_token.asked

    @property
    def subject(self) -> str | None:
        """The only person who may answer, by the value of `sub` (3.1.2.2). Raises InvalidRequest."""
        subjects = {*(self.userinfo.sub.values or ()), *(self.id_token.sub.values or ())}
        if len(subjects) > 1:
            raise InvalidRequest("claims: sub is asked for with more than one value; name one person")
        return next((subject for subject in subjects if isinstance(subject, str)), None)


def read_claims(text: str | None) -> ClaimsParameter:
    """The parameter; None stands for none. Raises InvalidRequest, which names the place and no value."""
    if text is None:
        return ClaimsParameter()
    try:
        members = strict_json.parse_object(text.encode())
    except (ValueError, UnicodeError) as error:
        raise InvalidRequest("claims is not a JSON object (OpenID Connect Core, 5.5)") from error
    return ClaimsParameter(
        userinfo=_place(members.get("userinfo"), "claims.userinfo"),
        id_token=_place(members.get("id_token"), "claims.id_token"),
    )


def _place(asked: object, path: str) -> Place:
    members = dict(read_object({} if asked is None else asked, path))
    elements = read_verified_claims(members.pop("verified_claims", []), f"{path}.verified_claims")
    for name, wish in members.items():
        read_wish(wish, below(path, name))
    named = members.keys() - PROTOCOL_CLAIMS
    return Place(
        claims=frozenset(members),
        verified=tuple(element.request for element in elements if element.is_met),
        asked=bool(named) or any(element.request.claims for element in elements),
        acr=read_text_wish(members.get("acr"), f"{path}.acr"),
        sub=read_text_wish(members.get("sub"), f"{path}.sub"),
    )
