"""The encoder's weights from a pretrained ViT (Dosovitskiy et al. 2020).

Read are Google's .npz, as their repository publishes it for ViT-B/16, -L/16 and -H/14, and .safetensors in the naming
of timm or of transformers. The class token and the classification head are left out.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.layers import resize_grid
from ml_core.unetr.weights import Arrays, WeightsError, assign, read_arrays

Floats = NDArray[np.float32]

GOOGLE = {
    "patch": "embedding",
    "positions": "Transformer/posembed_input/pos_embedding",
    "block": "Transformer/encoderblock_{}/",
    "norm1": "LayerNorm_0",
    "qkv": "MultiHeadDotProductAttention_1/{}",
    "out": "MultiHeadDotProductAttention_1/out",
    "norm2": "LayerNorm_2",
    "mlp1": "MlpBlock_3/Dense_0",
    "mlp2": "MlpBlock_3/Dense_1",
    "final": "Transformer/encoder_norm",
}
TIMM = {
    "patch": "patch_embed.proj",
    "positions": "pos_embed",
    "block": "blocks.{}.",
    "norm1": "norm1",
    "qkv": "attn.qkv",
    "out": "attn.proj",
    "norm2": "norm2",
    "mlp1": "mlp.fc1",
    "mlp2": "mlp.fc2",
    "final": "norm",
}
TRANSFORMERS = {
    "patch": "embeddings.patch_embeddings.projection",
    "positions": "embeddings.position_embeddings",
    "block": "encoder.layer.{}.",
    "norm1": "layernorm_before",
    "qkv": "attention.attention.{}",
    "out": "attention.output.dense",
    "norm2": "layernorm_after",
    "mlp1": "intermediate.dense",
    "mlp2": "output.dense",
    "final": "layernorm",
}
LAYOUTS = (GOOGLE, TIMM, TRANSFORMERS)


def load_vit(model: keras.Model, config: UnetrConfig, path: Path) -> None:
    """Set the encoder of `model` to a pretrained ViT; its decoder stays as it is.

    The positions are interpolated to the grid of the config. Raises WeightsError.
    """
    if config.stem_channels or config.spatial_dims != 2 or not config.qkv_bias:
        raise WeightsError(f"{path}: a ViT starts a network of its shape: --preset full, large or huge")
    values = encoder_of(_read(path), config, path)
    encoder = ("patch_embedding", "positions", "layer", "final_norm")
    assign([weight for weight in model.weights if weight.path.startswith(encoder)], values, path)


def encoder_of(arrays: Arrays, config: UnetrConfig, path: Path) -> dict[str, Floats]:
    """The weights of a UNETR's encoder by name, from those of a ViT. Raises WeightsError."""
    given = {name.removeprefix("vit."): array for name, array in arrays.items()}
    layout = next((names for names in LAYOUTS if _leaf(names["patch"], "kernel", names) in given), None)
    if layout is None:
        raise WeightsError(f"{path}: no ViT in Google's, timm's or transformers' naming")
    weights = _Named(given, layout, path)
    hidden = config.hidden_size
    kernel = weights.kernel("patch")
    side = config.patch_size
    if kernel.shape != (side, side, config.in_channels, hidden):
        raise WeightsError(
            f"{path}: its patches are {kernel.shape}, those of the network "
            f"{(side, side, config.in_channels, hidden)}"
        )
    found = {
        "patch_embedding/kernel": kernel,
        "patch_embedding/bias": weights.read("patch", "bias").reshape(-1),
        "positions/table": _table(weights.array(layout["positions"]), config, path),
        "final_norm/gamma": weights.read("final", "gamma"),
        "final_norm/beta": weights.read("final", "beta"),
    }
    for layer in range(config.num_layers):
        name, block = f"layer{layer + 1}", layout["block"].format(layer)
        for norm in ("norm1", "norm2"):
            for leaf in ("gamma", "beta"):
                found[f"{name}_{norm}/{leaf}"] = weights.read(norm, leaf, block)
        for dense in ("mlp1", "mlp2"):
            found[f"{name}_{dense}/kernel"] = weights.kernel(dense, block)
            found[f"{name}_{dense}/bias"] = weights.read(dense, "bias", block)
        found[f"{name}_attention/qkv/kernel"] = weights.qkv("kernel", block)
        found[f"{name}_attention/qkv/bias"] = weights.qkv("bias", block)
        found[f"{name}_attention/out/kernel"] = weights.kernel("out", block).reshape(-1, hidden)
        found[f"{name}_attention/out/bias"] = weights.read("out", "bias", block)
    if any(name.startswith(layout["block"].format(config.num_layers)) for name in given):
        raise WeightsError(f"{path}: it has more than the network's {config.num_layers} layers")
    return found


class _Named:
    """The arrays of a file in one of the layouts."""

    def __init__(self, arrays: Arrays, layout: Mapping[str, str], path: Path) -> None:
        self.arrays, self.layout, self.path = arrays, layout, path

    def array(self, name: str) -> Floats:
        if name not in self.arrays:
            raise WeightsError(f"{self.path}: no weight named {name}")
        return np.asarray(self.arrays[name], np.float32)

    def read(self, part: str, leaf: str, block: str = "") -> Floats:
        return self.array(block + _leaf(self.layout[part], leaf, self.layout))

    def kernel(self, part: str, block: str = "", name: str | None = None) -> Floats:
        """(inputs, outputs), and the sides of a convolution before them; PyTorch has it the other way round."""
        array = self.array(block + _leaf(name or self.layout[part], "kernel", self.layout))
        if self.layout is GOOGLE:
            return array
        return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T

    def qkv(self, leaf: str, block: str) -> Floats:
        """Queries, keys and values side by side: (hidden, 3 * hidden) kernel or (3 * hidden) bias."""
        name = self.layout["qkv"]
        names = [name.format(part) for part in ("query", "key", "value")] if "{}" in name else [name]
        if leaf == "bias":
            parts = [self.array(block + _leaf(name, "bias", self.layout)).reshape(-1) for name in names]
            return np.concatenate(parts)
        kernels = [self.kernel("qkv", block, name) for name in names]
        return np.concatenate([kernel.reshape(len(kernel), -1) for kernel in kernels], axis=1)


def _leaf(name: str, leaf: str, layout: Mapping[str, str]) -> str:
    if layout is GOOGLE:
        return f"{name}/{'scale' if leaf == 'gamma' else 'bias' if leaf == 'beta' else leaf}"
    return f"{name}.{'bias' if leaf in ('beta', 'bias') else 'weight'}"


def _table(positions: Floats, config: UnetrConfig, path: Path) -> Floats:
    """(1, N, D) vectors, one for the class token perhaps before them -> (1, grid, grid, D)."""
    tokens = positions.shape[-2]
    side = int(np.sqrt(tokens))
    if positions.shape[-1] != config.hidden_size or tokens - side**2 not in (0, 1):
        raise WeightsError(f"{path}: positions of the shape {positions.shape} are of no square grid")
    grid = positions[:, tokens - side**2 :].reshape(1, side, side, -1)
    return np.asarray(resize_grid(grid, (config.grid, config.grid)), np.float32)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    if path.suffix != ".safetensors":
        return read_arrays(path)
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: {error}") from error
