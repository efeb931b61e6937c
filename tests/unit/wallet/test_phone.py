"""The phone's pages: from an offer to an outcome, and who may press its buttons."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from netid.ambient import Ambient
from netid.credentials import guardian_grant, registration_statement
from netid.credentials.dcql import Query
from netid.credentials.guardian_grant import AllowedPurpose, Grant
from netid.credentials.presentation_response import Declined, Shown
from netid.identity.text import Text
from netid.sending import HttpAnswer, HttpRequest
from netid.wallet.phone.app import PhoneSettings, create_app
from tests.unit.presenting import ISSUER, PARCEL, VCT
from tests.unit.wallet.world import PLATFORM, TX_CODE, World

URL = "http://localhost:8200"
CONTACT = "privacy@parcels.example"
OFFER = f"openid-credential-offer://?credential_offer_uri={ISSUER}/credential-offer/1"


class Browser:
    """A browser at the phone, which fills in what its pages ask."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page = ""
        self.at = "/"
        self.answer: Any = None

    def get(self, path: str, **headers: str) -> str:
        return self._follow(self.client.get(path, headers=headers))

    def post(self, path: str, **form: Any) -> str:
        """Sends a form with the token that the page has for it."""
        return self._follow(self.client.post(path, data=form | {"form_token": self.token(path)}))

    def token(self, path: str) -> str:
        part = self.page
        if f'action="{path}"' in part:
            part = part[part.index(f'action="{path}"') :]
        found = re.search(r'name="form_token" value="([^"]+)"', part)
        assert found, self.page
        return found[1]

    def _follow(self, answer: Any) -> str:
        while answer.status_code == 303 and answer.location.startswith("/"):
            self.at = answer.location
            answer = self.client.get(answer.location)
        self.answer, self.page = answer, answer.text
        assert "Set-Cookie" not in answer.headers
        return self.page


@pytest.fixture
def phone(world: World, tmp_path: Path) -> Iterator[Browser]:
    def send(request: HttpRequest) -> HttpAnswer:
        world.sent.append(request)
        return (world.provider if request.url.startswith(ISSUER) else world.platform).answer(request)

    ambient = Ambient(now=world.clock.now, random=Random(8).randbytes)
    app = create_app(PhoneSettings(ISSUER, URL, tmp_path / "phone"), ambient, send)
    client = app.test_client(use_cookies=False)
    client.environ_base |= {"HTTP_ACCEPT_LANGUAGE": "en", "HTTP_HOST": "localhost:8200"}
    yield Browser(client)
    app.extensions["netid-wallet"]._safe.close()


def _receives(phone: Browser, world: World) -> None:
    world.provider.codes.add("a-pre-authorized-code")
    phone.get("/")
    phone.post("/paste", text=OFFER)
    phone.post(phone.at, decision="agree", code=TX_CODE)


def _link(world: World, **changes: Any) -> str:
    asks = world.platform.asks(**changes)
    return f"/present?{urlencode({'client_id': asks.client_id, 'request_uri': asks.request_uri})}"


def _asked(phone: Browser, world: World, **changes: Any) -> str:
    phone.get(_link(world, **changes))
    return phone.at


def test_from_an_offer_to_the_outcome(phone: Browser, world: World) -> None:
    assert 'data-testid="empty"' in phone.get("/")
    phone.post("/paste", text=OFFER)
    assert "Transaction code" in phone.page
    phone.post(phone.at, decision="agree", code=f" {TX_CODE} ")
    assert '<dd data-testid="copies-short">10</dd>' in phone.page

    at = _asked(phone, world)
    assert "Kite Parcels asks to see your net credential" in phone.page
    assert "checked" not in phone.page, "nothing is ticked beforehand"
    phone.post(at, decision="agree", claim="phone_number")
    assert "Kite Parcels saw: Name, Mobile number." in phone.page
    assert f'href="{PLATFORM}/back#response_code=c"' in phone.page
    assert {path[0] for path in world.platform.verified().disclosed} == {"name", "phone_number"}
    assert '<dd data-testid="copies-short">9</dd>' in phone.get("/")


def test_a_link_of_an_offer_opens_it(phone: Browser) -> None:
    phone.get(f"/offer?{urlencode({'credential_offer_uri': f'{ISSUER}/credential-offer/1'})}")
    assert 'data-testid="page-offer"' in phone.page


@pytest.mark.parametrize("written", ["?", "%3F"])
def test_an_address_in_a_link_may_have_a_query_of_its_own(phone: Browser, world: World, written: str) -> None:
    _receives(phone, world)
    link = world.platform.asks()
    address = f"{link.request_uri}{written}at=1"
    phone.get(f"/present?client_id={link.client_id}&request_uri={address}")
    assert "Kite Parcels asks to see your net credential" in phone.page
    assert world.sent[-1].url == f"{link.request_uri}?at=1"


