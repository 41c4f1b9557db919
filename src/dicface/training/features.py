"""The task that learns face features from identities."""

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
"""On which the magnitude of finished features is measured."""


class FeaturesTask(Task[FaceRecogniser, FeaturesRun]):
    """Trains LightCNN-9 to tell the people of the packs apart.

    Cosines between embeddings and one direction a person are the logits, the true person's less a margin, so that the
    features compare people who were never seen. A cosine does not care how large features are, but the feature loss of
    DICGAN does: they grow to 10^5 if left alone. So the weights that are written give features of mean magnitude 1.

    Args:
        config: the whole run.
        identities: how many there are.
        faces: (N, 3, 128, 128) float in [0, 1], of those trained with; on them the magnitude is measured.

    Source: the network is the released code's; its own face network was trained on other data. The margin loss is
    Wang et al., "CosFace: Large Margin Cosine Loss for Deep Face Recognition", 2018.
    """

    config_type = FeaturesRun
    # It is measured over pairs, of which few faces make few.
    validation_faces: ClassVar[int] = 500
    means: Tensor

    def __init__(self, config: FeaturesRun, identities: int, faces: Tensor) -> None:
        super().__init__(config)
        self.network = FaceRecogniser(config.features.embedding)
        self.people = nn.Parameter(torch.randn(identities, config.features.embedding))
        self.register_buffer("means", channel_means(), persistent=False)
        if config.run.initial_weights == "he-normal":
            he_normal(self.network)
        self._faces = faces
        self._embeddings: list[tuple[Tensor, Tensor]] = []

    @classmethod
    def build(cls, config: FeaturesRun, train: FacePack) -> Self:
        """The task for the people of the pack."""
        known = cls.usable_faces(train)
        faces = nominal_batches(known, FACES_OF_SCALE)[0].hr
        return cls(config, identities=int(known.identities.max()) + 1, faces=faces)

    @classmethod
    def usable_faces(cls, pack: FacePack) -> FacePack:
        """The faces whose person is known."""
        known = pack.identified()
        if len(known) < 2 or len(set(known.identities)) in (1, len(known)):
            raise PackError(
                f"expected two people and two faces of one of them, got {len(known)} faces of "
                f"{len(set(known.identities))} known people"
            )
        return known

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Cross-entropy of the scaled cosines."""
        settings = self.config.features
        embeddings = self.network(batch.hr - self.means).float()
        with torch.autocast(self.device.type, enabled=False):  # bfloat16 knows 256 cosines below 1
            cosines = nn.functional.normalize(embeddings) @ nn.functional.normalize(self.people).T
        wanted = nn.functional.one_hot(batch.identities, len(self.people))
        loss = nn.functional.cross_entropy(settings.scale * (cosines - settings.margin * wanted), batch.identities)
        self.log("loss", loss, prog_bar=True)
        self.log("accuracy", (cosines.argmax(dim=1) == batch.identities).float().mean(), prog_bar=True)
        return loss

    def validation_step(self, batch: FaceBatch, index: int) -> dict[str, list[Column]]:
        """Collect embeddings of people who were not trained on."""
        self._embeddings.append((self.network(batch.hr - self.means).float(), batch.identities))
        return {"columns": []}

    def on_validation_epoch_end(self) -> None:
        """How often two pictures of one person are more alike than two of different people."""
        embeddings, identities = (torch.cat(parts).cpu().numpy() for parts in zip(*self._embeddings, strict=True))
        self._embeddings.clear()
        self.log("val_score", verification_auc(embeddings, identities), prog_bar=True)

    def write_weights(self, path: Path, notes: Mapping[str, str]) -> None:
        """Write the weights, scaled so that features have a mean magnitude of 1."""
        with torch.inference_mode():
            features = self.network.features(self._faces.to(self.means) - self.means)
        self.network.scale_features(1 / features.abs().mean().item())
        super().write_weights(path, notes)
