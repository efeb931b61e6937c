"""A sign-in under way: what the relying party asked, and how far the person has come."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from netid.identity.ages import Capacity
from netid.identity.consent import StoredReceipt
from netid.identity.levels import AssuranceLevel, Factor
from netid.identity.relying_party import Purpose, RelyingParty
from netid.identity.text import Language
from netid.identity.verified_claims import VerifiedRequest, names_in
from netid.services.own_pages import OWN_CLIENT_ID
from netid.storage.persons import Person

INTERACTION_LIFETIME = timedelta(minutes=15)
SECRET_BYTES = 32


def digest_of(secret: str) -> bytes:
    """What storage keeps of a random secret that a browser or a client holds."""
    return hashlib.sha256(secret.encode()).digest()


def encode_secret(random_bytes: bytes) -> str:
    """A random secret as text for URLs, cookies and headers."""
    return urlsafe_b64encode(random_bytes).rstrip(b"=").decode()


class Prompt(StrEnum):
    """OpenID Connect Core, 3.1.2.1."""

    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"


class OwnAction(StrEnum):
    """What a person does on their own pages only after signing in anew for it; its value names the page."""

    CANCEL = "cancel"
    SHOW_NUMBER = "number"
    EXPORT = "export"
    CORRECT = "document"
    WALLET = "wallet"
    PERMIT = "permissions"

    @property
    def level(self) -> AssuranceLevel:
        """What has to be shown for it: the face too, where a document is presented."""
        if self is OwnAction.CORRECT:
            return AssuranceLevel.CREDENTIAL_PASSCODE_FACE
        return AssuranceLevel.CREDENTIAL_PASSCODE

    @property
    def needs_guardian(self) -> bool:
        """Whether a child does it only with the guardian (Measures, article 4; PIPL 31)."""
        return self in (OwnAction.CANCEL, OwnAction.CORRECT, OwnAction.WALLET)


class ResponseMode(StrEnum):
    """How the answer goes back (OAuth 2.0 Multiple Response Types; OAuth 2.0 Form Post Response Mode)."""

    QUERY = "query"
    FORM_POST = "form_post"


class AuthorizationRequest(BaseModel):
    """An authorization request whose client, redirect URI and parameters have been checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    client_id: str
    redirect_uri: str
    response_mode: ResponseMode = ResponseMode.QUERY
    scope: tuple[str, ...]
    """The scope values that were understood; unknown ones are left out."""
    verify: bool = False
    """Whether `netid.verify` asks for the check result as `verified_claims`."""
    purpose: str | None = None
    """The id of the purpose whose claims are asked for."""
    userinfo: tuple[str, ...] = ()
    """Claims asked for in UserInfo."""
    id_token: tuple[str, ...] = ()
    """Predicates asked for in the ID token."""
    verified_userinfo: tuple[VerifiedRequest, ...] = ()
    """What is asked for as `verified_claims` in UserInfo."""
    verified_id_token: tuple[VerifiedRequest, ...] = ()
    """Predicates asked for as `verified_claims` in the ID token."""
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    dpop_jkt: str | None = None
    """The RFC 7638 thumbprint of the key that alone may redeem the code (RFC 9449, 10)."""
    prompt: frozenset[Prompt] = frozenset()
    max_age: int | None = None
    """Seconds since the person was last checked, at most."""
    login_hint: str | None = None
    subject: str | None = None
    """The only one who may sign in, as the relying party knows them (OpenID Connect Core, 5.5.1)."""
    level: AssuranceLevel
    """What has to be reached."""
    level_essential: bool = False
    """Whether the answer has to name exactly that level (OpenID Connect Core, 5.5.1.1)."""
    language: Language | None = None
    """From `ui_locales`; None leaves it to the browser."""
    pushed_as: str | None = None
    """The SHA-256 of the `request_uri` that it was pushed under, in hex; None if a browser brought it."""
    action: OwnAction | None = None
    """On the provider's own pages: the act that the person signs in anew for."""

    @property
    def asked(self) -> frozenset[str]:
        """Every claim asked for, wherever it shall be delivered."""
        plain = frozenset(self.userinfo) | frozenset(self.id_token)
        return plain | names_in(self.verified_userinfo) | names_in(self.verified_id_token)


@lru_cache(maxsize=512)
def stored_request(text: str) -> AuthorizationRequest:
    """The request that was stored; every page of a sign-in reads the same text again."""
    return AuthorizationRequest.model_validate_json(text)


class Identified(BaseModel):
    """Somebody who says who they are, and what of it has been proved in this sign-in."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    person_id: str | None
    """None while a typed net number belongs to nobody: the pages do not let on."""
    throttle_key: str
    """Which account's attempts are counted, in hex."""
    typed: bool = False
    """A typed net number stands for no key, so the passcode is always asked."""
    proved: frozenset[Factor] = frozenset()

    def missing(self, level: AssuranceLevel) -> list[Factor]:
        """The factors still to be checked, in page order."""
        needed = level.factors - {Factor.CREDENTIAL}
        if self.typed:
            needed |= {Factor.PASSCODE}
        return [factor for factor in (Factor.PASSCODE, Factor.FACE) if factor in needed - self.proved]


class Progress(BaseModel):
    """How far a sign-in has come."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    person: Identified | None = None
    guardian: Identified | None = None
    """The guardian who signs in within the flow of a person under 14."""
    checked_at: datetime | None = None
    """When the person's last factor was proved."""
    guardian_checked: bool = False
    face_failed: Literal["differs", "not-live"] | None = None


class Role(StrEnum):
    """Who is signing in."""

    PERSON = "person"
    GUARDIAN = "guardian"


@dataclass(frozen=True)
class Interaction:
    """One sign-in under way in one browser."""

    handle: str
    """Its random name in page addresses; worth nothing in another browser."""
    request: AuthorizationRequest
    relying_party: RelyingParty
    progress: Progress
    expires_at: datetime

    @property
    def is_own(self) -> bool:
        """Whether it leads to the provider's own pages, and releases nothing."""
        return self.request.client_id == OWN_CLIENT_ID

    @property
    def purpose(self) -> Purpose | None:
        """The purpose asked for, as it is registered now."""
        return self.relying_party.purpose(self.request.purpose) if self.request.purpose else None

    @property
    def asked(self) -> frozenset[str]:
        """Registered ∩ requested."""
        return self.request.asked & self.purpose.names if self.purpose else frozenset()


@dataclass(frozen=True)
class Standing:
    """What is known of the person of an interaction when the next step is decided."""

    person: Person
    capacity: Capacity
    remembered: StoredReceipt | None
    """The agreement to check results that is remembered for this relying party."""
    is_somebody_else: bool
    """Whether the request asks for one person, and this is another."""
    is_suspended: bool
    """Whether a suspension holds now."""
    has_guardian: bool
    """Whether there is a guardian, with an active net credential, who could decide."""

    @property
    def needs_guardian(self) -> bool:
        """Whether a guardian decides for this person (Measures, article 5)."""
        return self.capacity is Capacity.UNDER_14


class StepKind(StrEnum):
    """What comes next; `authorize` alone decides it."""

    SIGN_IN = "sign-in"
    PASSCODE = "passcode"
    FACE = "face"
    SUSPENDED = "suspended"
    GUARDIAN = "guardian"
    CONSENT = "consent"
    FINISH = "finish"
    LEAVE = "leave"
    """Somebody else signed in than the request asks for: back without a decision."""


@dataclass(frozen=True)
class Step:
    """The next step of an interaction, and for whom."""

    kind: StepKind
    role: Role = Role.PERSON
    standing: Standing | None = None
    """What the step was decided by, once the person is checked."""
