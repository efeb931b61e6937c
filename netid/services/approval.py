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
    """What a persona decides when a request names them in `login_hint`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    persona: str
    """The persona's id, as in `login_hint`."""
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


class Approvals:
    """The approval rules of one provider, newest first; in memory, since test mode is one process."""

    def __init__(self, sign_in: SignIn, decisions: Decisions) -> None:
        self._sign_in = sign_in
        self._decisions = decisions
        self._rules: tuple[ApprovalRule, ...] = ()
        self._lock = Lock()

    def set(self, rule: ApprovalRule) -> None:
        """Sets a rule, in place of one for the same persona and relying party."""
        with self._lock:
            others = [r for r in self._rules if (r.persona, r.client_id) != (rule.persona, rule.client_id)]
            self._rules = (rule, *others)

    def clear(self) -> None:
        """Takes every rule away."""
        with self._lock:
            self._rules = ()

    def all(self) -> tuple[ApprovalRule, ...]:
        """The rules in force."""
        return self._rules

    def matching(self, interaction: Interaction) -> ApprovalRule | None:
        """The rule for this request, if its `login_hint` names a persona that has one.

        A rule for this very relying party goes before one for any.
        """
        hint, client_id = interaction.request.login_hint, interaction.request.client_id
        fitting = [r for r in self._rules if r.persona == hint and r.client_id in (client_id, None)]
        return min(fitting, key=lambda rule: rule.client_id is None, default=None)

    def sign_in(self, rule: ApprovalRule, interaction: Interaction, browser: Browser) -> Proved:
        """Signs the persona in, and for one under 14 the guardian as well. Raises SignInRefused."""
        proved = self._sign_in.simulate_persona(interaction, browser, rule.persona)
        standing = self._decisions.standing(proved.interaction)
        guardian_id = standing.person.guardian_id
        if not standing.needs_guardian or guardian_id is None:
            return proved
        guarded = self._sign_in.simulate(proved.interaction, browser, Role.GUARDIAN, guardian_id)
        return Proved(guarded.interaction, proved.new_session)
