"""The table of what survives is that of the code, and suffixes are those of Pillow."""

from pathlib import Path

from PIL import Image

from trellic.picture.kinds import KINDS, Kind, readable_suffixes

PAGE = Path(__file__).parent.parent.parent / "docs" / "pictures.md"
PIXELS = {"AVIF": "within two levels", "JPEG": "nearly exact", "GIF": "256 colours"}


def line_of(kind: Kind) -> str:
    alpha = ("on or off" if kind.on_or_off else "exact") if "RGBA" in kind.modes else "—"
    pixels = PIXELS.get(kind.name, "exact") + (f", up to {kind.side}×{kind.side}" if kind.side else "")
    kept = ["kept" if name in kind.keeps else "—" for name in ("icc", "exif", "xmp", "resolution")]
    return f"| {' | '.join([kind.name, pixels, alpha, *kept])} |"


def test_the_page_says_what_each_kind_keeps():
    table = PAGE.read_text().split("<!-- kinds -->\n")[1].split("<!-- /kinds -->")[0]
    assert table.splitlines()[2:] == [line_of(kind) for kind in KINDS.values()]


def test_what_counts_as_a_picture_is_what_pillow_reads():
    found = readable_suffixes()
    usual = ".jpg .jpeg .jpe .jfif .png .apng .pbm .pgm .pnm .ppm .dib .bmp .ico .webp .avif .gif .tif"
    assert set(usual.split()) <= found
    assert not found & {".mpg", ".eps", ".hdf", ".tlic", ".txt", ""}
    known = {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    assert found <= known | {".heic", ".heif", ".jxl"}
