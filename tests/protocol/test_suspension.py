"""Suspension: a reason, a term, notice and an appeal for the person; nothing of it for the relying party."""

import re

import pytest
import requests

from netid.errors import InvalidField, NotFound
from netid.identity.suspension import SUSPENSION_RULES, SuspensionReason
from netid.services.suspensions import MOST_WORDS, Suspensions
from netid.storage.appeals import AppealOutcome
from tests.protocol.meddling import person_id_of
from tests.protocol.visiting import Visitor
from tests.running import CALLBACK, Client, Running

WHY = "我的证件没有丢，是同名的人报的失。"


@pytest.fixture
def shop(provider: Running) -> Client:
    return provider.register()


@pytest.fixture
def suspensions(provider: Running) -> Suspensions:
    return provider.provider.services.suspensions


@pytest.fixture
def person_id(provider: Running) -> str:
    return person_id_of(provider, "an-adult")


@pytest.fixture
def suspended(suspensions: Suspensions, person_id: str) -> None:
    suspensions.suspend(person_id, SuspensionReason.DOCUMENT_LOST, 30)


def at_the_page(provider: Running, shop: Client) -> tuple[Visitor, requests.Response]:
    visitor = Visitor(provider)
    page = visitor.walk(shop.authorize(visitor.browser), stop="suspended")
    assert 'data-testid="page-suspended"' in page.text
    return visitor, page


def at_the_notices(provider: Running) -> tuple[Visitor, requests.Response]:
    visitor = Visitor(provider)
    visitor.walk(visitor.browser.get(provider.url("/records"), allow_redirects=False), stop="records")
    return visitor, visitor.browser.get(provider.url("/records/notices"))


# What the person is told, and what the relying party is not


@pytest.mark.usefixtures("suspended")
def test_the_person_reads_why_since_when_and_until_when(provider: Running, shop: Client) -> None:
    for _visitor, page in (at_the_page(provider, shop), at_the_notices(provider)):
        assert "The document was reported lost" in page.text
        assert len(re.findall(r"<time datetime=", page.text)) == 2
        assert "It ends by itself" in page.text


@pytest.mark.usefixtures("suspended")
def test_the_relying_party_learns_what_it_learns_of_any_refusal(provider: Running, shop: Client) -> None:
    visitor, page = at_the_page(provider, shop)
    action = re.search(r'action="([^"]*/leave/[^"]+)"', page.text)
    assert action
    token = re.findall(r'name="form_token" value="([^"]+)"', page.text)[-1]
    left = visitor.post(provider.url(action[1]), form_token=token)
    refused = shop.headless("another-adult", {"decision": "refuse"})

    assert left.headers["Location"].startswith(CALLBACK)
    assert provider.callback(left).parameters == refused.parameters
    assert refused.error == "access_denied"
    assert "suspen" not in left.headers["Location"]


def test_codes_and_tokens_are_dead_while_it_lasts_and_afterwards(
    provider: Running, shop: Client, suspensions: Suspensions, person_id: str
) -> None:
    token, code = shop.tokens()["access_token"], shop.headless().code
    suspensions.suspend(person_id, SuspensionReason.SUSPECTED_MISUSE, 1)
    assert shop.userinfo(token).status_code == 401
    refused = shop.redeem(code)
    suspensions.resume(person_id)

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert shop.userinfo(token).status_code == 401
    assert shop.tokens()["access_token"]


# Its term


def test_it_ends_by_itself_at_its_term(
    provider: Running, shop: Client, suspensions: Suspensions, person_id: str
) -> None:
    provider.clock.stop()
    suspensions.suspend(person_id, SuspensionReason.DOCUMENT_DOUBTFUL, 1)
    provider.clock.advance(hours=23, minutes=59)
    assert shop.headless().error == "access_denied"
    provider.clock.advance(minutes=1)
    assert shop.tokens()["access_token"]
    assert suspensions.of(person_id) is None
    provider.provider.housekeeping.round()
    with provider.provider.stores.db.read() as tx:
        ended = provider.provider.stores.audit.of_person(tx, person_id)[0]
    assert (ended.kind, ended.details) == ("resumed", {"ended_by": "term"})


@pytest.mark.parametrize("reason", SuspensionReason)
def test_every_reason_has_words_and_a_longest_term(
    suspensions: Suspensions, person_id: str, reason: SuspensionReason
) -> None:
    longest = SUSPENSION_RULES[reason].longest.days
    for days in (0, -1, longest + 1):
        with pytest.raises(InvalidField, match=f"1 to {longest}"):
            suspensions.suspend(person_id, reason, days)
    assert suspensions.suspend(person_id, reason, longest).reason.zh


