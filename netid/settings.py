"""The provider's settings: one frozen model, read once from NETID_PROVIDER_* variables."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

PREFIX = "NETID_PROVIDER_"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class SettingsError(ValueError):
    """A setting is unknown or malformed; the provider does not start."""


def _issuer(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an http or https URL without query and fragment (OpenID Discovery, 3)")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise ValueError("uses http, which is for loopback addresses; use https")
    if url.endswith("/"):
        raise ValueError("must not end with a slash")
    return url


def _own_issuer(given: dict[str, object]) -> str:
    """127.0.0.1 also where another address is bound to: what others call it has to be said."""
    return f"http://127.0.0.1:{given.get('port')}"


class Settings(BaseModel):
    """How one provider runs. Every attribute is the variable NETID_PROVIDER_<NAME>."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    mode: Literal["serve", "demo", "test"] = "serve"
    """`demo` and `test` list the personas; `test` also opens the management port."""
    host: str = "127.0.0.1"
    """The address to bind to."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """The port to bind to."""
    issuer: Annotated[str, AfterValidator(_issuer), Field(default_factory=_own_issuer)]
    """The issuer URL, as everybody reaches it; never taken from a request header."""
    database_url: str = "sqlite:///var/netid.db"
    """Where everything but the data keys is stored: sqlite:///file or postgresql+psycopg://…"""
    key_database_url: str = "sqlite:///var/netid-keys.db"
    """Where the wrapped data keys are stored; leave it out of ordinary backups."""
    keys: Path = Path("keys")
    """The directory that `netid keys init` filled."""
    tls_certificate: Path | None = None
    """The certificate to serve https with, as PEM, and those between it and its authority."""
    tls_key: Path | None = None
    """The key of that certificate, as PEM."""
    key_rotation_days: Annotated[int, Field(ge=7, le=3650)] | None = None
    """Rotate the signing keys after this many days; without it, `netid keys rotate` does."""
    region: Annotated[str, Field(pattern=r"^CN(-[A-Z]{2})?$")] = "CN"
    """Where both databases lie, as ISO 3166-2 has it; they keep it, and refuse another (PIPL 40)."""
    personas: Path | None = None
    """A persona file instead of the shipped personas (demo and test)."""
    relying_parties: Path | None = None
    """A registration file that is read at every start."""
    platform_url: Annotated[str, AfterValidator(_issuer)] | None = None
    """Where the demo platform answers; fills `{platform}` in the registration file."""
    wallet_url: Annotated[str, AfterValidator(_issuer)] = "http://localhost:8200"
    """Where the wallet answers that people put their net credentials into; it is asked nothing."""
    management_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """The port of the management API, on loopback; test mode only."""
    management_token: Annotated[str, Field(min_length=16)] | None = None
    """The bearer token of the management API."""
    line_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The port of a line in front, on loopback, that faults can hold up and cut; the issuer names it."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Worker processes."""

    @model_validator(mode="after")
    def _places_of_their_own(self) -> Self:
        if self.port == 0 and "issuer" not in self.model_fields_set:
            raise ValueError("issuer: is needed with port 0; write the address that people reach")
        if self.management_port is not None and self.management_port == self.port != 0:
            raise ValueError("management_port: is the provider's own port; choose another")
        if self.database_url == self.key_database_url:
            raise ValueError("key_database_url: is the main database; name another, that no backup holds")
        return self

    @model_validator(mode="after")
    def _management_is_for_tests(self) -> Self:
        if self.management_port is not None and self.mode != "test":
            raise ValueError("management_port: is for mode test only; leave it out")
        if self.management_port is not None and self.management_token is None:
            raise ValueError("management_token: is needed with management_port; set at least 16 characters")
        if self.mode == "test" and self.workers > 1:
            raise ValueError("workers: mode test runs in one process; set 1")
        return self

    @model_validator(mode="after")
    def _https_where_it_is_served(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key: go together; set both or neither")
        if self.tls_certificate is not None and not self.secure:
            raise ValueError("issuer: is http where https is served; write https")
        return self

    @model_validator(mode="after")
    def _the_line_is_for_tests(self) -> Self:
        if self.line_port is None:
            return self
        if self.mode != "test" or self.management_port is None:
            raise ValueError("line_port: is for mode test with a management port; leave it out")
        if self.line_port == self.port or urlsplit(self.issuer).port != self.line_port:
            raise ValueError("line_port: is the port that the issuer names, and not the provider's own")
        if self.line_port == self.management_port:
            raise ValueError("line_port: is the management port; choose another")
        return self

    @property
    def secure(self) -> bool:
        """Whether browsers reach the provider by https."""
        return self.issuer.startswith("https:")

    @property
    def path(self) -> str:
        """The path the issuer is mounted under, without a trailing slash; often empty."""
        return urlsplit(self.issuer).path

    @property
    def origin(self) -> str:
        """Scheme, host and port of the issuer, as browsers send them in `Origin`."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"


def read_settings(environ: Mapping[str, str], **chosen: object) -> Settings:
    """The settings in an environment; `chosen` (from the command line) wins.

    Raises SettingsError with one line: which variable, what was expected.
    """
    given: dict[str, object] = {
        name.removeprefix(PREFIX).lower(): value for name, value in environ.items() if name.startswith(PREFIX)
    }
    try:
        return Settings.model_validate(given | {k: v for k, v in chosen.items() if v is not None})
    except ValidationError as error:
        raise SettingsError(_described(error)) from error


def _described(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    what = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:  # it is about several: the message itself begins with their names
        names, _colon, rest = what.partition(": ")
        return f"{' and '.join(map(_variable, names.split(' and ')))}: {rest}"
    variable = _variable(str(first["loc"][0]))
    if first["type"] != "extra_forbidden":
        return f"{variable}: {what}"
    near = get_close_matches(str(first["loc"][0]), Settings.model_fields, 1)
    remedy = f"write {_variable(near[0])}" if near else "`netid serve --settings` lists them"
    return f"{variable}: there is no such setting; {remedy}"


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"
