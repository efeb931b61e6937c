"""S5 and S6: two relying parties pool everything that 200 wallets showed them, and find nobody again."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from netid.client import PresentationAsk
from netid.client.pending_presentations import PendingPresentation
from netid.credentials import base64url, jose, net_credential, sd_jwt_vc, strict_json
from netid.credentials.disclosures import digest
from netid.credentials.jwk import SigningKey
from netid.credentials.status_list import StatusReference
from netid.identity.net_number import NetNumber
from netid.identity.relying_party import Purpose
from tests.privacy.linking import Seen, best, by_shared_values, found
from tests.running import MINORS_PURPOSE, Running
from tests.unit.client.walleting import LIST, Issuer, party
from tests.unit.presenting import Authority, key
from tests.wallets import Wallet

PEOPLE = 200
CHANCE = 8
"""Guesses by lot find one on average, and more than this about once in a million times (Poisson, mean 1)."""

ASK = PresentationAsk(purpose="minors-mode", encrypted=False)
MINORS = Purpose.model_validate(MINORS_PURPOSE)
Copy = tuple[str, SigningKey]
Issue = Callable[[int, int, Issuer], Copy]
"""The copy of that person for that relying party (0 or 1)."""


class Registrar(Authority):
    """A provider that registered the purpose of this file."""

    def statement(self, hashed: str, *_purposes: Purpose, **given: Any) -> str:
        return super().statement(hashed, MINORS, **given)


def fields_of(person: int) -> dict[str, str | bool]:
    """Everybody has other fields, and some have fewer."""
    fields: dict[str, str | bool] = {"name": f"第{person}人", "age_over_18": True}
    return fields | ({"phone_number": f"1900000{person:04}"} if person % 3 else {})


def issued(issuer: Issuer, person: int, holder: SigningKey, **changes: Any) -> Copy:
    given = {
        "fields": fields_of(person),
        "net_number": NetNumber.draw(Random(person).randbytes),
        "issued_on": issuer.time.date(),
    }
    return issuer.authority.credential(holder, **given | changes), holder


def short(person: int, _where: int, issuer: Issuer) -> Copy:
    """A short copy of its own for each presentation."""
    return issued(issuer, person, key())


INDEXES = Random(8).sample(range(2**17), 2 * PEOPLE)


def long(index: Callable[[int, int], int]) -> Issue:
    """A long copy with a status index."""

    def issue(person: int, where: int, issuer: Issuer) -> Copy:
        status = StatusReference(LIST, index(person, where))
        expires_on = issuer.time.date() + timedelta(days=30)
        return issued(issuer, person, key(), status=status, expires_on=expires_on)

    return issue


def random_index(person: int, where: int) -> int:
    return INDEXES[2 * person + where]


def pools(issue: Issue, names: tuple[str, ...] = ("age_over_18",)) -> tuple[list[Seen], list[Seen]]:
    """What two relying parties verified, each in an order and at times of its own."""
    issuer = Issuer(authority=Registrar())
    copies = [(issue(person, 0, issuer), issue(person, 1, issuer)) for person in range(PEOPLE)]
    lot = Random(9)
    pooled = []
    for where in (0, 1):
        client = party(issuer)
        client.refresh()
        start, people = issuer.time, lot.sample(range(PEOPLE), PEOPLE)
        seen = []
        for order, person in enumerate(people):
            issuer.time = start + timedelta(seconds=lot.randrange(1200))
            asked = client.request_presentation("a browser", ASK, scanned=True)
            pending = PendingPresentation.read(client._pending.get(asked.request_id) or "")
            credential, holder = copies[person][where]
            challenge = pending.challenge
            paths = [(name,) for name in names]
            shown = sd_jwt_vc.present(credential, paths, challenge, holder, issuer.time)
            form = {"vp_token": f'{{"net_credential":["{shown}"]}}', "state": pending.state}
            client.answer(asked.request_id, form)
            verified = client.outcome("a browser", asked.request_id)
            assert verified is not None
            seen.append(Seen(person, verified.presentation, order))
        issuer.time = start
        pooled.append(seen)
    return pooled[0], pooled[1]


# S5


@pytest.mark.parametrize("issue", [short, long(random_index)], ids=["short copies", "long copies"])
def test_s5_two_relying_parties_find_nobody_again(issue: Issue) -> None:
    right, linker = best(*pools(issue))

    assert right <= CHANCE, f"{linker} found {right} of {PEOPLE}"


def test_s5_control_a_subject_that_is_shared_is_found() -> None:
    """One key for both, as a wallet that reuses a copy elsewhere would show."""
    keys = [key() for _ in range(PEOPLE)]
    first, second = pools(lambda person, _where, issuer: issued(issuer, person, keys[person]))

    assert found(first, second, by_shared_values) == PEOPLE


def test_s5_control_a_field_that_is_the_same_everywhere_is_found() -> None:
    first, second = pools(short)
    named = [
        [Seen(seen.person, add(seen, fields_of(seen.person)["name"]), seen.order) for seen in pool]
        for pool in (first, second)
    ]

    assert found(named[0], named[1], by_shared_values) == PEOPLE


def add(seen: Seen, name: object) -> str:
    """The same presentation with one more value disclosed."""
    issued_part, *rest = seen.presentation.split("~")
    disclosure = base64url.encode(strict_json.dump(["salt", "name", name]))
    return "~".join((issued_part, disclosure, *rest))


def test_s5_control_an_index_that_counts_up_is_found() -> None:
    """Two copies of one batch with neighbouring entries of the status list."""
    lot = Random(10)
    batches = lot.sample(range(0, 2**17, 64), PEOPLE)
    right, linker = best(*pools(long(lambda person, where: batches[person] + where)))

    assert right > PEOPLE * 0.9
    assert "idx" in linker


def database_linker(entries: Mapping[int, int]) -> Callable[[Any, Any], Mapping[int, int]]:
    """The provider's table of copies with a status: whose entry is whose."""

    def person_of(seen: Seen) -> int | None:
        claims = jose.unverified_payload(seen.presentation.split("~")[0], 32_768)
        match claims.get("status"):
            case {"status_list": {"idx": int(index)}}:
                return entries.get(index)
        return None

    def link(first: list[Seen], second: list[Seen]) -> Mapping[int, int]:
        there = {person_of(seen): at for at, seen in enumerate(second)}
        return {at: there[known] for at, seen in enumerate(first) if (known := person_of(seen)) is not None}

    return link


