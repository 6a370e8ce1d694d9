"""Drawn things before a face: hands and arms, phones, microphones, cups, bars, random shapes.

Hands mostly have the face's own colour, so that their shape alone tells them from it (after the synthetic occlusion
of Voo et al. 2022, "Delving into high-quality synthetic face occlusion segmentation datasets"). Whatever they cover
becomes background.
"""

import cv2
import numpy as np

from ml_core.unetr.augment_config import Image, Pair, Rng
from ml_core.unetr.drawing import Point, Relief, cloth, cover, lit, noise, paint_colour, skin, skin_tone, wave
from ml_core.unetr.heads import Head, Parts, skin_colour

_KNUCKLES = ((-0.165, 0.44, 0.38), (-0.055, 0.48, 0.44), (0.055, 0.47, 0.41), (0.16, 0.41, 0.31))
"""Of each finger: across, along, and its length, in lengths of the hand."""

_TOUCHES = {
    "top": (0.22, (0.0, 0.4), (-0.95, -0.55), (10, 110)),
    "temple": (0.16, (0.3, 0.6), (-0.65, -0.1), (-15, 70)),
    "cheek": (0.18, (0.22, 0.45), (-0.1, 0.3), (-20, 40)),
    "chin": (0.12, (-0.05, 0.2), (0.38, 0.55), (-20, 70)),
    "mouth": (0.14, (-0.1, 0.15), (0.1, 0.3), (10, 100)),
    "eyes": (0.08, (-0.05, 0.3), (-0.5, -0.15), (20, 110)),
    "beside": (0.1, (0.45, 0.9), (-0.6, 0.4), (-50, 60)),
}
"""Share; where a hand touches, across and down in head units; its turn: 0 points up, 90 towards the middle."""


def random_shape(pair: Pair, scene: Image, rng: Rng) -> Pair:
    """Cover a random blob with a piece of a scene."""
    size = pair[0].shape[0]
    centre = rng.uniform(0.2, 0.8, 2) * size
    angles = np.sort(rng.uniform(0, 2 * np.pi, 7))
    radii = rng.uniform(0.05, 0.22) * size * rng.uniform(0.6, 1.4, 7)
    points = centre + np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None]
    mask = cv2.fillPoly(np.zeros((size, size), np.uint8), [points.astype(np.int32)], 255)
    soft = cv2.GaussianBlur(mask, (3, 3), 0).astype(np.float32)[..., None] / 255
    mixed = (scene * soft + pair[0] * (1 - soft)).astype(np.uint8)
    return mixed, np.where(mask > 0, 0, pair[1]).astype(np.uint8)


def hands(pair: Pair, head: Head, parts: Parts, rng: Rng) -> Pair:
    """One hand or both: on the head, at cheek or chin, before mouth or eyes, beside the head; with their arms."""
    tone = skin_tone(skin_colour(*pair, parts, rng), rng)
    side = float(rng.choice([-1, 1]))
    kind = str(rng.choice(list(_TOUCHES), p=[share for share, *_ in _TOUCHES.values()]))
    _, (left, right), (high, low), (least, most) = _TOUCHES[kind]
    sides = (side, -side) if kind not in ("eyes", "beside") and rng.random() < 0.4 else (side,)
    length, fist = float(rng.uniform(0.8, 1.15)), rng.random() < 0.25
    buried = kind in ("top", "temple", "beside") and rng.random() < 0.5
    for which in sides:
        x, y, turn = rng.uniform(left, right), rng.uniform(high, low), np.radians(rng.uniform(least, most))
        ahead = head.along(-which * np.sin(turn), -np.cos(turn))
        wrist = head.at(which * x, y) - ahead * 0.65 * length * head.unit
        held = hand(pair, wrist, ahead, length * head.unit, tone, rng, thumb=-which, fist=fist)
        pair = _through_hair(pair, held, parts, rng) if buried else held
    return pair


def _through_hair(before: Pair, after: Pair, parts: Parts, rng: Rng) -> Pair:
    """Let strands of the hair that a hand has covered come up over it."""
    size = before[0].shape[0]
    turn = rng.uniform(0, np.pi)
    axis = np.arange(size, dtype=np.float32)
    across = np.cos(turn) * axis[None] + np.sin(turn) * axis[:, None] + 2 * noise(size, size / 6, rng)
    locks = wave(2 * size, int(size * rng.uniform(0.1, 0.3)), rng)[
        (across + size / 2).astype(int) % (2 * size)
    ]
    strands = (locks > rng.uniform(0.3, 1)) & (
        noise(size, size / rng.uniform(4, 8), rng) > rng.uniform(-0.3, 0.5)
    )
    strands &= before[1] == parts.hair
    alpha = cv2.GaussianBlur(strands.astype(np.float32), (3, 3), 0)[..., None]
    image = after[0] + (before[0].astype(np.float32) - after[0]) * alpha
    return image.astype(np.uint8), np.where(strands, before[1], after[1])


