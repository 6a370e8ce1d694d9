"""Pretrained ViTs in three namings: the encoder answers what the ViT would, and a wrong file is refused in one line."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.model import build_unetr
from ml_core.unetr.vit import encoder_of, load_vit
from ml_core.unetr.weights import WeightsError, named

pytestmark = pytest.mark.slow

HIDDEN, HEADS, MLP, LAYERS, PATCH = 16, 2, 24, 4, 8
NET = UnetrConfig(
    num_classes=3,
    image_size=32,
    patch_size=PATCH,
    hidden_size=HIDDEN,
    num_layers=LAYERS,
    num_heads=HEADS,
    mlp_dim=MLP,
    decoder_channels=(8, 8, 8),
)


def google(side: int = 4) -> dict[str, NDArray[np.float32]]:
    """A made ViT as Google's repository writes one, for `side` x `side` patches."""
    rng = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "cls": (1, 1, HIDDEN),
        "embedding/kernel": (PATCH, PATCH, 3, HIDDEN),
        "embedding/bias": (HIDDEN,),
        "Transformer/posembed_input/pos_embedding": (1, side**2 + 1, HIDDEN),
        "Transformer/encoder_norm/scale": (HIDDEN,),
        "Transformer/encoder_norm/bias": (HIDDEN,),
        "head/kernel": (HIDDEN, 10),
        "head/bias": (10,),
    }
    for layer in range(LAYERS):
        block = f"Transformer/encoderblock_{layer}/"
        attention = f"{block}MultiHeadDotProductAttention_1/"
        for name in ("query", "key", "value"):
            shapes[f"{attention}{name}/kernel"] = (HIDDEN, HEADS, HIDDEN // HEADS)
            shapes[f"{attention}{name}/bias"] = (HEADS, HIDDEN // HEADS)
        shapes[f"{attention}out/kernel"] = (HEADS, HIDDEN // HEADS, HIDDEN)
        shapes[f"{attention}out/bias"] = (HIDDEN,)
        for name in ("LayerNorm_0", "LayerNorm_2"):
            shapes[f"{block}{name}/scale"] = shapes[f"{block}{name}/bias"] = (HIDDEN,)
        shapes[f"{block}MlpBlock_3/Dense_0/kernel"] = (HIDDEN, MLP)
        shapes[f"{block}MlpBlock_3/Dense_0/bias"] = (MLP,)
        shapes[f"{block}MlpBlock_3/Dense_1/kernel"] = (MLP, HIDDEN)
        shapes[f"{block}MlpBlock_3/Dense_1/bias"] = (HIDDEN,)
    return {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def pytorch(naming: str) -> dict[str, NDArray[np.float32]]:
    """The same ViT as timm or transformers names it: matrices the other way round."""
    given = google()
    timm = naming == "timm"
    found = {
        ("" if timm else "vit.embeddings.")
        + ("patch_embed.proj." if timm else "patch_embeddings.projection.")
        + "weight": given["embedding/kernel"].transpose(3, 2, 0, 1),
        ("patch_embed.proj.bias" if timm else "vit.embeddings.patch_embeddings.projection.bias"): given[
            "embedding/bias"
        ],
        ("pos_embed" if timm else "vit.embeddings.position_embeddings"): given[
            "Transformer/posembed_input/pos_embedding"
        ],
        ("norm.weight" if timm else "vit.layernorm.weight"): given["Transformer/encoder_norm/scale"],
        ("norm.bias" if timm else "vit.layernorm.bias"): given["Transformer/encoder_norm/bias"],
    }
    names = (
        {"LayerNorm_0": "norm1", "LayerNorm_2": "norm2", "Dense_0": "mlp.fc1", "Dense_1": "mlp.fc2"}
        if timm
        else {
            "LayerNorm_0": "layernorm_before",
            "LayerNorm_2": "layernorm_after",
            "Dense_0": "intermediate.dense",
            "Dense_1": "output.dense",
        }
    )
    for layer in range(LAYERS):
        old, new = (
            f"Transformer/encoderblock_{layer}/",
            f"blocks.{layer}." if timm else f"vit.encoder.layer.{layer}.",
        )
        for name in ("LayerNorm_0", "LayerNorm_2"):
            found[f"{new}{names[name]}.weight"] = given[f"{old}{name}/scale"]
            found[f"{new}{names[name]}.bias"] = given[f"{old}{name}/bias"]
        for name in ("Dense_0", "Dense_1"):
            found[f"{new}{names[name]}.weight"] = given[f"{old}MlpBlock_3/{name}/kernel"].T
            found[f"{new}{names[name]}.bias"] = given[f"{old}MlpBlock_3/{name}/bias"]
        attention = f"{old}MultiHeadDotProductAttention_1/"
        parts = ("query", "key", "value")
        kernels = [given[f"{attention}{part}/kernel"].reshape(HIDDEN, HIDDEN).T for part in parts]
        biases = [given[f"{attention}{part}/bias"].reshape(HIDDEN) for part in parts]
        out = "attn.proj" if timm else "attention.output.dense"
        found[f"{new}{out}.weight"] = given[f"{attention}out/kernel"].reshape(HIDDEN, HIDDEN).T
        found[f"{new}{out}.bias"] = given[f"{attention}out/bias"]
        if timm:
            found[f"{new}attn.qkv.weight"] = np.concatenate(kernels)
            found[f"{new}attn.qkv.bias"] = np.concatenate(biases)
        else:
            for part, kernel, bias in zip(parts, kernels, biases, strict=True):
                found[f"{new}attention.attention.{part}.weight"] = kernel
                found[f"{new}attention.attention.{part}.bias"] = bias
    return {name: np.ascontiguousarray(value) for name, value in found.items()}


def test_attention_is_that_of_the_vit() -> None:
    """Worked out by hand from Google's arrays, head by head."""
    given = google()
    model = build_unetr(NET)
    values = encoder_of(given, NET, Path("vit.npz"))
    layer = model.get_layer("layer1_attention")
    for weight in layer.weights:
        weight.assign(values[weight.path])
    x = np.random.default_rng(1).normal(0, 1, (16, HIDDEN)).astype(np.float32)
    block = "Transformer/encoderblock_0/MultiHeadDotProductAttention_1/"
    query, key, value = (
        np.einsum("nd,dhw->hnw", x, given[f"{block}{part}/kernel"]) + given[f"{block}{part}/bias"][:, None]
        for part in ("query", "key", "value")
    )
    scores = np.einsum("hnw,hmw->hnm", query, key) / np.sqrt(HIDDEN // HEADS)
    shares = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    mixed = np.einsum("hnm,hmw->nhw", shares, value)
    wanted = np.einsum("nhw,hwd->nd", mixed, given[f"{block}out/kernel"]) + given[f"{block}out/bias"]
    np.testing.assert_allclose(np.asarray(layer(x)), wanted, atol=1e-4)


def test_the_three_namings_give_the_same_encoder_and_leave_the_decoder(tmp_path: Path) -> None:
    np.savez(tmp_path / "google.npz", **google())  # type: ignore[arg-type]
    for naming in ("timm", "transformers"):
        save_file(pytorch(naming), tmp_path / f"{naming}.safetensors")
    model, found = build_unetr(NET), []
    decoder = named(model.get_layer("logits").weights)
    for name in ("google.npz", "timm.safetensors", "transformers.safetensors"):
        load_vit(model, NET, tmp_path / name)
        found.append(named(model.weights))
    for other in found[1:]:
        for path, value in found[0].items():
            np.testing.assert_array_equal(other[path], value, err_msg=path)
    np.testing.assert_array_equal(found[0]["logits/kernel"], decoder["logits/kernel"])
    np.testing.assert_array_equal(
        found[0]["positions/table"].reshape(16, HIDDEN),
        google()["Transformer/posembed_input/pos_embedding"][0, 1:],
    )


def test_positions_of_another_size_are_interpolated() -> None:
    table = encoder_of(google(side=2), NET, Path("vit.npz"))["positions/table"]
    assert table.shape == (1, 4, 4, HIDDEN)
    corners = google(side=2)["Transformer/posembed_input/pos_embedding"][0, 1:]
    np.testing.assert_allclose(table[0, 0, 0], corners[0], atol=1e-6)
    np.testing.assert_allclose(table[0, 1, 1], corners.T @ [9 / 16, 3 / 16, 3 / 16, 1 / 16], atol=1e-5)


def without(name: str) -> dict[str, NDArray[Any]]:
    return {key: value for key, value in google().items() if key != name}


@pytest.mark.parametrize(
    ("arrays", "net", "message"),
    [
        ({"a": np.zeros(3)}, NET, "no ViT in Google's, timm's or transformers' naming"),
        (without("Transformer/encoder_norm/scale"), NET, "no weight named Transformer/encoder_norm/scale"),
        (google(), replace(NET, hidden_size=32), r"its patches are \(8, 8, 3, 16\)"),
        (google(), replace(NET, num_layers=8), "no weight named Transformer/encoderblock_4"),
        (google(), replace(NET, num_layers=4, mlp_dim=12), r"layer1_mlp1/kernel is \(16, 24\)"),
        (google(), replace(NET, stem_channels=(8,)), "--preset full, large or huge"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(
    arrays: dict[str, NDArray[Any]], net: UnetrConfig, message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "vit.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match=message) as caught:
        load_vit(build_unetr(net), net, tmp_path / "vit.npz")
    assert "\n" not in str(caught.value)


def test_more_layers_than_the_network_has_are_refused() -> None:
    more = google()
    more |= {
        name.replace("encoderblock_0", "encoderblock_4"): value
        for name, value in more.items()
        if "encoderblock_0" in name
    }
    with pytest.raises(WeightsError, match="more than the network's 4 layers"):
        encoder_of(more, NET, Path("vit.npz"))


def test_a_broken_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "vit.safetensors").write_bytes(b"no such thing")
    with pytest.raises(WeightsError, match=r"vit\.safetensors: "):
        load_vit(build_unetr(NET), NET, tmp_path / "vit.safetensors")