def test_s5_with_the_providers_database_long_copies_link_and_short_ones_do_not() -> None:
    """A provider that colludes knows whose status is where. Of short copies its database holds nothing."""
    entries = {random_index(person, where): person for person in range(PEOPLE) for where in (0, 1)}

    assert found(*pools(long(random_index)), database_linker(entries)) == PEOPLE
    assert found(*pools(short), database_linker(entries)) == 0


def test_s5_the_providers_database_keeps_no_part_of_a_short_copy(provider: Running) -> None:
    wallet = Wallet(provider)
    copies = wallet.receive(wallet.token("planted-elder"), 3)
    stored = b"".join(path.read_bytes() for path in provider.directory.glob("*.db*"))

    for credential, holder in copies:
        issued_part, *disclosures = credential.split("~")
        members = holder.public.required_members
        parts = [issued_part.rsplit(".", 1)[1], *filter(None, disclosures), holder.public.thumbprint]
        for part in (*parts, members["x"], members["y"]):
            assert part.encode() not in stored


def test_s5_a_provider_that_kept_what_it_signs_would_find_everybody() -> None:
    """What no mode of this road prevents: it would have to keep more than it does."""
    kept: dict[str, int] = {}

    def keeping(person: int, where: int, issuer: Issuer) -> Copy:
        credential, holder = short(person, where, issuer)
        kept[credential.split("~")[0]] = person
        return credential, holder

    first, second = pools(keeping)
    assert all(kept[seen.presentation.split("~")[0]] == seen.person for seen in (*first, *second))


# S6


def shape(seen: Seen) -> tuple[object, ...]:
    """What of a presentation could tell people apart though no value is the same."""
    issued_part, *disclosed, binding = seen.presentation.split("~")
    claims = jose.unverified_payload(issued_part, 32_768)
    digests = claims["_sd"]
    assert isinstance(digests, list)
    lengths = (len(issued_part), [len(text) for text in disclosed], len(binding))
    return (sorted(claims), len(digests), claims["iat"], claims["exp"], str(lengths))


def test_s6_all_presentations_have_one_shape() -> None:
    first, second = pools(short)

    assert len({str(shape(seen)) for seen in (*first, *second)}) == 1


def test_s6_every_copy_has_a_key_and_salts_of_its_own() -> None:
    first, second = pools(short)
    both = [*first, *second]
    for at in (0, 1):
        assert len({seen.presentation.split("~")[at] for seen in both}) == 2 * PEOPLE


def test_s6_the_order_of_digests_does_not_tell_which_field_it_is() -> None:
    first, _ = pools(short)
    places = set()
    for seen in first:
        issued_part, disclosed, _binding = seen.presentation.split("~")
        digests = jose.unverified_payload(issued_part, 32_768)["_sd"]
        assert isinstance(digests, list)
        places.add(digests.index(digest(disclosed)))

    assert len(places) == net_credential.DIGESTS


def test_s6_control_without_decoys_people_with_fewer_fields_stand_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(net_credential, "DIGESTS", 0)
    first, second = pools(short)

    assert len({str(shape(seen)) for seen in (*first, *second)}) > 1
