"""A page refuses: on record where somebody is signed in, and said in words."""

from flask import Response, request

from netid import responses
from netid.errors import NetIDError, StorageBusy
from netid.oauth.browsers import Browsers
from netid.services.refusals import Refusals


class Refusing:
    """Answers for every page that raises."""

    def __init__(self, *, browsers: Browsers, refusals: Refusals) -> None:
        self._browsers = browsers
        self._refusals = refusals

    def answer(self, error: NetIDError) -> Response:
        """The page of that error; what cannot be put on record is not answered either."""
        try:
            self.keep(error)
        except StorageBusy as busy:
            return responses.page(busy)
        return responses.page(error)

    def keep(self, error: NetIDError) -> None:
        """Puts a refusal on record; faults of ours are none. Raises StorageBusy."""
        if error.status < 500:
            self._refusals.keep(self._browsers.read(request), error, request.endpoint or "")
