"""A guardian's records list a child's consents until the 14th birthday, to the day (Measures 5, PIPL 31)."""

import calendar
from datetime import UTC, date, datetime, time, timedelta

import pytest

from netid.identity.ages import anniversary
from netid.identity.calendar import CHINA_STANDARD_TIME
from netid.identity.documents import make_synthetic_document
from netid.services.enrolment import Applicant
from tests.pages import Visitor
from tests.protocol.meddling import person_id_of
from tests.running import DEMO_PASSCODE, Client, Running

MINORS = "openid netid.verify netid.purpose.minors-mode"


def leap_day_child() -> date:
    """A 29 February whose 14th anniversary is to come: never in a leap year."""
    return next(
        date(year, 2, 29)
        for year in range(datetime.now(UTC).year - 12, datetime.now(UTC).year)
        if calendar.isleap(year)
    )


def ordinary_child() -> date:
    return date(leap_day_child().year, 7, 19)


class Family:
    """A child with a guardian, and the clock set to a moment of the child's life."""

    def __init__(self, provider: Running, birthdate: date) -> None:
        self.provider = provider
        self.fourteen = datetime.combine(anniversary(birthdate, 14), time(), CHINA_STANDARD_TIME)
        provider.clock.stop()
        document = make_synthetic_document(
            "resident_id",
            birthdate=birthdate,
            sex="female",
            name="李样本",
            random=lambda count: b"\x07" * count,
        )
        enrolment = provider.provider.services.enrolment
        applicant = Applicant(
            document,
            "+8611500000099",
            enrolment.hash_passcode(DEMO_PASSCODE),
            person_id_of(provider, "guardian"),
        )
        with provider.provider.stores.db.write() as tx:
            enrolled = enrolment.enrol(tx, applicant, provider.clock.now())
        self.person_id = enrolled.person_id
        self.net_number = enrolled.net_number

    def at(self, before_birthday: timedelta) -> None:
        """From now on it is that long before the 14th birthday begins in China."""
        self.provider.clock.stopped_at = self.fourteen - before_birthday
        self.provider.clock.offset = timedelta()

    def child(self, client: Client, scope: str) -> Visitor:
        """The child at a browser, sent by a platform, signed in."""
        visitor = Visitor(self.provider).ask(client, scope=scope)
        visitor.press("next-typed", net_number=self.net_number.reveal())
        return visitor.press("next", passcode=DEMO_PASSCODE)

    def with_guardian(self, visitor: Visitor) -> Visitor:
        """The guardian signs in beside the child and agrees."""
        assert visitor.page.name == "page-guardian"
        visitor.open(visitor.running.url(str(visitor.page.test("next").get("href"))))
        visitor.press("next", who="persona:guardian").press("next", passcode=DEMO_PASSCODE)
        return visitor.press("agree")

    def guardians_page(self, persona: str = "guardian") -> Visitor:
        """What the guardian's own records say."""
        visitor = Visitor(self.provider).open(self.provider.url("/records")).sign_in(persona)
        return visitor.open(self.provider.url("/records/children"))


@pytest.fixture(params=[leap_day_child, ordinary_child])
def family(provider: Running, request: pytest.FixtureRequest) -> Family:
    return Family(provider, request.param())


def test_the_14th_birthday_of_a_leap_day_child_is_28_february(provider: Running) -> None:
    family = Family(provider, leap_day_child())
    assert (family.fourteen.month, family.fourteen.day) == (2, 28)


def test_until_the_last_second_before_the_birthday_the_guardian_decides_and_from_then_on_the_child(
    family: Family,
) -> None:
    shop = family.provider.register()
    family.at(timedelta(seconds=1))
    assert family.child(shop, "openid").page.name == "page-guardian"
    family.at(timedelta(0))
    assert family.child(shop, "openid").page.name == "page-check-result"


def test_what_a_guardian_agreed_to_ends_with_the_birthday_and_the_child_is_asked_anew(family: Family) -> None:
    shop = family.provider.register()
    family.at(timedelta(days=30))
    remembered = family.with_guardian(family.child(shop, "openid"))
    assert remembered.left
    assert family.provider.callback(remembered.left).code
    family.at(timedelta(seconds=1))
    assert family.child(shop, "openid").left, "remembered until then"
    family.at(timedelta(0))
    assert family.child(shop, "openid").page.name == "page-check-result"


def test_a_release_that_a_guardian_agreed_to_does_not_outlast_midnight(family: Family) -> None:
    """A token would live for some minutes more; the guardian's word does not."""
    shop = family.provider.register()
    family.at(timedelta(minutes=2))
    answered = family.with_guardian(family.child(shop, MINORS)).left
    assert answered
    token = shop.redeem(family.provider.callback(answered).code).json()["access_token"]
    assert shop.userinfo(token).json()["age_over_18"] is False
    family.at(timedelta(0))
    assert shop.userinfo(token).status_code == 401


def test_a_guardian_reads_and_withdraws_what_they_agreed_to_for_a_child(family: Family) -> None:
    shop = family.provider.register()
    family.at(timedelta(days=30))
    answered = family.with_guardian(family.child(shop, MINORS)).left
    assert answered
    token = shop.redeem(family.provider.callback(answered).code).json()["access_token"]
    visitor = family.guardians_page()
    assert visitor.page.name == "page-children"
    [child] = [one for one in visitor.page.all(data_testid="child") if one.all("article")]
    assert family.net_number.masked in child.text
    assert family.net_number.reveal() not in visitor.page.response.text
    assert "The guardian agreed." in child.text
    assert not child.all(data_testid="to-platform"), "the platform's page is the child's own"
    receipt = str(child.one("a", data_testid="receipt").get("href"))
    visitor.press("withdraw")
    assert visitor.page.name == "page-children"
    assert visitor.page.test("status").text.startswith("Consent withdrawn. The a-shop can no longer get")
    assert "Withdrawn" in visitor.page.one("main").text
    assert shop.userinfo(token).status_code == 401
    visitor.open(family.provider.url(receipt))
    assert visitor.page.name == "page-receipt"
    visitor.open(family.provider.url(f"{receipt}/complaint")).press("send-complaint", words="Too much.")
    assert visitor.page.test("complaint-words").text == "Too much."


def test_r1_nobody_but_the_guardian_and_from_the_birthday_on_not_the_guardian_either(family: Family) -> None:
    shop = family.provider.register()
    family.at(timedelta(days=30))
    family.with_guardian(family.child(shop, "openid"))
    visitor = family.guardians_page()
    [child] = [one for one in visitor.page.all(data_testid="child") if one.all("article")]
    receipt = str(child.one("a", data_testid="receipt").get("href"))
    stranger = family.guardians_page("another-guardian")
    assert "Receipt for" not in stranger.open(family.provider.url(receipt)).page.response.text
    assert stranger.page.response.status_code == 404
    family.at(timedelta(0))
    visitor = family.guardians_page()
    assert family.net_number.masked not in visitor.page.response.text
    assert visitor.open(family.provider.url(receipt)).page.response.status_code == 404
    rights = family.provider.provider.services.rights
    assert [one.outcome for one in rights.history(family.person_id)] == ["check-only"], "the child's to read"


def test_who_has_no_child_is_told_so_and_the_records_do_not_offer_the_page(provider: Running) -> None:
    visitor = Visitor(provider).open(provider.url("/records")).sign_in()
    assert not visitor.page.has("children")
    assert visitor.open(provider.url("/records/children")).page.has("no-children")
    guardian = Visitor(provider).open(provider.url("/records")).sign_in("guardian")
    assert guardian.page.has("children")
