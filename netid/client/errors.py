"""Everything that can go wrong for a relying party: one class each, and what to do about it.

The docstring's first paragraph says what happened, in words that may be shown; `what_to_do` is for
whoever runs the relying party; `detail` is for its log and repeats no token, secret or field.
"""

from typing import ClassVar

from netid.errors import NetIDError


class ClientError(NetIDError):
    """Signing in with NetID did not work. No information was taken over."""

    what_to_do: ClassVar[str] = "Offer the person another way to go on."
    """The next step, for whoever runs the relying party."""

    def __str__(self) -> str:
        """One line for a log: what exactly happened, and what to do."""
        said = (self.detail or self.description).rstrip(".: ")
        return f"{said}{'' if said.endswith('?') else '.'} {self.what_to_do}"


class ConfigurationRefused(ClientError):
    """This relying party is not configured in a way that can work."""

    code = "invalid_configuration"
    what_to_do = "Correct the value that the detail names, and start again."


class ProviderUnreachable(ClientError):
    """The provider cannot be reached, or answers that it is not able to work now."""

    code = "provider_unreachable"
    status = 503
    what_to_do = "Try again in a minute; meanwhile offer the other way. Check that the issuer's host answers."


class MetadataRefused(ClientError):
    """What the provider says about itself does not hold together (OpenID Connect Discovery 1.0, 4.3)."""

    code = "metadata_refused"
    status = 502
    what_to_do = "Compare the configured issuer, letter by letter, with the provider's own; do not go on."


class CallbackRefused(ClientError):
    """This return from the provider does not belong to a sign-in that this browser began.

    `reason` says which check failed: state, `iss` (RFC 9207), or the form of the parameters.
    """

    code = "callback_refused"
    status = 400
    what_to_do = (
        "Let the person begin again from your sign-in page; do not retry with the same address. If it "
        "repeats: open your site at the host name that is registered, and give several processes one "
        "`pending` store."
    )

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """Which check failed."""


class Refused(ClientError):
    """The person did not agree, or the rules do not allow the release. Nothing was shared."""

    code = "access_denied"
    status = 403
    what_to_do = "Lead to the other way, and do not ask again by yourself (Measures, article 7)."


class LoginRequired(ClientError):
    """Nobody is signed in at the provider, and it was not allowed to ask (OpenID Connect Core, 3.1.2.6)."""

    code = "login_required"
    status = 403
    what_to_do = "Begin again without prompt='none' when the person presses your sign-in button."


class ConsentRequired(ClientError):
    """The person has to be asked, and the provider was not allowed to (OpenID Connect Core, 3.1.2.6)."""

    code = "consent_required"
    status = 403
    what_to_do = "Begin again without prompt='none' when the person presses your sign-in button."


class LevelNotReached(ClientError):
    """The person was not checked as surely, or not as recently, as was asked for."""

    code = "unmet_authentication_requirements"
    status = 403
    what_to_do = "Begin again and say why this level is needed, or offer what a lower level allows."


class RequestRefused(ClientError):
    """The provider does not accept the request itself (RFC 6749, 4.1.2.1)."""

    code = "request_refused"
    status = 502
    what_to_do = (
        "Compare purpose, scopes and profile with your registration; the detail has the provider's words."
    )


class ClientRefused(ClientError):
    """The provider does not recognise this relying party (RFC 6749, 5.2, invalid_client)."""

    code = "client_refused"
    status = 502
    what_to_do = (
        "Check client_id, the registered key or secret, and that your clock is right within 10 seconds."
    )


class CodeRefused(ClientError):
    """The code is used up, expired, or belongs to another request (RFC 6749, 5.2, invalid_grant)."""

    code = "code_refused"
    status = 400
    what_to_do = "Let the person begin again. If it repeats, look for a proxy that fetches addresses twice."


class IDTokenRefused(ClientError):
    """The ID token did not pass a check (OpenID Connect Core, 3.1.3.7), so nobody is signed in."""

    code = "id_token_refused"
    status = 502
    what_to_do = (
        "Do not sign anybody in. The detail names the check; compare it with your registration, and your "
        "clock with the provider's."
    )


class FieldsRefused(ClientError):
    """What UserInfo answered did not pass a check (OpenID Connect Core, 5.3), so none of it was kept."""

    code = "fields_refused"
    status = 502
    what_to_do = "Use none of it. The detail names the check; compare it with your registration."


class FieldsEnded(ClientError):
    """The fields are no longer available: withdrawn, cancelled, or the five minutes are over."""

    code = "fields_ended"
    status = 403
    what_to_do = "Go on without the fields, or ask anew when the person wants something that needs them."


class EventRefused(ClientError):
    """What was pushed is not an event of the provider for this relying party (RFC 8935). Nothing was done."""

    code = "event_refused"
    status = 400
    what_to_do = (
        "Do nothing on it. If it was the provider, compare its issuer and keys with your registration, "
        "and its clock with yours."
    )

    def __init__(self, detail: str, err: str = "invalid_request") -> None:
        super().__init__(detail)
        self.err = err
        """The code to answer: invalid_request, invalid_key, invalid_issuer or invalid_audience."""


class LogoutRefused(ClientError):
    """What was sent is not a logout token for this relying party. No session was ended."""

    code = "invalid_request"
    status = 400
    what_to_do = (
        "End no session. If it was the provider, compare its issuer and keys with your registration, "
        "and its clock with yours."
    )


class NotReady(ProviderUnreachable):
    """Wallets cannot be asked now: what is needed to check their answers has not come from the provider."""

    code = "not_ready"
    what_to_do = "Offer the other way. See why the timer's last fetch failed: the log says it."


class PresentationRefused(ClientError):
    """What the wallet showed did not pass a check (OpenID4VP 1.0, 8.6), so none of it was kept."""

    code = "presentation_refused"
    status = 400
    what_to_do = "Take nothing over. The detail names the check; let the person begin again."


class CredentialEnded(PresentationRefused):
    """The net credential has expired, or was suspended or revoked."""

    code = "credential_ended"
    status = 403
    what_to_do = "Offer the other way; the person can get new copies from the provider, or ask it why."
