"""Everything that can go wrong in a wallet: one class each. `detail` is for nobody but whoever looks
into it; it repeats no value of the person's, and no secret."""

from netid.errors import NetIDError
from netid.identity.text import Text


class WalletError(NetIDError):
    """The wallet could not do it. Nothing was shared."""

    code = "wallet_error"
    status = 400


class OfferRefused(WalletError):
    """OpenID4VCI 1.0, 4.1: this is no offer of the provider that the wallet belongs to."""

    code = "offer_refused"


class TransactionCodeWrong(WalletError):
    """OpenID4VCI 1.0, 6.3: the transaction code is not the one that was given with the offer."""

    code = "transaction_code_wrong"


class IssuingEnded(WalletError):
    """OpenID4VCI 1.0, 6.3: the offer was used, has expired, or the provider does not give out copies now."""

    code = "issuing_ended"


class IssuerRefused(WalletError):
    """What the provider answered is not what its specification says, or not what was asked for."""

    code = "issuer_refused"
    status = 502


class RequestRefused(WalletError):
    """OpenID4VP 1.0, 5: the request was not made by a relying party that the provider registered."""

    code = "request_refused"


class OverAsked(WalletError):
    """The request goes beyond what the relying party registered. The wallet stopped it."""

    code = "over_asked"

    def __init__(self, platform: Text, detail: str) -> None:
        super().__init__(detail)
        self.platform = platform
        """Who asked."""


class RequestEnded(WalletError):
    """The request was answered already, has expired, or was never made."""

    code = "request_ended"


class NoCopyLeft(WalletError):
    """No copy is left to show; none is used twice without its owner's word."""

    code = "no_copy_left"


class ClaimMissing(WalletError):
    """What is asked for is not in the net credential."""

    code = "claim_missing"


class GuardianNeeded(WalletError):
    """Measures, article 5: under 14, a guardian has to agree to this platform and this purpose first."""

    code = "guardian_needed"

    def __init__(self, platform: Text, purpose: Text | None) -> None:
        super().__init__()
        self.platform = platform
        """Who asked."""
        self.purpose = purpose
        """What for; None for the check result alone."""


class GrantRefused(WalletError):
    """This is no permission that a guardian gave for this wallet."""

    code = "grant_refused"


class AnswerNotTaken(WalletError):
    """The relying party cannot be reached, or did not take the answer. It may have read it all the same."""

    code = "answer_not_taken"
    status = 502
