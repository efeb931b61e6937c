"""S12: whatever happens in whatever order, no more leaves than was registered, asked for and agreed to."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from netid.disclosure import Disclosure, Release
from netid.identity import policy
from netid.identity.consent import Action, StoredReceipt
from netid.identity.relying_party import RelyingParty
from netid.services.grants import Grants
from netid.storage.consents import Consents
from netid.storage.tokens import AccessTokens
from tests.privacy.release_machine import ReleaseMachine
from tests.running import Running

QUICK = settings(
    # No shrinking: a failure tells its steps, and shortening them takes minutes.
    phases=[Phase.reuse, Phase.generate],
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@pytest.fixture
def machine(provider: Running) -> type[ReleaseMachine]:
    """The state machine over a provider of its own."""
    return type("Machine", (ReleaseMachine,), {"running": provider})


def test_s12_released_is_within_registered_requested_and_consented(machine: type[ReleaseMachine]) -> None:
    run_state_machine_as_test(machine, settings=settings(QUICK, max_examples=25))


# Positive controls: the machine finds what is broken on purpose.


def _consents_never_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StoredReceipt, "holds", lambda self, now: self.receipt.action is Action.AGREED)


def _nobody_looks_at_what_was_agreed(patch: pytest.MonkeyPatch) -> None:
    def release(
        self: Disclosure, tx: Any, *, purpose: Any, consent: Any, now: datetime, **_: object
    ) -> Release:
        return Release(self._derive(tx, consent.person_id, purpose.names, now))

    patch.setattr(Disclosure, "release", release)


def _a_registration_is_what_it_was_at_first(patch: pytest.MonkeyPatch) -> None:
    release, first = Grants._release, dict[str, RelyingParty]()

    def remembering(self: Grants, tx: Any, relying_party: RelyingParty, *rest: Any) -> Release:
        return release(self, tx, first.setdefault(relying_party.client_id, relying_party), *rest)

    patch.setattr(Grants, "_release", remembering)


def _a_rule_of_the_policy_is_missing(patch: pytest.MonkeyPatch) -> None:
    rules = [rule for rule in policy.RULES if not isinstance(rule, policy.PurposeUnchanged)]
    patch.setattr(policy, "RULES", tuple(rules))


def _a_withdrawal_ends_all_of_that_person(patch: pytest.MonkeyPatch) -> None:
    revoke = AccessTokens.revoke_for

    def everywhere(self: AccessTokens, tx: Any, person_id: str, _client_id: str, now: datetime) -> int:
        return revoke(self, tx, person_id, None, now)

    patch.setattr(AccessTokens, "revoke_for", everywhere)


def _a_withdrawal_is_only_written_down(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Consents, "mark_withdrawn", lambda *_: True)
    patch.setattr(AccessTokens, "revoke_for", lambda *_: 0)


def _everybody_has_the_same_phone(patch: pytest.MonkeyPatch) -> None:
    derive = Disclosure._derive

    def derived(self: Disclosure, *arguments: Any) -> Any:
        values = derive(self, *arguments)
        return values | {"phone_number": "+8611500000000"} if "phone_number" in values else values

    patch.setattr(Disclosure, "_derive", derived)


PLANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "consents never end": (_consents_never_end, "a consent that does not hold let something leave"),
    "agreement is ignored": (_nobody_looks_at_what_was_agreed, "more left|let something leave"),
    "re-registration is ignored": (_a_registration_is_what_it_was_at_first, "more left|let something leave"),
    "a rule of the policy is missing": (_a_rule_of_the_policy_is_missing, "does not hold"),
    "a withdrawal reaches others": (
        _a_withdrawal_ends_all_of_that_person,
        "somebody else's step",
    ),
    "a withdrawal is only written down": (_a_withdrawal_is_only_written_down, "does not hold"),
    "somebody else's value": (_everybody_has_the_same_phone, "more left than registered"),
}


@pytest.mark.parametrize(("plant", "said"), PLANTS.values(), ids=PLANTS)
def test_s12_a_broken_provider_is_found_out(
    plant: Callable[[pytest.MonkeyPatch], None],
    said: str,
    machine: type[ReleaseMachine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch)
    search = settings(QUICK, max_examples=200, derandomize=True, database=None)

    with pytest.raises(AssertionError, match=said):
        run_state_machine_as_test(machine, settings=search)
