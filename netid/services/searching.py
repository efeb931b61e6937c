"""Finding entries among one's own records: by platform, by outcome, by words."""

from collections.abc import Iterator
from dataclasses import dataclass

from netid.identity.text import Text
from netid.services.rights import Entry, Outcome


@dataclass(frozen=True)
class Wanted:
    """Which entries a person looks for; nothing asked for means all."""

    platform: str = ""
    """A client id."""
    outcome: Outcome | None = None
    words: str = ""
    """Each has to occur, in either language, in any case."""

    def fits(self, entry: Entry) -> bool:
        """Whether the entry is one of them."""
        if self.platform not in ("", entry.stored.receipt.client_id):
            return False
        if self.outcome not in (None, entry.outcome):
            return False
        said = "\n".join(_said(entry)).casefold()
        return all(word in said for word in self.words.casefold().split())


def _said(entry: Entry) -> Iterator[str]:
    receipt, relying_party = entry.stored.receipt, entry.relying_party
    yield from (receipt.receipt_id, receipt.client_id)
    for claim in (*entry.asked, *entry.given):
        yield from _both(claim.label)
    if relying_party is None:
        return
    yield relying_party.contact
    yield from _both(relying_party.name)
    yield from _both(relying_party.legal_entity.name)
    if receipt.purpose and (purpose := relying_party.purpose(receipt.purpose)):
        yield from _both(purpose.text)


def _both(text: Text) -> tuple[str, str]:
    return text.zh, text.en
