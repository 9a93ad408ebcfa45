"""What is imported before a command does anything; what that takes is measured in benchmarks."""

import json
import subprocess
import sys

import pytest
from PIL import Image

from facslens.cli.commands import COMMANDS, load

#: Packages that each take a good part of a second.
HEAVY = (
    "captum", "cv2", "lightning", "matplotlib", "numba", "onnx", "onnxruntime", "pandas",
    "pyarrow", "ray", "scipy", "sklearn", "torch", "zarr",
)  # fmt: skip
CALL = """
import json, sys
from facslens.cli.main import main
sys.argv = ["facslens", *{arguments}]
try:
    main()
finally:
    print(json.dumps(sorted(set(sys.modules))))
"""


def imported(code: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def called(*arguments: str) -> set[str]:
    return imported(CALL.format(arguments=arguments))


@pytest.mark.parametrize("name", ["__version__", "Faces"])
def test_a_name_of_the_package_waits_for_no_torch(name):
    loaded = imported(
        f"import facslens, json, sys; facslens.{name}; print(json.dumps([*sys.modules]))"
    )
    assert not loaded & {"torch", "lightning", "zarr", "matplotlib"}
    if name == "__version__":
        assert not loaded & {*HEAVY, "numpy", "facslens.api"}


def test_the_list_of_commands_waits_for_none_of_them():
    loaded = called("--help")
    assert not loaded & {*HEAVY, "numpy", "jaxtyping", "PIL", "asyncio"}
    assert {name for name in loaded if name.startswith("facslens.cli.")} == {
        "facslens.cli.commands",
        "facslens.cli.main",
    }


def test_the_version_does_not_even_wait_for_what_draws_tables():
    assert not {name.partition(".")[0] for name in called("--version")} & {*HEAVY, "numpy", "rich"}


@pytest.mark.parametrize("command", ["predict", "export", "layers", "serve"])
def test_the_help_of_a_command_waits_for_no_table_and_no_network(command):
    assert not called(command, "--help") & {*HEAVY, "jaxtyping", "asyncio"}


@pytest.mark.parametrize("command", ["run", "associate", "data", "verify", "crossval"])
def test_no_help_waits_for_a_network_or_statistics(command):
    heavy = {*HEAVY} - {"pandas", "pyarrow", "scipy"} | {"scipy.stats"}
    assert not called(command, "--help") & heavy


def test_a_prediction_waits_for_its_runtime_alone(tmp_path):
    pytest.importorskip("onnxruntime")
    Image.new("L", (48, 48), 120).save(tmp_path / "face.png")
    loaded = called("predict", str(tmp_path / "face.png"), "--faces-are-cropped")
    assert "onnxruntime" in loaded
    assert not loaded & ({*HEAVY} - {"onnxruntime"} | {"jaxtyping"})


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_by_the_first_line_of_its_own_help(name):
    command = load(name)
    said = " ".join((command.help or "").partition("\n\n")[0].split())
    assert (command.name, said) == (name, COMMANDS[name].summary)


def test_a_name_that_is_none_is_told_what_was_meant(facslens):
    code, _, err = facslens("predct")
    assert code == 2
    assert "Did you mean 'predict'" in err
