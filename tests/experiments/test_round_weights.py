"""Rounded checkpoints pack smaller, keep names, shapes and types, and stay near what they were."""

import zlib

import pytest
import torch

from experiments.round_weights import LARGE, PARTS_OF_LARGE, PARTS_OF_SMALL, main, rounded


def layer(*shape, scale=0.03):
    return (scale * torch.randn(*shape, generator=torch.Generator().manual_seed(0))).half()


@pytest.mark.parametrize(("shape", "parts"), [((64, 64, 3), PARTS_OF_SMALL), ((256, 256, 3), PARTS_OF_LARGE)])
def test_values_are_multiples_of_a_power_of_two_and_half_of_it_away_at_most(shape, parts):
    weights = layer(*shape)
    assert (weights.numel() > LARGE) == (parts == PARTS_OF_LARGE)
    found, wanted = rounded(weights), float(weights.float().std()) / parts
    step = min(abs(value) for value in found.flatten().tolist() if value)
    assert wanted / 2**0.5 <= step <= wanted * 2**0.5
    assert found.dtype == weights.dtype
    assert float((found.float() / step).frac().abs().max()) == 0
    assert float((found.float() - weights.float()).abs().max()) <= step / 2 + 1e-7
    assert rounded(found).equal(found)


@pytest.mark.parametrize("weights", [torch.randn(90_000), torch.ones(300, 300), torch.arange(9).view(3, 3)])
def test_biases_constants_and_whole_numbers_stay(weights):
    assert rounded(weights).equal(weights)


def test_a_checkpoint_keeps_its_names_and_packs_smaller(tmp_path, capsys):
    state = {"nn.ublocks.0.weight": layer(256, 256, 3), "nn.ublocks.0.bias": layer(256)}
    torch.save({"model": state, "step": 3}, tmp_path / "from.pt")
    assert main([str(tmp_path / "from.pt"), str(tmp_path / "to.pt")]) == 0
    found = torch.load(tmp_path / "to.pt", weights_only=True)["model"]
    assert {name: (t.shape, t.dtype) for name, t in found.items()} == {n: (t.shape, t.dtype) for n, t in state.items()}
    assert found["nn.ublocks.0.bias"].equal(state["nn.ublocks.0.bias"])
    packed = [len(zlib.compress((tmp_path / name).read_bytes())) for name in ("to.pt", "from.pt")]
    assert packed[0] < 0.7 * packed[1]
    assert f"{packed[0]:,}" in capsys.readouterr().out


def test_what_is_no_checkpoint_is_one_line_and_nothing_is_written(tmp_path, capsys):
    (tmp_path / "from.pt").write_bytes(b"no")
    assert main([str(tmp_path / "from.pt"), str(tmp_path / "to.pt")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "to.pt").exists()
