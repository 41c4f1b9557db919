"""Trained networks by name, path or id of the hub, and folders for the hub (ADR 40)."""

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from huggingface_hub import ModelCard, ModelHubMixin

from dicface.errors import UsageError

if TYPE_CHECKING:
    from dicface.networks.dic import DICNetwork


class Pretrained(ModelHubMixin):
    """Loading and saving of `DICNetwork`. `push_to_hub`, of `huggingface_hub`, uploads what `save_pretrained` writes.

    Other rooms read and write the files; nothing of them is imported before that.
    """

    @classmethod
    def from_pretrained(  # pyright: ignore[reportIncompatibleMethodOverride] - loads strictly, or not at all
        cls, name: "str | os.PathLike[str]", *, revision: str | None = None
    ) -> "DICNetwork":
        """Load a trained network.

        >>> import torch
        >>> from dicface.networks.dic import DICNetwork
        >>> network = DICNetwork.from_pretrained("lite")
        >>> network(torch.zeros(1, 3, 24, 24)).sr.shape[2:]
        torch.Size([3, 128, 128])

        Args:
            name: name of an embedded model (`lite`), path of a file (.safetensors), of a run's folder, of a
                checkpoint in it (.ckpt) or of a folder of `save_pretrained`, or id of a repository of the Hugging Face
                hub (`owner/name`). Only an id is looked up on the hub, and only its weights are downloaded, once.
            revision: branch, tag or commit of the repository; None for its main branch.

        Returns:
            The network in evaluation mode, on the CPU.

        Raises:
            UnknownModelError: none of these.
            UsageError: a `revision` of something else than a repository.
            CheckpointError: the file holds no DIC network. Nothing in it is executed.
        """
        from dicface.checkpoints.hub import download_weights, is_hub_id
        from dicface.checkpoints.networks import load_network
        from dicface.runtime.models import find_network

        if is_hub_id(name):
            return load_network(download_weights(str(name), revision=revision))
        if revision is not None:
            raise UsageError(f"expected the id of a repository (owner/name) beside a revision, got {str(name)!r}")
        return load_network(find_network(name))

    def save_pretrained(self, save_directory: "str | os.PathLike[str]", **options: Any) -> str | None:
        """Write a folder that `from_pretrained` loads and the hub takes: weights, configuration and README.md.

        Args:
            save_directory: the folder; created if missing. Its README.md is kept if there is one.
            options: of `ModelHubMixin.save_pretrained`, such as `push_to_hub` and `repo_id`.

        Returns:
            Address of the commit on the hub; None without `push_to_hub`.

        Raises:
            OutputError: the folder holds a training run.
        """
        from dicface.checkpoints.hub import check_hub_folder

        check_hub_folder(save_directory)
        return super().save_pretrained(os.fspath(save_directory), **options)

    def _save_pretrained(self, save_directory: "os.PathLike[str]") -> None:
        from dicface.checkpoints.networks import save_published

        save_published(self._network(), save_directory)

    def generate_model_card(self, *_: Any, **__: Any) -> ModelCard:
        """A README.md that says what is known from the network alone, and what its author has to add."""
        from dicface.runtime.hub_cards import network_card

        network = self._network()
        parameters = sum(parameter.numel() for parameter in network.parameters())
        return ModelCard(network_card(asdict(network.config), parameters=parameters))

    def _network(self) -> "DICNetwork":
        from dicface.networks.dic import DICNetwork

        assert isinstance(self, DICNetwork)
        return self
