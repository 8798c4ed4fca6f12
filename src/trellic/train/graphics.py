"""Synthetic graphics for training: text, interfaces, charts, dithering, flat shapes and pixel art, drawn by code.

Photographs alone teach a codec nothing about screens and documents: saturated flat colour, one-pixel lines and
periodic patterns. Every picture follows from its seed.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Pixels = npt.NDArray[np.uint8]
Random = np.random.Generator
Color = tuple[int, int, int]

_TEXT = """
the of and a to in is you that it he was for on are as with his they at be this have from or one had by word but not
what all were we when your can said there use an each which she do how their if will up other about out many then them
these so some her would make like him into time has look two more write go see number no way could people my than
first water been call who oil its now find long down day did get come made may part
Rate Distortion Quality 0 1 2 3 10 42 100 2026 3.14 -7 % $ File Edit View Help Settings Search OK Cancel
"""
WORDS = _TEXT.split()
GREY_FRACTION = 0.15
NOISE_FRACTION = 0.02
"""Of patterns: nothing can be predicted in noise of two colours, and its bits would drown all else."""


def draw(seed: int, side: int) -> Pixels:
    """Return one picture, uint8 (side, side, 3)."""
    random = np.random.default_rng(seed)
    kind = KINDS[int(random.integers(len(KINDS)))]
    image = Image.new("RGB", (side, side), _color(random))
    kind(image, random)
    if random.random() < GREY_FRACTION:
        image = image.convert("L").convert("RGB")
    return np.asarray(image)


def _color(random: Random) -> Color:
    """Return a colour: white, black, a grey, a saturated one or any."""
    choice = random.random()
    if choice < 0.2:
        return (255, 255, 255)
    if choice < 0.3:
        return (0, 0, 0)
    if choice < 0.45:
        grey = int(random.integers(256))
        return (grey, grey, grey)
    if choice < 0.7:
        red, green, blue = (int(value) for value in random.choice([0, 255], 3))
        return (red, green, blue)
    red, green, blue = (int(value) for value in random.integers(0, 256, 3))
    return (red, green, blue)


def _font(random: Random, largest: int = 48) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if random.random() < 0.15:
        return ImageFont.load_default_imagefont()
    size = random.integers(8, largest) if random.random() < 0.3 else random.integers(9, 19)
    return ImageFont.load_default(float(size))


def _words(random: Random, count: int) -> str:
    return " ".join(random.choice(WORDS, count))


def _box(random: Random, side: int, least: int = 4) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of a random box."""
    width, height = (int(least + (side - least) * random.random() ** 2) for _ in range(2))
    left, top = int(random.integers(0, side - width + 1)), int(random.integers(0, side - height + 1))
    return left, top, left + width, top + height


def _text(image: Image.Image, random: Random) -> None:
    """Draw a page of text: dark on light or the reverse, in columns."""
    paper, ink = ((255, 255, 255), (0, 0, 0)) if random.random() < 0.5 else (_color(random), _color(random))
    image.paste(paper, (0, 0, *image.size))
    draw_on = ImageDraw.Draw(image)
    top = int(random.integers(0, 30))
    while top < image.height:
        font = _font(random)
        for _ in range(int(random.integers(1, 9))):
            draw_on.text((int(random.integers(2, 20)), top), _words(random, 24), ink, font)
            top += int(getattr(font, "size", 11) * 1.3) + 1
        top += int(random.integers(0, 24))
        ink = _color(random) if random.random() < 0.2 else ink


def _interface(image: Image.Image, random: Random) -> None:
    """Draw windows, buttons, labels, lines and gradients."""
    draw_on = ImageDraw.Draw(image)
    for _ in range(int(random.integers(5, 40))):
        left, top, right, bottom = _box(random, image.width, 8)
        outline = _color(random) if random.random() < 0.5 else None
        if random.random() < 0.15:
            ramp = np.linspace(_color(random), _color(random), max(1, right - left)).astype(np.uint8)
            image.paste(Image.fromarray(np.broadcast_to(ramp, (bottom - top, *ramp.shape)).copy()), (left, top))
        elif random.random() < 0.4:
            draw_on.rounded_rectangle((left, top, right, bottom), int(random.integers(1, 12)), _color(random), outline)
        else:
            draw_on.rectangle((left, top, right, bottom), _color(random), outline)
        label = (left + 4, top + 3)
        draw_on.text(label, _words(random, int(random.integers(1, 5))), _color(random), _font(random, 24))
        if random.random() < 0.3:
            line = int(random.integers(0, image.width))
            draw_on.line((0, line, image.width, line), _color(random), 1)


