"""Files that people write."""

from pathlib import Path

from netid.errors import InvalidField


def text_of(path: Path) -> str:
    """What is in it, as UTF-8. Raises InvalidField, which names the file."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidField(str(path), "is not UTF-8 text", "save it as that") from error
    except OSError as error:
        raise InvalidField(str(path), str(error.strerror), "name a file that can be read") from error
