"""Just enough of PDF to print text and rules: a few objects, two of the standard fonts, no compression."""

from collections.abc import Iterable, Sequence

WIDTH, HEIGHT = 612, 792  # Letter, in points
_FONTS = ("Helvetica", "Helvetica-Bold")
# Thousandths of the font size, as far as headings and figures need them; the rest is an average letter's.
_USUAL = 556
_WIDTHS = {
    " ": 278,
    ".": 278,
    ",": 278,
    "-": 333,
    "(": 333,
    ")": 333,
    ":": 278,
    "/": 278,
    "'": 191,
    "%": 889,
    "A": 667,
    "m": 889,
    "t": 333,
}


class Page:
    """Text and rules by their distance in points from the left and from the top."""

    def __init__(self) -> None:
        self._commands: list[bytes] = []

    def text(self, left: float, top: float, text: str, *, size: float = 10, bold: bool = False) -> None:
        # Characters that the standard fonts lack print as a question mark.
        shown = text.encode("cp1252", "replace").translate(_WITHOUT_CONTROLS)
        for sign in (b"\\", b"(", b")"):
            shown = shown.replace(sign, b"\\" + sign)
        font = b"F2" if bold else b"F1"
        self._commands.append(b"BT /%s %.1f Tf %.1f %.1f Td (%s) Tj ET" % (font, size, left, HEIGHT - top, shown))

    def text_before(self, right: float, top: float, text: str, *, size: float = 10, bold: bool = False) -> None:
        """Ends at `right`; meant for figures."""
        width = sum(_WIDTHS.get(one, _USUAL) for one in text) * size / 1000
        self.text(right - width, top, text, size=size, bold=bold)

    def rule(self, left: float, right: float, top: float) -> None:
        self._commands.append(b"0.5 w %.1f %.1f m %.1f %.1f l S" % (left, HEIGHT - top, right, HEIGHT - top))

    @property
    def content(self) -> bytes:
        return b"\n".join(self._commands)


_WITHOUT_CONTROLS = bytes(max(code, ord(" ")) for code in range(256))


def document(pages: Sequence[Page], title: str) -> bytes:
    """The file: catalog, page tree, fonts, title, then each page and what stands on it."""
    first_page = 4 + len(_FONTS)
    kids = b" ".join(b"%d 0 R" % (first_page + 2 * number) for number in range(len(pages)))
    fonts = b" ".join(b"/F%d %d 0 R" % (number + 1, number + 4) for number in range(len(_FONTS)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)),
        b"<< /Title <FEFF%s> /Producer (QuickBooks emulator) >>" % title.encode("utf-16-be").hex().encode(),
        *(
            b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>" % name.encode()
            for name in _FONTS
        ),
    ]
    for number, page in enumerate(pages):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Resources << /Font << %s >> >> /Contents %d 0 R >>"
            % (WIDTH, HEIGHT, fonts, first_page + 2 * number + 1)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page.content), page.content))
    return _file(objects)


def _file(objects: Iterable[bytes]) -> bytes:
    written = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer\n<< /Size %d /Root 1 0 R /Info 3 0 R >>\n" % (len(places) + 1)
    return bytes(written + b"startxref\n%d\n%%%%EOF\n" % table)
