"""The task `dicgan`."""

from torch import Tensor, nn
from torch.func import functional_call

from dicface.checkpoints.networks import load_strictly
from dicface.data.batches import FaceBatch
from dicface.errors import CheckpointError, ConfigError
from dicface.networks.lightcnn import Discriminator, LightCNNFeatures
from dicface.training.config import DICGANRun
from dicface.training.dic import DICTask, psnr_db
from dicface.training.losses import adversarial_loss, discriminator_loss
from dicface.training.task import he_normal
from dicface.training.weights import part_of, read_weights


class DICGANTask(DICTask):
    """Trains DIC and a discriminator against each other, both in one optimiser step (ADR 8).

    Source: the paper's objective for DICGAN: DIC's loss, feature loss and vanilla GAN on the last step's image.
    """

    config_type = DICGANRun

    def __init__(self, config: DICGANRun) -> None:
        super().__init__(config)
        self.gan = config.gan
        self.features_weights = config.run.features_weights
        if not config.run.network_weights:
            raise ConfigError("expected run.network_weights, the result of a run of the `dic` task, got none")
        self.discriminator = Discriminator()
        if config.run.initial_weights == "he-normal":
            he_normal(self.discriminator)
        if not config.run.features_weights and config.gan.feature:
            raise ConfigError(
                "expected run.features_weights, the result of a run of the `features` task, for the feature loss; "
                "name it, or set gan.feature = 0"
            )
        self.features = LightCNNFeatures().requires_grad_(requires_grad=False)

    def start(self) -> None:
        """Load the face features, too: those of a `features` run, or a converted LightCNN."""
        super().start()
        if not self.features_weights:
            return
        state = read_weights(self.features_weights)
        if any(key.startswith("head.") for key in state):
            raise CheckpointError(f"expected face features, got a discriminator, {self.features_weights!r}")
        load_strictly(self.features, part_of(state, "features"))

    def groups(self) -> list[list[nn.Parameter]]:
        """Parameters of the generator, and those of the discriminator."""
        return [list(self.network.parameters()), list(self.discriminator.parameters())]

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Sum of the generator's and the discriminator's loss, a scalar; each has gradients in its own network only."""
        weights, means = self.gan, self.network.means
        output = self.network(batch.lr)
        sr, hr = output.sr[:, -1] - means, batch.hr - means
        loss = self.loss(output, batch)
        total = loss.total
        if weights.feature:
            feature = (self.features(sr) - self.features(hr)).abs().mean()
            total = total + weights.feature * feature
            self.log("feature", feature)
        # Detached, so that the generator's loss does not update the discriminator.
        detached = {name: parameter.detach() for name, parameter in self.discriminator.named_parameters()}
        adversarial = adversarial_loss(functional_call(self.discriminator, detached, (sr,)))
        judged = discriminator_loss(self.discriminator(hr), self.discriminator(sr.detach()))
        self.log_dict({"loss": loss.total, "image": loss.image, "adversarial": adversarial, "discriminator": judged})
        self.log("psnr", psnr_db(output.sr[:, -1], batch.hr), prog_bar=True)
        return total + weights.adversarial * adversarial + judged
