"""UNETR for images and volumes: a ViT encoder, a convolutional decoder and skips between them.

Hatamizadeh et al. 2021, "UNETR: Transformers for 3D Medical Image Segmentation", in two dimensions or in three.
"""

import math

import keras
from keras import KerasTensor, layers, ops

from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.layers import LayerNorm, Positions, transformer_block

RESIDUAL = "residual"
"""Name prefix of zero-initialised residual layers."""

_CONV = {2: layers.Conv2D, 3: layers.Conv3D}
_DECONV = {2: layers.Conv2DTranspose, 3: layers.Conv3DTranspose}


def build_unetr(config: UnetrConfig, *, input_size: int | None = None) -> keras.Model:
    """A functional model: (B, S, S, 3) RGB in 0..255 -> (B, s, s, num_classes) float32 logits.

    In three dimensions (B, S, S, S, in_channels) intensities in 0..1 -> (B, s, s, s, num_classes).
    S is `input_size`, else the config's image_size; s is S divided by the stride of the logits. Models of
    one config but different input sizes have the same weights, so `set_weights` moves between them.
    Raises ValueError when `input_size` is not a multiple of the patch size.
    """
    size = input_size or config.image_size
    if size % config.patch_size:
        raise ValueError(f"input_size {size} is not a multiple of patch_size {config.patch_size}")
    dims = config.spatial_dims
    image = keras.Input((*(size,) * dims, config.in_channels), name="image")
    top = 255.0 if dims == 2 else 1.0
    pixels = layers.Rescaling(2 / top, offset=-1.0, name="normalise")(image)
    features = _image_features(pixels, config)
    skips = _encode(features[min(features)] if config.stem_channels else pixels, config)
    x = _decode(skips, features, config)
    logits = _CONV[dims](config.num_classes, 1, dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name="unetr")


def _image_features(pixels: KerasTensor, config: UnetrConfig) -> dict[int, KerasTensor]:
    """The image's own skips by their side in pixels: the stem's levels, or two convolutions at full size."""
    size = pixels.shape[1]
    if not config.stem_channels:
        x = _conv(pixels, config.decoder_channels[-1], name="image_conv1")
        return {size: _conv(x, config.decoder_channels[-1], name="image_conv2")}
    features, x = {}, pixels
    for step, channels in enumerate(config.stem_channels, start=1):
        x = _conv(x, channels, strides=2, name=f"stem{step}")
        features[size >> step] = x
    return features


def _encode(x: KerasTensor, config: UnetrConfig) -> list[KerasTensor]:
    """The ViT: (B, h, w, C) -> the four skips, deepest first, each (B, grid, grid, hidden_size)."""
    stride, conv = config.patch_size >> len(config.stem_channels), _CONV[config.spatial_dims]
    x = conv(config.hidden_size, stride, strides=stride, name="patch_embedding")(x)
    grid = x.shape[1:-1]
    x = Positions(grid=config.grid, name="positions")(x)
    # Matrices of (B * N, D), not (B, N, D): plain matrix products with their bias, in training and in ONNX.
    x = ops.reshape(x, (-1, config.hidden_size))
    skips = []
    for layer in range(1, config.num_layers + 1):
        x = transformer_block(
            x,
            tokens=math.prod(grid),
            num_heads=config.num_heads,
            mlp_dim=config.mlp_dim,
            qkv_bias=config.qkv_bias,
            name=f"layer{layer}",
        )
        if layer in config.skip_layers:
            tap = LayerNorm(name="final_norm")(x) if layer == config.num_layers else x
            skips.append(ops.reshape(tap, (-1, *grid, config.hidden_size)))
    return skips[::-1]


def _decode(skips: list[KerasTensor], features: dict[int, KerasTensor], config: UnetrConfig) -> KerasTensor:
    """Double the resolution stage by stage; each stage sees an encoder skip and the image where there is one."""
    x = skips[0]
    for stage, channels in enumerate(config.decoder_channels, start=1):
        name = f"stage{stage}"
        inputs = [_deconv(x, channels, name=f"{name}_up")]
        if stage < len(skips):
            inputs.append(_encoder_skip(skips[stage], stage, config, name=f"{name}_skip"))
        if inputs[0].shape[1] in features:
            inputs.append(features[inputs[0].shape[1]])
        x = layers.Concatenate(name=f"{name}_concat")(inputs) if len(inputs) > 1 else inputs[0]
        for step in range(1, config.stage_convs + 1):
            x = _conv(x, channels, name=f"{name}_conv{step}")
        residuals = config.residual_convs[stage - 1] if config.residual_convs else 0
        for step in range(1, residuals + 1):
            x = _residual(x, name=f"{name}_{RESIDUAL}{step}")
    return x


def _encoder_skip(x: KerasTensor, stage: int, config: UnetrConfig, *, name: str) -> KerasTensor:
    """Bring (B, grid, grid, hidden_size) to a stage's resolution, 2 ** stage times the grid."""
    if config.skip_channels is not None:
        return _deconv(x, config.skip_channels[stage - 1], factor=2**stage, name=name)
    channels = config.decoder_channels[stage - 1]
    for step in range(1, stage + 1):
        x = _deconv(x, channels, name=f"{name}_up{step}")
        if not config.released_skips:
            x = _conv(x, channels, name=f"{name}_conv{step}")
        elif step > 1:
            for number in range(1, config.stage_convs + 1):
                x = _conv(x, channels, name=f"{name}_conv{step}_{number}")
    return x


def _conv(x: KerasTensor, filters: int, *, strides: int = 1, name: str) -> KerasTensor:
    """3x3 convolution, batch normalisation (folded into the convolution at export), ReLU."""
    x = _CONV[len(x.shape) - 2](
        filters, 3, strides=strides, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)
    return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(momentum=0.98, name=f"{name}_norm")(x))


def _residual(x: KerasTensor, *, name: str) -> KerasTensor:
    """ReLU of a non-negative input plus its zero-initialised, normalised 3x3 convolution."""
    y = _CONV[len(x.shape) - 2](
        x.shape[-1], 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)
    y = layers.BatchNormalization(momentum=0.98, gamma_initializer="zeros", name=f"{name}_norm")(y)
    return layers.ReLU(name=f"{name}_relu")(x + y)


def _deconv(x: KerasTensor, filters: int, *, factor: int = 2, name: str) -> KerasTensor:
    """Transposed convolution whose kernel is its stride: each input pixel paints its own square or cube.

    Every output pixel sees one kernel position, so the fan-in is the input's channels alone; Keras' default
    would count the whole kernel and start the wide strides far too small.
    """
    scale = math.sqrt(1.0 / x.shape[-1])
    return _DECONV[len(x.shape) - 2](
        filters,
        factor,
        strides=factor,
        kernel_initializer=keras.initializers.RandomNormal(stddev=scale),
        name=name,
    )(x)
