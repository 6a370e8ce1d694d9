"""AdamW (Loshchilov and Hutter 2019), with a lower rate for the encoder where a run asks for it."""

from typing import Any

import keras
from keras import KerasTensor, ops

from ml_core.unetr.schedule import FitConfig

ENCODER = ("stem", "patch_embedding", "positions", "layer", "final_norm")
"""How the names of the encoder's layers begin."""

LOSS_SCALE = "loss_scale"
"""In the names of what only the optimizer of a run in float16 has."""

NOT_DECAYED = ["bias", "gamma", "beta", "table"]


class AdamW(keras.optimizers.Adam):  # type: ignore[misc]
    """Adam with decoupled weight decay; rate and decay of the encoder's variables are `encoder_rate` of the others'.

    Keras' own AdamW would decay all variables at the full rate.
    """

    def __init__(self, rate: float, *, decay: float, encoder_rate: float = 1.0, **kwargs: Any) -> None:
        # checkpoints have the variables by name, which Keras would otherwise number
        super().__init__(rate, name="adamw", **kwargs)
        self.decay, self.encoder_rate = decay, encoder_rate
        self.exclude_from_weight_decay(var_names=NOT_DECAYED)

    def update_step(self, gradient: KerasTensor, variable: KerasTensor, learning_rate: KerasTensor) -> None:
        path = self._trainable_variables[self._get_variable_index(variable)].path
        rate = ops.cast(learning_rate, variable.dtype)
        if path.startswith(ENCODER):
            rate = rate * self.encoder_rate
        if self._use_weight_decay(variable):
            self.assign_sub(variable, variable * self.decay * rate)
        super().update_step(gradient, variable, rate)


def build_optimizer(config: FitConfig, model: keras.Model) -> keras.optimizers.Optimizer:
    """For a model that computes in the config's precision. Call it in the scope of the model's devices."""
    optimizer = AdamW(
        config.learning_rate,
        decay=config.weight_decay,
        encoder_rate=config.encoder_rate,
        global_clipnorm=config.clip_norm,
        gradient_accumulation_steps=config.accumulate if config.accumulate > 1 else None,
    )
    if model.compute_dtype == "float16":
        return keras.optimizers.LossScaleOptimizer(optimizer, name=LOSS_SCALE)
    return optimizer
