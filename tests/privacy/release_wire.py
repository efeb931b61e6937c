"""How the state machine acts on the provider: as people and relying parties do, without a network between."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from urllib.parse import parse_qsl, urlsplit

from flask import Flask

from netid.identity.ages import birthdate_of_age
from netid.identity.calendar import legal_day
from netid.identity.documents import make_synthetic_document, make_synthetic_phone
from netid.identity.persons import fields_of
from netid.services.enrolment import Applicant
from tests.privacy.release_model import SECRET, Person, Shop, Values
from tests.running import CALLBACK, Running

VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Wire:
    """The three requests of a sign-in."""

    def __init__(self, app: Flask) -> None:
        self._http = app.test_client(use_cookies=False)

    def authorize(self, shop: Shop, persona: str, purpose: str, wanted: set[str] | None) -> dict[str, str]:
        """What comes back by the redirect; `wanted` narrows the purpose by the `claims` parameter."""
        names = ",".join(f'"{name}":null' for name in sorted(wanted or ()))
        query = {
            "client_id": shop.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": f"openid netid.purpose.{purpose}",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "login_hint": persona,
        } | ({"claims": f'{{"userinfo":{{{names}}}}}'} if wanted is not None else {})
        answer = self._http.get("/authorize", query_string=query)
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    def redeem(self, shop: Shop, code: str) -> str | None:
        """The access token, or None where the code is good for nothing."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        answer = self._http.post("/token", data=form, auth=(shop.client_id, SECRET))
        assert answer.status_code in (200, 400), answer.text
        return str(answer.get_json()["access_token"]) if answer.status_code == 200 else None

    def userinfo(self, access_token: str) -> Values | None:
        """What UserInfo answers; None where it answers nothing any more."""
        answer = self._http.get("/userinfo", headers={"Authorization": f"Bearer {access_token}"})
        assert answer.status_code in (200, 401), answer.text
        values: Values = answer.get_json()
        return values if answer.status_code == 200 else None


def enrolled(running: Running, persona: str, age: int, guardian: Person | None) -> Person:
    """Somebody new, of that age since fifty days; a guardian decides for whoever is under 14."""
    services, stores, now = running.provider.services, running.provider.stores, running.clock.now()
    birthdate = birthdate_of_age(age, 50, legal_day(now))
    document = make_synthetic_document(
        "resident_id", birthdate=birthdate, sex="female", name="林示例", random=secrets.token_bytes
    )
    phone = make_synthetic_phone(secrets.token_bytes)
    applicant = Applicant(document, phone, "no passcode", guardian.person_id if guardian else None)
    with stores.db.write() as tx:
        person_id = services.enrolment.enrol(tx, applicant, now).person_id
        stores.persons.bind_persona(tx, persona, person_id)
    return Person(persona, person_id, fields_of(document, phone), guardian if age < 14 else None)
