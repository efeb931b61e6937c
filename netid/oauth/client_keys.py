"""Public keys of relying parties: as registered, or from where the registration says (RFC 7591, 2)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from netid.ambient import Ambient
from netid.credentials import strict_json
from netid.credentials.jwk import PublicKeySet
from netid.errors import ClientKeysPending, InvalidField, TokenRefused, Unanswered
from netid.identity.relying_party import RelyingParty
from netid.services.outgoing import OutgoingRequest, SendOut

KEYS_LIFETIME = timedelta(minutes=10)
"""How long fetched keys count; so long one still does that its owner took away."""
RENEWED_AFTER = timedelta(minutes=5)
"""From this age on, the next request fetches them anew; meanwhile and after a failure the others count."""
FETCH_INTERVAL = timedelta(seconds=30)
"""At least so long passes between two fetches from one address, whatever comes of them."""


@dataclass(frozen=True)
class _Fetched:
    """What is known of one address."""

    keys: PublicKeySet | None = None
    fetched_at: datetime | None = None
    tried_at: datetime | None = None
    fault: str = ""
    """Why the latest attempt gave no keys."""
    in_the_air: bool = False

    def counts(self, lifetime: timedelta, now: datetime) -> bool:
        return _is_within(lifetime, self.fetched_at, now)


class ClientKeys:
    """The keys that relying parties prove themselves with; fetched ones are kept in this process.

    No lock is held while a fetch is in the air, and nobody waits for another's: a server that is slow
    takes up one thread, for two seconds in thirty.
    """

    def __init__(self, *, send: SendOut, ambient: Ambient) -> None:
        self._send = send
        self._ambient = ambient
        self._known: dict[str, _Fetched] = {}
        self._lock = Lock()

    def of(self, relying_party: RelyingParty) -> PublicKeySet:
        """Its keys. Raises TokenRefused where there are none to be had, and ClientKeysPending."""
        if relying_party.jwks_uri is None:
            return PublicKeySet.from_jwks(relying_party.jwks)
        now = self._ambient.now()
        fetched = self._known.get(relying_party.jwks_uri, _Fetched())
        if not fetched.counts(RENEWED_AFTER, now):
            fetched = self._fetch(relying_party.jwks_uri)
        if fetched.keys is not None and fetched.counts(KEYS_LIFETIME, now):
            return fetched.keys
        if fetched.in_the_air:
            raise ClientKeysPending
        raise TokenRefused(f"no keys from jwks_uri: {fetched.fault}")

    def renewed(self, relying_party: RelyingParty) -> PublicKeySet:
        """The same, fetched anew if it is time to: for a `kid` that is not among those that were known
        (OpenID Connect Core, 10.1.1)."""
        if relying_party.jwks_uri is not None and self._fetch(relying_party.jwks_uri).in_the_air:
            raise ClientKeysPending
        return self.of(relying_party)

    def _fetch(self, uri: str) -> _Fetched:
        """What is known after an attempt; as before where one is in the air or was made a moment ago."""
        now = self._ambient.now()
        with self._lock:
            before = self._known.get(uri, _Fetched())
            if before.in_the_air or _is_within(FETCH_INTERVAL, before.tried_at, now):
                return before
            self._known[uri] = replace(before, in_the_air=True)
        after = replace(before, tried_at=now, fault="an unexpected fault")
        try:
            after = _Fetched(self._read(uri), fetched_at=now, tried_at=now)
        except (Unanswered, InvalidField) as error:
            after = replace(after, fault=error.detail)
        finally:
            self._known[uri] = after
        return after

    def _read(self, uri: str) -> PublicKeySet:
        """Raises Unanswered, and InvalidField for what is no set of public keys."""
        answer = self._send(OutgoingRequest(uri, {"Accept": "application/jwk-set+json, application/json"}))
        if answer.status != 200:
            raise Unanswered(f"it answered {answer.status}")
        try:
            jwks = strict_json.parse_object(answer.body)
        except ValueError as error:
            raise Unanswered("its answer is not one strict JSON object") from error
        return PublicKeySet.from_jwks(jwks, "jwks_uri")


def _is_within(limit: timedelta, moment: datetime | None, now: datetime) -> bool:
    # A clock that was put back makes what lies ahead of it old, not young.
    return moment is not None and timedelta() <= now - moment < limit
