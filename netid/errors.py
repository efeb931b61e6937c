"""One class per error; its docstring is the public description and cites its clause.

`detail` is for the log and never reaches a caller; what a caller sees is the class's own text
and, for bad input, the field, the rule and the remedy.
"""

from typing import ClassVar


class NetIDError(Exception):
    """The base of every error that NetID answers with."""

    code: ClassVar[str] = "server_error"
    """The machine-readable code: an OAuth error code, or a name in this file's vocabulary."""

    status: ClassVar[int] = 500
    """The HTTP status it becomes."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    @property
    def description(self) -> str:
        """The public description: the first paragraph of the class's docstring."""
        return " ".join((type(self).__doc__ or "").split("\n\n")[0].split())


class InvalidField(NetIDError):
    """A value does not have the form that is asked for."""

    code = "invalid_field"
    status = 400

    def __init__(self, field: str, rule: str, remedy: str) -> None:
        super().__init__(f"{field}: {rule}; {remedy}")
        self.field = field
        """Which field, as a dotted path."""
        self.rule = rule
        """What was expected."""
        self.remedy = remedy
        """What to do about it."""

    @property
    def description(self) -> str:
        """Field, rule and remedy: none of them repeats the value."""
        return self.detail


# Starting up: one line that names the file and the field.


class KeyFileError(NetIDError):
    """A key file is missing, damaged or readable by others; the provider does not start."""

    code = "invalid_key_file"


class BackupRefused(NetIDError):
    """A copy of the database cannot be made or put back; everything is as it was."""

    code = "backup_refused"


class PersonaError(NetIDError):
    """A persona file breaks a rule; the provider does not start."""

    code = "invalid_persona"


# Anything signed


class TokenRefused(NetIDError):
    """A signed token did not pass the gate."""

    code = "invalid_token"
    status = 401


# Net credentials and their presentations: each is a token that was refused, for a reason of its own.


class UnknownKey(TokenRefused):
    """A signed token names no key of the set that it has to be signed with."""


class DisclosureRefused(TokenRefused):
    """RFC 9901, 7.1: the disclosures do not fit what the issuer signed."""


class KeyBindingRefused(TokenRefused):
    """RFC 9901, 7.3: nothing shows that who presents it holds its key, and means this request."""


class ReceiptRefused(TokenRefused):
    """A receipt is not as it was signed, or does not stand in its place in the chain."""


class CredentialNotValid(TokenRefused):
    """RFC 9901, 7.1, step 6: the credential has expired, or its time has not come."""


class StatusListRefused(TokenRefused):
    """Token Status List, 8.3: the list does not say what became of this credential."""


class CredentialRevoked(TokenRefused):
    """Token Status List, 7.1: the credential was revoked."""


class CredentialSuspended(TokenRefused):
    """Token Status List, 7.1: the credential is suspended, and may become valid again."""


# HTTP


class MalformedRequest(NetIDError):
    """RFC 9110, 15.5.1: the request cannot be read as HTTP."""

    code = "invalid_request"
    status = 400


class MethodNotAllowed(NetIDError):
    """RFC 9110, 15.5.6: this address takes other methods, which the Allow header names."""

    code = "invalid_request"
    status = 405


class UnsupportedMediaType(NetIDError):
    """RFC 9110, 15.5.16: the body is of another kind; send an object as application/json."""

    code = "invalid_request"
    status = 415


# OAuth 2.0 and OpenID Connect


class OAuthError(NetIDError):
    """An error with a code of the OAuth or OpenID specifications."""

    code = "invalid_request"
    status = 400

    def __init__(self, description: str = "", *, detail: str = "") -> None:
        super().__init__(detail or description)
        self._description = description

    @property
    def description(self) -> str:
        """What was wrong with the request, in words that carry no secret."""
        return self._description or super().description


class InvalidRequest(OAuthError):
    """RFC 6749, 4.1.2.1 and 5.2: a parameter is missing, repeated, malformed or unsupported."""

    code = "invalid_request"


class InvalidDPoPProof(OAuthError):
    """RFC 9449, 5 and 7.1: the DPoP proof is missing, malformed, used before or not for this request."""

    code = "invalid_dpop_proof"


class UseDPoPNonce(OAuthError):
    """RFC 9449, 8 and 9: the proof has to carry the nonce in DPoP-Nonce; sign one with it and try again."""

    code = "use_dpop_nonce"


class RequestTooLarge(OAuthError):
    """RFC 9110, 15.5.14: the request is larger than anything this endpoint could need."""

    code = "invalid_request"
    status = 413


class UnprovenRedirect(OAuthError):
    """RFC 6749, 4.1.2.1: client or redirect URI are not proven, so a page answers and nothing redirects."""

    code = "invalid_request"


class LogoutUnproven(OAuthError):
    """RP-Initiated Logout 1.0, 3: who asks, or where it leads, is not proven, so a page answers."""

    code = "invalid_request"


