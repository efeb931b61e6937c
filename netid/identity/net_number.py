"""The net number: one person's lifelong pseudonym, which goes to its owner and to nobody else.

Ten characters from an alphabet of 31: capitals and digits without I, L, O, 0 and 1. The first nine
are random (44.6 bits); nothing in them comes from a document (Measures, article 2).

The tenth is a check character. With the characters read as 0 to 30, the sum of each one times
3^(9 - place) is divisible by 31. Since 31 is prime and 3 is a primitive root of it, the ten weights
are distinct and not zero, so a single wrong character is caught, and so is any swap of two
characters, adjacent or not. (A pure system in the manner of ISO 7064, with modulus 31, radix 3.)
"""

import hmac
from collections.abc import Callable
from typing import NoReturn, final

from netid.errors import InvalidField
from netid.identity.entered import entered_text, folded

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 10

_RADIX = 3
_SEPARATORS = str.maketrans("", "", " -\t\u00a0\u2010\u2011\u2013")


@final
class NetNumber:
    """A net number that does not slip out: not by `str`, f-strings, JSON, pickling or a log line.

    `reveal` is the only way to its plaintext, so that each place that uses it can be found by name.
    (A frozen dataclass would not do: Flask's jsonify serialises those.)
    """

    __slots__ = ("_plaintext",)
    _plaintext: str

    def __init__(self, plaintext: str) -> None:
        """From the ten characters themselves, as stored; use `parse` for what a person typed."""
        if len(plaintext) != LENGTH or not set(plaintext) <= set(ALPHABET):
            raise _refused("must be 10 letters and digits without I, L, O, 0 and 1", "check each character")
        if _weighted(plaintext) != 0:
            raise _refused("must end in its check character", "check the net number for a slip")
        object.__setattr__(self, "_plaintext", plaintext)

    @classmethod
    def draw(cls, random: Callable[[int], bytes]) -> "NetNumber":
        """A new one from random bytes alone; whether it is taken is for the storage to decide."""
        # 128 bits over 31^9 values: the bias of the remainder is below 2^-83.
        left = int.from_bytes(random(16), "big")
        body = ""
        for _ in range(LENGTH - 1):
            left, digit = divmod(left, len(ALPHABET))
            body += ALPHABET[digit]
        return cls(body + ALPHABET[-_weighted(body + ALPHABET[0]) % len(ALPHABET)])

    @classmethod
    def parse(cls, text: object) -> "NetNumber":
        """What a person typed: small letters, spaces and hyphens do not matter; InvalidField otherwise."""
        return cls(folded(entered_text(text, "net_number", 64).translate(_SEPARATORS)))

    @property
    def masked(self) -> str:
        """The first and last two characters, such as `KH******2C`: enough for its owner to tell it by."""
        return f"{self._plaintext[:2]}{'*' * (LENGTH - 4)}{self._plaintext[-2:]}"

    def reveal(self) -> str:
        """The ten characters in plain; only for their owner and for the storage that keeps them."""
        return self._plaintext

    def __repr__(self) -> str:
        return f"<NetNumber {self.masked}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NetNumber):
            return NotImplemented
        return hmac.compare_digest(self._plaintext, other._plaintext)

    def __hash__(self) -> int:
        return hash((NetNumber, self._plaintext))

    def __str__(self) -> NoReturn:
        # An f-string and format() come here too.
        raise TypeError("a net number has no text form; use masked, or reveal() for its owner")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a net number is not pickled or copied")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a net number does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a net number does not change")


def _weighted(characters: str) -> int:
    total = 0
    for character in characters:
        total = (total * _RADIX + ALPHABET.index(character)) % len(ALPHABET)
    return total


def _refused(rule: str, remedy: str) -> InvalidField:
    return InvalidField("net_number", rule, remedy)
