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

    def page(self, error: NetIDError) -> Response:
        """The page of that error; what cannot be put on record is not answered either."""
        return responses.page(self._kept(error))

    def problem(self, error: NetIDError) -> Response:
        """The same for programs."""
        return responses.problem(self._kept(error))

    def note(self, error: NetIDError) -> None:
        """For a page that goes on by itself after a refusal. Raises StorageBusy."""
        responses.log_refusal(error)
        self._keep(error)

    def _kept(self, error: NetIDError) -> NetIDError:
        try:
            self._keep(error)
        except StorageBusy as busy:
            return busy
        return error

    def _keep(self, error: NetIDError) -> None:
        """Puts a refusal on record; faults of ours are none."""
        if error.status < 500:
            self._refusals.keep(self._browsers.read(request), error, request.endpoint or "")
