"""Enrolment: who gets a net number, and that nothing of their document lies about."""

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from netid.ambient import Ambient
from netid.credentials.keyring import Keyring
from netid.disclosure import Disclosure
from netid.errors import (
    AlreadyEnrolled,
    ApplicationExpired,
    GuardianRequired,
    InvalidField,
    NoticeIncomplete,
    PersonaError,
    SignInRefused,
    StepSkipped,
    StorageBusy,
    VaultDamaged,
)
from netid.identity.ages import Capacity, anniversary
from netid.identity.documents import DOCUMENT_KINDS, make_synthetic_document, parse_document
from netid.identity.enrolment_notice import ENROLMENT_NOTICES, REQUIRED_ITEMS, Told
from netid.identity.net_number import NetNumber
from netid.identity.persons import PersonaStatus, shipped_personas
from netid.services.applying import APPLICATION_LIFETIME, Applying
from netid.services.draft import EnrolmentStep, Outcome, document_values
from netid.services.enrolment import Applicant, Enrolled, Enrolment
from netid.services.passcode_check import PasscodeCheck
from netid.services.passcodes import passcode_matches
from netid.services.sign_in import Browser
from netid.storage.applications import Applications
from netid.storage.database import Database
from netid.storage.persons import PersonStatus
from netid.storage.stores import Stores
from netid.storage.subjects import Subjects
from netid.storage.tables import applications as applications_table
from netid.storage.vault import Vault

NOON_IN_CHINA = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
PASSCODE = "49027316"
PHONE = "+86 115 4902 7777"
KEYRING = Keyring.generate(Ambient.real())
HERE = Browser("h" * 43, None)
ELSEWHERE = Browser("e" * 43, None)


