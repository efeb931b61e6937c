"""Words in both languages of the service."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

Language = Literal["zh", "en"]


def _printable(words: str) -> str:
    if not words.isprintable():
        raise ValueError("takes one line of printable text")
    return words


Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400), AfterValidator(_printable)
]


class Text(BaseModel):
    """One thing said in Chinese and in English; neither may be empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: Words
    en: Words

    def in_(self, language: Language) -> str:
        """The words in that language."""
        return self.zh if language == "zh" else self.en
