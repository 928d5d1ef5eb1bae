"""The zoo's networks in torch: torchvision's and timm's where they have them, else spelt here as in the paper.

A module's names are those of the `.conv` file, or those it has with `names = "timm"`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch_classifiers import BnInception, inception_v1, nin, se_inception_v1, shufflenet_v1
from torch_dense import Context, Fcn, UNet, WaveNet, deeplab_v3, deformable_resnet50
from torch_libraries import timm_model, torchvision_model

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "alexnet": lambda: torchvision_model("alexnet"),
    "context": Context,
    "deeplab_v3": deeplab_v3,
    "deformable_resnet50": lambda: deformable_resnet50(False),
    "deformable_resnet50_v2": lambda: deformable_resnet50(True),
    "densenet121": lambda: torchvision_model("densenet121"),
    "efficientnet_b0": lambda: torchvision_model("efficientnet_b0"),
    "efficientnet_b0 timm": lambda: timm_model("efficientnet_b0"),
    "fcn16s": lambda: Fcn(16),
    "fcn32s": lambda: Fcn(32),
    "fcn8s": lambda: Fcn(8),
    "inception_v1": inception_v1,
    "inception_v1_bn": lambda: torchvision_model("googlenet", init_weights=False),
    "inception_v2": BnInception,
    "inception_v3": lambda: torchvision_model("inception_v3", init_weights=False),
    "mobilenet_v1": lambda: timm_model("mobilenetv1_100"),
    "mobilenet_v2": lambda: torchvision_model("mobilenet_v2"),
    "mobilenet_v2 timm": lambda: timm_model("mobilenetv2_100"),
    "mobilenet_v3_large": lambda: torchvision_model("mobilenet_v3_large"),
    "mobilenet_v3_large timm": lambda: timm_model("mobilenetv3_large_100"),
    "nin": nin,
    "resnet18": lambda: torchvision_model("resnet18"),
    "resnet50": lambda: torchvision_model("resnet50"),
    "se_inception_v1": se_inception_v1,
    "se_resnet50": lambda: timm_model("seresnet50"),
    "senet154": lambda: timm_model("legacy_senet154"),
    "shufflenet_v1": shufflenet_v1,
    "shufflenet_v2": lambda: torchvision_model("shufflenet_v2_x1_0"),
    "squeezenet": lambda: torchvision_model("squeezenet1_1"),
    "unet": UNet,
    "vgg16": lambda: torchvision_model("vgg16"),
    "vgg16 timm": lambda: timm_model("vgg16"),
    "vgg19": lambda: torchvision_model("vgg19"),
    "vgg19 timm": lambda: timm_model("vgg19"),
    "wavenet": WaveNet,
    "xception": lambda: timm_model("legacy_xception"),
}


def described(name: str) -> nn.Module:
    """The network without memory for its weights: names and shapes."""
    with torch.device("meta"):
        return NETWORKS[name]()


def made(name: str) -> nn.Module:
    """The network ready to infer, with seeded weights of a size that keeps activations about 1, and running statistics
    that are not the trivial ones."""
    model = described(name).to_empty(device="cpu").eval()
    random = torch.Generator().manual_seed(0)
    for module in model.modules():
        parameters = list(module.named_parameters(recurse=False))
        for key, tensor in parameters:
            if tensor.dim() > 1:
                nn.init.normal_(tensor, std=(2 / tensor[0].numel()) ** 0.5, generator=random)
            elif key == "weight":
                nn.init.uniform_(tensor, 0.5, 1.0, generator=random)
            else:
                nn.init.uniform_(tensor, -0.1, 0.1, generator=random)
        for key, buffer in module.named_buffers(recurse=False):
            if key == "running_var":
                nn.init.uniform_(buffer, 0.5, 1.5, generator=random)
            elif key == "running_mean":
                nn.init.uniform_(buffer, -0.1, 0.1, generator=random)
    return model
