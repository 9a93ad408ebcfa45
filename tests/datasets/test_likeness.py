import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn

from facslens.datasets.likeness import ALIKE, BITS, candidates, correlation, shrunk


def smooth(rng, size=48):
    """A picture with the slow changes of a photograph."""
    coarse = rng.integers(0, 256, (7, 7), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))


def test_the_hash_is_the_sign_of_the_lowest_waves_about_their_median(rng):
    levels = rng.integers(0, 256, (32, 32), dtype=np.uint8)
    hashed, _ = shrunk(levels)
    # SciPy's transform is scaled in another way, which moves the first row and column: undone.
    waves = dctn(levels.astype(float), norm=None)[:8, :8] / 4
    bits = (waves > np.median(waves)).ravel()
    assert format(int(hashed), "064b") == "".join("01"[bit] for bit in bits.astype(int))
    assert bits.sum() == 32


def test_a_wave_down_the_picture_sets_the_bit_of_its_row():
    for row in (1, 3):
        wave = np.cos(np.pi * (2 * np.arange(32) + 1) * row / 64)
        levels = np.rint(128 + 100 * wave)[:, None].repeat(32, axis=1).astype(np.uint8)
        bits = format(int(shrunk(levels)[0]), "064b")
        assert bits[0] == bits[8 * row] == "1"


def test_the_small_picture_holds_means_of_blocks(rng):
    levels = rng.integers(0, 256, (32, 32), dtype=np.uint8)
    _, small = shrunk(levels)
    assert small[3, 5] == np.rint(levels[6:8, 10:12].mean())
    assert small.shape == (16, 16)


def test_pairs_of_few_bits_are_those_of_a_search_through_all(rng):
    hashes = rng.integers(0, 1 << 63, 300, dtype=np.uint64)
    near = hashes[rng.integers(0, 300, 200)]
    for _ in range(9):
        near = near ^ (np.uint64(1) << rng.integers(0, 64, 200).astype(np.uint64))
    hashes = np.concatenate([hashes, near, near[:20]])
    for bits in (0, 3, BITS):
        found = [
            (min(a, b), max(a, b))
            for left, right in candidates(hashes, bits)
            for a, b in zip(left.tolist(), right.tolist(), strict=True)
        ]
        expected = {
            (a, b)
            for a in range(len(hashes))
            for b in range(a + 1, len(hashes))
            if (int(hashes[a]) ^ int(hashes[b])).bit_count() <= bits
        }
        assert len(found) == len(set(found))
        assert set(found) == expected
    assert len(expected) > 100


def test_no_hash_and_one_hash_have_no_pair():
    for count in (0, 1):
        assert list(candidates(np.zeros(count, dtype=np.uint64))) == []


def test_many_pairs_come_in_pieces(monkeypatch):
    monkeypatch.setattr("facslens.datasets.likeness._AT_ONCE", 100)
    pieces = list(candidates(np.zeros(50, dtype=np.uint64)))
    assert sum(len(a) for a, _ in pieces) == 50 * 49 // 2
    assert len(pieces) > 20


def test_correlation_is_that_of_numpy(rng):
    a, b = rng.integers(0, 256, (2, 5, 16, 16), dtype=np.uint8)
    expected = [np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a, b, strict=True)]
    assert correlation(a, b) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: np.asarray(Image.fromarray(x).resize((100, 100), Image.Resampling.BICUBIC)),
        lambda x: np.asarray(Image.fromarray(x).resize((32, 32), Image.Resampling.BICUBIC)),
        lambda x: np.clip(x + 20.0, 0, 255).astype(np.uint8),
        lambda x: (x * 0.8).astype(np.uint8),
    ],
    ids=["larger", "smaller", "brighter", "flatter"],
)
def test_a_changed_picture_stays_alike_and_another_is_not(rng, change):
    pictures = [smooth(rng) for _ in range(20)]
    here, there = ([shrunk(f(p)) for p in pictures] for f in (lambda x: x, change))
    bits = [int(a[0] ^ b[0]).bit_count() for a, b in zip(here, there, strict=True)]
    small = [np.array([s for _, s in side]) for side in (here, there)]
    assert max(bits) <= BITS
    assert correlation(*small).min() > ALIKE
    assert correlation(small[0], np.roll(small[1], 1, axis=0)).max() < 0.9
