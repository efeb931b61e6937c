"""Pushed authorization requests, each kept until the flow it began completes (RFC 9126)."""

from datetime import datetime, timedelta

from netid.ambient import Ambient
from netid.errors import RequestUriRefused
from netid.identity.relying_party import RelyingParty
from netid.services.interaction import (
    SECRET_BYTES,
    AuthorizationRequest,
    digest_of,
    encode_secret,
    stored_request,
)
from netid.storage.single_use import Kind
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

REQUEST_URI_PREFIX = "urn:ietf:params:oauth:request_uri:"
REQUEST_URI_LIFETIME = timedelta(minutes=5)
"""How long a sign-in can be begun with it: as long as people take for one, so that going back and
reloading work meanwhile. FAPI 2.0 Security Profile, 5.3.2.2 asks for less than ten minutes."""


class PushedRequests:
    """Takes pushed requests, and gives each back to its own relying party until it is finished."""

    def __init__(self, stores: Stores, *, ambient: Ambient) -> None:
        self._stores = stores
        self._ambient = ambient

    def push(self, request: AuthorizationRequest) -> str:
        """Keeps a checked request; the `request_uri` that stands for it, unguessable (RFC 9126, 2.2)."""
        request_uri = REQUEST_URI_PREFIX + encode_secret(self._ambient.random(SECRET_BYTES))
        digest = digest_of(request_uri)
        kept = request.model_copy(update={"pushed_as": digest.hex()}).model_dump_json()
        expires_at = self._ambient.now() + REQUEST_URI_LIFETIME
        with self._stores.db.write() as tx:
            self._stores.single_use.put(tx, Kind.REQUEST_URI, digest, kept, expires_at)
        return request_uri

    def find(self, request_uri: str, relying_party: RelyingParty) -> AuthorizationRequest:
        """The request it stands for, without using it up. Raises RequestUriRefused.

        What was registered may have changed since it was pushed; its redirect URI has to be registered
        still (RFC 9126, 4).
        """
        with self._stores.db.read() as tx:
            kept = self._stores.single_use.peek(
                tx, Kind.REQUEST_URI, digest_of(request_uri), self._ambient.now()
            )
        if kept is None:
            raise RequestUriRefused(detail="unknown, expired or finished")
        request = stored_request(kept)
        if request.client_id != relying_party.client_id:
            raise RequestUriRefused(detail="another client's request_uri")
        if request.redirect_uri not in relying_party.redirect_uris:
            raise RequestUriRefused(detail="its redirect_uri was registered, and is no longer")
        return request

    def finish(self, request: AuthorizationRequest) -> None:
        """Ends the `request_uri` of a request that was answered with an error."""
        with self._stores.db.write() as tx:
            self.finish_in(tx, request, self._ambient.now())

    def finish_in(self, tx: Transaction, request: AuthorizationRequest, now: datetime) -> bool:
        """Ends it with the flow that it began; False when another flow of it ended before.

        FAPI 2.0 Security Profile, 5.3.2.2, note: once, at the point of authorization and not when a page
        is loaded.
        """
        if request.pushed_as is None:
            return True
        return self._stores.single_use.finish(tx, Kind.REQUEST_URI, bytes.fromhex(request.pushed_as), now)
