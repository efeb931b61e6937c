"""Parameters as a test may print them: what is a secret, or may say something about a person, is masked."""

import hmac
from collections.abc import Mapping

SHOWN = frozenset(
    {
        "acr_values",
        "claims",
        "client_assertion_type",
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "grant_type",
        "login_hint",
        "max_age",
        "nonce",
        "prompt",
        "redirect_uri",
        "response_mode",
        "response_type",
        "scope",
        "state",
        "token_type_hint",
        "ui_locales",
    }
)
"""The parameters that are shown as they are; every other value is masked."""


class Mask:
    """Hides values so that equal ones still look equal, within one realm."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def value(self, name: str, value: str) -> str:
        """The value of that parameter as it may be shown."""
        if name in SHOWN:
            return value
        mark = hmac.digest(self._key, value.encode(), "sha256").hex()[:8]
        return f"(masked: {len(value)} characters, mark {mark})"

    def values(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """All of them."""
        return {name: self.value(name, value) for name, value in parameters.items()}
