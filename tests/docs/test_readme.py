"""Both READMEs: their commands exist, and their table says of the profiles what a registration does."""

import re
from pathlib import Path

import pytest

from netid.cli import main
from netid.errors import RegistrationRefused
from tests.docs.test_snippets import README, README_ZH
from tests.running import Running

COMMAND = re.compile(r"`netid ([a-z-]+)(?: ([a-z-]+))?(?: [A-Z]+)?`")


@pytest.mark.parametrize("page", [README, README_ZH], ids=lambda page: page.name)
def test_every_command_is_one(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = set(COMMAND.findall(page.read_text(encoding="utf-8")))
    assert ("keys", "rotate") in commands
    for command in commands:
        with pytest.raises(SystemExit) as left:
            main([*filter(None, command), "--help"])
        assert left.value.code == 0, command
    capsys.readouterr()


@pytest.mark.parametrize(
    "change",
    [
        {"authentication": "client_secret_basic", "jwks": None, "secret": "x" * 43},
        {"require_pkce": False},
        {"id_token_signed_response_alg": "RS256"},
    ],
    ids=["a secret", "without PKCE", "RS256"],
)
def test_what_the_second_column_excludes_cannot_be_registered(
    provider: Running, change: dict[str, object]
) -> None:
    with pytest.raises(RegistrationRefused, match="fapi2"):
        provider.register("bank", profile="fapi2", **change)


def test_a_request_in_the_address_is_for_the_first_column(provider: Running) -> None:
    shop, bank = provider.register("shop"), provider.register("bank", profile="fapi2")
    for client, status in ((shop, 303), (bank, 400)):
        address = provider.url("/authorize")
        answer = provider.browser().get(address, params=client.request(), allow_redirects=False)
        assert answer.status_code == status
