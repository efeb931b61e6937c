"""The value of the `netid` fixture: one realm, and everything a test does with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from wsgiref.types import WSGIApplication

from netid.ambient import Ambient
from netid.client.messages import Send
from netid.control.capture import Captured
from netid.control.pacing import Pace
from netid.errors import ManagementRefused
from netid.identity.identity_document import Sex
from netid.pytest_plugin.relying_party import RelyingParty, registration_of
from netid.pytest_plugin.servers import Server
from netid.pytest_plugin.wallet import RealmWallet

Ticked = Literal["all", "none"] | Sequence[str]
"""Which voluntary claims a person ticks."""
_AT_FIRST = {"persona": "an-adult", "decision": "agree", "voluntary": "none"}


@dataclass(frozen=True)
class Person:
    """Somebody of this realm."""

    id: str
    """What a relying party sends as `login_hint` to name them."""
    document: str
    """The kind of identity document."""
    guardian: str | None
    """The id of their guardian."""


class NetID:
    """A provider for one test. Each call raises ManagementRefused with the nearest valid names."""

    def __init__(self, server: Server) -> None:
        self._server = server
        made = self._call("POST", "/realms", {})
        self._path = f"/realms/{made['id']}"
        self._outcome: dict[str, Any] = dict(_AT_FIRST)
        self._real = Ambient.real()
        self._ahead = timedelta()
        self.issuer: str = made["issuer"]
        """What the relying party under test is given as its provider."""
        self.requests = Requests(self)
        """What the realm received."""

    # Who there is

    def persona(self, persona_id: str) -> Person:
        """One of the shipped people, such as `an-adult` or `child-of-10`."""
        return _person(self._call("GET", f"{self._path}/personas/{persona_id}"))

    def person(
        self,
        age: int = 30,
        *,
        days: int = 0,
        document: str = "resident_id",
        expires_in_days: int | None = None,
        name: str | None = None,
        sex: Sex = "female",
        guardian: Person | None = None,
        status: Literal["active", "suspended", "cancelled"] = "active",
    ) -> Person:
        """A new person who is `days` days past (below zero: before) that birthday today."""
        wanted = {
            "age": age,
            "days": days,
            "document": document,
            "expires_in_days": expires_in_days,
            "name": name,
            "sex": sex,
            "guardian": guardian.id if guardian else None,
            "status": status,
        }
        return _person(self._call("POST", f"{self._path}/personas", wanted))

    def relying_party(
        self,
        client_id: str = "a-relying-party",
        *,
        redirect_uri: str = "http://localhost/callback",
        essential: Iterable[str] = (),
        voluntary: Iterable[str] = (),
        **changes: Any,
    ) -> RelyingParty:
        """Registers one that authenticates by secret; `changes` are members of its registration.

        With `essential` or `voluntary` claims it has one purpose, which its `scope` asks for.
        """
        entry, secret = registration_of(client_id, redirect_uri, tuple(essential), tuple(voluntary), changes)
        shown = self._call("PUT", f"{self._path}/relying-parties/{client_id}", entry)
        return RelyingParty(self, shown, secret)

    # What people do

    def login(self, person: Person | str, *, once: bool = False) -> None:
        """This person signs in and agrees to what is essential, without a page, at every request to come.

        `once` means the next request alone, here and below. A request that names somebody else in
        `login_hint` shows the pages, as every request does before the first of these calls.
        """
        self._decide(once, persona=_id_of(person), decision="agree", voluntary="none")

    def consent(self, fields: Ticked = "all", *, once: bool = False) -> None:
        """The person also ticks these voluntary claims."""
        voluntary = fields if isinstance(fields, str) else list(fields)
        self._decide(once, decision="agree", voluntary=voluntary)

    def decline(self, *, before_consent: bool = False, once: bool = False) -> None:
        """The person refuses on the consent page, or leaves before it."""
        self._decide(once, decision="leave" if before_consent else "refuse")

    def _decide(self, once: bool, **changes: Any) -> None:
        outcome = self._outcome | changes
        if once:
            self._call("POST", f"{self._path}/outcomes", outcome)
        else:
            self._call("PUT", f"{self._path}/outcomes/default", outcome)
            self._outcome = outcome

    def decide_once(self, client_id: str, person: Person | str, fields: Ticked) -> None:
        """This person agrees at the relying party's next request."""
        voluntary = fields if isinstance(fields, str) else list(fields)
        outcome = {"persona": _id_of(person), "client_id": client_id, "voluntary": voluntary}
        self._call("POST", f"{self._path}/outcomes", outcome)

    def revoke(self, person: Person | str | None = None) -> int:
        """The person (who logged in last) withdraws every consent; tokens end with it. How many."""
        persona_id = _id_of(person) if person else self._outcome["persona"]
        withdrawn: int = self._call("DELETE", f"{self._path}/personas/{persona_id}/consents")["withdrawn"]
        return withdrawn

    def wallet(self, person: Person | str, app: WSGIApplication | None = None) -> RealmWallet:
        """This person's wallet, with copies that the realm issued.

        `app` is the relying party under test, where it is not served over HTTP.
        """
        return RealmWallet(self, person, app)

    def revoke_copies(self, person: Person | str) -> int:
        """Every copy with a status in this person's wallets is revoked; how many.

        The lists say so from one of their next publications on: `advance(hours=3)` passes them all.
        """
        path = f"{self._path}/personas/{_id_of(person)}/copies"
        revoked: int = self._call("DELETE", path)["revoked"]
        return revoked

    # The world around

    @property
    def now(self) -> datetime:
        """The realm's time (UTC)."""
        return self._real.now() + self._ahead

    def advance(self, *, days: int = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Moves the realm's clock on."""
        amount = timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds()
        moved = self._call("POST", f"{self._path}/clock", {"days": days, "seconds": amount})
        self._ahead = timedelta(seconds=moved["ahead"])

    def fault(
        self,
        endpoint: str,
        fault: str,
        *,
        client_id: str | None = None,
        count: int | None = None,
        **more: Any,
    ) -> None:
        """Something goes wrong at that endpoint, `count` times or from now on (see docs/faults.md)."""
        declared = {"endpoint": endpoint, "fault": fault, "match": {"client_id": client_id}, "count": count}
        self._call("POST", f"{self._path}/faults", declared | more)

    def pace(self, pace: Pace) -> None:
        """How long people take from now on: `fast`, `normal` or `realistic` (see docs/faults.md)."""
        self._call("PUT", f"{self._path}/pacing", {"pace": pace})

    def rotate_keys(self) -> None:
        """The provider signs with its next keys; the old ones stay published."""
        self._call("POST", f"{self._path}/keys/rotate")

    def reset(self) -> None:
        """Everything as it was when the test began, under the same issuer."""
        self._call("POST", f"{self._path}/reset")
        self._ahead, self._outcome = timedelta(), dict(_AT_FIRST)

    def drop(self) -> None:
        """Ends the realm; the fixture does it after the test."""
        self._call("DELETE", self._path)

    # The way in

    @property
    def wsgi(self) -> WSGIApplication | None:
        """The provider as a WSGI application; None where a running server is used."""
        return self._server.wsgi

    @property
    def send(self) -> Send:
        """How `netid.client.NetIDClient` reaches this provider, in every mode."""
        return self._server.send

    def visit(self, url: str | None) -> str | None:
        """A new browser opens this address; where it is redirected to, None where a page is shown."""
        if url is None:
            raise ManagementRefused("visit: there is no address; see what your app answered in place of one")
        back = self._server.visit(url)
        # The states of the normal pace: the provider itself sees nothing before the last.
        while back is not None and back.startswith(f"{self.issuer}/pacing/"):
            back = self._server.visit(back)
        return back

    def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = self._server.call(method, path, body)
        if answer.status >= 400:
            raise ManagementRefused(answer.body["detail"])
        return answer.body

    def take(self, expected: dict[str, Any]) -> Captured:
        """`requests.take`, with its members by name."""
        answer = self._server.call("POST", f"{self._path}/requests/take", expected)
        if answer.status in (404, 409):
            raise AssertionError(answer.body["detail"])
        if answer.status >= 400:
            raise ManagementRefused(answer.body["detail"])
        return Captured.model_validate(answer.body)

    def received(self) -> tuple[dict[str, int], list[Captured]]:
        """How many requests each endpoint got, and the last ones."""
        body = self._call("GET", f"{self._path}/requests")
        return body["counts"], [Captured.model_validate(each) for each in body["requests"]]

    def forget_requests(self) -> None:
        """Forgets what was received."""
        self._call("DELETE", f"{self._path}/requests")


class Requests:
    """What a realm received, values masked."""

    def __init__(self, netid: NetID) -> None:
        self._netid = netid

    def take(
        self,
        endpoint: str | None = None,
        *,
        seconds: float = 5.0,
        status: int | None = None,
        **parameters: str | None,
    ) -> Captured:
        """The next request to an endpoint such as `/token` that was not taken yet, waiting for it.

        `status` and `parameters` are what it has to be (None: not sent). Raises AssertionError with
        the difference, or when none comes.
        """
        wanted = {"endpoint": endpoint, "seconds": seconds, "status": status, "parameters": parameters}
        return self._netid.take(wanted)

    def count(self, endpoint: str) -> int:
        """How many requests this endpoint got: its path below the issuer, with or without its slash."""
        return self._netid.received()[0].get(f"/{endpoint.lstrip('/')}", 0)

    def all(self) -> list[Captured]:
        """The last thousand, the oldest first."""
        return self._netid.received()[1]

    def clear(self) -> None:
        """Forgets them."""
        self._netid.forget_requests()


def _person(shown: dict[str, Any]) -> Person:
    return Person(shown["id"], shown["document"], shown["guardian"])


def _id_of(person: Person | str) -> str:
    return person if isinstance(person, str) else person.id
