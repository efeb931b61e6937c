"""Registering relying parties: from a file, the command line and the management port, by the same rules."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from netid.ambient import Ambient
from netid.credentials.jwk import PublicKeySet
from netid.errors import InvalidField, RegistrationRefused
from netid.identity.relying_party import WALLET_CLIENT_ID, RelyingParty
from netid.identity.shape import misshapen
from netid.identity.strict_yaml import parse_yaml
from netid.services.own_pages import OWN_CLIENT_ID
from netid.storage.stores import Stores

MIN_SECRET = 32
_OWN = frozenset({OWN_CLIENT_ID, WALLET_CLIENT_ID})

ReadPublicKeys = Callable[[str], Mapping[str, Any]]
"""The public JWKS behind a `jwks_file` reference."""


def checked_registration(entry: object, read_public_keys: ReadPublicKeys | None = None) -> RelyingParty:
    """One relying party from plain data. Raises RegistrationRefused: field, rule, remedy.

    `secret` becomes its digest and is kept nowhere; `jwks_file` names a key file where that is allowed.
    """
    if not isinstance(entry, Mapping):
        raise RegistrationRefused("must be an object with client_id, name, contact, …")
    values = dict(entry)
    if "secret_digest" in values:
        raise RegistrationRefused("secret_digest: there is no such field; give secret")
    if "secret" in values:
        values["secret_digest"] = _digest(values.pop("secret"))
    if read_public_keys is not None and "jwks_file" in values:
        values["jwks"] = read_public_keys(str(values.pop("jwks_file")))
    try:
        relying_party = RelyingParty.model_validate(values)
        if relying_party.jwks is not None:
            _check_keys(relying_party, PublicKeySet.from_jwks(relying_party.jwks))
    except ValidationError as error:
        raise RegistrationRefused(misshapen(error, RelyingParty).detail) from error
    except InvalidField as error:
        raise RegistrationRefused(error.detail) from error
    return relying_party


def _check_keys(relying_party: RelyingParty, keys: PublicKeySet) -> None:
    """FAPI 2.0 Security Profile, 5.4.1: RS256 is none of its algorithms, so an RSA key proves nothing."""
    if relying_party.profile == "fapi2" and not keys.fitting("ES256", None):
        raise RegistrationRefused("jwks: has no ES256 key, which profile fapi2 needs; add a P-256 key")


def _digest(secret: object) -> str:
    if not isinstance(secret, str) or len(secret) < MIN_SECRET or not secret.isascii():
        raise RegistrationRefused(f"secret: takes at least {MIN_SECRET} ASCII characters; make a longer one")
    return hashlib.sha256(secret.encode()).hexdigest()


def load_registrations(
    text: str, source: str, *, read_public_keys: ReadPublicKeys, platform_url: str | None
) -> list[RelyingParty]:
    """The relying parties of a registration file; a fault is one line with file, entry and field."""
    try:
        document = parse_yaml(text.replace("{platform}", platform_url or "http://localhost:8100"))
    except InvalidField as error:
        raise RegistrationRefused(f"{source}: {error.detail}") from error
    if not isinstance(document, Mapping) or set(document) != {"relying_parties"}:
        raise RegistrationRefused(f"{source}: must have one member, relying_parties")
    entries = document["relying_parties"]
    if not isinstance(entries, list):
        raise RegistrationRefused(f"{source}: relying_parties: must be a list")
    found: dict[str, RelyingParty] = {}
    for place, entry in enumerate(entries):
        name = entry.get("client_id", place) if isinstance(entry, Mapping) else place
        try:
            relying_party = checked_registration(entry, read_public_keys)
            if relying_party.client_id in found:
                raise RegistrationRefused("client_id: stands here twice; give each its own")
        except RegistrationRefused as error:
            raise RegistrationRefused(f"{source}: relying_parties[{name}]: {error.detail}") from error
        found[relying_party.client_id] = relying_party
    return list(found.values())


class Registration:
    """The relying parties of one provider."""

    def __init__(self, stores: Stores, *, ambient: Ambient) -> None:
        self._stores = stores
        self._ambient = ambient

    def get(self, client_id: str) -> RelyingParty | None:
        """The relying party of that id."""
        with self._stores.db.read() as tx:
            return self._stores.relying_parties.get(tx, client_id)

    def list(self) -> list[RelyingParty]:
        """Every relying party, by id."""
        with self._stores.db.read() as tx:
            return self._stores.relying_parties.list(tx)

    def put(self, relying_party: RelyingParty) -> None:
        """Registers or replaces one. Raises RegistrationRefused if another entity has its sector."""
        client_id = relying_party.client_id
        if client_id in _OWN:
            raise RegistrationRefused(f"client_id: {client_id} is the provider's own; choose another")
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            if self._stores.relying_parties.get(tx, relying_party.client_id) == relying_party:
                return
            self._stores.relying_parties.put(tx, relying_party, now)
            self._stores.audit.record(
                tx, "relying_party_registered", at=now, client_id=relying_party.client_id
            )

    def remove(self, client_id: str) -> bool:
        """Takes one away; False if there was none."""
        with self._stores.db.write() as tx:
            removed = self._stores.relying_parties.remove(tx, client_id)
            if removed:
                self._stores.audit.record(
                    tx, "relying_party_removed", at=self._ambient.now(), client_id=client_id
                )
            return removed
