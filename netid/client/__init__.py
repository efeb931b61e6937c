"""The SDK for relying parties: from discovery to a check result and fields, in a few lines.

Flask apps take `netid.client.flask_extension.NetIDFlask`, and `flask_wallet.NetIDWallet` for wallets;
everything else stands on `NetIDClient` and `WalletClient`.
Every failure is a class in `netid.client.errors` that says what to do.
"""

from netid.ambient import Ambient
from netid.client.authentication import ClientSecretBasic, PrivateKeyJwt
from netid.client.check_result import CheckResult
from netid.client.discovery import ProviderMetadata, discover
from netid.client.dpop import DPoPKey
from netid.client.events import ConsentWithdrawn, SecurityEvent, SignedOut, SubjectEnded
from netid.client.fields import Fields
from netid.client.netid_client import NetIDClient, SignedIn
from netid.client.pending import PendingInMemory, PendingLogin, PendingStore
from netid.client.pending_presentations import PresentationsInMemory, PresentationStore
from netid.client.presentation import PresentationAsk, VerifiedPresentation
from netid.client.registration import Ask, Registration
from netid.client.seen import SeenInMemory, SeenStore
from netid.client.wallet_client import PresentationRequest, WalletClient
from netid.credentials.jwk import Algorithm
from netid.identity.levels import AssuranceLevel
from netid.identity.pseudonym import PairwiseSubject
from netid.identity.text import Language

__all__ = [
    "Algorithm",
    "Ambient",
    "Ask",
    "AssuranceLevel",
    "CheckResult",
    "ClientSecretBasic",
    "ConsentWithdrawn",
    "DPoPKey",
    "Fields",
    "Language",
    "NetIDClient",
    "PairwiseSubject",
    "PendingInMemory",
    "PendingLogin",
    "PendingStore",
    "PresentationAsk",
    "PresentationRequest",
    "PresentationStore",
    "PresentationsInMemory",
    "PrivateKeyJwt",
    "ProviderMetadata",
    "Registration",
    "SecurityEvent",
    "SeenInMemory",
    "SeenStore",
    "SignedIn",
    "SignedOut",
    "SubjectEnded",
    "VerifiedPresentation",
    "WalletClient",
    "discover",
]
