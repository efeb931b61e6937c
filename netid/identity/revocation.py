"""Why copies of a net credential in wallets may be revoked: a closed list. The net number lives on."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from netid.identity.text import Text


class RevocationReason(StrEnum):
    """The code of a reason, as commands and the audit name it."""

    OWN_WISH = "own-wish"
    DEVICE_LOST = "device-lost"
    SUSPECTED_MISUSE = "suspected-misuse"


REVOCATION_REASONS: Mapping[RevocationReason, Text] = MappingProxyType(
    {
        RevocationReason.OWN_WISH: Text(zh="您本人要求作废", en="You asked for it yourself"),
        RevocationReason.DEVICE_LOST: Text(
            zh="装有钱包的设备已报失", en="The device with the wallet was reported lost"
        ),
        RevocationReason.SUSPECTED_MISUSE: Text(
            zh="疑似有人冒用您钱包里的网证", en="Somebody else seems to be using the copies in your wallet"
        ),
    }
)
"""Every reason there is, as the person reads it."""
