"""An exported network of which a byte was changed is refused, wherever the byte is."""

import numpy as np
import pytest

from facslens.cli.main import main
from facslens.errors import ArtifactError
from facslens.stages.open_network import Choice, open_network


def test_a_changed_byte_of_an_exported_network_is_refused(run, tmp_path, monkeypatch):
    path = tmp_path / "network.onnx"
    monkeypatch.setattr(
        "sys.argv", ["facslens", "export", str(run.run.folder), "--onnx", str(path)]
    )
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code in (0, None)
    content = path.read_bytes()
    face = np.zeros((1, 48, 48), np.uint8)
    whole = open_network(Choice(str(path), None, "onnx")).read(face)
    assert whole.probabilities.sum() == pytest.approx(1, abs=1e-6)
    for place in np.random.default_rng(0).integers(len(content), size=40):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ArtifactError):
            open_network(Choice(str(path), None, "onnx"))
