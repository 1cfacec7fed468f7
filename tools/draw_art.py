"""Draws resources/icon.png and resources/fanart.jpg: a lighthouse whose light reaches another language.

Everything is made of shapes, gradients and the font that Pillow carries, with a seeded generator, so that drawing again
gives the same picture. Coordinates are pixels of the finished picture; it is drawn larger and scaled down at the end.
"""

import math
import os
import random
import sys
from typing import List, Optional, Sequence, Tuple

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

Colour = Tuple[int, int, int]
Point = Tuple[float, float]

RESOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "resources")

NIGHT: Sequence[Tuple[float, Colour]] = [
    (0.00, (6, 9, 24)),
    (0.45, (14, 27, 58)),
    (0.80, (33, 58, 96)),
    (1.00, (96, 104, 124)),
]
SEA: Sequence[Tuple[float, Colour]] = [(0.0, (34, 52, 84)), (0.25, (16, 29, 56)), (1.0, (5, 8, 20))]
LAMP: Colour = (255, 226, 160)
INK: Colour = (9, 13, 30)
EDGE = 181  # what Pillow's radial gradient has reached at the middle of a side


def main() -> int:
    os.makedirs(RESOURCES, exist_ok=True)
    icon().save(os.path.join(RESOURCES, "icon.png"), optimize=True)
    fanart().save(os.path.join(RESOURCES, "fanart.jpg"), quality=90, optimize=True)
    return 0


# --- the two pictures -------------------------------------------------------------------------------------------------


def fanart() -> Image.Image:
    """A night sea, a lighthouse, and one line of dialogue in two languages; 1920 x 1080."""
    canvas = Canvas(1920, 1080, 2)
    horizon, lamp = 690, (1395, 336)
    canvas.gradient((0, 0, 1920, horizon), NIGHT)
    canvas.gradient((0, horizon, 1920, 1080), SEA)
    stars(canvas, horizon, random.Random(7))
    canvas.light(beam(lamp, 178, 5.2, 2300), LAMP, 0.50, blur=16, centre=lamp, reach=2000)
    canvas.light(beam(lamp, -6, 6.5, 900), LAMP, 0.34, blur=14, centre=lamp, reach=800)
    glitter(canvas, lamp[0], horizon, random.Random(11))
    canvas.glow(lamp, 420, LAMP, 0.60)
    canvas.glow(lamp, 130, LAMP, 0.60)
    coast(canvas, horizon)
    lighthouse(canvas, lamp)
    canvas.glow(lamp, 60, (255, 246, 220), 0.85)
    canvas.vignette(0.55)
    canvas.text((960, 868), "The light is still on.", 46, (176, 190, 214))
    canvas.text((960, 942), "La luz sigue encendida.", 62, (255, 238, 196), weight=1.6)
    return canvas.finish(grain=5, seed=3)


def icon() -> Image.Image:
    """Two speech bubbles, A and its translation, over a subtitle; 512 x 512, no transparency."""
    canvas = Canvas(512, 512, 4)
    canvas.gradient((0, 0, 512, 512), [(0.0, (24, 44, 92)), (0.55, (13, 22, 54)), (1.0, (6, 8, 22))])
    canvas.glow((330, 200), 330, (70, 120, 210), 0.42)
    bubble(canvas, (56, 62, 296, 262), [(0.0, (96, 128, 190)), (1.0, (58, 82, 146))], tail=110)
    canvas.text((141, 158), "A", 132, (236, 242, 255), weight=5)
    bubble(canvas, (216, 150, 456, 350), [(0.0, (255, 222, 140)), (1.0, (244, 172, 64))], tail=402, shadow=True)
    wen(canvas, (262, 172, 410, 328), INK)
    canvas.bar((86, 408, 266, 432), (130, 152, 200))
    canvas.bar((282, 408, 426, 432), (130, 152, 200))
    canvas.bar((126, 448, 226, 472), (255, 206, 110))
    canvas.bar((242, 448, 386, 472), (255, 206, 110))
    return canvas.finish(grain=0, seed=5)


# --- what is in them --------------------------------------------------------------------------------------------------