class InvalidClient(OAuthError):
    """RFC 6749, 5.2: client authentication failed."""

    code = "invalid_client"
    status = 401


class ClientKeysPending(OAuthError):
    """RFC 9110, 15.6.4: the keys at the client's jwks_uri are being fetched; try again in a second."""

    code = "temporarily_unavailable"
    status = 503


class InvalidGrant(OAuthError):
    """RFC 6749, 5.2: the code is unknown, expired, used, or was issued to another client."""

    code = "invalid_grant"


class CodeReplayed(InvalidGrant):
    """RFC 6749, 4.1.2: the code was used before; the tokens it gave are ended."""


class UnauthorizedClient(OAuthError):
    """RFC 6749, 5.2: this client may not use this grant; offers are for wallets."""

    code = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """RFC 6749, 5.2: only authorization_code is offered, and the pre-authorized code of a wallet's offer."""

    code = "unsupported_grant_type"


class InvalidToken(OAuthError):
    """RFC 6750, 3.1: the access token is unknown, expired, revoked or of another kind."""

    code = "invalid_token"
    status = 401


class MissingToken(OAuthError):
    """RFC 6750, 3.1: there is no access token; send one as Authorization: Bearer."""

    code = "invalid_token"
    status = 401


class InsufficientScope(OAuthError):
    """RFC 6750, 3.1: the access token was not given for what is asked for."""

    code = "insufficient_scope"
    status = 403


class AccessDenied(OAuthError):
    """RFC 6749, 4.1.2.1: the person refused, or the rules do not allow the release."""

    code = "access_denied"


class UnsupportedResponseType(OAuthError):
    """RFC 6749, 4.1.2.1: only response_type=code is offered."""

    code = "unsupported_response_type"


class InvalidScope(OAuthError):
    """RFC 6749, 4.1.2.1: a purpose that is not registered for this relying party."""

    code = "invalid_scope"


class LoginRequired(OAuthError):
    """OpenID Connect Core, 3.1.2.1 and 3.1.2.6: nobody is signed in who could answer."""

    code = "login_required"


class UnmetAuthenticationRequirements(OAuthError):
    """OpenID Connect Core Error Code unmet_authentication_requirements 1.0: no such level exists here."""

    code = "unmet_authentication_requirements"


class ConsentRequired(OAuthError):
    """OpenID Connect Core, 3.1.2.6: prompt=none, and the person has to be asked."""

    code = "consent_required"


class RequestNotSupported(OAuthError):
    """OpenID Connect Core, 3.1.2.6: the request parameter is not supported."""

    code = "request_not_supported"


class RequestUriNotSupported(OAuthError):
    """OpenID Connect Core, 3.1.2.6: the request_uri parameter is not supported."""

    code = "request_uri_not_supported"


class RequestUriRefused(OAuthError):
    """RFC 9126, 4: the request_uri is unknown, expired, finished or another client's; push a new one."""

    code = "invalid_request_uri"


class PushedRequestRequired(OAuthError):
    """RFC 9126, 4: this client pushes its requests to /par, and sends client_id and request_uri here."""

    code = "invalid_request"


class RegistrationNotSupported(OAuthError):
    """OpenID Connect Core, 3.1.2.6: the registration parameter is not supported."""

    code = "registration_not_supported"


# OpenID for Verifiable Credential Issuance 1.0


class InvalidCredentialRequest(OAuthError):
    """OpenID4VCI 1.0, 8.3.1.2: a member is missing, malformed or of another kind."""

    code = "invalid_credential_request"


class UnknownCredentialConfiguration(OAuthError):
    """OpenID4VCI 1.0, 8.3.1.2: there is no such configuration; see the issuer's metadata."""

    code = "unknown_credential_configuration"


class InvalidEncryptionParameters(OAuthError):
    """OpenID4VCI 1.0, 8.3.1.2: responses are not encrypted beyond TLS; leave the parameter out."""

    code = "invalid_encryption_parameters"


class InvalidProof(OAuthError):
    """OpenID4VCI 1.0, 8.3.1.2: a key proof is missing, malformed, stale or of a key that counts not here."""

    code = "invalid_proof"


class InvalidNonce(OAuthError):
    """OpenID4VCI 1.0, 8.3.1.2: the nonce is not ours, too old or used before; fetch another one."""

    code = "invalid_nonce"


class CredentialRequestDenied(OAuthError):
    """OpenID4VCI 1.0, 8.3.1.2: this credential is not issued, and trying again does not change it."""

    code = "credential_request_denied"


class InvalidNotificationId(OAuthError):
    """OpenID4VCI 1.0, 11.3: nothing was issued under this notification_id."""

    code = "invalid_notification_id"


class InvalidNotificationRequest(OAuthError):
    """OpenID4VCI 1.0, 11.3: a member is missing, malformed, or an event that does not exist."""

    code = "invalid_notification_request"


# Pages and services