def test_a_wrong_transaction_code_is_said_at_its_input_and_can_be_mended(
    phone: Browser, world: World
) -> None:
    phone.get("/")
    phone.post("/paste", text=OFFER)
    at = phone.at
    phone.post(at, decision="agree", code="000000")
    assert phone.answer.status_code == 400
    assert 'data-testid="error-summary"' in phone.page
    words = "The transaction code is not right. Look at the digits on the provider’s page."
    assert f'<p class="fault" id="code-error">Error: {words}</p>' in phone.page
    assert 'aria-describedby="code-hint code-error" aria-invalid="true"' in phone.page
    phone.post(at, decision="agree", code=TX_CODE)
    assert 'data-testid="copies-short"' in phone.page


def test_an_offer_can_be_left(phone: Browser) -> None:
    phone.get("/")
    phone.post("/paste", text=OFFER)
    phone.post(phone.at, decision="refuse")
    assert 'data-testid="empty"' in phone.page


def test_copies_come_by_a_sign_in_too(phone: Browser, world: World) -> None:
    phone.get("/")
    phone.post("/sign-in")
    assert phone.answer.location.startswith(f"{ISSUER}/authorize?")
    back = {"state": world.provider.pushed["state"], "code": "a-code", "iss": ISSUER}
    phone.get(f"/callback?{urlencode(back)}")
    assert '<dd data-testid="copies-long">3</dd>' in phone.page
    phone.get(f"/callback?{urlencode(back)}")
    assert phone.answer.status_code == 400


def test_refusing_is_told_and_shows_nothing(phone: Browser, world: World) -> None:
    _receives(phone, world)
    at = _asked(phone, world)
    phone.post(at, decision="refuse", claim="phone_number")
    assert "Nothing was shared." in phone.page
    assert world.platform.got == [Declined("access_denied", "a-state")]


def test_a_form_without_a_decision_agrees_to_nothing(phone: Browser, world: World) -> None:
    _receives(phone, world)
    phone.post(_asked(phone, world))
    assert isinstance(world.platform.got[0], Declined)


def test_a_second_press_shows_the_outcome_and_sends_nothing(phone: Browser, world: World) -> None:
    _receives(phone, world)
    at = _asked(phone, world)
    token = phone.token(at)
    for _ in range(2):
        answer = phone.client.post(at, data={"decision": "agree", "form_token": token})
        assert answer.location.startswith("/outcome/")
    assert len(world.platform.got) == 1
    assert isinstance(world.platform.got[0], Shown)


def test_values_are_behind_a_press_and_in_no_title(phone: Browser, world: World) -> None:
    _receives(phone, world)
    _asked(phone, world)
    title = re.search(r"<title>(.*?)</title>", phone.page)
    assert title
    assert "林示例" not in title[1]
    before = phone.page[: phone.page.index("林示例")]
    assert before.count("<details") == before.count("</details") + 1


def test_over_asking_is_stopped_in_the_words_of_the_page(phone: Browser, world: World) -> None:
    _receives(phone, world)
    _asked(phone, world, query=Query.of(VCT, frozenset({"name", "document_number"}), frozenset()))
    assert "Kite Parcels asked for more than it registered. The wallet stopped it." in phone.page
    assert "Stopped by the wallet" in phone.get("/log")


def test_under_14_the_guardian_is_named(phone: Browser, world: World) -> None:
    world.provider.fields |= {"age_over_14": False}
    _receives(phone, world)
    _asked(phone, world)
    assert 'data-testid="guardian"' in phone.page
    assert "You can go back to Kite Parcels and use another way." in phone.page
    assert 'href="/" data-testid="go-home"' in phone.page


def test_a_request_says_all_that_its_owner_has_to_know_before_deciding(phone: Browser, world: World) -> None:
    _receives(phone, world)
    _asked(phone, world)
    what_for = "Real-name check for sending a parcel"
    for words in (
        f"Needed: {what_for} cannot be done without these. Share all of them or none.",
        f"Optional: {what_for} works without these.",
        '<dd data-testid="basis">Article 22</dd>',
        f'<dd class="as-is" data-testid="complain">{CONTACT}</dd>',
        "If you do not show it, nothing is shared. You can go back to Kite Parcels and use another way.",
    ):
        assert words in phone.page, words
    phone.get(f"{phone.at}?lang=zh")
    assert "必需：办理“寄件实名核验”离不开这几项，要么都提供，要么都不提供。" in phone.page
    assert "自愿：不勾选，照样能办理“寄件实名核验”。" in phone.page
    assert "不出示，就什么都不提供。您可以回到风筝寄件，改用其他方式。" in phone.page


