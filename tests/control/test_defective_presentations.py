"""Defective presentations: a wallet of the realm shows them, and a relying party takes none of them over."""

import re
from typing import Any, get_args

import pytest
from flask import Flask

from netid.client import PresentationAsk, WalletClient, errors, wallet_client
from netid.client.errors import PresentationRefused
from netid.client.flask_wallet import NetIDWallet
from netid.credentials import jose, key_binding, strict_json
from netid.credentials.dcql import Query
from netid.errors import ManagementRefused, TokenRefused
from netid.pytest_plugin.realm import NetID
from netid.pytest_plugin.wallet import Defect, RealmWallet
from netid.sending import HttpAnswer
from tests.docs.test_snippets import DOCS, snippets

ADDRESS = "http://localhost/netid/wallet"
DEFECTS: tuple[Defect, ...] = get_args(Defect)


class Shop:
    """A relying party under test, and one browser."""

    def __init__(self, netid: NetID) -> None:
        party = netid.relying_party("shop", essential=["name"], voluntary=["phone_number"])
        self.app = Flask(__name__)
        self.client: WalletClient = party.wallets(ADDRESS)
        self.wallets = NetIDWallet(self.app, self.client)
        ask = PresentationAsk(purpose="for-the-test")
        self.app.add_url_rule("/present", "present", lambda: self.wallets.present(ask))
        self.wallets.presented(lambda shown: dict(shown.claims))
        self.browser = self.app.test_client()

    def link(self) -> str:
        return str(self.browser.get("/present").location)

    def takes_over(self, answered: HttpAnswer) -> Any:
        """What the shop knows once the browser is back."""
        back = strict_json.parse_object(answered.body)["redirect_uri"]
        return self.browser.get(str(back).removeprefix("http://localhost")).get_json()


@pytest.fixture
def shop(netid: NetID) -> Shop:
    return Shop(netid)


@pytest.fixture
def wallet(netid: NetID, shop: Shop) -> RealmWallet:
    return netid.wallet("an-adult", shop.app)


def test_a_right_presentation_is_taken_over(shop: Shop, wallet: RealmWallet) -> None:
    assert shop.takes_over(wallet.present(shop.link())).keys() == {"name"}
    ticked = wallet.present(shop.link(), ticked={"phone_number"})
    assert shop.takes_over(ticked).keys() == {"name", "phone_number"}


def test_a_no_is_not_an_error_of_the_wallets(shop: Shop, wallet: RealmWallet) -> None:
    assert wallet.refuse(shop.link()).status == 200


@pytest.mark.parametrize(
    ("slip", "nearest"),
    [
        ({"ticked": {"phone_numbr"}}, r"ticked: .*; did you mean phone_number"),
        ({"defect": "nonse"}, r"defect: .*; did you mean nonce\?"),
    ],
)
def test_a_slip_names_the_nearest(shop: Shop, wallet: RealmWallet, slip: Any, nearest: str) -> None:
    with pytest.raises(ManagementRefused, match=nearest):
        wallet.present(shop.link(), **slip)


def test_an_app_that_has_no_request_for_the_wallet_is_quoted(shop: Shop, wallet: RealmWallet) -> None:
    link = shop.link()
    wallet.present(link)
    with pytest.raises(TokenRefused, match="your app answered 400 in place"):
        wallet.present(link)


def test_a_request_beyond_the_registration_is_not_answered(
    shop: Shop, wallet: RealmWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every wallet does: whose own verifier asks so is told."""
    over = frozenset({"name", "document_number"})
    monkeypatch.setattr(
        wallet_client, "query_for", lambda _ask, _statement, vct: Query.of(vct, over, frozenset())
    )
    link = shop.link()

    for answer in (wallet.present, wallet.refuse):
        with pytest.raises(TokenRefused, match="beyond the registered purpose"):
            answer(link)


@pytest.mark.parametrize("defect", [one for one in DEFECTS if one not in ("revoked", "expired")])
def test_a_defective_presentation_is_refused_and_the_right_one_still_counts(
    shop: Shop, wallet: RealmWallet, defect: Defect
) -> None:
    link = shop.link()

    assert wallet.present(link, defect=defect).status == 400
    assert shop.takes_over(wallet.present(link)).keys() == {"name"}


def test_a_revoked_copy_is_refused_once_the_list_says_so(
    netid: NetID, shop: Shop, wallet: RealmWallet
) -> None:
    shop.client.refresh()
    assert wallet.present(shop.link(), defect="revoked").status == 200, "nobody has revoked it yet"
    assert netid.revoke_copies("an-adult") > 0
    netid.advance(hours=3)
    shop.client.refresh()

    assert wallet.present(shop.link(), defect="revoked").status == 403


def test_an_expired_copy_is_refused(netid: NetID, shop: Shop, wallet: RealmWallet) -> None:
    with pytest.raises(ValueError, match="advance"):
        wallet.present(shop.link(), defect="expired")
    netid.advance(days=3)
    shop.client.refresh()

    assert wallet.present(shop.link(), defect="expired").status == 403


def test_the_page_names_every_defect_and_its_snippet_runs(netid: NetID, shop: Shop) -> None:
    """docs/faults.md, Presentations."""
    names = {"netid": netid, "app": shop.app, "link": shop.link()}
    for text in snippets(DOCS / "faults.md", "presentations"):
        exec(compile(text, "faults.md", "exec"), names)  # noqa: S102  (our own page is what is tested)
    page = (DOCS / "faults.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+)` \| .+ \| `(\w+)` \|$", page, re.MULTILINE)

    assert [defect for defect, _ in named] == list(DEFECTS)
    for _, error in named:
        assert issubclass(getattr(errors, error), PresentationRefused)


def test_control_a_verifier_that_leaves_out_a_check_takes_it_over(
    shop: Shop, wallet: RealmWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong is the one thing and no other: without that check it would pass."""
    verify = key_binding.verify

    def careless(token: str, presented: str, challenge: Any, key: Any, now: Any) -> None:
        read = jose.unverified_payload(token)
        seen = key_binding.Challenge(challenge.audience, str(read["nonce"]))
        verify(token, presented, seen, key, now)

    monkeypatch.setattr(key_binding, "verify", careless)
    assert wallet.present(shop.link(), defect="nonce").status == 200
    assert wallet.present(shop.link(), defect="audience").status == 400
