"""Fields and predicates from UserInfo, once its answer has passed every check."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NoReturn

from netid.client.check_result import CheckResult
from netid.client.errors import FieldsEnded, FieldsRefused
from netid.client.messages import HttpAnswer, HttpRequest, json_object, refuse_overload
from netid.client.registration import Ask, Registration
from netid.client.token_answer import AccessToken
from netid.credentials import jose
from netid.credentials.jwk import Algorithm, PublicKeySet
from netid.errors import TokenRefused

_PROTOCOL_CLAIMS = frozenset({"sub", "iss", "aud", "iat", "exp", "nbf", "jti", "mock"})
_CHECKED = object()


class Fields(Mapping[str, str | bool]):
    """What the person agreed to share: texts, and yes/no answers. Only `verify_userinfo` makes one.

    A field that is not there was refused, or does not exist: nobody can tell which.
    """

    __slots__ = ("_values", "answer_body")

    _values: Mapping[str, str | bool]
    answer_body: bytes
    """UserInfo's answer as it came, byte for byte."""

    def __init__(self, values: Mapping[str, str | bool], answer_body: bytes, proof: object) -> None:
        if proof is not _CHECKED:
            raise TypeError("only verify_userinfo makes Fields")
        object.__setattr__(self, "_values", MappingProxyType(dict(values)))
        object.__setattr__(self, "answer_body", answer_body)

    def text(self, name: str) -> str | None:
        """A field's value, or None. Raises TypeError for a yes/no answer."""
        value = self._values.get(name)
        if isinstance(value, bool):
            raise TypeError(f"{name} is a yes/no answer; use answer()")
        return value

    def answer(self, name: str) -> bool | None:
        """A predicate's yes or no, or None. Raises TypeError for a text."""
        value = self._values.get(name)
        if isinstance(value, str):
            raise TypeError(f"{name} is a text; use text()")
        return value

    def __getitem__(self, name: str) -> str | bool:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Fields {sorted(self._values)}>"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("fields do not change")

    def __reduce__(self) -> NoReturn:
        raise TypeError("fields cannot be pickled")


def userinfo_request(endpoint: str, token: AccessToken) -> HttpRequest:
    """The request for what the person agreed to (OpenID Connect Core, 5.3.1)."""
    return HttpRequest(endpoint, {"Authorization": f"{token.type} {token.value}"})


def verify_userinfo(
    answer: HttpAnswer,
    registration: Registration,
    ask: Ask,
    check: CheckResult,
    keys_for: Callable[[str], PublicKeySet],
) -> Fields:
    """The fields in UserInfo's answer, for the person of this check result (5.3.2 to 5.3.4).

    `keys_for` gives the keys to verify a token with, where signed answers are registered. Raises
    FieldsEnded for an access token that is over, otherwise FieldsRefused; a field that was not asked for
    is refused too, so that none is kept by accident (Measures, article 8).
    """
    refuse_overload(answer)
    if answer.status == 401:
        raise FieldsEnded("the access token does not count any more")
    if registration.userinfo_alg is None:
        claims: Mapping[str, object] = json_object(answer, FieldsRefused)
    else:
        claims = _signed(answer, registration, registration.userinfo_alg, keys_for)
    # 5.3.4: without this, an access token that was swapped would bring somebody else's fields.
    if claims.get("sub") != check.subject.reveal():
        raise FieldsRefused("sub is not that of the ID token")
    given = {name: value for name, value in claims.items() if name not in _PROTOCOL_CLAIMS}
    values = {name: value for name, value in given.items() if isinstance(value, str | bool)}
    if unreadable := given.keys() - values.keys():
        raise FieldsRefused(f"{len(unreadable)} members are neither text nor yes/no")
    if not _asked_for(ask, values):
        raise FieldsRefused("there are fields that were not asked for")
    return Fields(values, answer.body, _CHECKED)


def _asked_for(ask: Ask, values: Mapping[str, object]) -> bool:
    """Whether each may be there; which claims a whole purpose has, the registration knows alone."""
    if ask.purpose is None:
        return not values
    return ask.claims is None or values.keys() <= ask.claims


def _signed(
    answer: HttpAnswer,
    registration: Registration,
    algorithm: Algorithm,
    keys_for: Callable[[str], PublicKeySet],
) -> Mapping[str, object]:
    if answer.status != 200 or answer.media_type != "application/jwt":
        raise FieldsRefused("the answer is not the signed one that is registered")
    try:
        token = answer.body.decode("ascii")
        source = jose.Pinned(keys_for(token))
        claims = jose.verify(token, key_source=source, algorithms=(algorithm,), typ=None).payload
        jose.check_issuer(claims, registration.issuer)
        if claims.get("aud") not in (registration.client_id, [registration.client_id]):
            raise TokenRefused("aud is not this client alone")
    except UnicodeDecodeError as error:
        raise FieldsRefused("the answer is not ASCII") from error
    except TokenRefused as error:
        raise FieldsRefused(error.detail) from error
    return claims
