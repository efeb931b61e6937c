"""Receiving copies of the net credential (OpenID4VCI 1.0), as the wallet does it."""

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from netid.credentials import base64url, sd_jwt_vc
from netid.sending import HttpAnswer
from netid.wallet.errors import IssuerRefused, IssuingEnded, OfferRefused, TransactionCodeWrong
from netid.wallet.provider import well_known
from tests.unit.presenting import ISSUER
from tests.unit.wallet.world import TX_CODE, World, answer, key, parameters


def test_an_offer_brings_ten_copies_each_with_a_key_of_its_own(world: World) -> None:
    assert world.receives() == 10

    copies = world.safe.copies()
    assert len({copy.key.public.thumbprint for copy in copies}) == 10
    assert all(copy.fields["name"] == "林示例" and copy.fields["net_number"] for copy in copies)
    assert json.loads(world.provider.seen[-1].json or b"") == {
        "notification_id": "n-1",
        "event": "credential_accepted",
    }


def test_long_copies_come_beside_short_ones_where_both_are_offered(world: World) -> None:
    assert world.receives("net_credential", "net_credential_long") == 13
    assert [copy.configuration for copy in world.safe.copies()][-3:] == ["net_credential_long"] * 3


def test_the_device_key_is_one_and_no_copy_has_it(world: World) -> None:
    world.receives()
    world.receives()

    proofs = {world.provider.proved(seen)["jti"] for seen in world.provider.seen if "DPoP" in seen.headers}
    assert len(proofs) == sum("DPoP" in seen.headers for seen in world.provider.seen)
    device = world.receiver.device_key().public.thumbprint
    assert device not in {copy.key.public.thumbprint for copy in world.safe.copies()}


def test_a_wrong_transaction_code_is_told_from_a_used_offer(world: World) -> None:
    offer = world.receiver.offer(json.dumps(world.provider.offer()))
    with pytest.raises(TransactionCodeWrong):
        world.receiver.accept(offer, "000000")
    assert world.receiver.accept(offer, TX_CODE) == 10


def test_an_offer_that_was_used_brings_nothing(world: World) -> None:
    offer = world.receiver.offer(json.dumps(world.provider.offer()))
    no_code = offer.model_copy(update={"grants": offer.grants.model_copy(deep=True)})
    world.receiver.accept(offer, TX_CODE)
    with pytest.raises(TransactionCodeWrong):
        world.receiver.accept(no_code, TX_CODE)
    assert len(world.safe.copies()) == 10


@pytest.mark.parametrize(
    "text",
    [
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fnetid.example%2Fcredential-offer%2F1",
        "https://wallet.example/offer?credential_offer_uri=https%3A%2F%2Fnetid.example%2Fcredential-offer%2F1",
        "  openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fnetid.example%2Fcredential-offer%2F1\n",
    ],
)
def test_an_offer_is_read_from_where_it_lies(world: World, text: str) -> None:
    assert world.receiver.offer(text).credential_configuration_ids == ("net_credential",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anything",
        "{}",
        '{"credential_issuer": "https://netid.example"}',
        '{"credential_issuer": "https://evil.example", "credential_configuration_ids": ["net_credential"]}',
        '{"credential_issuer": "https://netid.example", "credential_issuer": "https://netid.example",'
        ' "credential_configuration_ids": ["net_credential"]}',
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fevil.example%2Fcredential-offer%2F1",
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fnetid.example.evil.example%2F1",
        "openid-credential-offer://?credential_offer_uri=http%3A%2F%2F169.254.169.254%2F",
        "openid-credential-offer://?credential_offer=%7B%7D&credential_offer_uri=https%3A%2F%2Fnetid.example%2Fx",
        "openid-credential-offer://?credential_offer=%7B%7D&credential_offer=%7B%7D",
        "x" * 20_000,
        "{" * 10_000,
    ],
)
def test_what_is_no_offer_of_this_provider_is_refused_and_nothing_is_fetched(world: World, text: str) -> None:
    with pytest.raises(OfferRefused):
        world.receiver.offer(text)
    assert world.sent == []


def test_a_sign_in_brings_both_kinds(world: World) -> None:
    url, pending = world.receiver.begin()

    assert parameters(url) == {
        "client_id": "netid-wallet",
        "request_uri": "urn:ietf:params:oauth:request_uri:1",
    }
    pushed = world.provider.pushed
    assert pushed["dpop_jkt"] == world.receiver.device_key().public.thumbprint
    assert pushed["code_challenge_method"] == "S256"
    assert world.receiver.finish(pending, "a-code", "https://netid.example") == 13
    form = next(seen.form for seen in world.provider.seen if seen.url.endswith("/token"))
    assert form is not None
    assert form["code_verifier"] == pending.verifier


def test_a_code_from_another_provider_is_not_redeemed(world: World) -> None:
    _url, pending = world.receiver.begin()
    with pytest.raises(IssuerRefused):
        world.receiver.finish(pending, "a-code", "https://evil.example")
    assert not any(seen.url.endswith("/token") for seen in world.provider.seen)