def test_nobody_is_suspended_who_is_not_there(suspensions: Suspensions, person_id: str) -> None:
    with pytest.raises(NotFound):
        suspensions.suspend("f" * 32, SuspensionReason.OWN_WISH, 1)
    with pytest.raises(NotFound):
        suspensions.resume(person_id)


# The appeal


@pytest.mark.usefixtures("suspended")
@pytest.mark.parametrize("where", [at_the_page, at_the_notices])
def test_an_appeal_is_kept_and_answered_in_words(
    provider: Running, shop: Client, suspensions: Suspensions, person_id: str, where: object
) -> None:
    visitor, page = at_the_page(provider, shop) if where is at_the_page else at_the_notices(provider)
    sent = visitor.send(page, words=WHY)
    assert sent.status_code == 303
    shown = visitor.open(sent)
    assert WHY in shown.text
    assert 'data-testid="words"' not in shown.text, "one appeal for each suspension"
    [appeal] = suspensions.unanswered()
    assert suspensions.read(appeal.appeal_id).words == WHY
    suspensions.answer(appeal.appeal_id, AppealOutcome.UPHELD, "报失记录已核对。")

    assert "报失记录已核对。" in at_the_notices(provider)[1].text
    assert suspensions.unanswered() == []
    with pytest.raises(NotFound):
        suspensions.answer(appeal.appeal_id, AppealOutcome.LIFTED, "again")
    assert suspensions.of(person_id), "it was upheld"


@pytest.mark.usefixtures("suspended")
def test_an_appeal_that_is_lifted_ends_the_suspension(
    shop: Client, suspensions: Suspensions, person_id: str
) -> None:
    suspensions.appeal(person_id, WHY)
    [appeal] = suspensions.unanswered()
    suspensions.answer(appeal.appeal_id, AppealOutcome.LIFTED, "已更正。")

    assert suspensions.of(person_id) is None
    assert shop.tokens()["access_token"]


@pytest.mark.usefixtures("suspended")
@pytest.mark.parametrize("words", ["", "   ", "x" * (MOST_WORDS + 1), "a\x00b", "x" * 9000])
def test_an_appeal_that_cannot_be_taken_says_what_to_write(
    provider: Running, shop: Client, suspensions: Suspensions, words: str
) -> None:
    visitor, page = at_the_page(provider, shop)
    answer = visitor.send(page, words=words)

    assert answer.status_code == 400
    assert f"in up to {MOST_WORDS} characters" in answer.text
    assert suspensions.unanswered() == []


@pytest.mark.usefixtures("suspended")
def test_an_appeal_needs_the_form_of_this_browser(
    provider: Running, shop: Client, suspensions: Suspensions
) -> None:
    visitor, page = at_the_page(provider, shop)
    assert visitor.send(page, words=WHY, form_token="A" * 43).status_code == 403
    visitor, page = at_the_notices(provider)
    assert visitor.send(page, words=WHY, form_token="A" * 43).status_code == 403
    assert Visitor(provider).post(provider.url("/records/notices"), words=WHY).status_code == 403
    assert suspensions.unanswered() == []


def test_an_appeal_without_a_suspension_is_not_found(
    provider: Running, suspensions: Suspensions, person_id: str
) -> None:
    assert 'data-testid="no-notices"' in at_the_notices(provider)[1].text
    with pytest.raises(NotFound):
        suspensions.appeal(person_id, WHY)


@pytest.mark.usefixtures("suspended")
def test_s8_what_is_written_is_in_no_file_as_it_is_and_goes_with_the_person(
    provider: Running, suspensions: Suspensions, person_id: str
) -> None:
    suspensions.appeal(person_id, WHY)
    written = WHY.encode()
    files = b"".join(file.read_bytes() for file in provider.directory.iterdir())
    assert written not in files
    with provider.provider.stores.db.read() as tx:
        fields = tx.exec_driver_sql("SELECT field FROM vault WHERE field LIKE 'words/%'").all()
        assert len(fields) == 1
    visitor = Visitor(provider)
    page = visitor.walk(
        visitor.browser.get(provider.url("/records/cancel"), allow_redirects=False), stop="records"
    )
    visitor.send(page, decision="agree")

    assert suspensions.unanswered() == []
    with provider.provider.stores.db.read() as tx:
        assert tx.exec_driver_sql("SELECT field FROM vault WHERE field LIKE 'words/%'").all() == []


@pytest.mark.usefixtures("suspended")
def test_a_suspended_person_still_reads_withdraws_and_leaves(provider: Running) -> None:
    visitor, _page = at_the_notices(provider)
    assert 'data-testid="page-records"' in visitor.browser.get(provider.url("/records")).text
    assert 'data-testid="page-cancel"' in visitor.browser.get(provider.url("/records/cancel")).text
