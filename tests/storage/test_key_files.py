"""Key files: made once, whole or not at all, and read only if nobody else could."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from netid.ambient import Ambient
from netid.credentials import jose, keyring_file
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.errors import InvalidField, KeyFileError
from netid.services.rotation import Rotation
from netid.storage.key_files import (
    WatchedKeys,
    complete_keys,
    init_client_key,
    init_keys,
    load_client_key,
    load_keys,
    retire_key,
    rotate_keys,
)

AMBIENT = Ambient(now=lambda: datetime(2026, 3, 1, tzinfo=UTC), random=Random(1).randbytes)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    directory = tmp_path_factory.mktemp("whole")
    init_keys(directory, AMBIENT)
    return (directory / "keyring.json").read_bytes()


@pytest.fixture
def keys(tmp_path: Path, content: bytes) -> Path:
    """A directory with a key file that loads."""
    file = tmp_path / "keys" / "keyring.json"
    file.parent.mkdir()
    file.write_bytes(content)
    file.chmod(0o600)
    return file.parent


def refusal(attempt: Callable[[], object]) -> str:
    """The one line that the refusal is."""
    with pytest.raises(KeyFileError) as refused:
        attempt()
    assert "\n" not in refused.value.detail
    return refused.value.detail


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Making


def test_keys_that_were_made_are_loaded(tmp_path: Path) -> None:
    made = init_keys(tmp_path / "a" / "keys", AMBIENT)

    assert load_keys(tmp_path / "a" / "keys") == made


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_nobody_else_may_read_them_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    (tmp_path / "keys").mkdir()
    before = os.umask(umask)
    try:
        init_client_key(tmp_path / "keys" / "forum.json", AMBIENT)
    finally:
        os.umask(before)

    assert mode(tmp_path / "keys" / "forum.json") == 0o600
    assert mode(tmp_path / "keys") == 0o700


def test_a_new_directory_is_closed(tmp_path: Path) -> None:
    init_client_key(tmp_path / "keys" / "forum.json", AMBIENT)

    assert mode(tmp_path / "keys") == 0o700


def test_the_directory_of_a_clone_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o775)
    (tmp_path / "README.md").write_text("what lies here")

    init_client_key(tmp_path / "forum.json", AMBIENT)

    assert mode(tmp_path) == 0o700


def test_a_directory_that_holds_other_things_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "passwd").write_text("somebody else's")

    init_client_key(tmp_path / "forum.json", AMBIENT)

    assert mode(tmp_path) == 0o755
    assert mode(tmp_path / "forum.json") == 0o600


def test_nothing_is_overwritten(keys: Path, content: bytes) -> None:
    assert "keyring.json: exists already" in refusal(lambda: init_keys(keys, AMBIENT))
    assert (keys / "keyring.json").read_bytes() == content


def test_not_even_a_dangling_link_or_an_empty_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "empty.json").touch()

    assert "exists already" in refusal(lambda: init_client_key(tmp_path / "link.json", AMBIENT))
    assert "exists already" in refusal(lambda: init_client_key(tmp_path / "empty.json", AMBIENT))
    assert not (tmp_path / "nowhere").exists()


def test_only_one_of_many_that_begin_at_once_makes_a_key(tmp_path: Path) -> None:
    def attempt(seed: int) -> SigningKey | None:
        try:
            return init_client_key(tmp_path / "forum.json", Ambient(AMBIENT.now, Random(seed).randbytes))
        except KeyFileError:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [key for key in pool.map(attempt, range(40)) if key is not None]

    assert len(made) == 1
    assert load_client_key(tmp_path / "forum.json").public == made[0].public


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")

    assert f"{tmp_path}/file/forum.json: cannot be written" in refusal(
        lambda: init_client_key(tmp_path / "file" / "forum.json", AMBIENT)
    )


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert "No space left on device" in refusal(lambda: init_client_key(tmp_path / "forum.json", AMBIENT))
    assert list(tmp_path.iterdir()) == []

    init_client_key(tmp_path / "forum.json", AMBIENT)


# A process that ends at once at one of the steps, as a power cut would have it.
CRASH = """
import os, sys
from pathlib import Path
from netid.ambient import Ambient
from netid.storage import key_files

deed, step, nth = sys.argv[1], sys.argv[2], int(sys.argv[3])
real = getattr(os, step)
calls = 0

def crash(*given, **named):
    global calls
    calls += 1
    if calls == nth:
        os._exit(9)
    return real(*given, **named)

