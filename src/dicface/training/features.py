"""The task `features`."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from dicface.data.batches import FaceBatch, nominal_batches
from dicface.data.packs import FacePack
from dicface.errors import PackError
from dicface.evaluation.metrics import verification_auc
from dicface.networks.blocks import channel_means
from dicface.networks.lightcnn import FaceRecogniser
from dicface.training.config import FeaturesRun
from dicface.training.task import Column, Task, he_normal

FACES_OF_SCALE = 50
"""Number of faces on which the magnitude of the trained features is measured."""


class FeaturesTask(Task[FaceRecogniser, FeaturesRun]):
    """Trains LightCNN-9 to classify the identities of the packs.

    The logits are cosines between embeddings and one learned direction per identity. A margin is subtracted from that
    of the true identity, so that the features also separate identities outside the training data. Cosines do not depend
    on the magnitude of the features, which grows to 10^5, while DICGAN's feature loss does. Written weights are
    therefore scaled to features of mean magnitude 1.

    Args:
        config: config of the run.
        identities: number of identities.
        faces: (N, 3, 128, 128) float RGB in [0, 1], training faces on which the magnitude is measured.

    Source: the network is the released code's; its own face network was trained on other data. The margin loss is
    Wang et al., "CosFace: Large Margin Cosine Loss for Deep Face Recognition", 2018.
    """

    config_type = FeaturesRun
    # More than for other tasks: the AUC is over pairs of faces of one identity, which are few.
    validation_faces: ClassVar[int] = 500
    means: Tensor

    def __init__(self, config: FeaturesRun, identities: int, faces: Tensor) -> None:
        super().__init__(config)
        self.network = FaceRecogniser(config.features.embedding)
        # The name is that in checkpoints.
        self.people = nn.Parameter(torch.randn(identities, config.features.embedding))
        self.register_buffer("means", channel_means(), persistent=False)
        if config.run.initial_weights == "he-normal":
            he_normal(self.network)
        self._faces = faces
        self._embeddings: list[tuple[Tensor, Tensor]] = []

    @classmethod
    def build(cls, config: FeaturesRun, train: FacePack) -> Self:
        """Create the untrained task for the identities of the pack."""
        known = cls.usable_faces(train)
        faces = nominal_batches(known, FACES_OF_SCALE)[0].hr
        return cls(config, identities=int(known.identities.max()) + 1, faces=faces)

    @classmethod
    def usable_faces(cls, pack: FacePack) -> FacePack:
        """The faces of known identity.

        Raises:
            PackError: fewer than two identities, or none with two faces.
        """
        known = pack.identified()
        if len(known) < 2 or len(set(known.identities)) in (1, len(known)):
            raise PackError(
                f"expected two identities and two faces of one of them, got {len(known)} faces of "
                f"{len(set(known.identities))} known identities"
            )
        return known

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Cross-entropy of the scaled cosines, a scalar."""
        settings = self.config.features
        embeddings = self.network(batch.hr - self.means).float()
        with torch.autocast(self.device.type, enabled=False):  # bfloat16 has 8 bits of precision
            cosines = nn.functional.normalize(embeddings) @ nn.functional.normalize(self.people).T
        wanted = nn.functional.one_hot(batch.identities, len(self.people))
        loss = nn.functional.cross_entropy(settings.scale * (cosines - settings.margin * wanted), batch.identities)
        self.log("loss", loss, prog_bar=True)
        self.log("accuracy", (cosines.argmax(dim=1) == batch.identities).float().mean(), prog_bar=True)
        return loss

    def validation_step(self, batch: FaceBatch, index: int) -> dict[str, list[Column]]:
        """Collect the embeddings of validation faces."""
        self._embeddings.append((self.network(batch.hr - self.means).float(), batch.identities))
        return {"columns": []}

    def on_validation_epoch_end(self) -> None:
        """Log `val_score`, the AUC of `verification_auc`."""
        embeddings, identities = (torch.cat(parts).cpu().numpy() for parts in zip(*self._embeddings, strict=True))
        self._embeddings.clear()
        self.log("val_score", verification_auc(embeddings, identities), prog_bar=True)

    def write_weights(self, path: Path, notes: Mapping[str, str]) -> None:
        """Write the weights, scaled to features of mean magnitude 1."""
        with torch.inference_mode():
            features = self.network.features(self._faces.to(self.means) - self.means)
        self.network.scale_features(1 / features.abs().mean().item())
        super().write_weights(path, notes)
