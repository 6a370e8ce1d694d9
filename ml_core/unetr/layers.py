"""The encoder's layers, written so that the exported graph holds only operators ONNX Runtime fuses.

`keras.layers.LayerNormalization`, `activation="gelu"` and einsum attention all work in Keras, but lower to
operator soups (or, for GELU, to an operator tf2onnx cannot convert); the plain forms below become the
LayerNormalization, Gelu and MatMul kernels of ONNX Runtime.
"""

import math
from typing import Any

import keras
from keras import KerasTensor, ops


def gelu(x: KerasTensor) -> KerasTensor:
    """The exact GELU, x * Phi(x) (Hendrycks and Gimpel 2016), by the error function."""
    return 0.5 * (x * (1.0 + ops.erf(x / math.sqrt(2.0))))


@keras.saving.register_keras_serializable("unetr")
class LayerNorm(keras.layers.Layer):  # type: ignore[misc]
    """Layer normalisation over the last axis (Ba et al. 2016), computed in float32."""

    def __init__(self, *, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.gamma = self.add_weight(name="gamma", shape=(input_shape[-1],), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="zeros")

    def call(self, x: KerasTensor) -> KerasTensor:
        wide = ops.cast(x, "float32")
        centred = wide - ops.mean(wide, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
        normal = centred / ops.sqrt(variance + self.epsilon)
        return ops.cast(normal * ops.cast(self.gamma, "float32") + ops.cast(self.beta, "float32"), x.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon}


def resize_grid(table: KerasTensor, sides: tuple[int, ...]) -> KerasTensor:
    """A (1, h, w, D) or (1, d, h, w, D) grid of vectors, interpolated linearly to other sides."""
    if len(sides) == 2:
        return ops.image.resize(table, sides, interpolation="bilinear")
    depth, height, width = sides
    slices = ops.image.resize(table[0], (height, width), interpolation="bilinear")  # (d, H, W, D)
    columns = ops.reshape(slices, (1, slices.shape[0], height * width, -1))
    columns = ops.image.resize(columns, (depth, height * width), interpolation="bilinear")
    return ops.reshape(columns, (1, *sides, -1))


@keras.saving.register_keras_serializable("unetr")
class Positions(keras.layers.Layer):  # type: ignore[misc]
    """Add one learned vector to each token of a (B, h, w, D) or (B, d, h, w, D) grid.

    The vectors are kept for `grid` tokens a side; a grid of another size gets them interpolated, as
    Dosovitskiy et al. 2020 do when they fine-tune at another resolution.
    """

    def __init__(self, *, grid: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.grid = grid

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.table = self.add_weight(
            name="table",
            shape=(1, *(self.grid,) * (len(input_shape) - 2), input_shape[-1]),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        )

    def call(self, x: KerasTensor) -> KerasTensor:
        if x.shape[1:-1] == self.table.shape[1:-1]:
            return x + self.table
        return x + ops.cast(resize_grid(ops.cast(self.table, "float32"), x.shape[1:-1]), x.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "grid": self.grid}


@keras.saving.register_keras_serializable("unetr")
class SelfAttention(keras.layers.Layer):  # type: ignore[misc]
    """Multi-head self-attention (Vaswani et al. 2017) among each image's `tokens` rows of (B * N, D).

    Each head is hidden_size / num_heads wide.
    """

    def __init__(self, *, num_heads: int, tokens: int, qkv_bias: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_heads, self.tokens, self.qkv_bias = num_heads, tokens, qkv_bias

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        hidden_size = input_shape[-1]
        assert hidden_size is not None
        self.hidden_size = hidden_size
        self.qkv = keras.layers.Dense(
            3 * hidden_size, use_bias=self.qkv_bias, name="qkv", dtype=self.dtype_policy
        )
        self.qkv.build(input_shape)
        self.out = keras.layers.Dense(hidden_size, name="out", dtype=self.dtype_policy)
        self.out.build(input_shape)

    def call(self, x: KerasTensor) -> KerasTensor:
        width = self.hidden_size // self.num_heads

        def heads(part: KerasTensor, axes: tuple[int, ...]) -> KerasTensor:
            return ops.transpose(ops.reshape(part, (-1, self.tokens, self.num_heads, width)), axes)

        query, key, value = ops.split(self.qkv(x), 3, axis=-1)  # each (B * N, D)
        query = heads(query, (0, 2, 1, 3))  # (B, H, N, d)
        key = heads(key, (0, 2, 3, 1))  # (B, H, d, N)
        value = heads(value, (0, 2, 1, 3))  # (B, H, N, d)
        weights = ops.softmax(ops.matmul(query, key) * (1.0 / math.sqrt(width)), axis=-1)  # (B, H, N, N)
        mixed = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))  # (B, N, H, d)
        return self.out(ops.reshape(mixed, (-1, self.hidden_size)))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """That of the input, which JAX cannot find out by tracing a batch of unknown size."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"num_heads": self.num_heads, "tokens": self.tokens, "qkv_bias": self.qkv_bias}
        return {**super().get_config(), **own}


def transformer_block(
    x: KerasTensor, *, tokens: int, num_heads: int, mlp_dim: int, qkv_bias: bool, name: str
) -> KerasTensor:
    """One pre-norm encoder block on (B * N, D) tokens: attention and MLP, each on a normalised residual."""
    attention = SelfAttention(num_heads=num_heads, tokens=tokens, qkv_bias=qkv_bias, name=f"{name}_attention")
    x = x + attention(LayerNorm(name=f"{name}_norm1")(x))
    y = keras.layers.Dense(mlp_dim, name=f"{name}_mlp1")(LayerNorm(name=f"{name}_norm2")(x))
    return x + keras.layers.Dense(x.shape[-1], name=f"{name}_mlp2")(gelu(y))
