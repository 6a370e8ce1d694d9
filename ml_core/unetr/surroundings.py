"""What is around a face: hair that goes on beyond the photo, neck and shoulders, a scene, other people."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.unetr.augment_config import AugmentConfig, Codes, Image, Pair, Rng
from ml_core.unetr.drawing import Colours, cloth, lit, noise, paint_colour, skin, wave
from ml_core.unetr.heads import Head, Parts, hair_colour, head_in, skin_colour
from ml_core.unetr.targets import TargetTable


@dataclass(frozen=True)
class Warped:
    """A photo in a frame of S x S pixels.

    matrix: (2, 3), photo -> frame. inside: (S, S) uint8, 255 where the photo is; beyond, codes are "ignore".
    """

    photo: Pair
    matrix: NDArray[np.float64]
    image: Image
    codes: Codes
    inside: NDArray[np.uint8]

    def head(self, parts: Parts) -> Head | None:
        """Where the photo's head is in the frame."""
        upright = head_in(self.photo[1], parts)
        return upright.moved(self.matrix) if upright else None


@dataclass(frozen=True)
class Beyond:
    """The hair of a photo carried on past its border, in the frame: where, how it looks, where nothing is known."""

    hair: NDArray[np.bool_]
    image: Image
    unknown: NDArray[np.bool_]


