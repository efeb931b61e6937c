"""Realms: whole instances mounted below one server, made and dropped while it runs."""

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Lock, Thread
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from netid.ambient import Ambient
from netid.control.doubles import Doubles
from netid.control.realm import Build, Instance, Realm
from netid.control.standing_faults import Faults
from netid.control.template import Template, settings_in
from netid.control.workplace import Workplace
from netid.credentials.keyring import Keyring
from netid.errors import NotFound
from netid.identity.calendar import legal_day
from netid.settings import Settings

DEFAULT_LIFETIME = timedelta(hours=1)
_SWEEP_SECONDS = 5.0
_ID_BYTES = 8
_WELL_KNOWN = "/.well-known/"

_BUILDING = Lock()
"""Held while an application is built: CPython 3.11 fails where two threads parse the code of routes at once
(SystemError, “AST constructor recursion depth mismatch”)."""


class Realms:
    """The realms of one server. Each costs a copy of two small files and one application."""

    def __init__(self, settings: Settings, *, keyring: Keyring, ambient: Ambient, build: Build) -> None:
        """`settings` are the server's own: realms are mounted below its issuer and begin with its keys."""
        self._settings = settings
        self._keyring = keyring
        self._ambient = ambient
        self._build = build
        self.has_line = False
        """Whether a faulty line stands in front of the server."""
        self._path = f"{settings.path}/realms"
        self._realms: dict[str, Realm] = {}
        self._lock = Lock()
        self._template: Template | None = None
        self._template_lock = Lock()
        self._workplace: Workplace | None = None
        self._stopping = Event()
        self._sweeper: Thread | None = None

    def create(self, lifetime: timedelta = DEFAULT_LIFETIME) -> Realm:
        """A new realm, ready to be used, and dropped after its lifetime. The first makes the template."""
        directory = self._todays_template().directory.parent
        realm_id = self._ambient.random(_ID_BYTES).hex()
        realm = Realm(
            realm_id,
            self._settings.model_copy(update={"issuer": f"{self._settings.issuer}/realms/{realm_id}"}),
            directory=directory / realm_id,
            template=self._todays_template,
            keyring=self._keyring,
            ambient=self._ambient,
            build=self._build_alone,
            expires_at=self._ambient.now() + lifetime,
            has_line=self.has_line,
        )
        with self._lock:
            self._realms[realm_id] = realm
        return realm

    def get(self, realm_id: str) -> Realm:
        """The realm of that id. Raises NotFound, for one that has expired too."""
        realm = self._realms.get(realm_id)
        if realm is None or realm.expires_at <= self._ambient.now():
            raise NotFound
        return realm

    @property
    def directory(self) -> Path | None:
        """Where the realms' databases lie, once there was a realm."""
        return self._workplace.path if self._workplace else None

    def faults_for(self, path: str) -> Faults | None:
        """The faults that count for requests to this path, for the line in front."""
        below = self._below_issuer(path)
        realm = self._realms.get(self._id_in(below)) if below else None
        return realm.faults if realm else None

    def all(self) -> list[Realm]:
        """Those that have not expired, the oldest first."""
        now = self._ambient.now()
        with self._lock:
            return [realm for realm in self._realms.values() if realm.expires_at > now]

    def drop(self, realm_id: str) -> None:
        """Ends a realm; nothing of it is left. Raises NotFound."""
        with self._lock:
            realm = self._realms.pop(realm_id, None)
        if realm is None:
            raise NotFound
        realm.close()

    def sweep(self) -> None:
        """Drops the expired."""
        now = self._ambient.now()
        with self._lock:
            expired = [realm for realm in self._realms.values() if realm.expires_at <= now]
            for realm in expired:
                del self._realms[realm.id]
        for realm in expired:
            realm.close()

    def close(self) -> None:
        """Drops them all, and the template."""
        self._stopping.set()
        if self._sweeper is not None:
            self._sweeper.join()
        with self._lock:
            realms, self._realms = self._realms, {}
        for realm in realms.values():
            realm.close()
        if self._workplace is not None:
            self._workplace.close()

    # The template

    def _todays_template(self) -> Template:
        """Personas have ages relative to today, so that a server that runs for days needs a new one."""
        today = legal_day(self._ambient.now())
        with self._template_lock:
            if self._template is None or self._template.made_on != today:
                self._template = self._make_template(today)
            return self._template

    def _build_alone(
        self, settings: Settings, keyring: Keyring, ambient: Ambient, doubles: Doubles
    ) -> Instance:
        with _BUILDING:
            return self._build(settings, keyring, ambient, doubles)

    def _make_template(self, today: date) -> Template:
        if self._workplace is None:
            self._workplace = Workplace()
            self._sweeper = Thread(target=self._sweep_until_stopped, name="realms", daemon=True)
            self._sweeper.start()
        directory = self._workplace.path / f"template-{today}"
        directory.mkdir()
        instance = self._build_alone(
            settings_in(directory, self._settings, self._settings.issuer),
            self._keyring,
            self._ambient,
            Doubles(),
        )
        instance.close()
        return Template(directory, instance.people, today)

    def _sweep_until_stopped(self) -> None:
        while not self._stopping.wait(_SWEEP_SECONDS):
            self.sweep()

    # The way in

    def over(self, app: WSGIApplication) -> WSGIApplication:
        """The server's own application, with the realms mounted below its issuer.

        A realm's metadata answers in both forms: `/realms/x/.well-known/y` (OpenID Connect Discovery, 4)
        and `/.well-known/y/realms/x` (RFC 8414, 3.1).
        """

        def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            path = self._below_issuer(environ.get("PATH_INFO", ""))
            if path is None:
                return app(environ, start_response)
            try:
                wsgi = self.get(self._id_in(path)).provider.wsgi
            except NotFound:
                return app(environ, start_response)
            return wsgi({**environ, "PATH_INFO": path}, start_response)

        return dispatch

    def _id_in(self, path: str) -> str:
        return path.removeprefix(f"{self._path}/").partition("/")[0]

    def _below_issuer(self, path: str) -> str | None:
        """The path with the realm's issuer in front, or None where it is no realm's."""
        if path.startswith(f"{self._path}/"):
            return path
        document, slash, issuer_path = path.removeprefix(_WELL_KNOWN).partition("/")
        issuer_path = slash + issuer_path
        if path.startswith(_WELL_KNOWN) and issuer_path.startswith(f"{self._path}/"):
            return f"{issuer_path.rstrip('/')}{_WELL_KNOWN}{document}"
        return None
