"""What a scene received, byte for byte: kept in memory for a while, to be shown to its member."""

import json
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from netid.client import CheckResult, Fields, PairwiseSubject, SignedIn

LIFETIME = timedelta(minutes=30)
_MOST = 1000


@dataclass(frozen=True)
class Original:
    """A signed token or a JSON answer: as it came, and as people read it."""

    raw: str = field(repr=False)
    header: str | None
    """A token's header; None for plain JSON."""
    payload: str = field(repr=False)

    @classmethod
    def of(cls, raw: str) -> "Original":
        """Decodes it, only for showing: what counts was verified by the SDK before it came here."""
        if raw.startswith("{"):
            return cls(raw, None, pretty(json.loads(raw)))
        header, payload = (json.loads(urlsafe_b64decode(part + "==")) for part in raw.split(".")[:2])
        return cls(raw, pretty(header), pretty(payload))


def pretty(value: object) -> str:
    """JSON over several lines, Chinese left as it is."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@dataclass(frozen=True)
class Evidence:
    """Everything one sign-in brought."""

    check: CheckResult
    token_answer: str = field(repr=False)
    """The token endpoint's answer, as it came."""
    id_token: str = field(repr=False)
    userinfo: str | None = field(repr=False)
    """UserInfo's answer, as it came; None where it was not asked."""
    fields: dict[str, str | bool] = field(repr=False)

    @classmethod
    def of(cls, signed_in: SignedIn, fields: Fields | None) -> "Evidence":
        """What this sign-in brought."""
        return cls(
            check=signed_in.check,
            token_answer=signed_in.token_answer.decode(),
            id_token=signed_in.id_token,
            userinfo=None if fields is None else fields.answer_body.decode(),
            fields=dict(fields or {}),
        )

    @property
    def originals(self) -> list[tuple[str, Original]]:
        """The ID token, and UserInfo's answer where there is one, ready to be shown."""
        both = {"id-token": self.id_token, "userinfo": self.userinfo}
        return [(name, Original.of(raw)) for name, raw in both.items() if raw is not None]


class EvidenceInMemory:
    """Evidence and member codes by session; never written to a disk."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = Lock()
        self._kept: OrderedDict[str, tuple[datetime, Evidence | str]] = OrderedDict()

    def keep(self, session: str, shown: Evidence | str) -> None:
        """Keeps it for this session: evidence, or a new member's code."""
        with self._lock:
            self._forget_expired()
            self._kept[session] = (self._now(), shown)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def of(self, session: str) -> Evidence | None:
        """The evidence of this session, while it is kept."""
        shown = self._get(session)
        return shown if isinstance(shown, Evidence) else None

    def member_code(self, session: str) -> str | None:
        """The member code that this session was opened with, while it is kept."""
        shown = self._get(session)
        return shown if isinstance(shown, str) else None

    def forget(self, session: str) -> None:
        """Forgets what is kept for this session."""
        with self._lock:
            self._kept.pop(session, None)

    def forget_subject(self, subject: PairwiseSubject) -> None:
        """Forgets what every session of this person was shown."""
        with self._lock:
            of_them = [
                session
                for session, (_, shown) in self._kept.items()
                if isinstance(shown, Evidence) and shown.check.subject == subject
            ]
            for session in of_them:
                del self._kept[session]

    def _get(self, session: str) -> Evidence | str | None:
        with self._lock:
            self._forget_expired()
            found = self._kept.get(session)
        return found[1] if found else None

    def _forget_expired(self) -> None:
        oldest_kept = self._now() - LIFETIME
        while self._kept and next(iter(self._kept.values()))[0] <= oldest_kept:
            self._kept.popitem(last=False)
