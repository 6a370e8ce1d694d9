"""Continue as a larger network that answers at first what the smaller one answers.

Parts that are not in the smaller network keep their random initialisation wherever nothing reads them yet: of a wider
layer, the old outputs ignore the new inputs; a new transformer layer adds zero to its residual, and a new residual
convolution is zero already. All of them learn from the first step on, as in Net2Net (Chen et al. 2016).
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.layers import resize_grid
from ml_core.unetr.model import RESIDUAL
from ml_core.unetr.weights import Arrays, WeightsError, assign, named, read_arrays

HEAD = "logits/"
"""Path of the last layer's variables."""

Floats = NDArray[np.float32]
Segment = tuple[int, int]
"""Channels of one part of a layer's input, in the smaller and in the larger network."""


def go_on(
    model: keras.Model, net: UnetrConfig, weights: Path, before: UnetrConfig | None, *, new_head: bool = False
) -> list[str]:
    """Start `model`, built of `net`, from a file of weights: as they are, or of a smaller network, `before`.

    before: None for the same network.
    new_head: the last layer keeps its random weights, for other classes. Positions are interpolated for another size.
    Returns what was adapted, for the user. Raises WeightsError.
    """
    values, told = read_arrays(weights), list[str]()
    if new_head:
        values.update({name: value for name, value in named(model.weights).items() if name.startswith(HEAD)})
        before = replace(before, num_classes=net.num_classes) if before else None
        told.append("the classes are others: the last layer starts anew")
    if before and before.image_size != net.image_size:
        told.append(f"positions interpolated from {before.image_size} to {net.image_size} pixels")
    if before is None or replace(before, residual_convs=net.residual_convs) == net:
        assign(model.weights, values, weights, may_lack=RESIDUAL)
    else:
        grow(model, net, values, before, weights, new_head=new_head)
    return told


def grow(
    model: keras.Model,
    large: UnetrConfig,
    values: Arrays,
    small: UnetrConfig,
    source: Path,
    *,
    new_head: bool = False,
) -> None:
    """Set the weights of `model`, built of `large`, to those of the network `small`, read from `source`.

    Raises WeightsError where `large` is not `small` with more layers, wider MLPs, wider or deeper decoder stages, or
    another image size.
    """
    _check(small, large, source)
    layers = _layers(small, large)
    grown: dict[str, Floats] = {}
    for variable in model.weights:
        path = variable.path
        own: Floats = np.array(keras.ops.convert_to_numpy(variable), np.float32)
        old = values.get(_renamed(path, layers))
        if new_head and path.startswith(HEAD):
            pass
        elif path == "positions/table" and old is not None:
            own = np.asarray(resize_grid(old.astype(np.float32), own.shape[1:-1]))
        elif old is not None:
            transposed = "transpose" in type(model.get_layer(path.split("/")[0])).__name__.lower()
            inputs = _inputs(path.split("/")[0], small, large)
            own = _widened(own, old.astype(np.float32), inputs, transposed=transposed)
        elif path.endswith(("attention/out/kernel", "attention/out/bias", "mlp2/kernel", "mlp2/bias")):
            own = np.zeros_like(own)
        grown[path] = own
    assign(model.weights, grown, source)


def _check(small: UnetrConfig, large: UnetrConfig, source: Path) -> None:
    same = "num_classes spatial_dims in_channels patch_size hidden_size num_heads qkv_bias stage_convs released_skips"
    for name in same.split():
        if getattr(small, name) != getattr(large, name):
            raise WeightsError(
                f"{source}: {name} is {getattr(small, name)}, which cannot grow to {getattr(large, name)}"
            )
    wider: list[tuple[str, Sequence[int], Sequence[int]]] = [
        ("num_layers", [small.num_layers], [large.num_layers]),
        ("mlp_dim", [small.mlp_dim], [large.mlp_dim]),
        ("decoder_channels", small.decoder_channels, large.decoder_channels),
        ("stem_channels", small.stem_channels, large.stem_channels),
        ("skip_channels", small.skip_channels or (), large.skip_channels or ()),
    ]
    if small.residual_convs:
        wider.append(("residual_convs", small.residual_convs, large.residual_convs))
    for name, before, after in wider:
        if len(before) != len(after) or any(a > b for a, b in zip(before, after, strict=True)):
            raise WeightsError(f"{source}: {name} is {list(before)}, which cannot grow to {list(after)}")


def _layers(small: UnetrConfig, large: UnetrConfig) -> dict[str, str]:
    """layerN of the larger network -> layerM of the smaller: each quarter begins with the old ones."""
    old, new = small.num_layers // 4, large.num_layers // 4
    return {
        f"layer{quarter * new + step}": f"layer{quarter * old + step}"
        for quarter in range(4)
        for step in range(1, old + 1)
    }


def _renamed(path: str, layers: dict[str, str]) -> str:
    """The path of a weight in the smaller network; one that no weight has for a new layer."""
    found = re.match(r"layer\d+", path)
    return path if found is None else layers.get(found[0], "new") + path[found.end() :]


def _inputs(layer: str, small: UnetrConfig, large: UnetrConfig) -> list[Segment] | None:
    """The parts that a stage's first convolution reads, concatenated; None for a layer with one input."""
    found = re.fullmatch(r"stage(\d+)_conv1", layer)
    if found is None:
        return None
    stage = int(found[1])
    return list(zip(_concatenated(small, stage), _concatenated(large, stage), strict=True))


def _concatenated(config: UnetrConfig, stage: int) -> list[int]:
    parts = [config.decoder_channels[stage - 1]]
    if stage < len(config.skip_layers):
        parts.append((config.skip_channels or config.decoder_channels)[stage - 1])
    stride = config.patch_size >> stage
    images = {2**step: channels for step, channels in enumerate(config.stem_channels, start=1)}
    images = images or {1: config.decoder_channels[-1]}
    return [*parts, images[stride]] if stride in images else parts


def _widened(own: Floats, old: Floats, inputs: list[Segment] | None, *, transposed: bool) -> Floats:
    """`own`, as it was initialised, with `old` in it; the old outputs read none of the new inputs."""
    if own.ndim < 2:
        own[: len(old)] = old
        return own
    kernel, before = (np.swapaxes(array, -1, -2) if transposed else array for array in (own, old))
    outputs = before.shape[-1]
    segments = inputs or [(before.shape[-2], kernel.shape[-2])]
    starts = [
        list(pairwise(np.cumsum([0, *(part[which] for part in segments)]).tolist())) for which in (0, 1)
    ]
    kernel[..., :outputs] = 0
    for (first, last), (start, _) in zip(*starts, strict=True):
        kernel[..., start : start + last - first, :outputs] = before[..., first:last, :]
    return own
