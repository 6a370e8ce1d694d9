"""The devices of Keras' backend, and a training step spread over all of them and over several machines.

One device: a plain step. Several on JAX: `keras.distribution.DataParallel`, which computes what one device with the
joint batch would, on one machine or on several. Several on TensorFlow: `tf.distribute.MirroredStrategy`, where
batch statistics, Dice and gradient clipping are of each device's share of the batch.
"""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.uint8]
BACKEND: str = keras.config.backend()
JIT = BACKEND == "jax"
"""Whether to compile with XLA: JAX would else run operator by operator; for TensorFlow it costs time on a CPU."""


class Devices:
    """A single device; the base of those below.

    processes, process: how many take part in the run, one a machine, and which one this is.
    """

    count = 1
    processes, process = 1, 0

    def scope(self) -> AbstractContextManager[Any]:
        """Models that `step` trains are built and compiled in it."""
        return nullcontext()

    def step(self, model: keras.Model, images: Array, codes: Array) -> float:
        """Train on this process' share of a batch; returns the loss of the whole batch."""
        return float(model.train_on_batch(images, codes))

    def agree(self, values: Sequence[float]) -> Sequence[float]:
        """The first process' values, in all processes."""
        return values

    def told(self) -> str:
        """In words."""
        kind = "GPU" if gpus() else "CPU"
        machines = f" of {self.processes} machines" if self.processes > 1 else ""
        return f"{self.count} {kind}{'s' if self.count > 1 else ''}{machines}"

    def share(self, batch_size: int) -> range:
        """The rows of a batch that this process makes. Raises ValueError where they cannot be split evenly."""
        if batch_size % self.count:
            raise ValueError(
                f"a batch of {batch_size} cannot be split over {self.count} devices; give a multiple of them"
            )
        own = batch_size // self.processes
        return range(self.process * own, (self.process + 1) * own)


class JaxDevices(Devices):
    """All devices of all processes."""

    def __init__(self) -> None:
        import jax
        from jax.experimental.multihost_utils import broadcast_one_to_all

        self._broadcast = broadcast_one_to_all
        self.count = jax.device_count()
        self.processes, self.process = jax.process_count(), jax.process_index()
        self._distribution = keras.distribution.DataParallel(auto_shard_dataset=False)

    def scope(self) -> AbstractContextManager[Any]:
        scope: AbstractContextManager[Any] = self._distribution.scope()
        return scope

    def step(self, model: keras.Model, images: Array, codes: Array) -> float:
        with self.scope():
            return super().step(model, images, codes)

    def agree(self, values: Sequence[float]) -> Sequence[float]:
        if self.processes == 1:
            return values
        # as bytes, since JAX would make float32 of seconds
        sent = np.frombuffer(np.asarray(values, np.float64).tobytes(), np.uint8)
        received = np.asarray(self._broadcast(sent), np.uint8)
        return [float(value) for value in np.frombuffer(received.tobytes(), np.float64)]


class TensorFlowDevices(Devices):
    """All devices of this machine."""

    def __init__(self, names: Sequence[str]) -> None:
        import tensorflow as tf

        self._strategy = tf.distribute.MirroredStrategy(list(names))
        self.count = len(names)

    def scope(self) -> AbstractContextManager[Any]:
        scope: AbstractContextManager[Any] = self._strategy.scope()
        return scope

    def step(self, model: keras.Model, images: Array, codes: Array) -> float:
        model.reset_metrics()
        model.make_train_function()
        batch = (self._split(images), self._split(codes), None)
        summed = float(model.train_function(iter([batch]))["loss"])  # of the devices' losses
        return summed / self.count

    def _split(self, array: Array) -> Any:
        parts = np.split(array, self.count)
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: keras.ops.convert_to_tensor(parts[context.replica_id_in_sync_group])
        )


def gpus() -> int:
    """How many GPUs the backend sees on this machine."""
    match BACKEND:
        case "tensorflow":
            import tensorflow as tf

            return len(tf.config.list_physical_devices("GPU"))
        case "torch":
            import torch

            return int(torch.cuda.device_count())
        case "jax":
            import jax

            return sum(device.platform == "gpu" for device in jax.local_devices())
        case _:
            return 0


def all_devices() -> Devices:
    """What a run trains on: every GPU of this machine, or its CPU, and the machines that `join` found."""
    if BACKEND not in ("tensorflow", "jax"):
        return Devices()
    names = keras.distribution.list_devices()
    if len(names) == 1:
        return Devices()
    return JaxDevices() if BACKEND == "jax" else TensorFlowDevices(names)


def join() -> None:
    """Join the machines that KERAS_DISTRIBUTION_JOB_ADDRESSES, _NUM_PROCESSES and _PROCESS_ID name, if they are set.

    Before any computation. Raises ValueError with another backend than JAX, and where the others are not to be reached.
    """
    if not os.environ.get("KERAS_DISTRIBUTION_JOB_ADDRESSES"):
        return
    if BACKEND != "jax":
        raise ValueError("KERAS_DISTRIBUTION_JOB_ADDRESSES: several machines need KERAS_BACKEND=jax")
    import jax

    if not jax.distributed.is_initialized():
        try:
            keras.distribution.initialize()
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"the machines of KERAS_DISTRIBUTION_JOB_ADDRESSES: {reason}") from error
