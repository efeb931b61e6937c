"""The demo platform's composition root: three scenes, each with its own keys, members and cookies."""

from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, SecurityError

from netid.client import Ambient, DPoPKey, NetIDClient, PrivateKeyJwt, Registration, WalletClient
from netid.client.errors import ClientError
from netid.client.flask_extension import NetIDFlask
from netid.client.flask_wallet import NetIDWallet
from platform_demo import language, scene_views
from platform_demo.accounts import Accounts
from platform_demo.evidence import EvidenceInMemory
from platform_demo.pages import FormRefused, Forms, show
from platform_demo.scene_views import ScenePages, SceneParts
from platform_demo.scenes import SCENES, Scene

MAX_REQUEST_BYTES = 16 * 1024
_WALLETS = "platform_demo_wallets"


@dataclass(frozen=True)
class PlatformSettings:
    """How one demo platform runs."""

    issuer: str
    """The provider."""
    keys: Path
    """The directory with a private key for each scene."""
    data: Path
    """The directory for its databases, one for each scene."""
    url: str
    """Where browsers reach it, without a slash at the end."""
    trust: Path | None = None
    """The certificate of the provider's own authority, where it has one."""
    wallet: str = "http://localhost:8200"
    """Where the wallet's pages are, without a slash at the end."""


def create_app(settings: PlatformSettings, ambient: Ambient) -> Flask:
    """The WSGI application. Raises netid.client.errors.ConfigurationRefused for keys that cannot work.

    The provider need not run yet: it is asked when the first person signs in.
    """
    app = Flask("platform_demo")
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    # A name that somebody else's page could point at this machine does not reach it.
    app.config["TRUSTED_HOSTS"] = ["localhost"]
    language.install(app)
    forms = Forms(ambient, settings.url)
    pages = {scene.id: _add_scene(app, scene, settings, forms, ambient) for scene in SCENES}

    @app.get("/")
    def home() -> Response:
        return show("index.html", scenes=SCENES, issuer=settings.issuer)

    _answer_errors(app, settings, pages)
    return app


def wallet_clients(app: Flask) -> list[WalletClient]:
    """What asks wallets, for each scene: whoever serves the app keeps it fresh."""
    return list(app.extensions[_WALLETS])


def _add_scene(
    app: Flask, scene: Scene, settings: PlatformSettings, forms: Forms, ambient: Ambient
) -> ScenePages:
    registration = Registration(
        issuer=settings.issuer,
        client_id=scene.id,
        redirect_uri=f"{settings.url}/{scene.id}/callback",
        events_uri=f"{settings.url}/{scene.id}/netid/events",
        backchannel_logout_uri=f"{settings.url}/{scene.id}/netid/logout",
        post_logout_redirect_uri=f"{settings.url}/{scene.id}/",
        authentication=PrivateKeyJwt.from_file(settings.keys / scene.key_file),
        dpop_key=DPoPKey.from_file(settings.keys / scene.dpop_key_file),
        userinfo_alg=scene.userinfo_alg,
    )
    wallets = WalletClient(
        registration, f"{settings.url}/{scene.id}/netid/wallet", ambient=ambient, trust=settings.trust
    )
    app.extensions.setdefault(_WALLETS, []).append(wallets)
    parts = SceneParts(
        scene=scene,
        netid=NetIDFlask(app, NetIDClient(registration, ambient=ambient, trust=settings.trust)),
        wallets=NetIDWallet(app, wallets, wallet=f"{settings.wallet}/present"),
        wallet_origin=settings.wallet,
        accounts=Accounts(settings.data / f"platform-{scene.id}.db", ambient, scene.retention_days),
        evidence=EvidenceInMemory(ambient.now),
        forms=forms,
        ambient=ambient,
    )
    return scene_views.register(app, parts)


def _answer_errors(app: Flask, settings: PlatformSettings, pages: dict[str, ScenePages]) -> None:
    @app.errorhandler(SecurityError)
    def foreign_host(_error: SecurityError) -> Response:
        # No page can be made for a host that is not ours: its links would lead there.
        return Response(f"请打开 / Open {settings.url}\n", status=400, mimetype="text/plain")

    @app.errorhandler(ClientError)
    def netid_failed(error: ClientError) -> Response:
        return pages[request.path.split("/")[1]].fail(error)

    @app.errorhandler(FormRefused)
    def form_refused(_error: FormRefused) -> Response:
        return show("error.html", status=403, reason="form")

    @app.errorhandler(HTTPException)
    def http_failed(error: HTTPException) -> Response:
        status = error.code or 500
        return show("error.html", status=status, reason="missing" if status == 404 else "other")
