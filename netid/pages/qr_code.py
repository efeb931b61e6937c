"""QR codes: dark on white, whatever the page's colours are."""

import segno


def qr_code(text: str) -> str:
    """The code of a text, as the source of an image."""
    uri: str = segno.make(text, error="m").svg_data_uri(scale=4, border=4, dark="#000", light="#fff")
    return uri
