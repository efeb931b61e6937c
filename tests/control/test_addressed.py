"""What a request is for and whom it names, read before anything of it is proven."""

import pytest

from netid.ambient import Ambient
from netid.control.addressed import endpoint_of, unverified_client_id
from netid.credentials import jose
from netid.credentials.jwk import SigningKey


def test_a_relying_party_is_recognised_however_it_names_itself() -> None:
    key = SigningKey.generate("ES256", Ambient.real().random)
    assertion = jose.sign({"iss": "d", "sub": "d"}, key, None)

    assert unverified_client_id("client_id=a&x=y", "", b"") == "a"
    assert unverified_client_id("", "", b"client_id=b") == "b"
    assert unverified_client_id("", "Basic Yw==", b"grant_type=x") == "c"
    assert unverified_client_id("", "Basic YyUyRjE6c2VjcmV0", b"") == "c/1"
    assert unverified_client_id("", "", f"client_assertion={assertion}".encode()) == "d"


@pytest.mark.parametrize("authorization", ["", "Basic !", "Basic", "Bearer Yzpk", "Basic /w=="])
def test_a_request_that_names_nobody_is_nobodys(authorization: str) -> None:
    assert unverified_client_id("", authorization, b"\xff=1&client_assertion=x.y") is None


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/token", "token"),
        ("/realms/x/par", "par"),
        ("/realms/x/token", "token"),
        ("/realms/x/.well-known/openid-configuration", "discovery"),
        ("/.well-known/oauth-authorization-server/realms/x", "discovery"),
        ("/consent/token", "token"),
        ("/consent/x", None),
        ("/", None),
        ("", None),
    ],
)
def test_an_endpoint_is_recognised_wherever_it_is_mounted(path: str, endpoint: str | None) -> None:
    assert endpoint_of(path) == endpoint
