"""How many parameters a network has, worked out from its config: nothing is built or allocated."""

from dataclasses import dataclass
from itertools import pairwise

from ml_core.unetr.config import UnetrConfig


@dataclass(frozen=True)
class Parameters:
    """Trainable parameters of a UNETR, by part.

    embedding  of the patches, with the convolutional stem if there is one
    positions  the learned vectors of the tokens
    blocks     the transformer and its last normalisation
    decoder    skips, stages and logits
    """

    embedding: int
    positions: int
    blocks: int
    decoder: int

    @property
    def encoder(self) -> int:
        """The ViT without a classification head."""
        return self.embedding + self.positions + self.blocks

    @property
    def total(self) -> int:
        """All of them."""
        return self.encoder + self.decoder


def parameters(config: UnetrConfig) -> Parameters:
    """The counts of the network that `build_unetr` makes of a config."""
    dims, hidden, mlp = config.spatial_dims, config.hidden_size, config.mlp_dim
    stem = [config.in_channels, *config.stem_channels]
    stride = config.patch_size >> len(config.stem_channels)
    block = 4 * hidden**2 + hidden + 3 * hidden * config.qkv_bias  # attention
    block += 2 * hidden * mlp + mlp + hidden  # MLP
    block += 4 * hidden  # two normalisations
    return Parameters(
        embedding=sum(_conv(a, b, dims) for a, b in pairwise(stem))
        + stride**dims * stem[-1] * hidden
        + hidden,
        positions=config.grid**dims * hidden,
        blocks=config.num_layers * block + 2 * hidden,
        decoder=_decoder(config),
    )


def _decoder(config: UnetrConfig) -> int:
    dims, last = config.spatial_dims, config.decoder_channels[-1]
    images = {2**step: channels for step, channels in enumerate(config.stem_channels, start=1)}
    count = 0
    if not images:
        images = {1: last}
        count = _conv(config.in_channels, last, dims) + _conv(last, last, dims)
    above = config.hidden_size
    for stage, channels in enumerate(config.decoder_channels, start=1):
        count += _deconv(above, channels, dims)
        inputs = channels + images.get(config.patch_size >> stage, 0)
        if stage < len(config.skip_layers):
            skip, parameters = _skip(config, stage)
            inputs, count = inputs + skip, count + parameters
        for _ in range(config.stage_convs):
            count, inputs = count + _conv(inputs, channels, dims), channels
        residuals = config.residual_convs[stage - 1] if config.residual_convs else 0
        count += residuals * _conv(channels, channels, dims)
        above = inputs
    return count + (above + 1) * config.num_classes


def _skip(config: UnetrConfig, stage: int) -> tuple[int, int]:
    """Channels of an encoder skip at its stage, and its parameters."""
    dims = config.spatial_dims
    if config.skip_channels is not None:
        channels = config.skip_channels[stage - 1]
        return channels, _deconv(config.hidden_size, channels, dims, factor=2**stage)
    channels = config.decoder_channels[stage - 1]
    convs = (stage - 1) * config.stage_convs if config.released_skips else stage
    deconvs = _deconv(config.hidden_size, channels, dims) + (stage - 1) * _deconv(channels, channels, dims)
    return channels, deconvs + convs * _conv(channels, channels, dims)


def _conv(inputs: int, outputs: int, dims: int) -> int:
    """A convolution of 3 pixels a side without bias, and its batch normalisation."""
    return int(3**dims) * inputs * outputs + 2 * outputs


def _deconv(inputs: int, outputs: int, dims: int, *, factor: int = 2) -> int:
    return int(factor**dims) * inputs * outputs + outputs
