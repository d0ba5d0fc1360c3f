"""The U-Net of the spectrogram method: a picture in, a picture's logits out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MULTIPLE = 16
"""Heights and widths are multiples of this: four times halved."""

_LOGIT_SLOPE = 4.0  # of logit(grey) at mid-grey
_OTHER_CHANNELS = 0.05  # what the last layer first makes of all but the carried channel


class DoubleConv(nn.Module):
    """Two 3x3 convolutions, each followed by a ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
            nn.ReLU(inplace=True),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """(batch, in_channels, height, width) to (batch, out_channels, height, width)."""
        return self.double_conv(pictures)


class Down(nn.Module):
    """A double convolution, and its result at half the size."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.double_conv = DoubleConv(in_channels, out_channels)
        self.pool = nn.MaxPool2d(2)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features at full size, for the way up, and at half."""
        features = self.double_conv(pictures)
        return features, self.pool(features)


class Up(nn.Module):
    """Double the size, join the features of the way down, and a double convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.upsample = nn.ConvTranspose2d(in_channels, in_channels // 2, 2, stride=2)
        self.double_conv = DoubleConv(in_channels, out_channels)

    def forward(self, features: Tensor, skipped: Tensor) -> Tensor:
        """(batch, in, h, w) and (batch, in / 2, 2h, 2w) to (batch, out, 2h, 2w)."""
        return self.double_conv(torch.cat([self.upsample(features), skipped], dim=1))


class UNet(nn.Module):
    """U-Net with four levels and no normalisation (Ronneberger et al. 2015, padded).

    Args:
        in_channels: of the picture; 1 for grey.
        num_classes: channels of the result; 1 for the noise picture.
        base_channels: of the first level; doubled at each level and in the bottleneck. 64 is the
            published network with 31.0 M weights; the weights fall with the square.
    """

    def __init__(self, in_channels: int, num_classes: int, base_channels: int = 64) -> None:
        super().__init__()
        width = base_channels
        self.downconv1 = Down(in_channels, width)
        self.downconv2 = Down(width, 2 * width)
        self.downconv3 = Down(2 * width, 4 * width)
        self.downconv4 = Down(4 * width, 8 * width)
        self.bottleneck = DoubleConv(8 * width, 16 * width)
        self.upconv1 = Up(16 * width, 8 * width)
        self.upconv2 = Up(8 * width, 4 * width)
        self.upconv3 = Up(4 * width, 2 * width)
        self.upconv4 = Up(2 * width, width)
        self.out = nn.Conv2d(width, num_classes, 1)
        self._start()

    def forward(self, pictures: Tensor) -> Tensor:
        """Predict logits.

        Args:
            pictures: shape (batch, in_channels, height, width), values in [0, 1], height and
                width multiples of 16.

        Returns:
            Logits of shape (batch, num_classes, height, width).

        Raises:
            ValueError: if height or width is no multiple of 16.
        """
        if pictures.shape[-2] % MULTIPLE or pictures.shape[-1] % MULTIPLE:
            size = "x".join(map(str, pictures.shape[-2:]))
            raise ValueError(f"a picture of {size}; multiples of {MULTIPLE} are wanted")
        skip1, features = self.downconv1(pictures)
        skip2, features = self.downconv2(features)
        skip3, features = self.downconv3(features)
        skip4, features = self.downconv4(features)
        features = self.bottleneck(features)
        features = self.upconv1(features, skip4)
        features = self.upconv2(features, skip3)
        features = self.upconv3(features, skip2)
        features = self.upconv4(features, skip1)
        return self.out(features)

    def _start(self) -> None:
        """Draw weights that keep the signal's power through ReLUs (He et al. 2015).

        There is no normalisation, and torch's own start loses a factor of six in power at each of
        the eighteen layers.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module is not self.out:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)


def start_from_noisy(network: UNet) -> None:
    """Let one channel of the top level carry the noisy picture through to the logits.

    The untrained network then predicts roughly the noisy picture itself. Where noise prevails that
    is right in every detail, which is what training otherwise spends most of its time on copying;
    what is left to learn is what to take away. Greys are never negative, so ReLUs let them pass.

    Args:
        network: from one channel to one, balanced (`enhancement.balancing`).
    """
    down = network.downconv1.double_conv.double_conv
    up = network.upconv4.double_conv.double_conv
    skipped = network.out.in_channels  # the first skipped channel, after the upsampled ones
    with torch.no_grad():
        for layer, source in ((down[0], 0), (down[2], 0), (up[0], skipped), (up[2], 0)):
            layer.weight[0].zero_()
            layer.weight[0, source, 1, 1] = 1
            layer.bias[0] = 0
        network.out.weight.mul_(_OTHER_CHANNELS)
        network.out.weight[0, 0] = _LOGIT_SLOPE
        network.out.bias.fill_(-_LOGIT_SLOPE / 2)
