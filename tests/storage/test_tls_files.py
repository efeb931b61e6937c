"""The local authority: made once, for a few names alone, and renewed in time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from netid.ambient import Ambient
from netid.credentials import certificates
from netid.credentials.certificates import Certified, make_authority, make_server_certificate
from netid.errors import KeyFileError
from netid.storage.tls_files import LocalTls, local_tls

MADE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def ambient(now: datetime = MADE, seed: int = 1) -> Ambient:
    return Ambient(now=lambda: now, random=Random(seed).randbytes)


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def is_good_for(files: LocalTls, host: str, now: datetime = MADE) -> bool:
    """By a verifier that nobody here wrote (the one of `cryptography`, as strict as the web's)."""
    store = Store([certificate(files.authority)])
    verifier = PolicyBuilder().store(store).time(now).build_server_verifier(certificates._name(host))  # type: ignore[arg-type]
    try:
        verifier.verify(certificate(files.certificate), [])
    except VerificationError:
        return False
    return True


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "id.example"])
def test_a_server_certificate_is_good_for_this_machine_and_the_issuers_host(
    tmp_path: Path, host: str
) -> None:
    files = local_tls(tmp_path, "id.example", ambient())

    assert is_good_for(files, host)
    assert not is_good_for(files, "other.example")
    assert is_good_for(files, host, MADE + timedelta(days=396))
    assert not is_good_for(files, host, MADE + timedelta(days=398))


def test_no_certificate_lives_longer_than_browsers_take(tmp_path: Path) -> None:
    served = certificate(local_tls(tmp_path, "localhost", ambient()).certificate)

    assert served.not_valid_after_utc - served.not_valid_before_utc <= timedelta(days=397)


def test_the_authority_can_vouch_for_nobody_else(tmp_path: Path) -> None:
    """Whoever takes its key makes certificates that no verifier accepts."""
    files = local_tls(tmp_path, "localhost", ambient())
    stolen = Certified.from_pem((tmp_path / "tls-authority-key.pem").read_bytes())
    for host in ("bank.example", "192.0.2.1"):
        forged = make_server_certificate(stolen, [host], ambient())
        files.certificate.write_bytes(forged.pem())
        assert not is_good_for(files, host)
    unbound = make_authority(["bank.example"], ambient())
    files.authority.write_bytes(unbound.public_pem())
    files.certificate.write_bytes(make_server_certificate(unbound, ["bank.example"], ambient()).pem())
    assert is_good_for(files, "bank.example")  # what tells them apart is the constraint


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    first = local_tls(tmp_path, "id.example", ambient())
    content = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    second = local_tls(tmp_path, "id.example", ambient(MADE + timedelta(days=300), seed=2))

    assert (first.is_new, second.is_new) == (True, False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == content


def test_near_its_end_the_certificate_is_renewed_by_the_same_authority(tmp_path: Path) -> None:
    first = local_tls(tmp_path, "id.example", ambient())
    before = first.authority.read_bytes(), first.certificate.read_bytes()
    later = MADE + timedelta(days=370)

    second = local_tls(tmp_path, "id.example", ambient(later, seed=2))

    assert not second.is_new
    assert second.authority.read_bytes() == before[0]
    assert second.certificate.read_bytes() != before[1]
    assert is_good_for(second, "id.example", later + timedelta(days=390))


def test_another_host_has_another_authority(tmp_path: Path) -> None:
    first = local_tls(tmp_path, "id.example", ambient()).authority.read_bytes()

    second = local_tls(tmp_path, "id.test", ambient(seed=2))

    assert second.is_new
    assert second.authority.read_bytes() != first
    assert is_good_for(second, "id.test")


def test_what_a_crash_left_out_is_made_good(tmp_path: Path) -> None:
    files = local_tls(tmp_path, "localhost", ambient())
    for path in (files.authority, files.certificate):
        path.unlink()
        again = local_tls(tmp_path, "localhost", ambient(seed=2))
        assert not again.is_new
        assert is_good_for(again, "localhost")


@pytest.mark.parametrize("name", ["tls-authority-key.pem", "tls-server.pem"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    local_tls(tmp_path, "localhost", ambient())
    whole = (tmp_path / name).read_bytes()
    for length in range(0, len(whole) - 1, 97):
        (tmp_path / name).write_bytes(whole[:length])
        with pytest.raises(KeyFileError, match=f"{name}: is not a key with its certificate"):
            local_tls(tmp_path, "localhost", ambient())


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    local_tls(tmp_path, "localhost", ambient())
    (tmp_path / "tls-authority-key.pem").chmod(0o644)

    with pytest.raises(KeyFileError, match="others may read"):
        local_tls(tmp_path, "localhost", ambient())
