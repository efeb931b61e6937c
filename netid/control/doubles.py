"""What a realm swaps in when its provider is built; an ordinary provider takes none of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from wsgiref.types import WSGIApplication

from netid.identity.persons import Persona
from netid.oauth.signing import Signer
from netid.services.approval import Outcomes


def _as_it_is(signer: Signer) -> Signer:
    return signer


def _bare(app: WSGIApplication) -> WSGIApplication:
    return app


@dataclass(frozen=True)
class Doubles:
    """The parts of a provider that a realm replaces or wraps."""

    signer: Callable[[Signer], Signer] = _as_it_is
    """Wraps the ordinary signer: faulty tokens."""

    middleware: Callable[[WSGIApplication], WSGIApplication] = _bare
    """Wraps the WSGI application, which sees paths below the issuer: captured requests, faulty answers."""

    outcomes: Outcomes = field(default_factory=Outcomes)
    """What people decide without a browser; used in test mode alone."""

    enrolled: Sequence[Persona] | None = None
    """The people of a template: the databases are copies of migrated ones where they are enrolled."""
