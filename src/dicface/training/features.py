"""The task that learns face features from identities."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from dicface.config import TrainConfig
from dicface.data.batches import FaceBatch
from dicface.evaluation.metrics import verification_auc
from dicface.networks.blocks import channel_means
from dicface.networks.lightcnn import FaceRecogniser
from dicface.training.task import Column, Task, he_normal

LEAST_SHARE = 0.01
"""Share of a step in the running mean of the features' magnitude."""


class FeaturesTask(Task[FaceRecogniser]):
    """Trains LightCNN-9 to tell the people of the packs apart.

    Cosines between embeddings and one direction a person are the logits, the true person's less a margin, so that the
    features compare people who were never seen. A cosine does not care how large features are, but the feature loss of
    DICGAN does: they grow to 10^5 if left alone. So the weights that are written give features of mean magnitude 1.

    Source: the network is the released code's; its own face network was trained on other data. The margin loss is
    Wang et al., "CosFace: Large Margin Cosine Loss for Deep Face Recognition", 2018.
    """

    means: Tensor
    magnitude: Tensor

    def __init__(self, config: TrainConfig, people: int) -> None:
        super().__init__(config)
        self.network = FaceRecogniser(config.features.embedding)
        self.people = nn.Parameter(torch.randn(people, config.features.embedding))
        self.register_buffer("means", channel_means(), persistent=False)
        self.register_buffer("magnitude", torch.zeros(()))
        if config.run.initial_weights == "he-normal":
            he_normal(self.network)
        self._embeddings: list[tuple[Tensor, Tensor]] = []

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Cross-entropy of the scaled cosines."""
        settings = self.config.features
        features = self.network.features(batch.hr - self.means)
        share = max(LEAST_SHARE, 1 / (self.global_step + 1))
        self.magnitude.lerp_(features.detach().abs().mean().float(), share)
        embeddings = self.network.embed(features).float()
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
        """Write the weights, scaled so that features have a mean magnitude of about 1 on the faces trained with."""
        self.network.scale_features(1 / self.magnitude.item())
        self.magnitude.fill_(1)
        super().write_weights(path, notes)