def stars(canvas: "Canvas", horizon: int, chance: random.Random) -> None:
    for _ in range(420):
        x, y = chance.uniform(0, canvas.width), horizon * chance.random() ** 1.6
        size, strength = chance.choice([0.6, 0.8, 0.8, 1.0, 1.5]), chance.uniform(0.15, 0.8) * (1 - y / horizon)
        canvas.disc((x, y), size, (222, 232, 255), strength)


def beam(lamp: Point, direction: float, spread: float, length: float) -> List[Point]:
    """Corners of a cone of light: `direction` and `spread` in degrees, 0 to the right, turning clockwise."""
    edges = [math.radians(direction + turn) for turn in (-spread, spread)]
    return [lamp, *((lamp[0] + length * math.cos(edge), lamp[1] + length * math.sin(edge)) for edge in edges)]


def glitter(canvas: "Canvas", x: float, horizon: int, chance: random.Random) -> None:
    """Short streaks of lamplight on the water, wider and fainter towards the viewer."""
    for _ in range(260):
        depth = chance.random() ** 1.3
        y = horizon + 6 + depth * 330
        spread = 26 + depth * 150
        middle, half = chance.gauss(x, spread), chance.uniform(4, 10 + 34 * depth)
        canvas.streak(
            middle - half, middle + half, y, 1 + 1.6 * depth, LAMP, chance.uniform(0.08, 0.5) * (1 - 0.75 * depth)
        )


def coast(canvas: "Canvas", horizon: int) -> None:
    far = [(0, horizon), (0, 664), (180, 652), (420, 668), (640, 661), (900, 682), (1080, horizon)]
    cliff = [
        (1096, horizon + 16), (1150, 688), (1204, 672), (1262, 640), (1310, 604), (1352, 594), (1448, 590), (1530, 604),
        (1640, 630), (1760, 622), (1850, 604), (1920, 598), (1920, 742), (1770, 734), (1640, 738), (1480, 726),
        (1350, 729), (1200, 717), (1140, 714),
    ]  # fmt: skip
    canvas.polygon(far, (24, 40, 70))
    canvas.polygon(cliff, (8, 12, 28))


def lighthouse(canvas: "Canvas", lamp: Point) -> None:
    x, y = lamp
    tower = [(x - 22, y + 36), (x + 22, y + 36), (x + 36, 600), (x - 36, 600)]
    canvas.polygon(tower, (20, 27, 52))
    for top, bottom in ((0.16, 0.36), (0.58, 0.78)):
        canvas.polygon(band(tower, top, bottom), (54, 66, 104))
    canvas.polygon([(x - 30, y + 24), (x + 30, y + 24), (x + 26, y + 38), (x - 26, y + 38)], INK)
    canvas.polygon([(x - 15, y - 20), (x + 15, y - 20), (x + 15, y + 24), (x - 15, y + 24)], (255, 240, 205))
    canvas.polygon([(x - 24, y - 20), (x, y - 46), (x + 24, y - 20)], INK)
    canvas.polygon([(x - 2, y - 60), (x + 2, y - 60), (x + 2, y - 40), (x - 2, y - 40)], INK)
    canvas.polygon([(x + 36, 562), (x + 66, 546), (x + 98, 562), (x + 98, 600), (x + 36, 600)], (13, 18, 38))
    canvas.polygon([(x + 62, 572), (x + 74, 572), (x + 74, 586), (x + 62, 586)], (255, 206, 120))


def band(tower: Sequence[Point], top: float, bottom: float) -> List[Point]:
    """Cut a stripe out of a tower: corners from top left, clockwise; `top` and `bottom` as parts of its height."""

    def between(start: Point, end: Point, part: float) -> Point:
        return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part

    left, right = (tower[0], tower[3]), (tower[1], tower[2])
    return [between(*left, top), between(*right, top), between(*right, bottom), between(*left, bottom)]


def bubble(
    canvas: "Canvas",
    box: Tuple[int, int, int, int],
    stops: Sequence[Tuple[float, Colour]],
    tail: int,
    *,
    shadow: bool = False,
) -> None:
    left, top, right, bottom = box
    lean = -34 if tail < (left + right) / 2 else 34
    mask = canvas.mask()
    draw = ImageDraw.Draw(mask)
    draw.rounded_rectangle(canvas.scaled(box), 44 * canvas.scale, fill=255)
    draw.polygon(
        canvas.points([(tail - 26, bottom - 8), (tail + 26, bottom - 8), (tail + lean, bottom + 40)]), fill=255
    )
    if shadow:
        canvas.paint(
            ImageChops.offset(mask, 0, 8 * canvas.scale).filter(ImageFilter.GaussianBlur(64)), (0, 0, 12), 0.75
        )
    canvas.gradient((left, top, right, bottom + 40), stops, mask)


