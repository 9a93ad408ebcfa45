import pytest

from facslens.errors import ArtifactError
from facslens.preprocess.configs import timm_input, transformers_input

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
IMAGENET = {"mean": MEAN, "std": STD}
#: As timm publishes it with a ResNet-50.
RESNET = {
    "input_size": [3, 224, 224],
    "fixed_input_size": False,
    "interpolation": "bicubic",
    "crop_pct": 0.95,
    "crop_mode": "center",
    "test_input_size": [3, 288, 288],
    **IMAGENET,
    "num_classes": 1000,
    "pool_size": [7, 7],
    "first_conv": "conv1",
    "classifier": "fc",
}
#: As facial expression classifiers on the Hub have it.
VIT = {
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_processor_type": "ViTImageProcessor",
    "image_std": [0.5, 0.5, 0.5],
    "resample": 2,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": 224, "width": 224},
}
CONVNEXT = {
    "crop_pct": 0.875,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": MEAN,
    "image_processor_type": "ConvNextImageProcessor",
    "image_std": STD,
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "size": {"shortest_edge": 224},
}
CLIP = {
    "crop_size": {"height": 224, "width": 224},
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "image_mean": MEAN,
    "image_std": STD,
    "resample": 3,
    "size": {"shortest_edge": 256},
}
EFFICIENTNET = {
    "crop_size": {"height": 289, "width": 289},
    "do_center_crop": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": MEAN,
    "image_std": STD,
    "resample": 0,
    "rescale_factor": 0.00392156862745098,
    "rescale_offset": False,
    "size": {"height": 346, "width": 346},
}
OFFSET = {"rescale_factor": 1 / 127.5, "rescale_offset": True, "do_normalize": False}


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (RESNET, "rgb224-imagenet-bicubic-from235"),
        ({"architecture": "resnet50", "pretrained_cfg": RESNET}, "rgb224-imagenet-bicubic-from235"),
        (RESNET | {"crop_pct": 0.875, "interpolation": "bilinear"}, "rgb224-imagenet-from256"),
        (RESNET | {"input_size": (1, 48, 48), "mean": (0.5,), "std": (0.25,), "crop_pct": 1.0},
         "grey48-bicubic-mean0.5-std0.25-from48"),
        (RESNET | {"crop_mode": "squash", "crop_pct": 1.0}, "rgb224-imagenet-stretched-bicubic"),
    ],
)  # fmt: skip
def test_a_configuration_of_timm_names_an_input(config, name):
    assert timm_input(config).name == name


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (VIT, "rgb224-stretched-mean0.5,0.5,0.5-std0.5,0.5,0.5"),
        (VIT | {"size": 224}, "rgb224-stretched-mean0.5,0.5,0.5-std0.5,0.5,0.5"),
        (VIT | {"do_normalize": False, "do_rescale": False}, "rgb224-bytes-stretched"),
        (VIT | {"do_normalize": False, "do_flip_channel_order": True}, "bgr224-stretched"),
        (CONVNEXT, "rgb224-imagenet-bicubic-from256"),
        (CONVNEXT | {"size": 224}, "rgb224-imagenet-bicubic-from256"),
        (CONVNEXT | {"size": {"shortest_edge": 384}}, "rgb384-imagenet-stretched-bicubic"),
        (CLIP, "rgb224-imagenet-bicubic-from256"),
        (CLIP | {"crop_size": 192}, "rgb192-imagenet-bicubic-from256"),
        (EFFICIENTNET, "rgb289-imagenet-nearest-stretched346"),
        (EFFICIENTNET | OFFSET, "rgb289-signed-nearest-stretched346"),
    ],
)  # fmt: skip
def test_a_configuration_of_transformers_names_an_input(config, name):
    assert transformers_input(config).name == name


def without(config, name):
    return {key: value for key, value in config.items() if key != name}


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({}, "the timm configuration lacks input_size: expected channels, height and width"),
        ({"pretrained_cfg": None}, "has no entries in pretrained_cfg"),
        (RESNET | {"input_size": [3, 224]}, r"has input_size \[3, 224\]: expected channels, he"),
        (RESNET | {"input_size": [4, 224, 224]}, "has an input of 4 channels: expected 1 or 3"),
        (RESNET | {"input_size": [3, 224, 192]}, "has an input of 224×192 pixels, cut by 'center'"),
        (RESNET | {"crop_mode": "border"}, "cut by 'border' with crop_pct 0.95: expected a squ"),
        (RESNET | {"mean": ["a"]}, r"has mean \['a'\]: expected a number a channel"),
        (RESNET | {"interpolation": "random"}, "has the filter 'random': expected bilinear"),
        (RESNET | {"std": [0.0, 1.0, 1.0]}, "describes no input: input has the std"),
    ],
)
def test_what_timm_asks_for_beyond_the_names_is_refused(config, fault):
    with pytest.raises(ArtifactError, match=fault):
        timm_input(config)


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        (without(VIT, "size"), "the transformers configuration lacks size: expected a number of"),
        (without(VIT, "image_std"), "lacks image_std: expected a number a channel"),
        (VIT | {"do_pad": True}, "has do_pad: there is no name for such an input"),
        (VIT | {"do_resize": False}, "does not resize: expected a size to resize to"),
        (VIT | {"size": {"shortest_edge": 224}}, "has the size .*: expected a height and a width"),
        (CLIP | {"size": 256}, "has the size 256 and cuts: expected a height and a width, or a"),
        (without(CLIP, "crop_size"), "lacks crop_size"),
        (CLIP | {"crop_size": {"shortest_edge": 3}}, "has the crop_size .*: expected a height"),
        (VIT | {"size": {"height": 0, "width": 4}}, "describes no input: input has a height of 0"),
        (VIT | {"resample": 9}, "has the filter 9: expected bilinear"),
    ],
)
def test_what_transformers_asks_for_beyond_the_names_is_refused(config, fault):
    with pytest.raises(ArtifactError, match=fault):
        transformers_input(config)