def test_a_request_for_nothing_says_what_is_learned_all_the_same(phone: Browser, world: World) -> None:
    _receives(phone, world)
    _asked(phone, world, query=Query.of(VCT, frozenset(), frozenset()), purpose=None)
    shown = "That you hold a valid net credential, and this copy’s identifier. Nothing from your document."
    assert f'<dd data-testid="shown">{shown}</dd>' in phone.page
    assert '<dd data-testid="basis">Your consent (PIPL, article 13)</dd>' in phone.page
    assert f'<dd class="as-is" data-testid="complain">{CONTACT}</dd>' in phone.page


def test_values_are_read_in_words_and_not_in_codes(phone: Browser, world: World) -> None:
    world.provider.fields |= {
        "document_kind": "resident_id",
        "sex": "female",
        "birthdate": "1994-06-21",
        "nationality": "CHN",
    }
    _receives(phone, world)
    for language, said in {
        "en": ("Resident ID card", "Female", "21 June 1994", "China"),
        "zh": ("居民身份证", "女", "1994年6月21日", "中国"),
    }.items():
        phone.get(f"/?lang={language}")
        values = re.findall(r'<p class="id">([^<]*)</p>', phone.page)
        assert set(said) <= set(values)
        assert not {"resident_id", "female", "1994-06-21", "CHN"} & set(values)


def test_a_guardians_permission_can_be_deleted(phone: Browser, world: World) -> None:
    world.provider.fields |= {"age_over_14": False}
    _receives(phone, world)
    grant = Grant(
        wallet_key=phone.client.application.extensions["netid-wallet"]
        ._receiver.device_key()
        .public.thumbprint,
        client_id="parcels",
        platform=Text(zh="风筝寄件", en="Kite Parcels"),
        purpose=AllowedPurpose.of(PARCEL),
        expires_at=world.clock.now() + timedelta(days=10),
    )
    key = world.provider.authority.credential_key
    phone.get("/")
    phone.post("/paste", text=guardian_grant.state(grant, ISSUER, key, world.clock.now()))
    assert 'data-testid="permission"' in phone.get("/settings")
    _asked(phone, world)
    assert 'data-testid="page-request"' in phone.page
    phone.get("/settings")
    phone.post("/permission", client_id="parcels", purpose=PARCEL.id)
    assert "The permission is deleted." in phone.page
    assert 'data-testid="permission"' not in phone.page
    _asked(phone, world)
    assert 'data-testid="guardian"' in phone.page


@pytest.mark.parametrize("page", ["home", "log", "settings"])
def test_the_phone_says_on_which_of_its_pages_one_is(phone: Browser, page: str) -> None:
    phone.get({"home": "/"}.get(page, f"/{page}"))
    assert re.findall(r'aria-current="page" data-testid="to-([a-z]+)"', phone.page) == [page]


def test_a_pairing_code_is_shown_to_compare(phone: Browser, world: World) -> None:
    _receives(phone, world)
    _asked(phone, world, pairing_code="4711")
    assert '<p class="number" data-testid="pairing-code">4711</p>' in phone.page


def test_a_platform_can_be_remembered_and_forgotten(phone: Browser, world: World) -> None:
    _receives(phone, world)
    phone.post(_asked(phone, world), decision="agree", remember="yes")
    _asked(phone, world)
    assert 'data-testid="recognised"' in phone.page
    assert "Kite Parcels" in phone.get("/settings")
    phone.post("/forget", client_id="parcels")
    assert 'data-testid="nobody"' in phone.page


def test_the_phone_asks_for_copies_before_it_runs_out(phone: Browser, world: World) -> None:
    _receives(phone, world)
    assert 'data-testid="few"' not in phone.get("/")
    for _ in range(7):
        phone.post(_asked(phone, world), decision="agree")
    assert 'data-testid="few"' in phone.get("/")


def test_erasing_asks_first(phone: Browser, world: World) -> None:
    _receives(phone, world)
    phone.get("/erase")
    phone.post("/erase", decision="refuse")
    assert 'data-testid="copies-short"' in phone.get("/")
    phone.get("/erase")
    phone.post("/erase", decision="erase")
    assert 'data-testid="empty"' in phone.page


def test_both_languages(phone: Browser) -> None:
    assert 'lang="zh-CN"' in phone.get("/?lang=zh")
    assert "我的网证" in phone.get("/"), "it stays"
    assert "My net credential" in phone.get("/?lang=en")


