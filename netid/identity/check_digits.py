"""The check characters that Chinese identity documents use."""

from itertools import cycle


def mod_11_2(digits: str) -> str:
    """The check character over 17 digits: ISO 7064 MOD 11-2, as GB 11643-1999 uses it ("X" is ten)."""
    weighted = sum(int(digit) * pow(2, len(digits) - place, 11) for place, digit in enumerate(digits))
    return "0123456789X"[(1 - weighted) % 11]


def icao_731(characters: str) -> str:
    """The check digit of ICAO Doc 9303-3, 4.9: weights 7, 3, 1; letters count from A = 10."""
    weighted = sum(
        int(character, 36) * weight for character, weight in zip(characters, cycle((7, 3, 1)), strict=False)
    )
    return str(weighted % 10)