class NotFound(NetIDError):
    """There is nothing here, or nothing of yours."""

    code = "not_found"
    status = 404


class InteractionExpired(NetIDError):
    """The sign-in was begun too long ago, has ended, or belongs to another browser."""

    code = "expired"
    status = 400


class InteractionEnded(NetIDError):
    """The sign-in has ended: its outcome stands, and a second press changes nothing."""

    code = "ended"
    status = 409


class NoticeChanged(NetIDError):
    """The text has changed since it was read; a decision holds for its own text only (PIPL 14)."""

    code = "notice_changed"
    status = 409


class FormRefused(NetIDError):
    """The form did not come from the page this browser was shown."""

    code = "form_refused"
    status = 403


class SignInRefused(NetIDError):
    """The net number or the passcode is not right, or the account is slowed down."""

    code = "sign_in_refused"
    status = 400

    def __init__(self, retry_after: int = 0, detail: str = "") -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        """Seconds until the next attempt is looked at."""


class SignInRequired(NetIDError):
    """Nobody is signed in in this browser; sign in on the pages first."""

    code = "sign_in_required"
    status = 403


class FreshSignInRequired(NetIDError):
    """This needs a sign-in of its own, a few minutes ago at most; nothing was done."""

    code = "fresh_sign_in_required"
    status = 403


class PersonSuspended(NetIDError):
    """The net credential is suspended; other ways of the relying party stay open."""

    code = "suspended"
    status = 403


class GuardianRequired(NetIDError):
    """A person under 18 needs a guardian to apply, under 14 also to use it (Measures, articles 4 and 5)."""

    code = "guardian_required"
    status = 403


class AlreadyEnrolled(NetIDError):
    """This identity document already has a net number (one person, one net number)."""

    code = "already_enrolled"
    status = 409


class NoticeIncomplete(NetIDError):
    """The notice lacks something that has to be said, or is not the current one (Measures, article 10)."""

    code = "notice_incomplete"
    status = 409


class ApplicationExpired(NetIDError):
    """The application was begun too long ago, was left, or is another browser's; nothing is kept."""

    code = "expired"
    status = 400


class StepSkipped(NetIDError):
    """An earlier step is not done yet."""

    code = "step_skipped"
    status = 409


class RegistrationRefused(NetIDError):
    """A relying party's registration breaks a rule."""

    code = "invalid_registration"
    status = 400

    @property
    def description(self) -> str:
        """Field, rule and remedy: none of them repeats the value."""
        return self.detail or super().description


class ReleaseRefused(NetIDError):
    """A rule of the Measures does not permit this release."""

    code = "release_refused"
    status = 403


class StorageBusy(NetIDError):
    """The database is busy; nothing was changed. Try again."""

    code = "temporarily_unavailable"
    status = 503


class CommitUnconfirmed(StorageBusy):
    """The database was lost at the very end: it may have been done, or not. Look, then try again."""


class VaultDamaged(NetIDError):
    """A stored field was changed or moved; it is not given out."""

    code = "server_error"
    status = 500


class Unauthorized(NetIDError):
    """The management port needs its token (RFC 6750)."""

    code = "unauthorized"
    status = 401


class NotLoopback(NetIDError):
    """The management port answers this machine alone, under a loopback name."""

    code = "not_loopback"
    status = 403


class NothingCaptured(NetIDError):
    """No such request came in time."""

    code = "nothing_captured"
    status = 404

    def __init__(self, awaited: str, seen: str) -> None:
        super().__init__(f"no request to {awaited} came in time; received so far: {seen}")

    @property
    def description(self) -> str:
        """What was waited for, and what came instead."""
        return self.detail


class RequestDiffers(NetIDError):
    """A request came, and is not what the test expected."""

    code = "request_differs"
    status = 409

    def __init__(self, request: str, difference: list[str]) -> None:
        super().__init__("\n".join((f"{request} is not what was expected", *difference)))

    @property
    def description(self) -> str:
        """The difference, line by line: - expected, + came; values are masked."""
        return self.detail


class NoSuchPersona(NotFound):
    """There is no persona of that id."""

    @property
    def description(self) -> str:
        """The nearest ids."""
        return f"there is no persona of that id; {self.detail}"


class ManagementRefused(NetIDError):
    """The management API cannot do what a test asks for."""

    code = "management_refused"
    status = 400

    def __str__(self) -> str:
        return self.detail


class PageShown(NetIDError):
    """The person has to do something on a page before the relying party hears of them."""

    code = "page_shown"


class Unreachable(NetIDError):
    """A server cannot be reached, or what it answers is too long or takes too long."""

    code = "unreachable"
    status = 502


class Unanswered(NetIDError):
    """A relying party's server did not answer in time, or is where this provider does not send to."""

    code = "unanswered"
    status = 502


class UnexpectedFault(NetIDError):
    """Something went wrong on our side; nothing was shared. The log has the reference."""


class StartFailed(NetIDError):
    """A part of the demo did not start."""