def hand(
    pair: Pair,
    wrist: Point,
    ahead: Point,
    length: float,
    tone: np.ndarray,
    rng: Rng,
    *,
    thumb: float,
    fist: bool,
) -> Pair:
    """A hand and its forearm. wrist, ahead: (2,) pixels and unit vector; thumb: -1 or 1, the side it is on."""
    size = pair[0].shape[0]
    across = np.array([-ahead[1], ahead[0]]) * -thumb
    relief, nails = Relief(size), Relief(size)

    def spot(x: float, y: float) -> Point:
        return np.asarray(wrist + (across * x + ahead * y) * length)

    bend, arm = rng.normal(0, 0.35), rng.uniform(1.0, 2.2)
    elbow = spot(np.sin(bend) * arm, -np.cos(bend) * arm)
    relief.capsule(spot(0, 0.08), elbow, 0.12 * length, rng.uniform(0.15, 0.22) * length, -0.03 * length)
    thick = float(rng.uniform(0.85, 1.15))
    for x, y, _ in _KNUCKLES:
        relief.capsule(spot(x * 0.5, 0.06), spot(x, y), 0.1 * length, 0.062 * thick * length)
    spread, curl = rng.uniform(0, 2.2), rng.uniform(0.15, 0.4) if fist else rng.uniform(0.55, 1)
    for x, y, reach in _KNUCKLES:
        reach *= min(1.05, curl * float(rng.uniform(0.85, 1.15)))
        angle = x * spread + rng.normal(0, 0.06)
        kink = angle + rng.normal(0, 0.15)
        middle = (x + np.sin(angle) * reach * 0.5, y + np.cos(angle) * reach * 0.5)
        tip = (middle[0] + np.sin(kink) * reach * 0.5, middle[1] + np.cos(kink) * reach * 0.5)
        radius = 0.058 * thick * length
        lift = rng.uniform(0, 0.04) * length
        relief.capsule(spot(x, y), spot(*middle), radius, radius * 0.92, lift)
        relief.capsule(spot(*middle), spot(*tip), radius * 0.92, radius * 0.75, lift)
        nails.capsule(spot(*tip), spot(*tip) + 0.4 * radius * ahead, radius * 0.55, radius * 0.5)
    out = rng.uniform(0.1, 0.9)
    joint = (-0.16 - 0.17 * np.sin(out), 0.14 + 0.18 * np.cos(out))
    end = (joint[0] - 0.15 * np.sin(out * 0.6), joint[1] + 0.17 * np.cos(out * 0.6))
    relief.capsule(spot(-0.09, 0.1), spot(*joint), 0.085 * length, 0.066 * length, 0.01 * length)
    relief.capsule(spot(*joint), spot(*end), 0.066 * length, 0.05 * length, 0.02 * length)
    shade = relief.shade(rng)
    shade /= max(float(shade[relief.alpha > 0.5].mean()), 0.3) if (relief.alpha > 0.5).any() else 1.0
    outline = cv2.GaussianBlur(relief.alpha, (0, 0), max(0.6, 0.02 * length))
    shade *= 1 - np.float32(rng.uniform(0, 0.5)) * np.clip(2 - 2 * outline, 0, 1)
    colours = (
        cloth(size, paint_colour(rng), rng) * shade[..., None]
        if rng.random() < 0.06
        else skin(size, tone, shade, rng)
    )
    if rng.random() < 0.4:
        nail = tone * np.array([1.1, 1.0, 1.02]) if rng.random() < 0.6 else paint_colour(rng)
        colours = colours + (nail * shade[..., None] - colours) * (0.8 * nails.alpha)[..., None]
    if rng.random() < 0.4:  # a sleeve
        rows, columns = np.mgrid[:size, :size].astype(np.float32)
        along = ((columns - wrist[0]) * ahead[0] + (rows - wrist[1]) * ahead[1]) / length
        sleeve = cloth(size, paint_colour(rng), rng) * shade[..., None]
        colours = np.where((along < -rng.uniform(0.02, 0.7))[..., None], sleeve, colours)
    return cover(pair, relief.alpha, colours, rng)


