"""Approval rules: what a persona does without a browser, so that any client library's test can run.

They exist in test mode only, are set on the management port, and act through the same services as
the pages do: the same checks, the same receipts.
"""

from threading import Lock
from typing import Literal

from pydantic import BaseModel, ConfigDict

from netid.identity.relying_party import ClaimName
from netid.services.decisions import Decisions
from netid.services.interaction import Interaction, Role
from netid.services.sign_in import Browser, Proved, SignIn


class ApprovalRule(BaseModel):
    """What a persona decides, without a page."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    persona: str
    """The persona's id."""
    client_id: str | None = None
    """Only for requests of this relying party; None means any."""
    decision: Literal["agree", "refuse", "leave"] = "agree"
    """`refuse` on the consent page, or `leave` before it."""
    voluntary: tuple[ClaimName, ...] | Literal["all", "none"] = "none"
    """Which voluntary claims are ticked."""

    def ticks(self, interaction: Interaction) -> frozenset[str]:
        """The voluntary claims of this request that the rule ticks."""
        purpose = interaction.purpose
        offered = interaction.asked - purpose.essential if purpose else frozenset()
        if self.voluntary == "all":
            return offered
        return frozenset() if self.voluntary == "none" else offered & frozenset(self.voluntary)


class Outcomes:
    """The approval rules of one provider; in memory, since test mode is one process.

    An outcome that was queued decides one request, in turn. A rule decides every request that names its
    persona in `login_hint`. The default decides the requests that name nobody.
    """

    def __init__(self) -> None:
        self._rules: tuple[ApprovalRule, ...] = ()
        self._queue: tuple[ApprovalRule, ...] = ()
        self._default: ApprovalRule | None = None
        self._lock = Lock()

    def set(self, rule: ApprovalRule) -> None:
        """Sets a rule, in place of one for the same persona and relying party."""
        with self._lock:
            others = [r for r in self._rules if (r.persona, r.client_id) != (rule.persona, rule.client_id)]
            self._rules = (rule, *others)

    def enqueue(self, rule: ApprovalRule) -> None:
        """Adds an outcome to the queue."""
        with self._lock:
            self._queue = (*self._queue, rule)

    def set_default(self, rule: ApprovalRule | None) -> None:
        """Sets what requests without `login_hint` come to; None shows them the pages."""
        with self._lock:
            self._default = rule

    def clear(self) -> None:
        """Takes every rule away."""
        with self._lock:
            self._rules, self._queue, self._default = (), (), None

    @property
    def rules(self) -> tuple[ApprovalRule, ...]:
        """The rules for `login_hint`, the newest first."""
        return self._rules

    @property
    def queue(self) -> tuple[ApprovalRule, ...]:
        """The outcomes that wait for their request."""
        return self._queue

    @property
    def default(self) -> ApprovalRule | None:
        """What requests that name nobody come to."""
        return self._default

    def take(self, hint: str | None, client_id: str) -> ApprovalRule | None:
        """What decides this request, if anything does; a queued outcome is used up.

        A rule for this very relying party goes before one for any.
        """
        with self._lock:
            place = self._place(hint, client_id)
            if place is not None:
                queued = self._queue[place]
                self._queue = (*self._queue[:place], *self._queue[place + 1 :])
                return queued
        return self._standing(hint, client_id)

    def decides(self, hint: str | None, client_id: str) -> bool:
        """Whether anything would decide this request now; uses nothing up."""
        return self._place(hint, client_id) is not None or self._standing(hint, client_id) is not None

    def _place(self, hint: str | None, client_id: str) -> int | None:
        for place, queued in enumerate(self._queue):
            if queued.client_id in (client_id, None) and hint in (queued.persona, None):
                return place
        return None

    def _standing(self, hint: str | None, client_id: str) -> ApprovalRule | None:
        fitting = [r for r in self._rules if r.persona == hint and r.client_id in (client_id, None)]
        rule = min(fitting, key=lambda rule: rule.client_id is None, default=None)
        if rule is not None or hint is not None or self._default is None:
            return rule
        return self._default if self._default.client_id in (client_id, None) else None


class Approvals:
    """Decides requests by rule, through the same services as the pages."""

    def __init__(self, sign_in: SignIn, decisions: Decisions, outcomes: Outcomes) -> None:
        self._sign_in = sign_in
        self._decisions = decisions
        self.outcomes = outcomes

    def take(self, interaction: Interaction) -> ApprovalRule | None:
        """What decides this request, if anything does."""
        return self.outcomes.take(interaction.request.login_hint, interaction.request.client_id)

    def sign_in(self, rule: ApprovalRule, interaction: Interaction, browser: Browser) -> Proved:
        """Signs the persona in, and for one under 14 the guardian as well. Raises SignInRefused."""
        proved = self._sign_in.simulate_persona(interaction, browser, rule.persona)
        standing = self._decisions.standing(proved.interaction)
        guardian_id = standing.person.guardian_id
        if not standing.needs_guardian or guardian_id is None:
            return proved
        guarded = self._sign_in.simulate(proved.interaction, browser, Role.GUARDIAN, guardian_id)
        return Proved(guarded.interaction, proved.new_session)
