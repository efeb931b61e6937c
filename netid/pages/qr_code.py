"""QR codes: dark on white, whatever the page's colours are."""

import segno


def qr_code(text: str) -> str | None:
    """The code of a text, as the source of an image; None for one that is too long for any."""
    try:
        code = segno.make(text, error="l")
    except segno.DataOverflowError:
        return None
    uri: str = code.svg_data_uri(scale=4, border=4, dark="#000", light="#fff")
    return uri
