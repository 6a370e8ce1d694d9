"""What cameras, prints and networks do to a picture: colour, light, blur, grain, compression.

Images are (S, S, 3) uint8 RGB.
"""

import cv2
import numpy as np

from ml_core.unetr.augment_config import AugmentConfig, Image, Rng
from ml_core.unetr.drawing import noise


def photograph(image: Image, rng: Rng, config: AugmentConfig) -> Image:
    """Colour, light, blur, noise and compression: what cameras and networks do to a picture."""
    size = image.shape[0]
    if rng.random() < config.blur:
        if rng.random() < 0.5:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.2, 1.0) * size / 110), np.uint8)
        else:
            small = int(size / rng.uniform(1.3, 4))
            reduced = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
            image = np.asarray(cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
    if rng.random() < config.colour:
        image = _colour(image, rng)
    if rng.random() < config.grey:
        image = _old(image, rng) if rng.random() < 0.5 else _grey(image)
    if rng.random() < config.light:
        image = _light(image, rng)
    if rng.random() < config.noise:
        sigma = rng.uniform(2, 14)
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(sigma)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < config.jpeg:
        quality = int(rng.integers(20, 90))
        encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return image


def _colour(image: Image, rng: Rng) -> Image:
    """Contrast, brightness, gamma and white balance through one table a channel; then saturation."""
    ramp = np.arange(256, dtype=np.float32) / 255
    ramp = ramp ** np.exp(rng.normal(0, 0.25))
    ramp = (ramp - 0.5) * rng.uniform(0.65, 1.35) + 0.5 + rng.normal(0, 0.08)
    gains = np.exp(rng.normal(0, 0.06, 3))
    tables = np.clip(ramp[:, None] * gains * 255, 0, 255).astype(np.uint8)  # (256, 3)
    image = np.asarray(cv2.LUT(image, tables[None]), np.uint8)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    amount = float(rng.uniform(0.5, 1.5))
    return np.asarray(cv2.addWeighted(image, amount, grey, 1 - amount, 0), np.uint8)


def _light(image: Image, rng: Rng) -> Image:
    """A shadow or a light from one side, with a hard or a soft edge."""
    size = image.shape[0]
    angle = rng.uniform(0, 2 * np.pi)
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    ramp = np.cos(angle) * axis[None] + np.sin(angle) * axis[:, None] - rng.uniform(-0.6, 0.6)
    step = 1 / (1 + np.exp(-ramp * rng.uniform(2, 25)))
    factor = 1 - rng.uniform(0.2, 0.7) * step if rng.random() < 0.7 else 1 + rng.uniform(0.1, 0.6) * step
    return np.asarray(np.clip(image * factor[..., None], 0, 255), np.uint8)


def _grey(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)


def _old(image: Image, rng: Rng) -> Image:
    """An old print: one tint, faded or harsh contrast, dark or light corners, grain."""
    size = image.shape[0]
    value = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    value = value ** np.float32(np.exp(rng.normal(0, 0.3)))
    low, high = rng.uniform(-0.1, 0.15), rng.uniform(0.8, 1.1)
    value = low + (high - low) * value + noise(size, float(rng.uniform(1, 3)), rng) * rng.uniform(0, 0.04)
    axis = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    value *= 1 + rng.uniform(-0.4, 0.2) * (axis[None] + axis[:, None]) / 2
    tint = 1 + rng.uniform(0, 1) * np.array([0.08, -0.02, -0.2], np.float32)
    return np.asarray(np.clip(value[..., None] * tint * 255, 0, 255), np.uint8)
