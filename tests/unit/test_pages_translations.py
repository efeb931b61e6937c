"""Every text of the pages has its Chinese, and the compiled catalogues are those of the sources."""

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from netid.pages.language import CATALOGUES, TRANSLATIONS

CHINESE = TRANSLATIONS / "zh" / "LC_MESSAGES"
MessageId = str | tuple[str, ...]


def catalogue(name: str) -> Catalog:
    with (CHINESE / f"{name}.po").open("rb") as source:
        return read_po(source, locale="zh")


def translated() -> dict[MessageId, Message]:
    return {message.id: message for name in CATALOGUES for message in catalogue(name) if message.id}


def texts_in_use() -> set[MessageId]:
    found = extract_from_dir(
        str(TRANSLATIONS.parent), method_map=[("**.py", "python"), ("templates/**.html", "jinja2")]
    )
    return {text for _, _, text, _, _ in found}


def test_every_text_has_its_chinese():
    assert texts_in_use() - translated().keys() == set()
    assert [id_ for id_, message in translated().items() if not all(_strings(message))] == []


def test_no_chinese_text_is_left_over():
    assert translated().keys() - texts_in_use() == set()


def test_no_translation_is_marked_as_doubtful():
    assert [id_ for id_, message in translated().items() if message.fuzzy] == []


def test_placeholders_are_the_same_in_both_languages():
    for message in translated().values():
        assert list(message.check()) == [], message.id


@pytest.mark.parametrize("name", CATALOGUES)
def test_compiled_catalogues_are_fresh(name: str):
    with (CHINESE / f"{name}.mo").open("rb") as compiled:
        assert _texts(read_mo(compiled)) == _texts(catalogue(name)), f"run pybabel compile -D {name}"


@pytest.mark.parametrize("name", CATALOGUES)
def test_chinese_is_set_as_chinese(name: str):
    for message in catalogue(name):
        for text in _strings(message) if message.id else []:
            assert not set('"!?;:,') & set(text.replace("%(", "")), text
            assert not _has_stray_space(text), text


def _texts(catalogue: Catalog) -> dict[MessageId, list[str]]:
    return {_id(message): _strings(message) for message in catalogue if message.id}


def _id(message: Message) -> MessageId:
    """A text with a plural is a tuple; babel's reader of compiled files makes it a list."""
    return message.id if isinstance(message.id, str) else tuple(message.id)


def _strings(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def _has_stray_space(text: str) -> bool:
    """A space next to a Chinese character; the wordmark has one of its own."""
    text = text.replace("NetID 模拟", "NetID模拟")
    return any(
        pair[1:2] == " " and (_is_chinese(pair[0]) or _is_chinese(pair[2]))
        for pair in (text[i : i + 3] for i in range(len(text) - 2))
    )


def _is_chinese(character: str) -> bool:
    return "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"