def _chart(image: Image.Image, random: Random) -> None:
    """Draw axes, a grid, bars, curves, a pie."""
    image.paste((255, 255, 255) if random.random() < 0.7 else _color(random), (0, 0, *image.size))
    draw_on, side = ImageDraw.Draw(image), image.width
    gap = int(random.integers(12, 80))
    for at in range(0, side, gap):
        draw_on.line((at, 0, at, side), (220, 220, 220))
        draw_on.line((0, at, side, at), (220, 220, 220))
        draw_on.text((2, at), f"{random.random() * 100:.1f}", (0, 0, 0), _font(random, 16))
    for left in range(0, side, gap) if random.random() < 0.6 else ():
        top = int(random.integers(0, side))
        draw_on.rectangle((left + 3, top, left + gap - 3, side), _color(random))
    for _ in range(int(random.integers(1, 5))):
        curve = np.clip(side / 2 + np.cumsum(random.normal(0, side / 40, side // 4 + 1)), 0, side)
        points = [(4 * number, float(value)) for number, value in enumerate(curve)]
        draw_on.line(points, _color(random), int(random.integers(1, 4)))
    if random.random() < 0.4:
        box, angle = _box(random, side, 60), 0.0
        while angle < 360:
            step = float(random.integers(10, 120))
            draw_on.pieslice(box, angle, angle + step, _color(random))
            angle += step


def _shapes(image: Image.Image, random: Random) -> None:
    """Draw flat shapes with hard edges."""
    draw_on, side = ImageDraw.Draw(image), image.width
    for _ in range(int(random.integers(2, 30))):
        shape = random.random()
        if shape < 0.4:
            draw_on.rectangle(_box(random, side), _color(random))
        elif shape < 0.7:
            draw_on.ellipse(_box(random, side), _color(random))
        else:
            corners = random.integers(0, side, (int(random.integers(3, 7)), 2))
            draw_on.polygon([(int(x), int(y)) for x, y in corners], _color(random))


def _pattern(image: Image.Image, random: Random) -> None:
    """Fill boxes with checkerboards, stripes, dithered gradients and noise of two colours."""
    side = image.width
    y, x = np.mgrid[:side, :side]
    for _ in range(int(random.integers(1, 6))):
        left, top, right, bottom = (0, 0, side, side) if random.random() < 0.3 else _box(random, side, 32)
        period = int(random.integers(1, 9))
        kind = random.random()
        if kind < NOISE_FRACTION:
            mask = random.random((side, side)) < random.random()
        elif kind < 0.35:
            mask = (x // period + y // period) % 2 == 0
        elif kind < 0.6:
            mask = (x * int(random.integers(-2, 3)) + y * int(random.integers(-2, 3))) // period % 2 == 0
        else:
            angle = random.random() * np.pi
            ramp = (np.cos(angle) * x + np.sin(angle) * y) / side % 1.0
            bayer = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
            mask = ramp * 16 > np.tile(bayer, (side // 4 + 1, side // 4 + 1))[:side, :side]
        pixels = np.where(mask[..., None], np.array(_color(random)), np.array(_color(random))).astype(np.uint8)
        image.paste(Image.fromarray(pixels[top:bottom, left:right]), (left, top))


def _pixel_art(image: Image.Image, random: Random) -> None:
    """Draw a small picture of few colours, enlarged by repetition."""
    scale = int(random.choice([2, 3, 4, 6, 8]))
    small = -(-image.width // scale)
    palette = np.array([_color(random) for _ in range(int(random.integers(2, 16)))], np.uint8)
    coarse = random.integers(0, len(palette), (small // 4 + 1, small // 4 + 1)).repeat(4, 0).repeat(4, 1)
    cells = coarse[:small, :small]
    changed = random.random(cells.shape) < 0.2 * random.random()
    cells = np.where(changed, random.integers(0, len(palette), cells.shape), cells)
    image.paste(Image.fromarray(palette[cells].repeat(scale, 0).repeat(scale, 1)), (0, 0))


KINDS: tuple[Callable[[Image.Image, Random], None], ...] = (
    _text, _text, _interface, _interface, _chart, _shapes, _pattern, _pixel_art,
)  # fmt: skip
