"""Several processes that train one network: what they share, sum and agree on. One alone is the simplest case."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor, nn

from rgaviz.errors import RgavizError


class Processes:
    """The processes of a training, started by torchrun, or this one alone.

    Attributes:
        device: this process's own.
        rank: of this process.
        count: number of processes.
        writes: whether this is the one that writes files.
    """

    def __init__(self, device: torch.device) -> None:
        self._accelerator = Accelerator(
            cpu=device.type == "cpu", mixed_precision="no"
        )  # autocast is the loop's
        self.device: torch.device = self._accelerator.device
        self.rank: int = self._accelerator.process_index
        self.count: int = self._accelerator.num_processes
        self.writes: bool = self._accelerator.is_main_process

    def share_batches(self, batch_size: int, images: int) -> None:
        """Refuse batches that these processes cannot share alike.

        Raises:
            RgavizError: no multiple, or not one whole batch.
        """
        if batch_size % self.count:
            raise RgavizError(
                f"train.batch_size = {batch_size} cannot be shared by {self.count} processes alike; choose a multiple."
            )
        if self.count > 1 and images < batch_size:
            raise RgavizError(
                f"{images} training images are less than one batch of {batch_size}, which several processes cannot "
                "share; use one process, or a smaller train.batch_size."
            )

    def prepare(self, module: nn.Module, sync_batchnorm: bool = False) -> nn.Module:
        """The module wrapped, so that its gradients are means over the processes.

        Args:
            module: in training mode or not.
            sync_batchnorm: whether batch normalisation is over all processes, too; PyTorch has that for GPUs.
        """
        if sync_batchnorm and self.count > 1:
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # in place, but for what is none itself
        return self._accelerator.prepare_model(module)

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss."""
        self._accelerator.backward(loss)

    def unshared(self, module: nn.Module) -> AbstractContextManager[Any]:
        """Within the block gradients stay with their process: more are to be added."""
        return self._accelerator.no_sync(module)

    def sum(self, value: Tensor) -> Tensor:
        """Over all processes, on the CPU."""
        if self.count == 1:
            return value
        dtype = torch.float32 if self.device.type == "mps" else value.dtype
        return self._accelerator.reduce(value.to(self.device, dtype), "sum").cpu()  # type: ignore[union-attr]

    def any(self, *flags: bool) -> list[bool]:
        """Whether each is true in any process; all ask at the same steps, so that they act together."""
        return [count > 0 for count in self.sum(torch.tensor(flags, dtype=torch.float32)).tolist()]

    def share_buffers(self, module: nn.Module) -> None:
        """Give every process the running statistics of the one that writes, which are those it saves."""
        if self.count > 1:
            broadcast(list(module.buffers()))

    def one_first(self) -> AbstractContextManager[Any]:
        """The others enter the block when the one that writes has left it."""
        return self._accelerator.main_process_first()

    def wait(self) -> None:
        """Until all are here."""
        self._accelerator.wait_for_everyone()
