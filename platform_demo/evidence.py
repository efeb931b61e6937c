"""What a scene received, byte for byte: kept in memory for a while, to be shown to its member."""

import json
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from netid.client import Fields, PairwiseSubject, SignedIn, VerifiedPresentation
from platform_demo.accounts import Checked

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
    """Everything one sign-in, or one presentation, brought."""

    check: Checked
    fields: dict[str, str | bool] = field(repr=False)
    originals: list[tuple[str, Original]] = field(repr=False)
    """What came signed, or as JSON, by name, ready to be shown."""
    token_answer: str | None = field(default=None, repr=False)
    """The token endpoint's answer, as it came."""
    disclosures: list[str] = field(default_factory=list, repr=False)
    """What the wallet disclosed, decoded, one claim each."""

    @classmethod
    def of(cls, signed_in: SignedIn, fields: Fields | None) -> "Evidence":
        """What this sign-in brought."""
        check = signed_in.check
        came = {"id-token": signed_in.id_token}
        if fields is not None:
            came["userinfo"] = fields.answer_body.decode()
        return cls(
            check=Checked("netid", check.subject, check.level, check.checked_at),
            fields=dict(fields or {}),
            originals=[(name, Original.of(raw)) for name, raw in came.items()],
            token_answer=signed_in.token_answer.decode(),
        )

    @classmethod
    def shown(cls, shown: VerifiedPresentation) -> "Evidence":
        """What this presentation brought: the issuer's part, what was disclosed of it, the holder's part."""
        credential, *disclosed, binding = shown.presentation.split("~")
        return cls(
            check=Checked("wallet", shown.subject, shown.level, shown.verified_at),
            fields=dict(shown.claims),
            originals=[("credential", Original.of(credential)), ("key-binding", Original.of(binding))],
            disclosures=[urlsafe_b64decode(text + "==").decode() for text in disclosed],
        )

    @property
    def asked_userinfo(self) -> bool:
        """Whether UserInfo was asked."""
        return any(name == "userinfo" for name, _ in self.originals)


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