# Who may press


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost:8100", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_another_page_cannot_press_a_button_even_with_the_token(
    phone: Browser, world: World, headers: dict[str, str]
) -> None:
    _receives(phone, world)
    at = _asked(phone, world)
    form = {"decision": "agree", "form_token": phone.token(at)}
    assert phone.client.post(at, data=form, headers=headers).status_code == 403
    assert world.platform.got == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("into", ["image", "iframe", "script", "empty", "document"])
def test_another_page_leads_to_the_phone_and_loads_nothing_from_it_unseen(
    phone: Browser, world: World, site: str, into: str
) -> None:
    _receives(phone, world)
    world.sent.clear()
    link = _link(world)

    answer = phone.client.get(link, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Dest": into})

    assert answer.status_code == (303 if into == "document" else 403)
    assert len(world.sent) == (into == "document")


@pytest.mark.parametrize("site", ["none", "cross-site"])
@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"])
def test_a_page_that_a_browser_loads_ahead_of_its_person_is_not_loaded(
    phone: Browser, world: World, site: str, purpose: str
) -> None:
    """What Chromium sends for another page's speculation rules: no word of the page they stand on."""
    _receives(phone, world)
    world.sent.clear()
    link = _link(world)
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Dest": "document"}

    ahead = phone.client.get(link, headers=headers | {"Sec-Purpose": purpose})

    assert (ahead.status_code, world.sent) == (403, [])
    assert phone.client.get(link, headers=headers).status_code == 303


@pytest.mark.parametrize(
    "headers", [{"Origin": URL}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}], ids=str
)
def test_the_phones_own_pages_can(phone: Browser, world: World, headers: dict[str, str]) -> None:
    _receives(phone, world)
    at = _asked(phone, world)
    form = {"decision": "agree", "form_token": phone.token(at)}
    assert phone.client.post(at, data=form, headers=headers).status_code == 303


@pytest.mark.parametrize(
    "given", [{}, {"form_token": ""}, {"form_token": "é"}, {"form_token": "x" * 43}], ids=str
)
def test_no_form_counts_without_its_token(phone: Browser, world: World, given: dict[str, str]) -> None:
    _receives(phone, world)
    at = _asked(phone, world)
    assert phone.client.post(at, data={"decision": "agree", **given}).status_code == 403
    token = phone.token(at)
    other = _asked(phone, world)
    assert phone.client.post(other, data={"decision": "agree", "form_token": token}).status_code == 403
    assert world.platform.got == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:8200", "localhost.evil.example"])
def test_a_name_that_was_bent_to_this_machine_reads_nothing(phone: Browser, world: World, host: str) -> None:
    _receives(phone, world)
    answer = phone.client.get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert "林示例" not in answer.text


def test_no_page_can_be_framed_cached_or_read_by_another(phone: Browser) -> None:
    phone.get("/")
    headers = phone.answer.headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    [
        "/present", "/present?client_id=a", "/present?client_id=a&client_id=b&request_uri=c",
        "/offer", "/offer?credential_offer=%7B", "/callback", "/callback?state=a&code=b",
        "/request/none", "/outcome/none", "/offer/none", "/nowhere", "/present?request_uri=%FF&client_id=%00",
    ],
)  # fmt: skip
def test_what_leads_nowhere_is_a_page_and_never_a_fault(phone: Browser, world: World, path: str) -> None:
    _receives(phone, world)
    sent = len(world.sent)
    phone.get(path)
    assert phone.answer.status_code in {400, 404}
    assert "<h1>" in phone.page
    assert len(world.sent) == sent


def test_the_names_of_a_platform_are_text_and_nothing_else(phone: Browser, world: World) -> None:  # A15
    _receives(phone, world)
    evil = "<script>alert(1)</script>"
    original = world.provider.authority.statement

    def renamed(*given: Any, **options: Any) -> str:
        said = registration_statement.verify(
            original(*given, **options), ISSUER, world.provider.authority.keys, world.clock.now()
        )
        said = said.model_copy(update={"name": Text(zh=evil, en=evil), "contact": evil})
        return registration_statement.state(
            said, ISSUER, world.provider.authority.credential_key, world.clock.now()
        )

    object.__setattr__(world.provider.authority, "statement", renamed)
    world.platform.registers()
    _asked(phone, world)
    assert "&lt;script&gt;" in phone.page
    assert "<script" not in phone.page


def test_the_switch_of_an_address_that_is_none_leads_nowhere_else(phone: Browser) -> None:
    assert 'href="/%5Cevil.example/x?lang=zh"' in phone.get("/%5cevil.example/x")
