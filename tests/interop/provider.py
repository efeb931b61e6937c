"""A provider in test mode on a loopback port, as another program's client finds it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from werkzeug.serving import make_server

from netid.ambient import Ambient
from netid.app import Provider, build
from netid.credentials.keyring import Keyring
from netid.services.approval import ApprovalRule
from netid.services.registration import checked_registration
from netid.settings import Settings

Decision = Literal["agree", "refuse", "leave"]

PARCELS = {
    "id": "delivery",
    "text": {"zh": "按实名要求寄递包裹", "en": "Delivering a parcel under real-name rules"},
    "legal_basis": {
        "code": "CN-POSTAL-REALNAME",
        "text": {"zh": "邮件快件实名收寄管理办法", "en": "Rules on real-name acceptance of mail"},
    },
    "retention_days": 30,
    "claims": [
        {
            "name": "name",
            "necessity": "essential",
            "because": {"zh": "收寄登记", "en": "Entry in the register"},
        },
        {
            "name": "age_over_18",
            "necessity": "essential",
            "because": {"zh": "成年人签收", "en": "Adults sign"},
        },
        {"name": "phone_number", "necessity": "voluntary", "because": {"zh": "联系", "en": "To reach you"}},
    ],
}
"""A purpose with a field, a predicate and a voluntary field."""


@dataclass(frozen=True)
class RunningProvider:
    """A provider that answers on its issuer URL."""

    issuer: str
    _provider: Provider

    def register(self, client_id: str, **registration: Any) -> None:
        """Register or replace a relying party; what is not given is the same for all."""
        entry = {
            "client_id": client_id,
            "name": {"zh": "外来客户端", "en": "A client from elsewhere"},
            "contact": "help@client.example",
            "legal_entity": {"name": {"zh": "示例公司", "en": "Example Ltd"}, "sector": "interop.example"},
            "purposes": [PARCELS],
            **registration,
        }
        self._provider.services.registration.put(checked_registration(entry))

    def decide(self, client_id: str, persona: str, decision: Decision) -> None:
        """What the persona does when this relying party names them in `login_hint`."""
        approvals = self._provider.services.approvals
        assert approvals is not None
        approvals.set(ApprovalRule(client_id=client_id, persona=persona, decision=decision))


@contextmanager
def running_provider(directory: Path) -> Iterator[RunningProvider]:
    """A provider with its databases in this directory, served by threads of this process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings(
            mode="test",
            issuer=issuer,
            database_url=f"sqlite:///{directory}/netid.db",
            key_database_url=f"sqlite:///{directory}/netid-keys.db",
        )
        ambient = Ambient.real()
        provider = build(settings, Keyring.generate(ambient), ambient)
        server = make_server("127.0.0.1", 0, provider.wsgi, threaded=True, fd=listener.fileno())
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield RunningProvider(issuer, provider)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            provider.close()
