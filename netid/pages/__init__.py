"""What a person sees at the provider."""

from collections.abc import Sequence

from flask import Blueprint, Flask

from netid.ambient import Ambient
from netid.errors import NetIDError
from netid.identity.persons import Persona
from netid.oauth.authorize import Authorize
from netid.oauth.browsers import Browsers
from netid.oauth.logout import EndSession
from netid.pages import (
    complaining as complaints,
)
from netid.pages import (
    consenting,
    copy_tables,
    dates,
    enrolment,
    entry_words,
    explaining,
    home,
    language,
    leaving,
    log_words,
    naming,
    offering,
    owning,
    permitting,
    platforms,
    recording,
    records_data,
    renewing,
    sessions,
    signing_in,
    telling,
)
from netid.pages.owner import Owners
from netid.pages.refusing import Refusing
from netid.pages.visit import Visits
from netid.services.applying import Applying
from netid.services.cancellation import Cancellation
from netid.services.complaining import Complaining
from netid.services.copying import Copying
from netid.services.correcting import Correcting
from netid.services.decisions import Decisions
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.notices import Notices
from netid.services.offers import Offers
from netid.services.permitting import Permitting
from netid.services.records import Records
from netid.services.refusals import Refusals
from netid.services.revocation import Revocation
from netid.services.rights import Rights
from netid.services.sign_in import SignIn
from netid.services.signing_out import SignOut
from netid.services.suspensions import Suspensions
from netid.settings import Settings


def register(
    app: Flask,
    *,
    settings: Settings,
    browsers: Browsers,
    authorize: Authorize,
    sign_in: SignIn,
    sign_out: SignOut,
    end_session: EndSession,
    decisions: Decisions,
    applying: Applying,
    records: Records,
    rights: Rights,
    fresh: FreshSignIn,
    offers: Offers,
    revocation: Revocation,
    permissions: Permitting,
    refusals: Refusals,
    complaining: Complaining,
    copying: Copying,
    correcting: Correcting,
    cancellation: Cancellation,
    suspensions: Suspensions,
    notices: Notices,
    personas: Sequence[Persona],
    ambient: Ambient,
) -> None:
    """Adds every page to the app. `personas` is empty where none are listed."""
    language.install(app, cookie_path=settings.path or "/", secure=settings.secure)
    dates.install(app)
    explaining.install(app)
    entry_words.install(app)
    copy_tables.install(app)
    log_words.install(app)
    visits = Visits(browsers=browsers, sign_in=sign_in, authorize=authorize)
    listed = {persona.id: persona for persona in personas}
    names = naming.Names(records=records, personas=listed)
    signing = signing_in.SigningIn(visits, sign_in=sign_in, records=records, names=names, personas=listed)
    routes = Blueprint("pages", __name__)
    refusing = Refusing(browsers=browsers, refusals=refusals)
    routes.register_error_handler(NetIDError, refusing.page)
    home.add_routes(routes, settings.platform_url)
    signing_in.add_routes(routes, signing)
    asks = consenting.Consenting(visits, decisions=decisions, authorize=authorize, names=names)
    consenting.add_routes(routes, asks)
    owners = Owners(browsers=browsers, sign_in=sign_in)
    own = recording.Recording(
        owners,
        browsers=browsers,
        authorize=authorize,
        sign_out=sign_out,
        rights=rights,
        complaining=complaining,
        records=records,
    )
    recording.add_routes(routes, own)
    data = owning.Owning(
        owners, browsers=browsers, authorize=authorize, fresh=fresh, copying=copying, refusing=refusing
    )
    owning.add_routes(routes, data)
    renews = renewing.Renewing(
        owners,
        browsers=browsers,
        authorize=authorize,
        fresh=fresh,
        correcting=correcting,
        refusing=refusing,
    )
    renewing.add_routes(routes, renews)
    complains = complaints.Complaints(
        owners, browsers=browsers, authorize=authorize, rights=rights, complaining=complaining
    )
    complaints.add_routes(routes, complains)
    offer = offering.Offering(
        owners,
        browsers=browsers,
        authorize=authorize,
        fresh=fresh,
        offers=offers,
        revocation=revocation,
        records=records,
        refusing=refusing,
        wallet_url=settings.wallet_url,
    )
    offering.add_routes(routes, offer)
    permits = permitting.PermittingPages(
        owners,
        browsers=browsers,
        authorize=authorize,
        fresh=fresh,
        permitting=permissions,
        records=records,
        refusing=refusing,
        wallet_url=settings.wallet_url,
    )
    permitting.add_routes(routes, permits)
    undoing = platforms.Platforms(owners, browsers=browsers, authorize=authorize, rights=rights)
    platforms.add_routes(routes, undoing)
    signed_in = sessions.Sessions(
        owners, browsers=browsers, authorize=authorize, sign_out=sign_out, end_session=end_session
    )
    sessions.add_routes(routes, signed_in)
    leaves = leaving.Leaving(
        browsers=browsers,
        authorize=authorize,
        sign_in=sign_in,
        fresh=fresh,
        cancellation=cancellation,
        records=records,
        refusing=refusing,
    )
    leaving.add_routes(routes, leaves)
    tells = telling.Telling(
        visits,
        browsers=browsers,
        authorize=authorize,
        sign_in=sign_in,
        suspensions=suspensions,
        notices=notices,
    )
    telling.add_routes(routes, tells)
    app.register_blueprint(routes)
    as_json = records_data.RecordsData(owners, rights=rights, issuer=settings.issuer)
    data_routes = records_data.blueprint(as_json)
    data_routes.register_error_handler(NetIDError, refusing.problem)
    app.register_blueprint(data_routes)
    app.register_blueprint(enrolment.blueprint(applying=applying, browsers=browsers, personas=personas))
