"""Measures, article 9: nothing leaves the vault but through the one door, in the code and at run time."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netid.disclosure import Disclosure, Release
from netid.errors import ReleaseRefused
from netid.storage.vault import Vault
from tests.privacy.people import PlantedPeople
from tests.protocol.visiting import Visitor
from tests.running import MINORS_PURPOSE, PARCEL_PURPOSE, Running

ROOT = Path(__file__).parents[2]
SCOPE = "openid netid.purpose.real-name-parcel"
DOORS = {"netid.disclosure", "netid.services.enrolment"}


# In the code: import-linter's contract, and a planted way round it


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and their contracts, to be broken."""
    directory = tmp_path_factory.mktemp("copy")
    for package in ("netid", "platform_demo"):
        without = shutil.ignore_patterns("__pycache__", "static", "templates", "translations")
        shutil.copytree(ROOT / package, directory / package, ignore=without)
    shutil.copy(ROOT / "pyproject.toml", directory)
    return directory


def broken_contracts(directory: Path) -> list[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60, check=False)
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    return [line.removesuffix(" BROKEN") for line in done.stdout.splitlines() if line.endswith(" BROKEN")]


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("netid/oauth/userinfo.py", "from netid.storage.vault import Vault", "Only the one door"),
        ("netid/services/grants.py", "import netid.storage.vault", "Only the one door"),
        ("netid/identity/policy.py", "import sqlalchemy", "Identity and credentials are functions"),
        ("platform_demo/scenes.py", "import netid.disclosure", "The demo platform is a stranger"),
    ],
)
def test_measures_9_a_way_round_the_door_is_found_in_the_code(
    copy: Path, module: str, line: str, contract: str
) -> None:
    original = (copy / module).read_text(encoding="utf-8")
    (copy / module).write_text(f"{original}\n\n{line}  # noqa: E402, F401\n", encoding="utf-8")
    try:
        assert [name for name in broken_contracts(copy) if name.startswith(contract)]
    finally:
        (copy / module).write_text(original, encoding="utf-8")


def test_measures_9_the_code_as_it_is_has_no_way_round(copy: Path) -> None:
    assert broken_contracts(copy) == []


# At run time: who opens the vault


class Watchman:
    """Notes which module each opening of the vault came from."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.came: set[str] = set()
        opened = Vault.open

        def noting(vault: Vault, *arguments: object) -> dict[str, str]:
            self.came.add(sys._getframe(1).f_globals["__name__"])
            return opened(vault, *arguments)  # type: ignore[arg-type]

        patch.setattr(Vault, "open", noting)


@pytest.fixture
def watchman(provider: Running) -> Iterator[Watchman]:
    with pytest.MonkeyPatch.context() as patch:
        yield Watchman(patch)


def test_measures_9_only_the_door_opens_the_vault_while_people_sign_in_and_read(
    provider: Running, people: PlantedPeople, watchman: Watchman
) -> None:
    shop = provider.register()
    for persona in ("planted-elder", "planted-child"):
        tokens = shop.tokens(persona, scope=SCOPE)
        assert shop.userinfo(tokens["access_token"]).json()["name"] == people[persona].persona.document.name
    visitor = Visitor(provider, who="persona:planted-elder", passcode="73194628")
    visitor.walk(shop.authorize(visitor.browser, scope=SCOPE))
    assert visitor.browser.get(provider.url("/records")).status_code == 200

    assert watchman.came == {"netid.disclosure"}


def test_measures_9_somebody_else_at_the_vault_is_noticed(
    provider: Running, people: PlantedPeople, watchman: Watchman
) -> None:
    with provider.provider.stores.db.read() as tx:
        provider.provider.vault.open(tx, people["planted-elder"].person_id, ["name"])

    assert watchman.came - DOORS == {__name__}


# Measures, article 8: a consent is to one recipient and for one purpose


@pytest.mark.parametrize(
    ("recipient", "purpose", "refused"),
    [
        ("a-shop", "real-name-parcel", None),
        ("another-shop", "real-name-parcel", "another recipient"),
        ("a-shop", "second-purpose", "another purpose"),
    ],
)
def test_measures_8_a_consent_is_good_for_its_recipient_and_its_purpose_alone(
    provider: Running, people: PlantedPeople, recipient: str, purpose: str, refused: str | None
) -> None:
    purposes = [PARCEL_PURPOSE, {**PARCEL_PURPOSE, "id": "second-purpose"}]
    shops = {name: provider.register(name, purposes=purposes) for name in ("a-shop", "another-shop")}
    shops["a-shop"].tokens("planted-elder", scope=SCOPE)
    stores, elder = provider.provider.stores, people["planted-elder"]
    to = shops[recipient].relying_party
    [registered] = [one for one in to.purposes if one.id == purpose]
    with stores.db.read() as tx:
        consent = stores.consents.list(tx, elder.person_id)[0]

        def release() -> Release:
            return Disclosure(provider.provider.vault).release(
                tx,
                recipient=to,
                purpose=registered,
                requested=frozenset({"name"}),
                consent=consent,
                now=provider.clock.now(),
            )

        if refused is None:
            assert release().claims == {"name": elder.persona.document.name}
        else:
            with pytest.raises(ReleaseRefused, match=f"^SeparateConsentRequired .* {refused}$"):
                release()


def test_measures_5_a_guardians_consent_at_one_relying_party_fails_at_another(provider: Running) -> None:
    """The child's guardian agreed at A; at B nobody did, so B is asked for anew and gets nothing before."""
    shops = [provider.register(name, purposes=[MINORS_PURPOSE]) for name in ("a-shop", "another-shop")]
    scope = "openid netid.purpose.minors-mode"
    token = shops[0].tokens("planted-child", scope=scope)["access_token"]
    refusal = shops[1].headless("planted-child", {"decision": "refuse"}, scope=scope)

    assert shops[0].userinfo(token).json()["age_over_18"] is False
    assert refusal.error == "access_denied"
    assert shops[1].redeem(shops[0].headless("planted-child", scope=scope).code).status_code == 400


# In the types: the two numbers a person is known by are never taken for each other

SWAPPED = """\
from netid.identity.net_number import NetNumber
from netid.identity.pseudonym import PairwiseSubject


def to_its_owner(number: NetNumber) -> str:
    return number.reveal()


def to_the_relying_party(subject: PairwiseSubject) -> str:
    return subject.reveal()


def swap(number: NetNumber, subject: PairwiseSubject) -> None:
    to_its_owner(number)
    to_the_relying_party(subject)
    to_its_owner(subject)  # refused
    to_the_relying_party(number)  # refused
    to_the_relying_party("text")  # refused
    number.masked + subject  # refused
"""


def test_a_net_number_is_never_taken_for_a_subject(tmp_path: Path) -> None:
    (tmp_path / "swapped.py").write_text(SWAPPED, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent"]
    done = subprocess.run(
        [*command, f"--cache-dir={tmp_path}", str(tmp_path / "swapped.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    refused = [at for at, line in enumerate(SWAPPED.splitlines(), start=1) if line.endswith("# refused")]
    lines = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert [int(line.split(":")[1]) for line in lines] == refused, done.stdout + done.stderr
