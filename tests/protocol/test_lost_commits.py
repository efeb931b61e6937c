"""F10: a connection lost during COMMIT leaves one result or a clean refusal; nobody claims to know which."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.postgres import empty_database
from tests.protocol.lossy_line import LossyLine, Lost
from tests.protocol.traffic import Acknowledged, missing
from tests.protocol.visiting import Visitor
from tests.running import Client, Running, Starter

LOST = pytest.mark.parametrize("lost", get_args(Lost))


@pytest.fixture
def line(tmp_path: Path, postgres_server: str) -> Iterator[LossyLine]:
    with LossyLine(postgres_server, tmp_path) as line:
        yield line


@pytest.fixture
def running(start: Starter, line: LossyLine, tmp_path: Path, postgres_server: str) -> Iterator[Running]:
    """A provider behind that line, with nobody but its requests to commit anything."""
    with empty_database(postgres_server) as url:
        running = start(database_url=url.replace(postgres_server, str(tmp_path)))
        for thread in (running.provider.sealer, running.provider.delivery, running.provider.housekeeping):
            thread.stop()
        yield running
        running.provider.close()


@pytest.fixture
def shop(running: Running) -> Client:
    return running.register()


@LOST
def test_f10_a_redemption_is_done_or_not_and_never_twice(
    running: Running, line: LossyLine, shop: Client, lost: Lost
) -> None:
    code = shop.headless().code
    line.lose_next(lost)
    answer = shop.redeem(code)
    assert line.lost.wait(10)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert "may have been done" in answer.json()["error_description"]
    assert missing(running.provider.stores, Acknowledged(codes=[code])) == []

    again = shop.redeem(code)
    assert again.status_code == (200 if lost == "on its way" else 400)
    if lost == "on its way back":
        assert again.json()["error"] == "invalid_grant"
    assert missing(running.provider.stores, Acknowledged(codes=[code])) == []
    assert shop.tokens()["access_token"]


@LOST
def test_f10_a_decision_on_a_page_says_that_it_is_not_certain(
    running: Running, line: LossyLine, shop: Client, lost: Lost
) -> None:
    visitor = Visitor(running)
    page = visitor.walk(shop.authorize(visitor.browser), stop="consent")
    line.lose_next(lost)
    answer = visitor.answer(page)
    assert line.lost.wait(10)
    assert answer.status_code == 503
    assert "not certain whether this was still done" in answer.text
    assert "Nothing was shared" not in answer.text
    assert missing(running.provider.stores, Acknowledged()) == []

    once_more = visitor.answer(page)
    if lost == "on its way":
        assert "code" in parse_qs(urlsplit(once_more.headers["Location"]).query)
    else:
        assert once_more.status_code == 409, "the sign-in has ended; the code went with the line"


def test_f10_what_is_refused_before_the_commit_still_says_that_nothing_was_changed(
    running: Running, line: LossyLine, shop: Client
) -> None:
    """The control: the two refusals are told apart."""
    code = shop.headless().code
    running.provider.stores.db.close()
    line.close()
    answer = shop.redeem(code)
    assert answer.status_code == 503
    assert "nothing was changed" in answer.json()["error_description"]