def wen(canvas: "Canvas", box: Tuple[int, int, int, int], colour: Colour) -> None:
    """The character for writing, as four brush strokes in `box`."""
    left, top, right, bottom = box

    def place(x: float, y: float) -> Point:
        return left + x * (right - left), top + y * (bottom - top)

    canvas.stroke([place(0.44, 0.02), place(0.53, 0.08), place(0.56, 0.17)], 21, colour)
    canvas.stroke([place(0.04, 0.28), place(0.50, 0.28), place(0.96, 0.28)], 19, colour)
    canvas.stroke([place(0.75, 0.30), place(0.62, 0.74), place(0.07, 0.96)], 20, colour)
    canvas.stroke([place(0.25, 0.30), place(0.40, 0.74), place(0.94, 0.96)], 20, colour)


# --- the canvas -------------------------------------------------------------------------------------------------------


class Canvas:
    """A picture drawn `scale` times larger than it will be, which smooths every edge when it is scaled down."""

    def __init__(self, width: int, height: int, scale: int) -> None:
        self.width, self.height, self.scale = width, height, scale
        self.image = Image.new("RGB", (width * scale, height * scale))

    def finish(self, grain: int, seed: int) -> Image.Image:
        """Scale down; `grain` (in levels of 255) hides the steps of dark gradients."""
        small = self.image.resize((self.width, self.height), Image.Resampling.LANCZOS)
        if not grain:
            return small
        size = self.width * self.height
        noise = Image.frombytes("L", small.size, random.Random(seed).randbytes(size)).point(lambda v: v * grain // 255)
        return ImageChops.subtract(ImageChops.add(small, Image.merge("RGB", [noise] * 3)), offset(small, grain // 2))

    def mask(self) -> Image.Image:
        return Image.new("L", self.image.size)

    def scaled(self, box: Tuple[float, float, float, float]) -> Tuple[float, float, float, float]:
        return box[0] * self.scale, box[1] * self.scale, box[2] * self.scale, box[3] * self.scale

    def points(self, points: Sequence[Point]) -> List[Point]:
        return [(x * self.scale, y * self.scale) for x, y in points]

    def paint(self, mask: Image.Image, colour: Colour, strength: float = 1.0) -> None:
        self.image.paste(colour, (0, 0), mask.point(lambda value: round(value * strength)))

    def add(self, mask: Image.Image, colour: Colour, strength: float) -> None:
        """Add light, as a lamp does, instead of covering."""
        parts = [mask.point(lambda value, c=channel: round(value * strength * c / 255)) for channel in colour]
        self.image = ImageChops.screen(self.image, Image.merge("RGB", parts))

    def gradient(
        self,
        box: Tuple[int, int, int, int],
        stops: Sequence[Tuple[float, Colour]],
        mask: Optional[Image.Image] = None,
    ) -> None:
        """Fill from top to bottom, through `stops` of (part of the height, colour)."""
        left, top, right, bottom = (int(value) for value in self.scaled(box))
        column = Image.new("RGB", (1, bottom - top))
        column.putdata([blend(stops, row / (bottom - top - 1)) for row in range(bottom - top)])
        filled = column.resize((right - left, bottom - top))
        self.image.paste(filled, (left, top), mask.crop((left, top, right, bottom)) if mask else None)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        ImageDraw.Draw(self.image).polygon(self.points(points), fill=colour)

    def bar(self, box: Tuple[int, int, int, int], colour: Colour) -> None:
        radius = (box[3] - box[1]) / 2 * self.scale
        ImageDraw.Draw(self.image).rounded_rectangle(self.scaled(box), radius, fill=colour)

    def disc(self, centre: Point, radius: float, colour: Colour, strength: float) -> None:
        x, y = centre[0] * self.scale, centre[1] * self.scale
        reach = max(1.0, radius * self.scale)
        fill = mix(self._colour_at(x, y), colour, strength)
        ImageDraw.Draw(self.image).ellipse((x - reach, y - reach, x + reach, y + reach), fill=fill)

    def streak(self, left: float, right: float, y: float, thick: float, colour: Colour, strength: float) -> None:
        under = self._colour_at((left + right) / 2 * self.scale, y * self.scale)
        box = self.scaled((left, y, right, y + thick))
        ImageDraw.Draw(self.image).rounded_rectangle(box, thick * self.scale / 2, fill=mix(under, colour, strength))

    def stroke(self, curve: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw a quadratic Bezier curve (start, control, end) with a round brush."""
        draw, reach = ImageDraw.Draw(self.image), width * self.scale / 2
        (x0, y0), (x1, y1), (x2, y2) = self.points(curve)
        for step in range(401):
            t = step / 400
            x = (1 - t) ** 2 * x0 + 2 * t * (1 - t) * x1 + t * t * x2
            y = (1 - t) ** 2 * y0 + 2 * t * (1 - t) * y1 + t * t * y2
            draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)

    def text(self, centre: Point, words: str, size: float, colour: Colour, weight: float = 0) -> None:
        """Write around `centre` with a dark edge, as subtitles have; `weight` thickens the strokes, in pixels."""
        font = ImageFont.load_default(size * self.scale)
        place = (centre[0] * self.scale, centre[1] * self.scale)
        shade = self.mask()
        ImageDraw.Draw(shade).text(place, words, 255, font, anchor="mm", stroke_width=round(size * self.scale / 14))
        self.paint(shade.filter(ImageFilter.GaussianBlur(size * self.scale / 12)), INK, 0.85)
        letters = self.mask()
        ImageDraw.Draw(letters).text(place, words, 255, font, anchor="mm", stroke_width=round(weight * self.scale))
        self.paint(letters, colour)

    def glow(self, centre: Point, radius: float, colour: Colour, strength: float) -> None:
        self.add(self._fading(centre, radius), colour, strength)

    def light(
        self, cone: Sequence[Point], colour: Colour, strength: float, *, blur: float, centre: Point, reach: float
    ) -> None:
        """Shine a cone of light that fades with the distance from `centre`."""
        mask = self.mask()
        ImageDraw.Draw(mask).polygon(self.points(cone), fill=255)
        soft = mask.filter(ImageFilter.GaussianBlur(blur * self.scale))
        self.add(ImageChops.multiply(soft, self._fading(centre, reach)), colour, strength)

    def vignette(self, strength: float) -> None:
        edge = Image.radial_gradient("L").resize(self.image.size, Image.Resampling.BICUBIC)
        self.paint(edge.point(lambda value: max(0, value - 110) * 255 // 145), (2, 3, 10), strength)

    def _colour_at(self, x: float, y: float) -> Colour:
        """Return the colour under a place of the large picture, or the nearest to it inside."""
        inside = min(max(0, int(x)), self.image.width - 1), min(max(0, int(y)), self.image.height - 1)
        red, green, blue = self.image.crop((*inside, inside[0] + 1, inside[1] + 1)).tobytes()
        return red, green, blue

    def _fading(self, centre: Point, radius: float) -> Image.Image:
        """Return a mask that is full at `centre` and fades to nothing at `radius`."""
        size = round(2 * radius * self.scale)
        disc = Image.radial_gradient("L").point(lambda value: round(255 * max(0.0, 1 - value / EDGE) ** 2))
        mask = self.mask()
        corner = (round((centre[0] - radius) * self.scale), round((centre[1] - radius) * self.scale))
        mask.paste(disc.resize((size, size), Image.Resampling.BICUBIC), corner)
        return mask


def blend(stops: Sequence[Tuple[float, Colour]], part: float) -> Colour:
    for (start, first), (end, second) in zip(stops, stops[1:]):
        if part <= end:
            return mix(first, second, (part - start) / (end - start))
    return stops[-1][1]


def mix(first: Colour, second: Colour, part: float) -> Colour:
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(first, second))
    return red, green, blue


def offset(image: Image.Image, levels: int) -> Image.Image:
    return Image.new("RGB", image.size, (levels, levels, levels))


if __name__ == "__main__":
    sys.exit(main())
