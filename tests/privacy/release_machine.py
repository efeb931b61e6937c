"""S12: people, relying parties, consents, refusals, withdrawals and re-registrations in any order.

A model keeps, in sets, what was registered, asked for and agreed to. After every step each access
token that was ever issued is tried, and what UserInfo answers is held against the model.
"""

import hashlib
import itertools
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from netid.identity.ages import birthdate_of_age
from netid.identity.calendar import legal_day
from netid.identity.claims import CATALOGUE
from netid.identity.documents import make_synthetic_document, make_synthetic_phone
from netid.identity.persons import fields_of
from netid.services.enrolment import Applicant
from netid.services.registration import checked_registration
from netid.storage.persons import PersonStatus
from tests.privacy.release_model import SECRET, Person, Shop, Token, Values
from tests.running import CALLBACK, Running

VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CLAIMS = st.sampled_from(list(CATALOGUE))
FIELDS = st.sampled_from([name for name, claim in CATALOGUE.items() if claim.is_field])
ANSWERS = st.sampled_from([name for name, claim in CATALOGUE.items() if not claim.is_field])
NECESSITY = st.sampled_from(["essential", "voluntary"])
_NUMBERS = itertools.count()


class ReleaseMachine(RuleBasedStateMachine):
    """Does what people and relying parties can do, and checks after every step what leaves."""

    running: ClassVar[Running]

    def __init__(self) -> None:
        super().__init__()
        provider = self.running.provider
        self.stores, self.services, self.vault = provider.stores, provider.services, provider.vault
        self.http = provider.app.test_client(use_cookies=False)
        self.people: list[Person] = []
        self.shops: list[Shop] = []
        self.tokens: list[Token] = []
        self.touched: frozenset[Token] = frozenset()
        self.may_grow = False

    @property
    def now(self) -> datetime:
        return self.running.clock.now()

    def touch(self, *tokens: Token, may_grow: bool = False) -> None:
        """Only these may answer something else than before, and only less, unless `may_grow`."""
        self.touched = frozenset(tokens)
        self.may_grow = may_grow

    def of(self, person: Person | None = None, shop: Shop | None = None) -> list[Token]:
        return [t for t in self.tokens if person in (None, t.person) and shop in (None, t.shop)]

    # People

    @initialize(ticked=st.sets(CLAIMS))
    def four_agreements(self, ticked: set[str]) -> None:
        """Something to lose for two people at two relying parties, so that each step can do harm."""
        adult, child = self._enrol(30), self._enrol(10)
        self._register({"fields": {"name": "essential", "phone_number": "voluntary", "sex": "voluntary"}})
        self._register({"fields": {"document_number": "essential", "age_over_14": "voluntary"}})
        for person, shop in itertools.product((adult, child), self.shops):
            self._decide(person, shop, "fields", "agree", None, ticked)

    @rule(age=st.sampled_from([10, 15, 17, 18, 30, 70]))
    @precondition(lambda self: len(self.people) < 6)
    def enrol(self, age: int) -> None:
        self._enrol(age)
        self.touch()

    def _enrol(self, age: int) -> Person:
        guardian = None if age >= 18 else self._enrol(40)
        random = self.services.enrolment._ambient.random
        birthdate = birthdate_of_age(age, 50, legal_day(self.now))
        document = make_synthetic_document(
            "resident_id", birthdate=birthdate, sex="female", name="林示例", random=random
        )
        phone = make_synthetic_phone(random)
        persona = f"machine-{next(_NUMBERS)}"
        with self.stores.db.write() as tx:
            enrolled = self.services.enrolment.enrol(
                tx, Applicant(document, phone, "none", guardian.person_id if guardian else None), self.now
            )
            self.stores.persons.bind_persona(tx, persona, enrolled.person_id)
        decides = guardian if age < 14 else None
        self.people.append(Person(persona, enrolled.person_id, fields_of(document, phone), decides))
        return self.people[-1]

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(self.people))
        with self.stores.db.write() as tx:
            self.vault.destroy(tx, person.person_id)
            self.stores.persons.set_status(tx, person.person_id, PersonStatus.CANCELLED, at=self.now)
        person.status = "cancelled"
        self.touch(*self.of(person))

    @rule(data=st.data(), suspended=st.booleans())
    def suspend_or_reinstate(self, data: st.DataObject, suspended: bool) -> None:
        person = data.draw(st.sampled_from(self.people))
        status = PersonStatus.SUSPENDED if suspended else PersonStatus.ACTIVE
        with self.stores.db.write() as tx:
            changed = self.stores.persons.set_status(tx, person.person_id, status, at=self.now)
        assert changed is (person.status != "cancelled")
        person.status = status.value if changed else person.status
        self.touch(*self.of(person), may_grow=not suspended)

    # Relying parties

    @rule(
        fields=st.dictionaries(FIELDS, NECESSITY, min_size=1),
        answers=st.dictionaries(ANSWERS, NECESSITY, min_size=1),
    )
    @precondition(lambda self: len(self.shops) < 4)
    def register(self, fields: dict[str, str], answers: dict[str, str]) -> None:
        self._register({"fields": fields | answers, "answers": answers})
        self.touch()

    def _register(self, purposes: dict[str, dict[str, str]]) -> None:
        self.shops.append(Shop(f"shop-{next(_NUMBERS)}", purposes))
        self._put(self.shops[-1])

    def _put(self, shop: Shop) -> None:
        self.services.registration.put(checked_registration(shop.registration))

    @rule(data=st.data())
    def narrow(self, data: st.DataObject) -> None:
        shop = self._standing_shop(data)
        purpose = data.draw(st.sampled_from(sorted(shop.purposes)))
        dropped = data.draw(st.sets(st.sampled_from(sorted(shop.purposes[purpose]) or ["name"])))
        shop.purposes[purpose] = {n: how for n, how in shop.purposes[purpose].items() if n not in dropped}
        self._put(shop)
        self.touch(*self.of(shop=shop))

    @rule(
        data=st.data(),
        name=CLAIMS,
        necessity=NECESSITY,
    )
    def widen(self, data: st.DataObject, name: str, necessity: str) -> None:
        shop = self._standing_shop(data)
        shop.purposes.setdefault("fields", {}).setdefault(name, necessity)
        self._put(shop)
        # What was dropped and comes back may be given out again: the person agreed to it.
        self.touch(*self.of(shop=shop), may_grow=True)

    @rule(data=st.data(), edition=st.integers(0, 2))
    def say_something_else(self, data: st.DataObject, edition: int) -> None:
        shop = self._standing_shop(data)
        shop.edition = edition
        self._put(shop)
        self.touch(*self.of(shop=shop), may_grow=True)

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        shop = self._standing_shop(data)
        self.services.registration.remove(shop.client_id)
        shop.removed = True
        self.touch(*self.of(shop=shop))

    def _standing_shop(self, data: st.DataObject) -> Shop:
        if all(shop.removed for shop in self.shops):
            self._register({"fields": {"name": "essential"}})
        return data.draw(st.sampled_from([shop for shop in self.shops if not shop.removed]))

    # Decisions

    @rule(data=st.data(), decision=st.sampled_from(["agree"] * 4 + ["refuse", "leave"]))
    def ask(self, data: st.DataObject, decision: str) -> None:
        self.touch()
        person, shop = data.draw(st.sampled_from(self.people)), self._standing_shop(data)
        purpose = data.draw(st.sampled_from(sorted(shop.purposes)))
        wanted = data.draw(st.none() | st.sets(CLAIMS, min_size=1))
        self._decide(person, shop, purpose, decision, wanted, data.draw(st.sets(CLAIMS)))

    def _decide(
        self,
        person: Person,
        shop: Shop,
        purpose: str,
        decision: str,
        wanted: set[str] | None,
        ticked: set[str],
    ) -> None:
        registered = shop.purposes[purpose]
        self.running.approve(person.persona, decision=decision, voluntary=tuple(ticked))
        back = self._authorize(person, shop, purpose, wanted)
        if not registered:
            assert back["error"] == "invalid_scope"
            return
        told = {name: how for name, how in registered.items() if wanted is None or name in wanted}
        assert ("code" in back) is (decision == "agree" and person.may_decide)
        if "code" in back and told:
            agreed = {name for name, how in told.items() if how == "essential" or name in ticked}
            self._redeem(back["code"], person, shop, purpose, told, agreed)

    def _authorize(self, person: Person, shop: Shop, purpose: str, wanted: set[str] | None) -> dict[str, str]:
        names = ",".join(f'"{name}":null' for name in sorted(wanted or ()))
        query = {
            "client_id": shop.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": f"openid netid.purpose.{purpose}",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "login_hint": person.persona,
        } | ({"claims": f'{{"userinfo":{{{names}}}}}'} if wanted is not None else {})
        answer = self.http.get("/authorize", query_string=query)
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    def _redeem(
        self, code: str, person: Person, shop: Shop, purpose: str, told: dict[str, str], agreed: set[str]
    ) -> None:
        tokens = self._token(shop, code).get_json()
        with self.stores.db.read() as tx:
            latest = self.stores.consents.list(tx, person.person_id)[0]
        token = Token(
            value=tokens["access_token"],
            code=code,
            receipt_id=latest.receipt.receipt_id,
            person=person,
            shop=shop,
            purpose=purpose,
            told=told,
            agreed=frozenset(agreed),
            edition=shop.edition,
            decided_at=self.now,
            subject="",
        )
        assert set(latest.receipt.agreed) == agreed
        self.tokens = [*self.tokens[-7:], token]

    def _token(self, shop: Shop, code: str) -> Any:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return self.http.post("/token", data=form, auth=(shop.client_id, SECRET))

    @rule(data=st.data())
    @precondition(lambda self: self.tokens)
    def withdraw(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(self.tokens))
        with self.stores.db.write() as tx:
            self.stores.consents.mark_withdrawn(tx, token.receipt_id, self.now)
        token.ended = True
        self.touch(token)

    @rule(data=st.data())
    @precondition(lambda self: any(not token.shop.removed for token in self.tokens))
    def replay(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from([token for token in self.tokens if not token.shop.removed]))
        assert self._token(token.shop, token.code).status_code == 400
        token.ended = True
        self.touch(token)

    @rule(seconds=st.sampled_from([1, 59, 120, 301]))
    def wait(self, seconds: int) -> None:
        self.running.clock.advance(seconds=seconds)
        self.touch(*self.tokens)

    # What has to hold after each step

    @invariant()
    def released_is_registered_requested_and_consented(self) -> None:
        for token in self.tokens:
            answer = self._answer(token)
            self._compare_with_before(token, answer)
            within = token.allowed(self.now)
            assert (answer or {}).items() <= within.items(), (
                "more left than registered, requested and agreed to"
            )
            if token.must_be_nothing(self.now):
                assert answer is None, "a consent that does not hold let something leave"
            else:
                assert answer == within, "less left than was agreed to"
            token.last, token.fresh = answer, False

    def _compare_with_before(self, token: Token, answer: Values | None) -> None:
        if token.fresh:
            return
        if token not in self.touched:
            assert answer == token.last, "somebody else's step changed it"
        elif not self.may_grow:
            assert (answer or {}).items() <= (token.last or {}).items(), "it grew"

    def _answer(self, token: Token) -> Values | None:
        answer = self.http.get("/userinfo", headers={"Authorization": f"Bearer {token.value}"})
        if answer.status_code == 401:
            return None
        assert answer.status_code == 200
        values: Values = answer.get_json()
        subject = str(values.pop("sub"))
        assert token.subject in ("", subject), "the subject changed"
        token.subject = subject
        others = [t for t in self.tokens if t.subject and (t.person, t.shop) != (token.person, token.shop)]
        assert subject not in {t.subject for t in others}, "a subject is shared"
        return values
