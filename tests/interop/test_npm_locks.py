"""The npm packages are pinned by hash, and their lock files name no host."""

import json
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FOLDERS = (TESTS / "interop" / "node", TESTS / "bench" / "node")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.parent.name))
def test_every_package_has_a_hash_and_no_address(folder: Path) -> None:
    text = (folder / "package-lock.json").read_text()
    root, *packages = json.loads(text)["packages"].items()

    assert root[0] == ""
    assert all(entry["integrity"].startswith("sha512-") for _, entry in packages)
    # npm writes donation addresses and, unless told `omit-lockfile-registry-resolved`, its registry's.
    assert "://" not in text


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.parent.name))
def test_every_direct_dependency_is_one_version(folder: Path) -> None:
    dependencies = json.loads((folder / "package.json").read_text())["dependencies"]

    assert all(version[0].isdigit() for version in dependencies.values())
