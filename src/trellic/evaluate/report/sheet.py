"""A picture to look at: the same detail of several decoded pictures side by side, captioned."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from trellic.picture.types import Pixels

DETAIL = 288
MARGIN = 12
CAPTION = 24
INK, PAPER = (32, 32, 36), (250, 250, 248)


def busiest_corner(pixels: Pixels, side: int) -> tuple[int, int]:
    """Return (top, left) of the square with the most detail, where codecs differ, on a grid of half its side."""
    height, width = pixels.shape[:2]
    grey = pixels.mean(axis=2)
    corners = [
        (top, left)
        for top in range(0, max(1, height - side + 1), side // 2)
        for left in range(0, max(1, width - side + 1), side // 2)
    ]
    return max(corners, key=lambda at: float(grey[at[0] : at[0] + side, at[1] : at[1] + side].std()))


def draw_sheet(original: Pixels, rows: list[list[tuple[str, Pixels]]]) -> Image.Image:
    """Return a sheet with a row of captioned details a list, the original at the head of each row."""
    top, left = busiest_corner(original, DETAIL)
    columns = 1 + max(len(row) for row in rows)
    width = MARGIN + columns * (DETAIL + MARGIN)
    height = MARGIN + len(rows) * (DETAIL + CAPTION + MARGIN)
    sheet = Image.new("RGB", (width, height), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for row, cells in enumerate(rows):
        y = MARGIN + row * (DETAIL + CAPTION + MARGIN)
        for column, (caption, pixels) in enumerate([("original", original), *cells]):
            x = MARGIN + column * (DETAIL + MARGIN)
            detail = np.ascontiguousarray(pixels[top : top + DETAIL, left : left + DETAIL])
            sheet.paste(Image.fromarray(detail), (x, y))
            draw.text((x, y + DETAIL + 4), caption, INK, font)
    return sheet
