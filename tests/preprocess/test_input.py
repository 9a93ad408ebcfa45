import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facslens.errors import CallError
from facslens.preprocess.input import (
    INTERPOLATIONS,
    WORDS,
    Input,
    grey_contrast,
    noted_input,
    parse_input,
)

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("grey48", Input("grey", 48, 48)),
        ("grey64-signed", Input("grey", 64, 64, black=-1.0)),
        ("rgb112-signed", Input("rgb", 112, 112, black=-1.0)),
        ("grey48-bytes", Input("grey", 48, 48, white=255.0)),
        ("rgb224x192", Input("rgb", 224, 192)),
        ("grey48-contrast", grey_contrast(48)),
        ("rgb224-imagenet", Input("rgb", 224, 224, **IMAGENET)),
        (
            "rgb224-imagenet-bicubic-from256",
            Input(
                "rgb", 224, 224, resize="shortest", side=256, interpolation="bicubic", **IMAGENET
            ),
        ),
        ("grey48-stretched", Input("grey", 48, 48, resize="stretched")),
        ("grey48-stretched64", Input("grey", 48, 48, resize="stretched", side=64)),
        (
            "bgr160-bytes-mean93.6,104.8,129.2",
            Input("bgr", 160, 160, white=255.0, mean=(93.6, 104.8, 129.2)),
        ),
        (
            "rgb32-black-3-white7-std1,2,3e-05",
            Input("rgb", 32, 32, black=-3.0, white=7.0, std=(1.0, 2.0, 3e-5)),
        ),
    ],
)
def test_a_name_says_what_a_network_reads_and_comes_back(name, expected):
    assert parse_input(name) == expected
    assert expected.name == name


def test_a_word_from_outside_is_read_and_said(monkeypatch):
    monkeypatch.setitem(WORDS, "vggface2", {"mean": (131.1, 103.9, 91.5)})
    one = parse_input("rgb224-bytes-vggface2-from256")
    assert (one.mean, one.white, one.side) == ((131.1, 103.9, 91.5), 255.0, 256)
    assert one.name == "rgb224-bytes-vggface2-from256"


number = st.floats(-1e6, 1e6)


@st.composite
def entries(draw):
    colour = draw(st.sampled_from(["grey", "rgb", "bgr"]))
    channels = 1 if colour == "grey" else 3
    height, width = draw(st.integers(8, 300)), draw(st.integers(8, 300))
    resize = draw(st.sampled_from(["centre", "shortest", "stretched"]))
    beside = st.integers(max(height, width), 400)
    side = {"centre": st.none(), "shortest": beside, "stretched": st.none() | beside}[resize]

    def several(one):
        return st.just(()) | st.tuples(*[one] * channels)

    values = {}
    if colour == "grey" and draw(st.booleans()):
        values = {"contrast": True}
    else:
        black = draw(st.sampled_from([0.0, -1.0]) | number)
        values = {
            "black": black,
            "white": draw(st.sampled_from([1.0, 255.0]).filter(lambda w: w > black) | st.just(2e6)),
            "mean": draw(several(number)),
            "std": draw(several(st.floats(1e-6, 1e6))),
        }
    return {
        **values,
        "colour": colour,
        "height": height,
        "width": width,
        "resize": resize,
        "side": draw(side),
        "interpolation": draw(st.sampled_from(list(INTERPOLATIONS))),
    }


@given(entries())
def test_every_input_has_a_name_of_its_own(said):
    one = Input(**said)
    assert parse_input(one.name) == one


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (
            "vgg",
            "input is 'vgg': expected grey or rgb or bgr, a size in pixels, and words as in gr",
        ),
        ("Grey48", "input is 'Grey48': expected grey"),
        ("grey48-", "input is 'grey48-': expected grey"),
        ("cmyk48", "input is 'cmyk48': expected grey"),
        ("grey0", "input has a height of 0: expected 1 to 1024 pixels"),
        ("grey" + 5000 * "4", "input is 'grey4444"),
        ("grey48-from" + 5000 * "4", "expected a number behind the word"),
        ("grey48x2000", "input has a width of 2000: expected 1 to 1024 pixels"),
        ("rgb224-imagnet", "input is 'rgb224-imagnet', which says 'imagnet': expected some of sig"),
        ("grey48-mean", "says 'mean': expected numbers behind the word"),
        ("grey48-from", "says 'from': expected a number behind the word"),
        ("grey48-from50,60", "says 'from50,60': expected a number behind the word"),
        ("grey48-from1e400", "says 'from1e400': expected a number behind the word"),
        ("grey48-from49.5", "says 'from49.5': expected a number behind the word"),
        ("grey48-from40", "a side of 40: expected 48 or more to cut from"),
        ("grey48-signed-bytes", "says black twice: expected it once"),
        ("grey48-imagenet", "a mean of 3 numbers: expected one a channel, 1"),
        ("grey48-white1e400", "black at 0.0 and white at inf: expected black below white"),
        ("rgb48-std1,0,1", r"the std \(1.0, 0.0, 1.0\): expected numbers above 0"),
        ("rgb48-contrast", "even contrast and colours or other values: expected grey alone"),
        ("grey48-signed-contrast", "even contrast and colours or other values"),
        ("grey48-black2", "black at 2.0 and white at 1.0: expected black below white"),
    ],
)
def test_a_name_of_no_input_is_one_sentence(name, fault):
    with pytest.raises(CallError, match=fault):
        parse_input(name)


def test_entries_that_no_name_says_are_refused_too():
    with pytest.raises(CallError, match="the resize 'shortest' and the side None: only"):
        Input("grey", 48, 48, resize="shortest")
    with pytest.raises(CallError, match="the resize 'centre' and the side 64: only"):
        Input("grey", 48, 48, side=64)
    with pytest.raises(CallError, match=r"the mean \(inf,\): expected finite numbers"):
        Input("grey", 48, 48, mean=(float("inf"),))
    with pytest.raises(CallError, match="the interpolation 'cubic': expected one of bilinear"):
        dataclasses.replace(grey_contrast(48), interpolation="cubic")


def test_a_file_notes_a_name_and_an_older_one_a_size():
    assert noted_input({"input": "rgb224x192", "size": 48}) == Input("rgb", 224, 192)
    assert noted_input({"size": 48}) == grey_contrast(48)
    for content, fault in [
        ({}, "it lacks 'input'"),
        ({"input": 48}, "input has to be a name"),
        ({"size": "48"}, "size has to be a number of pixels"),
        ({"size": True}, "size has to be a number of pixels"),
    ]:
        with pytest.raises(CallError, match=fault):
            noted_input(content)
