"""Offers: what puts a net credential into a wallet (OpenID4VCI 1.0, 4 and 6.1).

An offer's address holds a secret, of which the pre-authorized code is a digest: whoever reads the
one has the other. The transaction code, which the person types into the wallet, follows from it
under a key of the provider's: nothing that is stored tells either.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from netid.ambient import Ambient
from netid.credentials import base64url
from netid.credentials.keyring import Keyring
from netid.disclosure import Disclosure
from netid.errors import (
    FreshSignInRequired,
    GuardianRequired,
    InvalidGrant,
    NotFound,
    NoticeChanged,
    PersonSuspended,
)
from netid.identity.ages import Capacity
from netid.identity.consent import Action, Notice, NoticeReference, notice_for
from netid.identity.levels import AssuranceLevel
from netid.identity.own_wallet import CONFIGURATIONS, PURPOSE
from netid.identity.relying_party import RelyingParty
from netid.identity.text import Language
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.grants import ACCESS_TOKEN_LIFETIME, Grant, Grants, Redeemed, stored_grant
from netid.services.interaction import SECRET_BYTES, OwnAction, digest_of, encode_secret
from netid.services.receipts import Receipts
from netid.services.sign_in import Browser
from netid.storage.persons import Person
from netid.storage.single_use import Kind
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

PRE_AUTHORIZED = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
OFFER_LIFETIME = timedelta(minutes=10)
TX_CODE_LENGTH = 6


@dataclass(frozen=True)
class Offer:
    """An offer as its person sees it."""

    uri: str
    """Where a wallet fetches it; a secret."""
    tx_code: str
    """What the person types into the wallet."""
    expires_at: datetime

    @property
    def link(self) -> str:
        """For a wallet on this device, and in the QR code (OpenID4VCI 1.0, 4.1.3)."""
        return f"openid-credential-offer://?{urlencode({'credential_offer_uri': self.uri})}"


class Offers:
    """Makes offers for people who have just signed in for it, and redeems them, each once."""

    def __init__(
        self,
        stores: Stores,
        *,
        wallet: RelyingParty,
        issuer: str,
        fresh: FreshSignIn,
        grants: Grants,
        receipts: Receipts,
        disclosure: Disclosure,
        keyring: Keyring,
        ambient: Ambient,
    ) -> None:
        self._stores = stores
        self._wallet = wallet
        self._issuer = issuer
        self._fresh = fresh
        self._grants = grants
        self._receipts = receipts
        self._disclosure = disclosure
        self._tx_code_key = hmac.digest(keyring.index.reveal(), b"netid-tx-code-v1", "sha256")
        self._ambient = ambient

    # What the person does

    def notice(self, person_id: str, language: Language) -> Notice:
        """What is read before deciding."""
        with self._stores.db.read() as tx:
            return self._notice(self._is_child(tx, person_id), language)

    def make(self, browser: Browser, language: Language, shown: str) -> str:
        """Keeps the agreement and makes an offer; the secret of its address.

        `shown` is the hash of the notice on the page. Raises FreshSignInRequired, NoticeChanged,
        PersonSuspended, or GuardianRequired for a child whose guardian has not signed in beside it.
        """
        now = self._ambient.now()
        secret = encode_secret(self._ambient.random(SECRET_BYTES))
        with self._stores.db.write() as tx:
            person_id = self._fresh.take(tx, OwnAction.WALLET, browser, now)
            person = self._stores.persons.get(tx, person_id)
            if person is None:
                raise FreshSignInRequired("the person left meanwhile")
            if not person.is_active(now):
                raise PersonSuspended
            grant = self._agreed(tx, person, browser, language, shown, now)
            code = _code_of(secret)
            self._stores.single_use.put(
                tx, Kind.PRE_AUTHORIZED, digest_of(code), grant.model_dump_json(), now + OFFER_LIFETIME
            )
        return secret

    def _agreed(
        self, tx: Transaction, person: Person, browser: Browser, language: Language, shown: str, now: datetime
    ) -> Grant:
        session = self._stores.sessions.get(tx, digest_of(browser.session or ""), browser.digest, now)
        if session is None:
            raise FreshSignInRequired("signed out meanwhile")
        is_child = self._is_child(tx, person.person_id)
        guardian = self._stores.persons.get(tx, person.guardian_id or "") if is_child else None
        if is_child and (guardian is None or not guardian.is_active(now)):
            raise GuardianRequired
        notice = self._notice(is_child, language)
        if notice.sha256 != shown:
            raise NoticeChanged
        receipt = self._receipts.decided(
            tx,
            person=person,
            guardian=guardian,
            relying_party=self._wallet,
            purpose=PURPOSE,
            offered=PURPOSE.names,
            agreed=PURPOSE.names,
            notice=NoticeReference(version=notice.version, sha256=notice.sha256, language=language),
            action=Action.AGREED,
            now=now,
            expires_at=now + OFFER_LIFETIME + ACCESS_TOKEN_LIFETIME,
        )
        return Grant(
            client_id=self._wallet.client_id,
            redirect_uri="",
            code_challenge=None,
            nonce=None,
            scope=CONFIGURATIONS,
            verify=False,
            purpose=PURPOSE.id,
            userinfo=tuple(sorted(PURPOSE.names)),
            id_token=(),
            person_id=person.person_id,
            receipt_id=receipt.receipt.receipt_id,
            level=AssuranceLevel.of(frozenset(session.proved)),
            amr=tuple(sorted(session.proved)),
            checked_at=session.auth_time,
        )

    def _is_child(self, tx: Transaction, person_id: str) -> bool:
        return self._disclosure.capacity(tx, person_id, self._ambient.now()) is Capacity.UNDER_14

    def _notice(self, is_child: bool, language: Language) -> Notice:
        return notice_for(self._wallet, PURPOSE, PURPOSE.names, language, for_guardian=is_child)

    def shown(self, person_id: str, secret: str) -> Offer:
        """The offer, for its own person while it is open. Raises NotFound."""
        code = _code_of(secret)
        with self._stores.db.read() as tx:
            grant = self._open(tx, code)
            receipt = self._stores.consents.get(tx, grant.receipt_id) if grant else None
        if grant is None or receipt is None or grant.person_id != person_id:
            raise NotFound("no open offer of this person's")
        expires_at = receipt.receipt.decided_at + OFFER_LIFETIME
        return Offer(f"{self._issuer}/credential-offer/{secret}", self._tx_code(code), expires_at)

    # What the wallet does

    def pre_authorized_code(self, secret: str) -> str:
        """The code of an open offer, for whoever has its address. Raises NotFound."""
        code = _code_of(secret)
        with self._stores.db.read() as tx:
            if self._open(tx, code) is None:
                raise NotFound("no open offer at this address")
        return code

    def expect(self, code: str) -> None:
        """Raises InvalidGrant unless there is an open offer with this code."""
        with self._stores.db.read() as tx:
            if self._open(tx, code) is None:
                raise InvalidGrant

    def check_tx_code(self, code: str, tx_code: str) -> None:
        """Counts an attempt at an open offer's transaction code. Raises InvalidGrant unless it is right.

        Attempts are slowed down as those at a passcode are, so that ten minutes are enough for some ten;
        the offer stays the person's, who can also make another.
        """
        now = self._ambient.now()
        right = hmac.compare_digest(tx_code.encode(), self._tx_code(code).encode())
        key = hmac.digest(self._tx_code_key, b"attempts" + digest_of(code), "sha256")
        with self._stores.db.write() as tx:
            if self._open(tx, code) is None:
                raise InvalidGrant
            wait = self._stores.throttle.attempt(tx, key, now)
            if not wait and right:
                self._stores.throttle.passed(tx, key)
                return
            wait = wait or self._stores.throttle.failed(tx, key, now)
        later = f"; the next attempt is looked at in {wait} seconds" if wait else ""
        raise InvalidGrant(f"tx_code is not right{later}")

    def redeem(self, code: str, dpop_jkt: str) -> Redeemed:
        """Uses the offer up; of several at once exactly one succeeds. Raises InvalidGrant."""
        return self._grants.redeem(self._wallet, code, dpop_jkt, Kind.PRE_AUTHORIZED)

    def _open(self, tx: Transaction, code: str) -> Grant | None:
        kept = self._stores.single_use.peek(tx, Kind.PRE_AUTHORIZED, digest_of(code), self._ambient.now())
        return stored_grant(kept) if kept else None

    def _tx_code(self, code: str) -> str:
        number = int.from_bytes(hmac.digest(self._tx_code_key, code.encode(), "sha256"))
        return f"{number % 10**TX_CODE_LENGTH:0{TX_CODE_LENGTH}}"


def _code_of(secret: str) -> str:
    return base64url.encode(digest_of(f"pre-authorized code of {secret}"))
