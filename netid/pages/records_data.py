"""One's own records as JSON, under the session that the pages use; and the schemas they are written in."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from netid import responses
from netid.credentials.receipts import ReceiptFile, copy_of
from netid.errors import SignInRequired
from netid.pages.entry_words import explained
from netid.pages.owner import Owners
from netid.pages.owning import attachment
from netid.pages.recording import wanted
from netid.services.copy_form import Copy, schema_of
from netid.services.copying import SCHEMA_PATH
from netid.services.rights import Entry, Rights
from netid.storage.sessions import Session

RECEIPTS_SCHEMA_PATH = "/schemas/receipts.json"


class RecordsData:
    """What the pages of one's records say, for programs of the person's own."""

    def __init__(self, owners: Owners, *, rights: Rights, issuer: str) -> None:
        self._owners = owners
        self._rights = rights
        self._issuer = issuer
        self._of_copies = schema_of(Copy, f"{issuer}{SCHEMA_PATH}")
        self._of_receipts = schema_of(ReceiptFile, f"{issuer}{RECEIPTS_SCHEMA_PATH}")

    def records(self) -> Response:
        """/records.json: every decision, or those that are looked for, the latest first."""
        history = self._rights.history(self._session().person_id)
        found = [self._entry(entry) for entry in history if wanted(request.args).fits(entry)]
        return responses.uncached(jsonify(mock=True, records=found))

    def receipt(self, receipt_id: str) -> Response:
        """/records/<receipt_id>/receipt.json: one receipt as it was signed. Raises NotFound."""
        entry = self._rights.entry(self._session().person_id, receipt_id)
        file = ReceiptFile(receipts=(copy_of(entry.stored),))
        document = {"$schema": f"{self._issuer}{RECEIPTS_SCHEMA_PATH}", **file.model_dump(mode="json")}
        return attachment(document, f"netid-receipt-{entry.stored.receipt.sequence}.json")

    def copy_schema(self) -> Response:
        """The form of a copy of everything."""
        return _published(self._of_copies)

    def receipts_schema(self) -> Response:
        """The form of a file of receipts."""
        return _published(self._of_receipts)

    def _session(self) -> Session:
        _browser, session = self._owners.come(request)
        if session is None:
            raise SignInRequired
        return session

    def _entry(self, entry: Entry) -> dict[str, object]:
        receipt = entry.stored.receipt
        return {
            "receipt_id": receipt.receipt_id,
            "client_id": receipt.client_id,
            "outcome": entry.outcome.value,
            "purpose": receipt.purpose,
            "decided_at": receipt.decided_at.isoformat(),
            "expires_at": receipt.expires_at.isoformat() if receipt.expires_at else None,
            "asked": [claim.name for claim in entry.asked],
            "given": [claim.name for claim in entry.given],
            "can_withdraw": entry.can_withdraw,
            "told": entry.told.state.value if entry.told and entry.told.state else None,
            "explained": explained(entry),
        }


def _published(schema: Mapping[str, Any]) -> Response:
    response = responses.public(jsonify(schema))
    response.mimetype = "application/schema+json"
    return response


def blueprint(data: RecordsData) -> Blueprint:
    """The addresses; what is wrong is answered as problem+json."""
    routes = Blueprint("records_data", __name__)
    routes.add_url_rule("/records.json", "records", data.records)
    routes.add_url_rule("/records/<receipt_id>/receipt.json", "receipt", data.receipt)
    routes.add_url_rule(SCHEMA_PATH, "copy_schema", data.copy_schema)
    routes.add_url_rule(RECEIPTS_SCHEMA_PATH, "receipts_schema", data.receipts_schema)
    return routes