class World:
    """A provider's enrolment on a clock that the test moves."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.now = NOON_IN_CHINA
        real = Ambient.real()
        self.ambient = Ambient(now=lambda: self.now, random=real.random)
        self.db = Database(url, "main")
        self.keys_db = Database(f"sqlite:///{folder}/keys.db", "keys")
        self.db.migrate()
        self.keys_db.migrate()
        self.stores = Stores(self.db, Subjects(KEYRING.pairwise.reveal()))
        self.vault = Vault(KEYRING.wrapping.reveal(), self.keys_db, real.random)
        self.disclosure = Disclosure(self.vault)
        self.notices = dict(ENROLMENT_NOTICES)
        self.enrolment = self.enrolment_with(self.ambient)
        self.applying = Applying(
            self.stores,
            enrolment=self.enrolment,
            applications=Applications(KEYRING.wrapping.reveal(), real.random),
            passcodes=PasscodeCheck(self.stores, keyring=KEYRING, ambient=self.ambient),
            disclosure=self.disclosure,
            notices=self.notices,
            ambient=self.ambient,
        )

    def enrolment_with(self, ambient: Ambient) -> Enrolment:
        return Enrolment(
            self.stores, vault=self.vault, disclosure=self.disclosure, keyring=KEYRING, ambient=ambient
        )

    def close(self) -> None:
        self.db.close()
        self.keys_db.close()

    def values(self, birthdate: date = date(1990, 5, 17), kind: str = "resident_id") -> dict[str, str]:
        return document_values(
            make_synthetic_document(
                kind,
                birthdate=birthdate,
                sex="female",
                name="林植入示例",
                random=self.ambient.random,
                expires_on=date(2036, 1, 2),
            )
        )

    def begin(self, browser: Browser = HERE) -> str:
        return self.applying.begin(browser, self.notices[Told.ENROLMENT].sha256("zh"), "zh")

    def up_to_document(self, values: dict[str, str], browser: Browser = HERE) -> str:
        handle = self.begin(browser)
        self.applying.choose_kind(handle, browser, "resident_id")
        self.applying.give_document(handle, browser, values)
        return handle

    def guardian(self, handle: str, who: NetNumber | str, passcode: str, browser: Browser = HERE) -> None:
        self.applying.sign_in_guardian(handle, browser, who, passcode)
        sha256 = self.notices[Told.GUARDIAN].sha256("zh")
        self.applying.agree_as_guardian(handle, browser, sha256, "zh")

    def face(self, handle: str, browser: Browser = HERE) -> None:
        self.applying.agree_to_face(handle, browser, self.notices[Told.FACE].sha256("zh"), "zh")
        self.applying.show_face(handle, browser, "match")

    def rest(self, handle: str, browser: Browser = HERE) -> None:
        self.face(handle, browser)
        self.applying.give_phone(handle, browser, PHONE)
        self.applying.choose_passcode(handle, browser, PASSCODE)

    def up_to_check(self, values: dict[str, str] | None = None, browser: Browser = HERE) -> str:
        handle = self.up_to_document(values or self.values(), browser)
        self.rest(handle, browser)
        return handle

    def step(self, handle: str, browser: Browser = HERE) -> EnrolmentStep:
        return self.applying.load(handle, browser).next_step

    def person_of(self, handle: str, browser: Browser = HERE) -> str:
        person_id = self.applying.load(handle, browser).draft.person_id
        assert person_id is not None
        return person_id

    def adult(self) -> Enrolled:
        return self.enrolment.enrol_person(age=40, passcode=PASSCODE)

    def set_status(self, person_id: str, status: PersonStatus) -> None:
        with self.db.write() as tx:
            if status is PersonStatus.CANCELLED:
                self.vault.destroy(tx, person_id)
            self.stores.persons.set_status(tx, person_id, status, at=self.now)

    def count(self, table: str) -> int:
        with self.db.read() as tx:
            return int(tx.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, f"sqlite:///{tmp_path}/main.db")
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """On SQLite and on PostgreSQL: what several do at once is another matter there."""
    on_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/main.db" if on_sqlite else request.getfixturevalue("postgres_url")
    made = World(tmp_path, url)
    yield made
    made.close()


# The whole way


def test_an_adult_gets_a_net_number_that_this_browser_then_knows(either_world: World) -> None:
    world = either_world
    values = world.values()
    handle = world.up_to_check(values)
    world.applying.finish(handle, HERE)

    person_id = world.person_of(handle)
    with world.db.read() as tx:
        person = world.stores.persons.get(tx, person_id)
        sealed = world.vault.open(tx, person_id, {"name", "document_number", "phone_number", "net_number"})
        known_here = world.stores.sessions.people_of(tx, HERE.digest)
        known_elsewhere = world.stores.sessions.people_of(tx, ELSEWHERE.digest)
    assert person is not None
    assert person.status is PersonStatus.ACTIVE
    assert person.guardian_id is None
    assert passcode_matches(KEYRING.passcode.reveal(), PASSCODE, person.passcode_hash)
    assert (sealed["name"], sealed["document_number"]) == (values["name"], values["number"])
    assert sealed["phone_number"] == "+8611549027777"
    NetNumber(sealed["net_number"])
    assert (known_here, known_elsewhere) == ([person_id], [])


def test_the_net_number_is_shown_in_full_once_and_masked_from_then_on(either_world: World) -> None:
    world = either_world
    handle = world.up_to_check()
    world.applying.finish(handle, HERE)

    first = world.applying.show_number(handle, HERE)
    second = world.applying.show_number(handle, HERE)

    assert first.in_full
    assert not second.in_full
    assert first.net_number == second.net_number
    with world.db.read() as tx:
        by_number, _ = world.enrolment.by_net_number(tx, first.net_number)
    assert by_number is not None
    assert by_number.person_id == world.person_of(handle)


def test_the_outcome_of_somebody_who_cancelled_shows_no_number(world: World) -> None:
    handle = world.up_to_check()
    world.applying.finish(handle, HERE)
    world.set_status(world.person_of(handle), PersonStatus.CANCELLED)
    with pytest.raises(ApplicationExpired):
        world.applying.show_number(handle, HERE)


def test_what_was_told_is_kept_with_hash_time_and_language(world: World) -> None:
    handle = world.up_to_check()
    world.now += timedelta(minutes=7)
    world.applying.finish(handle, HERE)

    with world.db.read() as tx:
        events = world.stores.audit.of_person(tx, world.person_of(handle))
    told = {event.details["about"]: event for event in events if event.kind == "notice_accepted"}
    assert set(told) == {"enrolment", "face"}
    for about, event in told.items():
        assert event.at == NOON_IN_CHINA
        assert event.details == {
            "about": about,
            "version": ENROLMENT_NOTICES[Told(about)].version,
            "sha256": ENROLMENT_NOTICES[Told(about)].sha256("zh"),
            "language": "zh",
        }
    assert [event.details for event in events if event.kind == "enrolled"] == [{}]


# The notice comes first


@pytest.mark.parametrize("missing", REQUIRED_ITEMS[Told.ENROLMENT])
def test_any_missing_item_of_the_notice_stops_the_flow(world: World, missing: str) -> None:
    world.notices[Told.ENROLMENT] = world.notices[Told.ENROLMENT].without(missing)
    with pytest.raises(NoticeIncomplete):
        world.applying.notice(Told.ENROLMENT)
    with pytest.raises(NoticeIncomplete):
        world.begin()
    assert world.count("applications") == 0


@pytest.mark.parametrize("missing", REQUIRED_ITEMS[Told.FACE])
def test_any_missing_item_of_the_face_notice_stops_the_flow(world: World, missing: str) -> None:
    handle = world.up_to_document(world.values())
    world.notices[Told.FACE] = world.notices[Told.FACE].without(missing)
    with pytest.raises(NoticeIncomplete):
        world.face(handle)
    assert world.step(handle) is EnrolmentStep.FACE


@pytest.mark.parametrize("missing", REQUIRED_ITEMS[Told.GUARDIAN])
def test_any_missing_item_of_the_guardians_notice_stops_the_flow(world: World, missing: str) -> None:
    handle = world.up_to_document(world.values(date(2016, 1, 1)))
    world.notices[Told.GUARDIAN] = world.notices[Told.GUARDIAN].without(missing)
    with pytest.raises(NoticeIncomplete):
        world.guardian(handle, world.adult().net_number, PASSCODE)
    assert world.step(handle) is EnrolmentStep.GUARDIAN


def test_a_notice_that_is_not_the_one_shown_is_not_accepted(world: World) -> None:
    with pytest.raises(NoticeIncomplete):
        world.applying.begin(HERE, ENROLMENT_NOTICES[Told.ENROLMENT].sha256("en"), "zh")
    assert world.count("applications") == 0


def test_the_face_needs_a_consent_of_its_own(world: World) -> None:
    handle = world.up_to_document(world.values())
    with pytest.raises(StepSkipped):
        world.applying.show_face(handle, HERE, "match")


def test_the_hash_covers_every_word_and_the_language() -> None:
    notice = ENROLMENT_NOTICES[Told.ENROLMENT]
    hashes = {notice.sha256("zh"), notice.sha256("en")}
    hashes |= {notice.without(item.name).sha256("en") for item in notice.items}
    assert len(hashes) == 2 + len(notice.items)


# Refusals


def test_steps_cannot_be_skipped(world: World) -> None:
    handle = world.begin()
    attempts = (
        lambda: world.applying.give_document(handle, HERE, world.values()),
        lambda: world.applying.make_up_document(handle, HERE, Capacity.ADULT),
        lambda: world.face(handle),
        lambda: world.applying.give_phone(handle, HERE, PHONE),
        lambda: world.applying.choose_passcode(handle, HERE, PASSCODE),
        lambda: world.applying.finish(handle, HERE),
    )
    for attempt in attempts:
        with pytest.raises(StepSkipped):
            attempt()
    with pytest.raises(StepSkipped):
        world.applying.show_number(handle, HERE)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"number": "110101199005170021"}, "number"),
        ({"number": "x"}, "number"),
        ({"birthdate": "1990-05-18"}, "birthdate"),
        ({"birthdate": "1990-02-30"}, "birthdate"),
        ({"sex": "male"}, "sex"),
        ({"nationality": "QMA"}, "nationality"),
        ({"expires_on": "2026-11-22"}, "expires_on"),
        ({"expires_on": "tomorrow"}, "expires_on"),
    ],
)
def test_a_document_is_refused_by_field_rule_and_remedy(
    world: World, change: dict[str, str], field: str
) -> None:
    handle = world.begin()
    world.applying.choose_kind(handle, HERE, "resident_id")
    with pytest.raises(InvalidField) as refused:
        world.applying.give_document(handle, HERE, world.values() | change)
    assert refused.value.field == field
    assert refused.value.rule
    assert refused.value.remedy
    assert world.step(handle) is EnrolmentStep.DOCUMENT


def test_a_number_that_could_be_somebodys_is_refused_with_the_reason(world: World) -> None:
    handle = world.begin()
    world.applying.choose_kind(handle, HERE, "resident_id")
    with pytest.raises(InvalidField, match="cannot belong to a real person"):
        world.applying.give_document(handle, HERE, world.values() | {"number": "110101199005170021"})


def test_a_document_counts_on_its_last_day_in_china_and_not_after(world: World) -> None:
    values = world.values() | {"expires_on": TODAY.isoformat()}
    handle = world.up_to_check(values)
    world.now = datetime(2026, 11, 23, 15, 59, tzinfo=UTC)
    with pytest.raises(ApplicationExpired):
        world.step(handle)

    world.now = datetime(2026, 11, 23, 15, 50, tzinfo=UTC)
    handle = world.up_to_check(values)
    world.now = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    with pytest.raises(InvalidField, match="expires_on"):
        world.applying.finish(handle, HERE)
    assert world.count("persons") == 0


def test_nobody_unborn_applies(world: World) -> None:
    handle = world.begin()
    world.applying.choose_kind(handle, HERE, "resident_id")
    with pytest.raises(InvalidField, match="birthdate"):
        world.applying.give_document(handle, HERE, world.values(date(2026, 11, 24)))


def test_only_the_eight_kinds(world: World) -> None:
    handle = world.begin()
    with pytest.raises(InvalidField, match="kind"):
        world.applying.choose_kind(handle, HERE, "driving_licence")


@pytest.mark.parametrize("outcome", ["differs", "not-live"])
def test_only_a_matching_face_goes_on(world: World, outcome: str) -> None:
    handle = world.up_to_document(world.values())
    world.applying.agree_to_face(handle, HERE, world.notices[Told.FACE].sha256("zh"), "zh")
    with pytest.raises(InvalidField, match="face"):
        world.applying.show_face(handle, HERE, outcome)  # type: ignore[arg-type]
    assert world.step(handle) is EnrolmentStep.FACE


def test_a_phone_that_could_be_somebodys_is_refused(world: World) -> None:
    handle = world.up_to_document(world.values())
    world.face(handle)
    with pytest.raises(InvalidField, match="phone_number"):
        world.applying.give_phone(handle, HERE, "13800138000")
    assert world.step(handle) is EnrolmentStep.PHONE


@pytest.mark.parametrize("passcode", ["1234567", "11111111", "12345678", "19900517", "54902777", "abcdefgh"])
def test_a_passcode_that_is_easy_to_guess_is_refused(world: World, passcode: str) -> None:
    handle = world.up_to_document(world.values())
    world.face(handle)
    world.applying.give_phone(handle, HERE, PHONE)
    with pytest.raises(InvalidField, match="passcode"):
        world.applying.choose_passcode(handle, HERE, passcode)
    assert world.step(handle) is EnrolmentStep.PASSCODE


# One person, one net number


def test_one_document_has_one_net_number(world: World) -> None:
    values = world.values()
    first = world.up_to_check(values)
    world.applying.finish(first, HERE)

    second = world.up_to_document(values, ELSEWHERE)
    assert world.step(second, ELSEWHERE) is EnrolmentStep.FACE, "only who has shown the face is told"
    world.face(second, ELSEWHERE)

    draft = world.applying.load(second, ELSEWHERE).draft
    assert draft.outcome is Outcome.ALREADY_ENROLLED
    assert draft.person_id is None
    assert draft.document is None
    assert world.count("persons") == 1
    with pytest.raises(StepSkipped):
        world.applying.show_number(second, ELSEWHERE)


def test_a_permit_is_the_same_however_often_it_was_renewed(world: World) -> None:
    for number in ("H00007777", "H0000777701", "H0000777799"):
        values = world.values(kind="hk_macao_travel_permit") | {"number": number}
        document = parse_document("hk_macao_travel_permit", values)
        applicant = Applicant(document, PHONE, world.enrolment.hash_passcode(PASSCODE))
        already = nullcontext() if number == "H00007777" else pytest.raises(AlreadyEnrolled)
        with already, world.db.write() as tx:
            world.enrolment.enrol(tx, applicant, world.now)
    assert world.count("persons") == 1


def test_two_applications_for_one_document_end_in_one_net_number(either_world: World) -> None:
    world = either_world
    values = world.values()
    handles = [world.up_to_check(values, HERE), world.up_to_check(values, ELSEWHERE)]
    barrier = threading.Barrier(2)

    def finish(handle: str, browser: Browser) -> None:
        barrier.wait()
        world.applying.finish(handle, browser)

    both = list(zip(handles, (HERE, ELSEWHERE), strict=True))
    threads = [threading.Thread(target=finish, args=each) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    outcomes = {world.applying.load(*each).draft.outcome for each in both}
    assert outcomes == {Outcome.ENROLLED, Outcome.ALREADY_ENROLLED}
    assert world.count("persons") == 1


def test_who_cancelled_may_enrol_again_as_somebody_new(world: World) -> None:
    values = world.values()
    first = world.up_to_check(values)
    world.applying.finish(first, HERE)
    before = world.person_of(first)
    world.set_status(before, PersonStatus.CANCELLED)

    second = world.up_to_check(values)
    assert world.applying.finish(second, HERE) is Outcome.ENROLLED
    assert world.person_of(second) != before


def test_a_net_number_that_is_taken_is_drawn_again_and_not_forever(world: World) -> None:
    document, other = (parse_document("resident_id", world.values()) for _ in range(2))
    always = world.enrolment_with(replace(world.ambient, random=lambda n: bytes(n)))
    with world.db.write() as tx:
        always.enrol(tx, Applicant(document, "+8611500000001", "hash"), world.now)
    with pytest.raises(StorageBusy), world.db.write() as tx:
        always.enrol(tx, Applicant(other, "+8611500000001", "hash"), world.now)

    twice = iter([bytes(16), bytes(16)])
    sometimes = world.enrolment_with(
        replace(world.ambient, random=lambda n: next(twice, world.ambient.random(n)))
    )
    with world.db.write() as tx:
        enrolled = sometimes.enrol(tx, Applicant(other, "+8611500000001", "hash"), world.now)
    assert enrolled.net_number != NetNumber.draw(lambda n: bytes(n))
    assert next(twice, None) is None


# Guardians


@dataclass(frozen=True)
class Border:
    birthdate: date
    capacity: Capacity


BORDERS = [
    Border(anniversary(TODAY, -14) + timedelta(days=1), Capacity.UNDER_14),
    Border(anniversary(TODAY, -14), Capacity.FROM_14_UNDER_18),
    Border(anniversary(TODAY, -18) + timedelta(days=1), Capacity.FROM_14_UNDER_18),
    Border(anniversary(TODAY, -18), Capacity.ADULT),
]


@pytest.mark.parametrize("border", BORDERS)
def test_the_borders_of_14_and_18_are_exact_to_the_day(world: World, border: Border) -> None:
    handle = world.up_to_document(world.values(border.birthdate))
    is_minor = border.capacity is not Capacity.ADULT

    assert world.applying.load(handle, HERE).draft.capacity(TODAY) is border.capacity
    if is_minor:
        with pytest.raises(GuardianRequired):
            world.face(handle)
        world.guardian(handle, world.adult().net_number, PASSCODE)
    else:
        with pytest.raises(StepSkipped):
            world.guardian(handle, world.adult().net_number, PASSCODE)
    world.rest(handle)
    assert world.applying.finish(handle, HERE) is Outcome.ENROLLED


@pytest.mark.parametrize("border", [b for b in BORDERS if b.capacity is not Capacity.ADULT])
def test_without_a_guardian_no_minor_enrols(world: World, border: Border) -> None:
    document = parse_document("resident_id", world.values(border.birthdate))
    with pytest.raises(GuardianRequired), world.db.write() as tx:
        world.enrolment.enrol(tx, Applicant(document, "+8611500000001", "hash"), world.now)
    assert world.count("persons") == 0


def test_the_day_is_chinas(world: World) -> None:
    """At 16:00 UTC it is tomorrow in China, and a birthday there."""
    document = parse_document("resident_id", world.values(date(2008, 11, 24)))
    applicant = Applicant(document, "+8611500000001", "hash")
    with pytest.raises(GuardianRequired), world.db.write() as tx:
        world.enrolment.enrol(tx, applicant, datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC))
    with world.db.write() as tx:
        world.enrolment.enrol(tx, applicant, datetime(2026, 11, 23, 16, 0, tzinfo=UTC))


def test_the_guardian_is_kept_with_the_child_and_what_they_read(world: World) -> None:
    guardian = world.adult()
    handle = world.up_to_document(world.values(date(2016, 5, 17)))
    world.guardian(handle, guardian.net_number, PASSCODE)
    world.rest(handle)
    world.applying.finish(handle, HERE)

    child = world.person_of(handle)
    with world.db.read() as tx:
        person = world.stores.persons.get(tx, child)
        events = world.stores.audit.of_person(tx, child)
    assert person is not None
    assert person.guardian_id == guardian.person_id
    told = {event.details["about"] for event in events if event.kind == "notice_accepted"}
    assert told == {"enrolment", "guardian", "face"}


def test_a_guardian_signs_in_before_agreeing_and_agrees_before_it_goes_on(world: World) -> None:
    sha256 = world.notices[Told.GUARDIAN].sha256("zh")
    handle = world.up_to_document(world.values(date(2012, 5, 17)))
    with pytest.raises(GuardianRequired):
        world.applying.agree_as_guardian(handle, HERE, sha256, "zh")
    world.applying.sign_in_guardian(handle, HERE, world.adult().net_number, PASSCODE)
    with pytest.raises(GuardianRequired):
        world.face(handle)
    world.applying.agree_as_guardian(handle, HERE, sha256, "zh")
    assert world.step(handle) is EnrolmentStep.FACE

    world.applying.sign_in_guardian(handle, HERE, world.adult().net_number, PASSCODE)
    assert world.step(handle) is EnrolmentStep.GUARDIAN, "another guardian has not agreed"


def test_a_guardian_with_a_wrong_passcode_is_refused_and_slowed_down(world: World) -> None:
    guardian = world.adult()
    handle = world.up_to_document(world.values(date(2016, 5, 17)))
    waits = []
    for _ in range(4):
        with pytest.raises(SignInRefused) as refused:
            world.guardian(handle, guardian.net_number, "90210735")
        waits.append(refused.value.retry_after)
    assert waits[:3] == [0, 0, 0]
    assert waits[3] > 0
    with pytest.raises(SignInRefused):
        world.guardian(handle, guardian.net_number, PASSCODE)
    world.now += timedelta(seconds=waits[3])
    world.guardian(handle, guardian.net_number, PASSCODE)
    assert world.step(handle) is EnrolmentStep.FACE


def test_nobodys_net_number_answers_as_a_wrong_passcode(world: World) -> None:
    handle = world.up_to_document(world.values(date(2016, 5, 17)))
    for who in (NetNumber.draw(world.ambient.random), "no-such-persona"):
        with pytest.raises(SignInRefused):
            world.guardian(handle, who, PASSCODE)


@pytest.mark.parametrize("status", [PersonStatus.SUSPENDED, PersonStatus.CANCELLED])
def test_a_guardian_needs_an_active_net_credential(world: World, status: PersonStatus) -> None:
    guardian = world.adult()
    handle = world.up_to_document(world.values(date(2016, 5, 17)))
    world.set_status(guardian.person_id, status)
    expected = SignInRefused if status is PersonStatus.CANCELLED else GuardianRequired
    with pytest.raises(expected):
        world.guardian(handle, guardian.net_number, PASSCODE)
    assert world.step(handle) is EnrolmentStep.GUARDIAN


def test_a_guardian_who_left_meanwhile_does_not_count(world: World) -> None:
    guardian = world.adult()
    handle = world.up_to_document(world.values(date(2012, 5, 17)))
    world.guardian(handle, guardian.net_number, PASSCODE)
    world.rest(handle)
    world.set_status(guardian.person_id, PersonStatus.CANCELLED)
    with pytest.raises(GuardianRequired):
        world.applying.finish(handle, HERE)
    assert world.count("persons") == 1


def test_a_guardian_is_an_adult_on_the_day(world: World) -> None:
    young = world.enrolment.enrol_person(age=18, days=-1, passcode=PASSCODE)
    grown = world.enrolment.enrol_person(age=18, days=0, passcode=PASSCODE)
    handle = world.up_to_document(world.values(date(2016, 5, 17)))
    with pytest.raises(GuardianRequired):
        world.guardian(handle, young.net_number, PASSCODE)
    world.guardian(handle, grown.net_number, PASSCODE)


def test_a_persona_can_be_the_guardian(world: World) -> None:
    personas = {persona.id: persona for persona in shipped_personas(TODAY)}
    world.enrolment.enrol_persona(personas["guardian"])
    handle = world.up_to_document(world.values(date(2016, 5, 17)))
    world.guardian(handle, "guardian", personas["guardian"].passcode)
    assert world.step(handle) is EnrolmentStep.FACE


# Changing one's mind


def test_another_document_drops_what_rested_on_the_first(world: World) -> None:
    handle = world.up_to_check()
    world.applying.give_document(handle, HERE, world.values(date(1985, 11, 2)))
    draft = world.applying.load(handle, HERE).draft
    assert not draft.face_matched
    assert draft.passcode_hash is None
    assert draft.phone_number is not None
    assert not draft.has_accepted(Told.FACE)


def test_another_phone_asks_for_the_passcode_anew(world: World) -> None:
    handle = world.up_to_check()
    world.applying.give_phone(handle, HERE, "+86 115 4902 7316")
    assert world.step(handle) is EnrolmentStep.PASSCODE


def test_the_same_answer_again_changes_nothing(world: World) -> None:
    values = world.values()
    handle = world.up_to_check(values)
    world.applying.choose_kind(handle, HERE, "resident_id")
    world.applying.give_document(handle, HERE, values)
    world.applying.give_phone(handle, HERE, PHONE)
    assert world.step(handle) is EnrolmentStep.CHECK


@pytest.mark.parametrize("kind", DOCUMENT_KINDS)
@pytest.mark.parametrize("capacity", Capacity)
def test_a_made_up_document_of_every_kind_and_age_is_taken(
    world: World, kind: str, capacity: Capacity
) -> None:
    handle = world.begin()
    world.applying.choose_kind(handle, HERE, kind)
    world.applying.make_up_document(handle, HERE, capacity)
    proposed = world.applying.load(handle, HERE).draft.proposed
    assert proposed is not None
    assert world.step(handle) is EnrolmentStep.DOCUMENT, "it is only proposed"
    world.applying.give_document(handle, HERE, proposed)
    assert world.applying.load(handle, HERE).draft.capacity(TODAY) is capacity


# Whose draft it is, and where it goes


def test_a_second_press_does_not_enrol_twice(either_world: World) -> None:
    world = either_world
    handle = world.up_to_check()
    results: list[object] = []
    barrier = threading.Barrier(4)

    def press() -> None:
        barrier.wait()
        try:
            results.append(world.applying.finish(handle, HERE))
        except StepSkipped:
            results.append("the outcome is there")

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == ["enrolled", *["the outcome is there"] * 3]
    assert world.count("persons") == 1
    assert world.step(handle) is EnrolmentStep.DONE


def test_two_tabs_are_two_applications(world: World) -> None:
    one, two = world.begin(), world.begin()
    world.applying.choose_kind(one, HERE, "resident_id")
    assert world.step(one) is EnrolmentStep.DOCUMENT
    assert world.step(two) is EnrolmentStep.KIND


def test_another_browser_can_neither_see_nor_change_a_draft(world: World) -> None:
    handle = world.up_to_check()
    with pytest.raises(ApplicationExpired):
        world.applying.load(handle, ELSEWHERE)
    with pytest.raises(ApplicationExpired):
        world.applying.give_phone(handle, ELSEWHERE, PHONE)
    with pytest.raises(ApplicationExpired):
        world.applying.finish(handle, ELSEWHERE)
    world.applying.leave(handle, ELSEWHERE)
    assert world.step(handle) is EnrolmentStep.CHECK


def test_the_database_alone_does_not_open_a_draft(world: World) -> None:
    """Even who writes another browser's digest into the row cannot read it: the key is the browser's."""
    handle = world.up_to_check()
    with world.db.write() as tx:
        tx.execute(applications_table.update().values(browser_digest=ELSEWHERE.digest))
    with pytest.raises(VaultDamaged):
        world.applying.load(handle, ELSEWHERE)


def test_leaving_deletes_the_draft_at_once(world: World) -> None:
    handle = world.up_to_check()
    world.applying.leave(handle, HERE)
    assert world.count("applications") == 0
    with pytest.raises(ApplicationExpired):
        world.applying.finish(handle, HERE)


def test_an_abandoned_draft_is_unreadable_when_its_time_is_up_and_then_deleted(either_world: World) -> None:
    world = either_world
    handle = world.up_to_check()
    world.now += APPLICATION_LIFETIME - timedelta(seconds=1)
    assert world.applying.purge() == 0
    world.now += timedelta(seconds=1)
    with pytest.raises(ApplicationExpired):
        world.applying.load(handle, HERE)
    with pytest.raises(ApplicationExpired):
        world.applying.finish(handle, HERE)
    assert world.applying.purge() == 1
    assert world.count("applications") == 0


def test_the_next_application_deletes_abandoned_ones(world: World) -> None:
    world.up_to_check()
    world.now += APPLICATION_LIFETIME
    world.begin()
    assert world.count("applications") == 1


def test_nothing_of_a_document_is_in_the_files(world: World) -> None:
    values = world.values()
    handle = world.up_to_check(values)
    planted = [values["name"], values["number"], values["birthdate"], "11549027777", PASSCODE]

    def found() -> list[str]:
        data = b"".join(path.read_bytes() for path in world.folder.iterdir())
        return [value for value in planted if value.encode() in data]

    assert found() == []
    world.applying.finish(handle, HERE)
    net_number = world.applying.show_number(handle, HERE).net_number.reveal()
    planted.append(net_number)
    assert found() == []

    # The same search finds what somebody keeps in the clear.
    with world.db.write() as tx:
        world.stores.audit.record(tx, "planted", at=world.now, details={"leak": net_number})
    assert found() == [net_number]


# Personas and made-up people


def test_the_shipped_personas_are_seeded_as_their_file_says_once_and_fast(world: World) -> None:
    personas = shipped_personas(TODAY)
    world.enrolment.seed(personas)
    with world.db.read() as tx:
        bound = world.stores.persons.personas(tx)
        people = {persona.id: world.stores.persons.get(tx, bound[persona.id]) for persona in personas}
    for persona in personas:
        person = people[persona.id]
        assert person is not None
        assert person.status == persona.status.value
        assert person.guardian_id == (bound[persona.guardian] if persona.guardian else None)
        assert (person.suspension is None) == (persona.suspension_reason is None)
        with world.db.read() as tx:
            fields = world.vault.open(tx, person.person_id, persona.fields.keys())
        assert fields == ({} if persona.status is PersonaStatus.CANCELLED else persona.fields)

    before = (world.count("persons"), world.count("audit_events"), world.count("vault"))
    world.enrolment.seed(shipped_personas(TODAY))
    assert (world.count("persons"), world.count("audit_events"), world.count("vault")) == before


def test_a_persona_of_relative_age_takes_over_the_document_of_the_day(world: World) -> None:
    world.enrolment.seed(shipped_personas(TODAY))
    with world.db.read() as tx:
        bound = world.stores.persons.personas(tx)
    tomorrow = {persona.id: persona for persona in shipped_personas(TODAY + timedelta(days=1))}
    world.enrolment.seed(tomorrow.values())
    with world.db.read() as tx:
        assert world.stores.persons.personas(tx) == bound
        for name in ("day-before-14", "an-adult"):
            wanted = tomorrow[name].fields
            assert world.vault.open(tx, bound[name], wanted.keys()) == wanted
            holder = world.enrolment.is_enrolled(tx, tomorrow[name].document)
            assert holder


def test_a_persona_whose_guardian_is_missing_is_named(world: World) -> None:
    child = next(persona for persona in shipped_personas(TODAY) if persona.guardian)
    with pytest.raises(PersonaError, match=child.id):
        world.enrolment.enrol_persona(child)


def test_a_persona_with_somebodys_document_is_named(world: World) -> None:
    adult = next(persona for persona in shipped_personas(TODAY) if persona.id == "an-adult")
    world.enrolment.enrol_persona(adult)
    with pytest.raises(PersonaError, match="twin"):
        world.enrolment.enrol_persona(replace(adult, id="twin"))


@pytest.mark.parametrize("age", [10, 17, 30])
def test_a_made_up_person_of_any_age(world: World, age: int) -> None:
    enrolled = world.enrolment.enrol_person(age=age)
    with world.db.read() as tx:
        person = world.stores.persons.get(tx, enrolled.person_id)
        birthdate = world.vault.open(tx, enrolled.person_id, {"birthdate"})["birthdate"]
    assert birthdate == anniversary(TODAY, -age).isoformat()
    assert person is not None
    assert (person.guardian_id is None) == (age >= 18)


def test_a_document_enrolled_elsewhere_is_refused_without_data(world: World) -> None:
    document = parse_document("resident_id", world.values())
    applicant = Applicant(document, "+8611500000001", "hash")
    with world.db.write() as tx:
        world.enrolment.enrol(tx, applicant, world.now)
    with pytest.raises(AlreadyEnrolled) as refused, world.db.write() as tx:
        world.enrolment.enrol(tx, applicant, world.now)
    assert document.number not in str(refused.value) + refused.value.description