setattr(os, step, crash)
getattr(key_files, deed)(Path(sys.argv[4]), Ambient.real())
"""


def crash(deed: str, step: str, nth: int, directory: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CRASH, deed, step, str(nth), directory], check=False)
    assert done.returncode == 9


@pytest.mark.parametrize(
    ("step", "nth", "left"),
    [
        ("open", 2, "nothing"),  # the first is the directory's lock
        ("fchmod", 1, "nothing"),
        ("fsync", 1, "nothing"),
        ("replace", 1, "nothing"),
        ("fsync", 2, "whole"),
    ],
)
def test_f14_a_crash_while_a_key_is_written_leaves_the_whole_or_nothing(
    tmp_path: Path, step: str, nth: int, left: str
) -> None:
    crash("init_keys", step, nth, tmp_path)

    if left == "nothing":
        assert "there is no key file" in refusal(lambda: load_keys(tmp_path))
        init_keys(tmp_path, AMBIENT)
    load_keys(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["keyring.json"]


def test_the_content_is_on_the_disk_before_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        steps.append("sync directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")
        fsync(descriptor)

    def watched_replace(source: Path, target: Path) -> None:
        steps.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    init_client_key(tmp_path / "forum.json", AMBIENT)

    assert steps == ["sync file", "rename", "sync directory"]


# Loading


def test_a_missing_file_is_named_with_its_remedy_and_none_is_made(tmp_path: Path) -> None:
    assert refusal(lambda: load_keys(tmp_path)) == (
        f"{tmp_path}/keyring.json: there is no key file; "
        f"make it with `netid keys init --directory {tmp_path}`"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["forum.json", "forum-dpop.json"])
def test_a_missing_key_of_a_relying_party_is_named_with_what_makes_both(tmp_path: Path, name: str) -> None:
    assert refusal(lambda: load_client_key(tmp_path / name)) == (
        f"{tmp_path}/{name}: there is no key file; "
        f"make it with `netid keys init --directory {tmp_path} --client forum`"
    )


def test_f13_a_file_cut_at_any_byte_is_refused_named_and_left(keys: Path, content: bytes) -> None:
    file = keys / "keyring.json"
    for length in range(len(content)):
        file.write_bytes(content[:length])
        line = refusal(lambda: load_keys(keys))
        assert line.startswith(f"{file}: ")
        assert "netid keys init" in line
        assert file.stat().st_size == length
    assert [entry.name for entry in keys.iterdir()] == ["keyring.json"]


@pytest.mark.parametrize("data", [b"", b"\0" * 6000, b"not JSON", b"{}", b"[]", b"\xff\xfe"])
def test_a_file_that_holds_something_else_is_refused(keys: Path, data: bytes) -> None:
    (keys / "keyring.json").write_bytes(data)

    assert "restore it from its backup" in refusal(lambda: load_keys(keys))


def test_the_place_of_the_mistake_is_named_and_no_secret_is(keys: Path, content: bytes) -> None:
    (keys / "keyring.json").write_bytes(content.replace(b'"version":3', b'"version":9'))

    assert "keyring.json: version is not one that this NetID reads" in refusal(lambda: load_keys(keys))


def test_a_file_of_an_earlier_version_is_completed_by_whoever_makes_keys(keys: Path, content: bytes) -> None:
    document = json.loads(content)
    del document["content"]["secrets"]["access"]
    entries = document["content"]["signing_keys"]
    document["content"]["signing_keys"] = [entry for entry in entries if entry["use"] != "credential"]
    document |= {"version": 2, "checksum": keyring_file._checksum(document["content"])}
    (keys / "keyring.json").write_bytes(json.dumps(document).encode())

    assert "run `netid keys init`" in refusal(lambda: load_keys(keys))
    assert complete_keys(keys, AMBIENT)
    assert load_keys(keys).has_secrets_of(load_keys(keys))
    assert (keys / "keyring.json").stat().st_mode & 0o777 == 0o600
    assert not complete_keys(keys, AMBIENT)


@pytest.mark.parametrize("open_to", [0o640, 0o604, 0o644, 0o620, 0o602, 0o610, 0o601, 0o666, 0o777])
def test_a_file_that_others_may_touch_is_refused(keys: Path, open_to: int) -> None:
    file = keys / "keyring.json"
    file.chmod(open_to)

    assert refusal(lambda: load_keys(keys)) == (
        f"{file}: others may read or change it; close it with `chmod 600 {file}`"
    )
    assert mode(file) == open_to


@pytest.mark.parametrize("closed", [0o600, 0o400])
def test_a_file_of_its_owner_alone_is_read(keys: Path, closed: int) -> None:
    (keys / "keyring.json").chmod(closed)

    load_keys(keys)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "directory.json").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe.json", 0o600)

    assert "directory.json: " in refusal(lambda: load_client_key(tmp_path / "directory.json"))
    assert "pipe.json: is not a key file" in refusal(lambda: load_client_key(tmp_path / "pipe.json"))


def test_a_huge_file_is_not_read(keys: Path) -> None:
    os.truncate(keys / "keyring.json", 10**12)

    assert "is not a key file" in refusal(lambda: load_keys(keys))


# Exchanging

LATER = Ambient(now=lambda: datetime(2026, 6, 1, tzinfo=UTC), random=Random(2).randbytes)
EVERY = timedelta(days=30)


def test_rotated_keys_are_in_the_file_and_nobody_else_may_read_it(keys: Path) -> None:
    before = load_keys(keys)

    rotated = rotate_keys(keys, LATER)

    assert load_keys(keys) == rotated
    assert rotated.receipt_key(LATER.now()) != before.receipt_key(LATER.now())
    assert mode(keys / "keyring.json") == 0o600
    assert [entry.name for entry in keys.iterdir()] == ["keyring.json"]


def test_a_retired_key_is_out_of_the_file(keys: Path) -> None:
    kid = load_keys(keys).receipt_key(LATER.now()).public.kid or ""

    retire_key(keys, kid, LATER)

    assert kid.encode() not in (keys / "keyring.json").read_bytes()
    with pytest.raises(InvalidField):
        retire_key(keys, kid, LATER)


def test_without_a_file_nothing_is_rotated_and_nothing_made(tmp_path: Path) -> None:
    assert "there is no key file" in refusal(lambda: rotate_keys(tmp_path / "nowhere", AMBIENT))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [0, 1, 1000, -1])
def test_f13_a_damaged_file_is_not_rotated(keys: Path, content: bytes, length: int) -> None:
    (keys / "keyring.json").write_bytes(content[:length])

    assert "keyring.json: " in refusal(lambda: rotate_keys(keys, AMBIENT))
    assert (keys / "keyring.json").read_bytes() == content[:length]


@pytest.mark.parametrize(
    ("step", "nth", "left"),
    [
        ("open", 2, "old"),  # its own reading, then the directory's lock
        ("open", 3, "old"),
        ("open", 4, "old"),
        ("fchmod", 1, "old"),
        ("fsync", 1, "old"),
        ("replace", 1, "old"),
        ("fsync", 2, "new"),
    ],
)
def test_f14_a_crash_while_keys_are_rotated_leaves_the_whole_old_or_the_whole_new(
    keys: Path, content: bytes, step: str, nth: int, left: str
) -> None:
    before = load_keys(keys)
    crash("rotate_keys", step, nth, keys)

    assert ((keys / "keyring.json").read_bytes() == content) == (left == "old")
    assert load_keys(keys).has_secrets_of(before)
    rotate_keys(keys, LATER)
    assert [entry.name for entry in keys.iterdir()] == ["keyring.json"]


def test_a_full_disk_leaves_the_keys_as_they_were(
    keys: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in refusal(lambda: rotate_keys(keys, LATER))
    assert (keys / "keyring.json").read_bytes() == content


def test_of_many_that_find_a_rotation_due_one_rotates(keys: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: rotate_keys(keys, LATER, every=EVERY), range(16)))

    assert len({keyring.receipt_key(LATER.now()).public.kid for keyring in found}) == 1
    assert len(load_keys(keys).signing_keys) == 12


def test_a_schedule_rotates_what_is_old_enough_and_outlives_a_fault(
    keys: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    Rotation(keys, period=timedelta(days=365), ambient=LATER).rotate_when_due()
    assert (keys / "keyring.json").read_bytes() == content
    Rotation(keys, period=EVERY, ambient=LATER).rotate_when_due()
    assert len(load_keys(keys).signing_keys) == 12
    (keys / "keyring.json").unlink()
    Rotation(keys, period=EVERY, ambient=LATER).rotate_when_due()
    assert "could not be rotated" in caplog.text
    assert list(keys.iterdir()) == []


# Watching


def test_a_running_provider_follows_its_file(keys: Path) -> None:
    watched = WatchedKeys(keys)
    assert watched() is watched()

    assert watched() != rotate_keys(keys, LATER)
    assert watched() == load_keys(keys)


def test_a_file_that_cannot_be_read_changes_nothing_until_it_can(
    keys: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    watched = WatchedKeys(keys)
    before = watched()
    (keys / "keyring.json").write_bytes(content[:100])
    assert [watched(), watched(), watched()] == [before] * 3
    assert len(caplog.records) == 1
    (keys / "keyring.json").unlink()
    assert watched() is before

    (keys / "keyring.json").write_bytes(content)
    (keys / "keyring.json").chmod(0o600)
    rotated = rotate_keys(keys, LATER)
    assert watched() == rotated


def test_keys_of_other_databases_are_not_taken(keys: Path, caplog: pytest.LogCaptureFixture) -> None:
    watched = WatchedKeys(keys)
    before = watched()
    (keys / "keyring.json").unlink()
    init_keys(keys, LATER)

    assert watched() is before
    assert "belongs to other databases" in caplog.text


# Relying parties' keys


def test_a_client_key_signs_what_its_public_half_verifies(tmp_path: Path) -> None:
    made = init_client_key(tmp_path / "platform_demo-forum.json", AMBIENT)
    loaded = load_client_key(tmp_path / "platform_demo-forum.json")

    token = jose.sign({"iss": "forum"}, loaded, None)

    pinned = jose.Pinned(PublicKeySet((made.public,)))
    assert jose.verify(token, key_source=pinned, algorithms=("ES256",), typ=None).payload == {"iss": "forum"}


def test_a_client_key_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "forum.json"
    init_client_key(file, AMBIENT)
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        assert f"{file}: " in refusal(lambda: load_client_key(file))


def test_a_client_key_that_is_public_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "forum.json"
    key = init_client_key(file, AMBIENT)
    for data in (str(key.public.jwk()).replace("'", '"'), '{"kty":"oct","k":"AAAA"}'):
        file.write_text(data)
        assert "forum.json: jwk" in refusal(lambda: load_client_key(file))
