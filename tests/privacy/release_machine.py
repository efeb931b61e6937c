"""S12: people, relying parties, consents, refusals, withdrawals and re-registrations in any order.

A model keeps, in sets, what was registered, asked for and agreed to. After every step each access
token that was ever issued is tried, and what UserInfo answers is held against the model.
"""

import itertools
from datetime import datetime
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from netid.identity.claims import CATALOGUE
from netid.services.registration import checked_registration
from netid.storage.persons import PersonStatus
from tests.privacy.release_model import Person, Shop, Token, Values
from tests.privacy.release_wire import Wire, enrolled
from tests.running import Running

CLAIMS = st.sampled_from(list(CATALOGUE))
FIELDS = st.sampled_from([name for name, claim in CATALOGUE.items() if claim.is_field])
ANSWERS = st.sampled_from([name for name, claim in CATALOGUE.items() if not claim.is_field])
NECESSITY = st.sampled_from(["essential", "voluntary"])
HELD = "a consent that does not hold let something leave"
_NUMBERS = itertools.count()


class ReleaseMachine(RuleBasedStateMachine):
    """Does what people and relying parties can do, and checks after every step what leaves."""

    running: ClassVar[Running]

    def __init__(self) -> None:
        super().__init__()
        provider = self.running.provider
        self.stores, self.services, self.vault = provider.stores, provider.services, provider.vault
        self.wire = Wire(provider.app)
        self.people: list[Person] = []
        self.shops: list[Shop] = []
        self.tokens: list[Token] = []
        self.touched: frozenset[Token] = frozenset()
        self.may_grow = False
        self.sound = True
        """Whether the last check passed: what follows a failure proves nothing."""

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
            self._redeem(self._agreement(person, shop, "fields", "agree", None, ticked))

    @rule(age=st.sampled_from([10, 15, 17, 18, 30, 70]))
    @precondition(lambda self: len(self.people) < 6)
    def enrol(self, age: int) -> None:
        self._enrol(age)
        self.touch()

    def _enrol(self, age: int) -> Person:
        guardian = None if age >= 18 else self._enrol(40)
        self.people.append(enrolled(self.running, f"machine-{next(_NUMBERS)}", age, guardian))
        return self.people[-1]

    @rule(data=st.data())
    @precondition(lambda self: [person.status for person in self.people].count("cancelled") < 2)
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
    @precondition(lambda self: not any(shop.removed for shop in self.shops))
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
        self._redeem(self._agreement(person, shop, purpose, decision, wanted, data.draw(st.sets(CLAIMS))))

    def _agreement(
        self,
        person: Person,
        shop: Shop,
        purpose: str,
        decision: str,
        wanted: set[str] | None,
        ticked: set[str],
    ) -> Token | None:
        """What the person decided, as a token that is still to be fetched; None without a code."""
        registered = shop.purposes[purpose]
        self.running.approve(person.persona, decision=decision, voluntary=tuple(ticked))
        back = self.wire.authorize(shop, person.persona, purpose, wanted)
        if not registered:
            assert back["error"] == "invalid_scope"
            return None
        assert ("code" in back) is (decision == "agree" and person.may_decide)
        told = {name: how for name, how in registered.items() if wanted is None or name in wanted}
        if "code" not in back or not told:
            return None
        agreed = frozenset(name for name, how in told.items() if how == "essential" or name in ticked)
        with self.stores.db.read() as tx:
            receipt = self.stores.consents.list(tx, person.person_id)[0].receipt
        assert set(receipt.agreed) == agreed
        return Token(
            code=back["code"],
            receipt_id=receipt.receipt_id,
            person=person,
            shop=shop,
            purpose=purpose,
            told=told,
            agreed=agreed,
            edition=shop.edition,
            decided_at=self.now,
        )

    def _redeem(self, agreement: Token | None) -> None:
        if agreement is None:
            return
        access_token = self.wire.redeem(agreement.shop, agreement.code)
        assert access_token is not None, "less left than was agreed to"
        agreement.value = access_token
        self.tokens = [*self.tokens[-7:], agreement]

    @rule(data=st.data())
    @precondition(lambda self: self._live())
    def withdraw(self, data: st.DataObject) -> None:
        self._withdraw(data.draw(st.sampled_from(self._live())))

    @rule(data=st.data())
    def withdraw_before_the_code_is_redeemed(self, data: st.DataObject) -> None:
        self.touch()
        self._withdraw_in_between(data.draw(st.sampled_from(self.people)), self._standing_shop(data))

    def _withdraw_in_between(self, person: Person, shop: Shop) -> None:
        agreement = self._agreement(person, shop, "fields", "agree", None, set())
        if agreement is not None:
            self._withdraw(agreement)
            assert self.wire.redeem(shop, agreement.code) is None, HELD

    def _live(self) -> list[Token]:
        return [token for token in self.tokens if token.last and token.person.status != "cancelled"]

    def _withdraw(self, token: Token) -> None:
        """Ends everything of that person at that relying party, and nothing of anybody else."""
        self.services.rights.withdraw(token.person.person_id, token.receipt_id)
        at_the_same = self.of(token.person, token.shop)
        for ended in at_the_same:
            ended.ended = True
        self.touch(*at_the_same)

    def teardown(self) -> None:
        """Whatever has happened, each consent can be withdrawn by itself, with a token and with a code."""
        while self.sound and self._live():
            self._withdraw(self._live()[0])
            self.released_is_registered_requested_and_consented()
        standing = [shop for shop in self.shops if not shop.removed and "fields" in shop.purposes]
        if self.sound and standing and self.people:
            self._withdraw_in_between(self.people[0], standing[0])

    @rule(data=st.data())
    @precondition(lambda self: any(not token.shop.removed for token in self.tokens))
    def replay(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from([token for token in self.tokens if not token.shop.removed]))
        assert self.wire.redeem(token.shop, token.code) is None
        token.ended = True
        self.touch(token)

    @rule(seconds=st.sampled_from([1, 59, 61, 120, 301]))
    def wait(self, seconds: int) -> None:
        self.running.clock.advance(seconds=seconds)
        self.touch(*self.tokens)

    # What has to hold after each step

    @invariant()
    def released_is_registered_requested_and_consented(self) -> None:
        self.sound = False
        for token in self.tokens:
            answer = self._answer(token)
            self._compare_with_before(token, answer)
            within = token.allowed(self.now)
            assert (answer or {}).items() <= within.items(), (
                "more left than registered, requested and agreed to"
            )
            if token.must_be_nothing(self.now):
                assert answer is None, HELD
            else:
                assert answer == within, "less left than was agreed to"
            token.last, token.fresh = answer, False
        self.sound = True

    def _compare_with_before(self, token: Token, answer: Values | None) -> None:
        if token.fresh:
            return
        if token not in self.touched:
            assert answer == token.last, "somebody else's step changed it"
        elif not self.may_grow:
            assert (answer or {}).items() <= (token.last or {}).items(), "it grew"

    def _answer(self, token: Token) -> Values | None:
        values = self.wire.userinfo(token.value)
        if values is None:
            return None
        subject = str(values.pop("sub"))
        assert token.subject in ("", subject), "the subject changed"
        token.subject = subject
        others = [t for t in self.tokens if t.subject and (t.person, t.shop) != (token.person, token.shop)]
        assert subject not in {t.subject for t in others}, "a subject is shared"
        return values