def scene_canvas(scene: Image, size: int, rng: Rng) -> Pair:
    """A random square piece of a scene, all of it background."""
    side = math.ceil(min(scene.shape[:2]) * rng.uniform(0.35, 1))
    y, x = (int(rng.integers(0, edge - side + 1)) for edge in scene.shape[:2])
    piece = cv2.resize(scene[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    return np.ascontiguousarray(piece, np.uint8), np.zeros((size, size), np.uint8)


def like_hair(canvas: Image, colour: Colours, rng: Rng) -> Image:
    """A scene in the colour of the hair, more or less."""
    scene = canvas.astype(np.float32)
    contrast = np.float32(rng.uniform(0.15, 0.9))
    moved = (scene - scene.mean(axis=(0, 1))) * contrast + colour * np.float32(np.exp(rng.normal(0, 0.2)))
    share = np.float32(rng.uniform(0.7, 1))
    return np.asarray(np.clip(moved * share + scene * (1 - share), 0, 255), np.uint8)


def carry_on(warped: Warped, hair: int, *, drawn: bool, rng: Rng) -> Beyond:
    """Mirror the photo at its border and keep the hair that continues there, up to a drawn outline.

    Hair may continue below the photo for more than its height (stretched), beside and above it for a little.
    Without `drawn` the places where it would continue are only marked as unknown.
    """
    image, codes = warped.photo
    height, width = codes.shape
    size = warped.codes.shape[0]
    nothing = np.zeros((size, size), bool)
    if not any((edge == hair).any() for edge in (codes[0], codes[-1], codes[:, 0], codes[:, -1])):
        return Beyond(nothing, warped.image, nothing)
    u, v = _places(warped)
    beside, above, below = np.maximum(np.maximum(-u, u - 1), 0), np.maximum(-v, 0), np.maximum(v - 1, 0)
    stretch, slow = np.float32(rng.uniform(0.3, 1)), np.float32(rng.uniform(0.15, 0.5))
    sway = np.float32(rng.normal(0, 0.12)) * below
    sway += np.float32(rng.normal(0, 0.03)) * np.sin(below * np.float32(rng.uniform(3, 12)))
    source_u = np.clip(u, 0, 1) + np.where(u < 0, beside, -beside) * slow + sway
    source_v = np.clip(v, 0, 1) + above * slow - below * stretch
    to_x, to_y = source_u * width - np.float32(0.5), source_v * height - np.float32(0.5)
    found = cv2.remap(codes, to_x, to_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    would = (found == hair) & (warped.inside == 0) & (below * stretch < 0.6)
    if not drawn:
        would = _touching(would, warped.codes == hair)
        unknown = cv2.dilate(would.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        return Beyond(nothing, warped.image, unknown)
    longest = 0.6 / float(stretch)
    sides = np.where(u < 0.5, _bulge(codes[:, 0] == hair, v, rng), _bulge(codes[:, -1] == hair, v, rng))
    dome = _bulge(codes[0] == hair, u, rng)
    outline = (below < _ends(u, longest, rng)) & (beside <= sides) & (above <= dome)
    kept = _touching(would & outline, warped.codes == hair)
    looks = cv2.remap(image, to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    fade = 1 - np.clip(below / longest, 0, 1) * rng.uniform(-0.2, 0.4)
    return Beyond(kept, np.clip(looks * fade[..., None], 0, 255).astype(np.uint8), nothing)


def _places(warped: Warped) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(S, S) where each pixel of the frame is across and down the photo, 0 to 1 within it."""
    height, width = warped.photo[1].shape
    inverse = cv2.invertAffineTransform(warped.matrix).astype(np.float32)
    axis = np.arange(warped.codes.shape[0], dtype=np.float32)
    u = inverse[0, 0] * axis[None] + inverse[0, 1] * axis[:, None] + inverse[0, 2]
    v = inverse[1, 0] * axis[None] + inverse[1, 1] * axis[:, None] + inverse[1, 2]
    return (u + np.float32(0.5)) / np.float32(width), (v + np.float32(0.5)) / np.float32(height)


def _ends(u: NDArray[np.float32], longest: float, rng: Rng) -> NDArray[np.float32]:
    """(S, S) how far hair falls below the photo at each place across it: a length, waves, and locks."""
    size = u.shape[0]
    at = np.clip(u * (size - 1), 0, size - 1).astype(int)
    length = rng.uniform(0.02, longest) * (1 + 0.25 * wave(size, 3, rng))
    locks = rng.uniform(0.01, 0.06) * wave(size, int(rng.integers(8, 40)), rng)
    return np.asarray(np.maximum(length + locks, 0.01)[at], np.float32)


def _bulge(contact: NDArray[np.bool_], along: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """How far hair goes beyond an edge at each place along it: an arc over where it touches the edge.

    contact: whether the edge's pixels are hair. along: (S, S) place along the edge, 0 to 1.
    """
    touching = np.flatnonzero(contact) / len(contact)
    if not len(touching):
        return np.zeros_like(along)
    first, last = float(touching[0]), float(touching[-1])
    middle = last if last > 0.97 else (first + last) / 2  # hair that reaches the corner does not end there
    half = max(last - middle, middle - first, 0.01)
    arc = np.maximum(1 - (np.minimum(along - middle, 0 if last > 0.97 else 1) / half) ** 2, 0) ** 0.6
    ripple = 1 + 0.12 * wave(along.shape[0], 6, rng)
    at = np.clip(along * (along.shape[0] - 1), 0, along.shape[0] - 1).astype(int)
    return np.asarray(min(half * rng.uniform(0.2, 0.9), 0.3) * arc * ripple[at], np.float32)


def _touching(outside: NDArray[np.bool_], within: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts of a mask that touch another one."""
    near = cv2.dilate(within.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    amount, found = cv2.connectedComponents(outside.astype(np.uint8), connectivity=4)
    kept = np.zeros(amount, bool)
    kept[found[near & outside]] = True
    kept[0] = False
    return np.asarray(kept[found])


def body(canvas: Pair, head: Head, photo: Pair, parts: Parts, rng: Rng) -> Pair:
    """Draw neck, shoulders and clothes, which are background, below a head that will be laid over them."""
    image, codes = canvas
    size = len(image)
    x, y = head.tilted(float(rng.normal(0, 12))).grid(size)
    tone = skin_colour(*photo, parts, rng) * np.float32(np.exp(rng.normal(0, 0.06)))
    shoulders = rng.uniform(0.62, 0.85) + np.abs(x / rng.uniform(0.8, 1.3)) ** rng.uniform(1.5, 3) * 0.35
    torso = y - shoulders
    neck = rng.uniform(0.2, 0.28) + 0.12 * np.maximum(y - 0.6, 0)
    height = np.sqrt(np.maximum(neck**2 - x**2, 0)) * head.unit
    shade = lit(np.asarray(height, np.float32), rng)
    shade *= 1 - rng.uniform(0, 0.5) * np.clip(1 - (y - 0.35) / 0.3, 0, 1)  # under the chin
    flesh = skin(size, np.asarray(tone, np.float32), np.asarray(shade, np.float32), rng)
    out = image.astype(np.float32)
    bare = ((np.abs(x) < neck) & (y > 0.2)) | (torso > 0)
    out = _mix(out, flesh, bare)
    deep = rng.uniform(-0.02, 0.5)
    neckline = torso > deep * np.maximum(1 - np.abs(x) / rng.uniform(0.25, 0.7), 0) + rng.choice(
        [0, 0, 0, 0.4]
    )
    wrinkles = noise(size, size / rng.uniform(4, 16), rng) * head.unit * rng.uniform(0, 0.1)
    clothes = cloth(size, paint_colour(rng), rng) * lit(np.asarray(wrinkles, np.float32), rng)[..., None]
    dressed = np.clip(_mix(out, clothes, neckline & (torso > 0)), 0, 255)
    return dressed.astype(np.uint8), np.where(bare, np.uint8(0), codes)


def _mix(under: Colours, over: Colours, mask: NDArray[np.bool_]) -> Colours:
    alpha = cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 0)[..., None]
    return np.asarray(under + (over - under) * alpha, np.float32)


def on_scene(
    canvas: Pair,
    warped: Warped,
    *,
    cut_out: bool,
    rng: Rng,
    config: AugmentConfig,
    table: TargetTable,
    parts: Parts | None,
) -> Pair:
    """Lay a warped photo over a canvas, its seam softened so that the network cannot learn the seam.

    cut_out: lay only the head (all that is not background) over it, else the whole photo. Hair at the photo's
    border continues over the canvas, or what lies there is ignored: hair does not end where a photo does.
    """
    image, codes = canvas[0], canvas[1].copy()
    hair = np.zeros(codes.shape, bool)
    if parts is not None:
        head = warped.head(parts)
        if head is not None and rng.random() < config.body:
            image, codes = body((image, codes), head, warped.photo, parts, rng)
        beyond = carry_on(warped, parts.hair, drawn=rng.random() < config.longer, rng=rng)
        hair = beyond.hair
        if hair.any():
            longer = _mix(image.astype(np.float32), beyond.image.astype(np.float32), hair)
            image = np.clip(longer, 0, 255).astype(np.uint8)
        codes[hair] = parts.hair
        codes[beyond.unknown] = table.ignore
    known = (warped.codes != 0) & (warped.codes != table.ignore)
    mask = (known | hair if cut_out else warped.inside > 0).astype(np.uint8) * 255
    width = int(rng.choice([0, 3, 5, 7] if cut_out else [3, 7, 15, 31]))
    soft = cv2.GaussianBlur(mask, (width, width), 0) if width else mask
    alpha = soft.astype(np.float32)[..., None] / 255
    laid = np.where((hair & (mask > 0))[..., None], image, warped.image)  # no seam where hair continues
    mixed = laid * alpha + image * (1 - alpha)
    own = known if cut_out else (warped.inside > 0) & (soft > 127)
    return mixed.astype(np.uint8), np.where(own, warped.codes, codes)


def whiten(photo: Pair, parts: Parts, rng: Rng) -> Image:
    """The photo with its hair turned grey or white."""
    image, codes = photo
    colour = hair_colour(image, codes, parts)
    if colour is None:
        return image
    mask = (codes == parts.hair).astype(np.float32)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.012 * codes.shape[0])[..., None] * rng.uniform(0.8, 1)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    spread = max(float(grey[codes == parts.hair].std()), 4.0)
    gain = np.clip(rng.uniform(18, 40) / spread, 0.6, 3)
    white = rng.uniform(120, 215) + (grey - float(colour.mean())) * gain
    tint = 1 + rng.normal(0, 0.03, 3) + np.array([0.01, 0, -0.02])
    mixed = image + (np.clip(white, 0, 255)[..., None] * tint - image) * mask
    return np.asarray(np.clip(mixed, 0, 255), np.uint8)
