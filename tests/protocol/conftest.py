"""Relying parties that nobody has met yet, and the post-condition of every refusal."""

from itertools import count

import pytest

from tests.protocol.refusals import Refusals
from tests.running import Client, Running

_NUMBERS = count(1)


@pytest.fixture
def shop(shared: Running) -> Client:
    """A relying party at the provider that the file shares."""
    return shared.register(f"shop-{next(_NUMBERS)}")


@pytest.fixture
def another_shop(shared: Running) -> Client:
    """A second one, of another legal entity."""
    return shared.register(f"other-{next(_NUMBERS)}")


@pytest.fixture
def refused(caplog: pytest.LogCaptureFixture) -> Refusals:
    """Asserts that an act is refused, and that it leaves nothing else behind."""
    return Refusals(caplog)


@pytest.fixture
def bank(shared: Running) -> Client:
    """A relying party of profile fapi2."""
    return shared.register(f"bank-{next(_NUMBERS)}", profile="fapi2")