def _changed(**members: object) -> Callable[[HttpAnswer], HttpAnswer]:
    def change(plain: HttpAnswer) -> HttpAnswer:
        body = json.loads(plain.body) | members
        return answer({name: value for name, value in body.items() if value is not None}, plain.status)

    return change


@pytest.mark.parametrize(
    ("path", "change"),
    {
        "metadata of another issuer": (
            "/.well-known/openid-credential-issuer",
            _changed(credential_issuer="https://evil.example"),
        ),
        "no trust anchor": ("/.well-known/openid-credential-issuer", _changed(trust_anchor=None)),
        "a trust anchor that is none": (
            "/.well-known/openid-credential-issuer",
            _changed(trust_anchor="AAAA"),
        ),
        "an endpoint over plain http": (
            "/.well-known/openid-credential-issuer",
            _changed(credential_endpoint="http://netid.example/credential"),
        ),
        "another authorization server": (
            "/.well-known/oauth-authorization-server",
            _changed(issuer="https://evil.example"),
        ),
        "keys of another issuer": ("/.well-known/jwt-vc-issuer", _changed(issuer="https://evil.example")),
        "no keys": ("/.well-known/jwt-vc-issuer", _changed(jwks={"keys": []})),
        "other keys": ("/.well-known/jwt-vc-issuer", _changed(jwks={"keys": [key().public.jwk()]})),
        "a token that is not bound": ("/token", _changed(token_type="Bearer")),
        "no token": ("/token", _changed(access_token=None)),
        "no nonce": ("/nonce", _changed(c_nonce=None)),
        "fewer copies": ("/credential", _changed(credentials=[])),
        "HTML": ("/credential", lambda plain: replace(plain, media_type="text/html")),
        "a fault": ("/credential", lambda plain: replace(plain, status=500)),
    }.values(),
)
def test_what_is_not_right_is_not_kept(
    world: World, path: str, change: Callable[[HttpAnswer], HttpAnswer]
) -> None:
    world.provider.change[path] = change
    with pytest.raises(IssuerRefused):
        world.receives()
    assert world.safe.copies() == []


def _spoilt(how: Callable[[list[str]], list[str]]) -> Callable[[HttpAnswer], HttpAnswer]:
    def change(plain: HttpAnswer) -> HttpAnswer:
        texts = [entry["credential"] for entry in json.loads(plain.body)["credentials"]]
        return answer({"credentials": [{"credential": text} for text in how(texts)]})

    return change


def _other_disclosure(text: str) -> str:
    disclosure = base64url.encode(json.dumps(["salt", "name", "别人"]).encode())
    issued, _first, *rest = text.split("~")
    return "~".join((issued, disclosure, *rest))


SPOILT: dict[str, Callable[[list[str]], list[str]]] = {
    "one copy twice": lambda texts: [texts[0], texts[0], *texts[2:]],
    "a signature changed": lambda texts: [texts[0].replace(".", ".A", 1), *texts[1:]],
    "a disclosure of something else": lambda texts: [_other_disclosure(texts[0]), *texts[1:]],
    "a presentation": lambda texts: [texts[0] + "a.b.c", *texts[1:]],
    "nothing": lambda texts: ["", *texts[1:]],
}


@pytest.mark.parametrize("how", SPOILT.values(), ids=SPOILT.keys())
def test_one_copy_that_is_not_right_spoils_the_batch(
    world: World, how: Callable[[list[str]], list[str]]
) -> None:
    world.provider.change["/credential"] = _spoilt(how)
    with pytest.raises(IssuerRefused):
        world.receives()
    assert world.safe.copies() == []


def test_a_copy_bound_to_another_key_is_not_kept(world: World) -> None:
    stranger = world.provider.authority.credential(key(), issued_on=world.clock.now().date())
    world.provider.change["/credential"] = _spoilt(lambda texts: [stranger, *texts[1:]])
    with pytest.raises(IssuerRefused, match="bound to a key"):
        world.receives()


def test_a_credential_of_another_type_is_not_kept(world: World) -> None:
    now = int(world.clock.now().timestamp())
    claims: dict[str, object] = {"iss": ISSUER, "vct": f"{ISSUER}/vct/other", "iat": now, "exp": now + 3600}
    claims |= {"cnf": {"jwk": key().public.required_members}}
    other = sd_jwt_vc.issue(claims, world.provider.authority.credential_key, Random(3).randbytes)
    world.provider.change["/credential"] = _spoilt(lambda texts: [other, *texts[1:]])
    with pytest.raises(IssuerRefused, match="vct"):
        world.receives()


def test_a_provider_that_gives_none_now_is_told_from_a_broken_one(world: World) -> None:
    world.provider.change["/credential"] = lambda _plain: answer({"error": "credential_request_denied"}, 400)
    with pytest.raises(IssuingEnded):
        world.receives()


def test_a_document_on_an_issuer_lies_between_host_and_path() -> None:
    assert well_known("https://a.example", "x") == "https://a.example/.well-known/x"
    assert well_known("https://a.example/realm", "x") == "https://a.example/.well-known/x/realm"
