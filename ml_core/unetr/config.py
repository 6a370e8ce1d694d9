"""The hyperparameters of a UNETR, and the presets."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class UnetrConfig:
    """Everything that decides the network's graph; two equal configs have interchangeable weights.

    The decoder doubles the resolution once per entry of `decoder_channels`, so the logits have a stride of
    patch_size / 2 ** len(decoder_channels) pixels.
    """

    num_classes: int
    spatial_dims: int = 2
    """2: photos, RGB in 0..255. 3: volumes, intensities in 0..1."""
    in_channels: int = 3
    image_size: int = 256
    """Side of the square or cubic input in pixels; the learned positions are stored for this size."""
    patch_size: int = 16
    hidden_size: int = 768
    num_layers: int = 12
    num_heads: int = 12
    mlp_dim: int = 3072
    qkv_bias: bool = True
    """Whether queries, keys and values have a bias."""
    decoder_channels: tuple[int, ...] = (512, 256, 128, 64)
    """Channels of the decoder stages, coarse to fine."""
    stage_convs: int = 2
    """3x3 convolutions in a decoder stage after its inputs are concatenated."""
    residual_convs: tuple[int, ...] = ()
    """Residual 3x3 convolutions in each decoder stage after those (He et al. 2016). They are zero-initialised, so
    that a trained network without them can continue as one with them. Empty: none in any stage."""
    skip_channels: tuple[int, ...] | None = None
    """Channels of the three encoder skips, coarse to fine: each is brought to its stage's resolution by one
    transposed convolution. None: as in the paper, by a chain of 2x2 transposed and 3x3 convolutions with
    the stage's own channels."""
    released_skips: bool = False
    """That chain as the authors' code has it: no convolution after the first transposed one, `stage_convs` after
    each other. False: as the paper draws it, one after each."""
    stem_channels: tuple[int, ...] = ()
    """Channels of a convolutional stem of stride 2 a step: the patches are embedded from its last features,
    and each of its levels is the image's own skip at that resolution (Xiao et al. 2021, early convolutions).
    Empty: the patches are embedded from the pixels, and the image's skip is two convolutions at full size."""

    def __post_init__(self) -> None:
        if self.spatial_dims not in (2, 3):
            raise ValueError(f"spatial_dims {self.spatial_dims} is neither 2 nor 3")
        if self.hidden_size % self.num_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is not a multiple of num_heads {self.num_heads}"
            )
        if self.num_layers % 4:
            raise ValueError(
                f"num_layers {self.num_layers} is not a multiple of 4: there is a skip a quarter"
            )
        if self.image_size % self.patch_size:
            raise ValueError(
                f"image_size {self.image_size} is not a multiple of patch_size {self.patch_size}"
            )
        if self.patch_size & (self.patch_size - 1):
            raise ValueError(f"patch_size {self.patch_size} is not a power of two")
        steps = int(math.log2(self.patch_size))
        if not 3 <= len(self.decoder_channels) <= steps:
            raise ValueError(
                f"decoder_channels must have 3 to {steps} entries for patch_size {self.patch_size}"
            )
        if self.spatial_dims == 3 and len(self.decoder_channels) != steps:
            raise ValueError(f"volumes are decoded to full size: decoder_channels must have {steps} entries")
        if len(self.residual_convs) not in (0, len(self.decoder_channels)):
            raise ValueError("residual_convs has one entry for each of decoder_channels, or none at all")
        if len(self.stem_channels) >= steps:
            raise ValueError("the stem must leave a stride for the patch embedding")
        if self.skip_channels is not None and len(self.skip_channels) != 3:
            raise ValueError("skip_channels has three entries, one for each skip above the last layer")

    @property
    def grid(self) -> int:
        """Tokens along one side of the image."""
        return self.image_size // self.patch_size

    @property
    def skip_layers(self) -> tuple[int, int, int, int]:
        """Layers after which the decoder taps the encoder, counted from 1 (3, 6, 9 and 12 in the paper)."""
        quarter = self.num_layers // 4
        return quarter, 2 * quarter, 3 * quarter, 4 * quarter

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` reads them back."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "UnetrConfig":
        """Raises TypeError for an unknown or missing key, ValueError for a shape that cannot be built."""
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**fields)


PRESETS: dict[str, dict[str, Any]] = {
    # The first small one: the paper's decoder on a narrow encoder. Kept as the yardstick of the benchmarks.
    "plain": {
        "hidden_size": 192,
        "num_heads": 3,
        "mlp_dim": 512,
        "decoder_channels": (128, 64, 32, 16),
    },
    # The one that ships: two thirds of the plain one's time is its decoder, so this one ends at half
    # resolution, takes its skips in one step each, and shares the image's skip with the patch embedding.
    # Residual convolutions stand where they help most for their time, in the coarsest stage (docs/experiments.md).
    "lite": {
        "hidden_size": 192,
        "num_layers": 8,
        "num_heads": 3,
        "mlp_dim": 768,
        "decoder_channels": (96, 64, 32),
        "stage_convs": 1,
        "residual_convs": (2, 1, 1),
        "skip_channels": (64, 32, 16),
        "stem_channels": (16, 32),
    },
    # Grown from lite (ml_core.unetr.grow): a larger input, and a deeper coarsest stage.
    "base": {
        "image_size": 320,
        "hidden_size": 192,
        "num_layers": 8,
        "num_heads": 3,
        "mlp_dim": 768,
        "decoder_channels": (96, 64, 32),
        "stage_convs": 1,
        "residual_convs": (4, 1, 1),
        "skip_channels": (64, 32, 16),
        "stem_channels": (16, 32),
    },
    # ViT-Base, -Large and -Huge (Dosovitskiy et al. 2020) in patches of 16 pixels, with the decoder that the
    # figure of the UNETR paper shows: 86M, 303M and 631M parameters in the encoder.
    "full": {},
    "large": {"hidden_size": 1024, "num_layers": 24, "num_heads": 16, "mlp_dim": 4096},
    "huge": {"hidden_size": 1280, "num_layers": 32, "num_heads": 16, "mlp_dim": 5120},
    # The paper's own network for volumes of 96^3 voxels, feature size 16: with one channel and 14 classes 92.58M
    # parameters as published, which leaves out the learned positions.
    "unetr3d": {
        "spatial_dims": 3,
        "in_channels": 1,
        "image_size": 96,
        "qkv_bias": False,
        "decoder_channels": (128, 64, 32, 16),
        "released_skips": True,
    },
}


def preset(name: str, *, num_classes: int, image_size: int | None = None) -> UnetrConfig:
    """The config of a preset, at its own image size or another. Raises KeyError for an unknown name."""
    size = {} if image_size is None else {"image_size": image_size}
    return UnetrConfig(num_classes=num_classes, **{**PRESETS[name], **size})