def thing(pair: Pair, head: Head, parts: Parts, rng: Rng) -> Pair:
    """A phone, a microphone, a cup or a bar before the face, some of them in a hand."""
    kind = str(rng.choice(["phone", "microphone", "cup", "bar"], p=[0.35, 0.25, 0.25, 0.15]))
    side = float(rng.choice([-1, 1]))
    if kind == "microphone":
        return _microphone(pair, head, rng)
    if kind == "bar":
        return _box(
            pair, head, rng, (rng.normal(0, 0.3), rng.normal(0, 0.4)), (3.0, rng.uniform(0.03, 0.15)), 90
        )
    if kind == "phone":
        place = (side * rng.uniform(0.1, 0.5), rng.uniform(-0.3, 0.3))
        pair = _box(pair, head, rng, place, (rng.uniform(0.42, 0.6), rng.uniform(0.22, 0.3)), 30)
    else:
        place = (rng.normal(0, 0.12), rng.uniform(0.25, 0.5))
        pair = _cup(pair, head, rng, place)
    if rng.random() < 0.75:
        turn = np.radians(rng.uniform(0, 60))
        ahead = head.along(-side * np.sin(turn), -np.cos(turn))
        held = head.at(place[0] + side * rng.uniform(0, 0.15), place[1] + rng.uniform(0, 0.2))
        tone = skin_tone(skin_colour(*pair, parts, rng), rng)
        length = rng.uniform(0.8, 1.05) * head.unit
        pair = hand(
            pair, held - ahead * 0.6 * length, ahead, length, tone, rng, thumb=-side, fist=rng.random() < 0.5
        )
    return pair


def _box(
    pair: Pair, head: Head, rng: Rng, place: tuple[float, float], half: tuple[float, float], degrees: float
) -> Pair:
    """A slab, `half` as long and as wide in head units, turned by up to so many degrees."""
    size = pair[0].shape[0]
    x, y = head.grid(size)
    turn = np.radians(rng.uniform(-degrees, degrees))
    x, y = x - np.float32(place[0]), y - np.float32(place[1])
    along, aside = np.abs(y * np.cos(turn) + x * np.sin(turn)), np.abs(x * np.cos(turn) - y * np.sin(turn))
    corner = min(half) * float(rng.uniform(0, 0.35))
    outside = np.hypot(np.maximum(along - half[0] + corner, 0), np.maximum(aside - half[1] + corner, 0))
    alpha = np.clip((corner - outside) * head.unit + 0.5, 0, 1)
    colours = cloth(size, paint_colour(rng), rng)
    if rng.random() < 0.5:  # a screen or a lens
        inner = (along < half[0] * rng.uniform(0.3, 0.92)) & (aside < half[1] * rng.uniform(0.5, 0.92))
        colours = np.where(inner[..., None], cloth(size, paint_colour(rng), rng), colours)
    return cover(pair, alpha.astype(np.float32), colours, rng)


def _cup(pair: Pair, head: Head, rng: Rng, place: tuple[float, float]) -> Pair:
    size = pair[0].shape[0]
    x, y = head.grid(size)
    half, tall, taper = rng.uniform(0.2, 0.34), rng.uniform(0.4, 0.75), rng.uniform(-0.1, 0.3)
    x, y = (x - np.float32(place[0])) / np.float32(half), (y - np.float32(place[1])) / np.float32(tall)
    width = 1 - taper * y
    aside = x / np.maximum(width, 0.2)
    rim = 0.12 * np.sqrt(np.maximum(1 - aside**2, 0))
    inside = (np.abs(aside) < 1) & (y > -rim) & (y < 1 + rim)
    alpha = cv2.GaussianBlur(inside.astype(np.float32), (3, 3), 0)
    height = np.sqrt(np.maximum(1 - aside**2, 0)) * np.float32(half * head.unit)
    colours = cloth(size, paint_colour(rng), rng) * lit(height.astype(np.float32), rng)[..., None]
    colours = np.where((y < rim)[..., None], colours * np.float32(rng.uniform(0.4, 1.1)), colours)
    return cover(pair, np.asarray(alpha, np.float32), colours, rng)


def _microphone(pair: Pair, head: Head, rng: Rng) -> Pair:
    size, unit = pair[0].shape[0], head.unit
    tip = head.at(rng.normal(0, 0.15), rng.uniform(0.22, 0.5))
    turn = np.radians(rng.normal(0, 40))
    away = head.along(np.sin(turn), np.cos(turn))
    radius = rng.uniform(0.1, 0.2) * unit
    stick = Relief(size)
    stick.capsule(tip, tip + away * unit * 2.5, radius * 0.6, radius * 0.5)
    pair = cover(pair, stick.alpha, cloth(size, paint_colour(rng), rng) * stick.shade(rng)[..., None], rng)
    ball = Relief(size)
    ball.capsule(tip, tip + away * radius * rng.uniform(0.1, 1.2), radius, radius)
    mesh = 1 + noise(size, 1.5, rng) * rng.uniform(0, 0.3)
    colours = paint_colour(rng) * (ball.shade(rng) * mesh)[..., None]
    return cover(pair, ball.alpha, np.asarray(colours, np.float32), rng)
