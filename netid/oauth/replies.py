"""The way back to a relying party: in the query of a redirect, or posted as a form."""

from dataclasses import dataclass
from typing import Self

from flask import Response

from netid import responses
from netid.identity.relying_party import RelyingParty
from netid.identity.text import Text
from netid.services.interaction import AuthorizationRequest, ResponseMode


@dataclass(frozen=True)
class ReplyTo:
    """Where an answer goes. The redirect URI is a proven one."""

    redirect_uri: str
    response_mode: ResponseMode
    state: str | None
    platform: Text
    """What the relying party is called."""

    @classmethod
    def of(cls, asked: AuthorizationRequest, relying_party: RelyingParty) -> Self:
        """What the request says."""
        return cls(asked.redirect_uri, asked.response_mode, asked.state, relying_party.name)

    def send(self, issuer: str, **parameters: str) -> Response:
        """The answer with its `state`, and with `iss` (RFC 9207)."""
        answer = {**parameters, "state": self.state, "iss": issuer}
        if self.response_mode is ResponseMode.FORM_POST:
            return responses.form_for_relying_party(self.redirect_uri, answer, self.platform)
        return responses.redirect_to_relying_party(self.redirect_uri, answer)
