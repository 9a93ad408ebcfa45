"""Small networks of the kinds that people export, and both exporters of PyTorch."""

import logging
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional

SIZE = 32


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.down = None
        if stride > 1:
            self.down = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + (x if self.down is None else self.down(x)))


class ResNet(nn.Module):
    """Blocks with shortcuts behind a pooling."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.layer1 = nn.Sequential(Residual(6, 6, 1))
        self.layer2 = nn.Sequential(Residual(6, 8, 2), Residual(8, 8, 1))
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer2(self.layer1(x))
        return self.fc(functional.adaptive_avg_pool2d(x, 1).flatten(1))


class Squeeze(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, 2, 1)
        self.fc2 = nn.Conv2d(2, channels, 1)

    def forward(self, x):
        mean = functional.adaptive_avg_pool2d(x, 1)
        return x * functional.hardsigmoid(self.fc2(functional.relu(self.fc1(mean))))


class Inverted(nn.Module):
    def __init__(self, channels, inner):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(channels, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.Hardswish(),
            nn.Conv2d(inner, inner, 3, 1, 1, groups=inner, bias=False), nn.BatchNorm2d(inner),
            nn.Hardswish(), Squeeze(inner),
            nn.Conv2d(inner, channels, 1, bias=False), nn.BatchNorm2d(channels),
        )  # fmt: skip

    def forward(self, x):
        return x + self.block(x)


class MobileNet(nn.Module):
    """Depthwise convolutions, gates of whole maps, hard activations."""

    def __init__(self):
        super().__init__()
        stem = nn.Conv2d(3, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6), nn.Hardswish()
        self.features = nn.Sequential(*stem, Inverted(6, 12), Inverted(6, 10))
        self.classifier = nn.Sequential(
            nn.Linear(6, 9), nn.Hardswish(), nn.Dropout(), nn.Linear(9, 5)
        )

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class Wide(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.dw = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.pw1, self.pw2 = nn.Linear(channels, 9), nn.Linear(9, channels)
        self.gamma = nn.Parameter(torch.rand(channels))

    def forward(self, x):
        y = self.norm(self.dw(x).permute(0, 2, 3, 1))
        return x + (self.gamma * self.pw2(functional.gelu(self.pw1(y)))).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    """Linear layers at every place, channels last, and their normalisation."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 4, 4)
        self.stages = nn.Sequential(Wide(6), Wide(6))
        self.norm, self.head = nn.LayerNorm(6), nn.Linear(6, 5)

    def forward(self, x):
        return self.head(self.norm(self.stages(self.stem(x)).mean((2, 3))))


class Attending(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 12), nn.Linear(12, width)

    def forward(self, x):
        images, tokens, width = x.shape
        parts = self.qkv(self.norm1(x)).reshape(images, tokens, 3, 2, width // 2)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        seen = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.proj(seen.transpose(1, 2).reshape(images, tokens, width))
        return x + self.fc2(functional.gelu(self.fc1(self.norm2(x))))


class ViT(nn.Module):
    """Tokens with attention."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 8, 8)
        self.cls = nn.Parameter(torch.randn(1, 1, 8))
        self.position = nn.Parameter(torch.randn(1, 17, 8))
        self.blocks = nn.Sequential(Attending(8), Attending(8))
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 5)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.blocks(x))[:, 0])


class Sequence(nn.Module):
    """Tokens before images, as PyTorch's own attention has them."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 8, 8)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 12)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        return self.head(self.encoder(self.patch(x).flatten(2).permute(2, 0, 1)).mean(0))


NETWORKS = {
    "resnet": ResNet,
    "mobilenet": MobileNet,
    "convnext": ConvNeXt,
    "vit": ViT,
    "sequence": Sequence,
}


@pytest.fixture(scope="session")
def make():
    """Make a network whose batch normalisation has measured something."""

    def made(name):
        torch.manual_seed(7)
        network = NETWORKS[name]().eval()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                for values, low, high in (
                    (module.running_mean, -0.3, 0.3), (module.running_var, 0.5, 2.0),
                    (module.weight, 0.5, 1.5), (module.bias, -0.3, 0.3),
                ):  # fmt: skip
                    nn.init.uniform_(values, low, high)
        return network

    return made


@pytest.fixture(scope="session")
def export():
    """Export a network, by PyTorch's newer exporter or by the older one."""

    def exported(network, path, newer=True, batch=None, shape=(3, SIZE, SIZE)):
        images = torch.randn(batch or 2, *shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.disable(logging.CRITICAL)
            try:
                if newer:
                    sizes = None if batch else {"images": {0: torch.export.Dim("image")}}
                    program = torch.onnx.export(
                        network, (images,), input_names=["images"], dynamo=True, verbose=False,
                        dynamic_shapes=None if batch else tuple(sizes.values()),
                    )  # fmt: skip
                    program.save(str(path))
                else:
                    axes = None if batch else {"images": {0: "image"}}
                    torch.onnx.export(
                        network, (images,), str(path), input_names=["images"], dynamo=False,
                        dynamic_axes=axes,
                    )  # fmt: skip
            finally:
                logging.disable(logging.NOTSET)
        return path

    return exported
