"""The protocol of inverse_gap: what it makes of finished cells, and how a stored run is added to."""

import numpy as np
import pytest

from experiments.inverse_gap import cells as module
from experiments.inverse_gap.cells import Cell, Result, in_order, stored_cells, write_cells
from experiments.inverse_gap.run import Config, cells, main, report
from experiments.inverse_gap.summary import cell_metrics


def result(hits, seconds=10.0):
    return Result(hits, 120, {"timeout": 8}, 0.2, 0.9, 0.1, 4.0, 300, 2_000, seconds, seconds)


def grid(searchers, budget=2_000, seeds=4):
    return {
        Cell(5, 1.98, budget, name, seed, 128): result(hits + seed)
        for name, hits in searchers.items()
        for seed in range(seeds)
    }


def test_shares_count_every_submission_and_few_seeds_have_no_interval():
    found = {(m.name, m.variant): m for m in cell_metrics(grid({"genetic": 64, "gradient": 32}))}
    share = found["hit share", "genetic, 5th percentile (1.98 eV), 2,000 evaluations"]
    shares = (64 + np.arange(4)) / 128
    assert share.value == pytest.approx(shares.mean())
    # Student's t for three degrees of freedom.
    assert 1.96 * share.std == pytest.approx(3.182446 * shares.std(ddof=1) / 2, rel=1e-5)
    rate = found["verified hits per CPU-second", share.variant]
    assert rate.value == pytest.approx((64 * 4 + 6) / 80)
    assert found["molecules found per CPU-second", share.variant].value == pytest.approx(300 / 10)
    less = found["genetic less gradient, hit share", "5th percentile, 2,000 evaluations"]
    assert less.value == pytest.approx(32 / 128)
    few = cell_metrics(grid({"genetic": 64}, seeds=2))
    assert few[0].std is None


def test_a_stored_run_is_added_to(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "STORED", tmp_path / "cells.jsonl")
    assert stored_cells() == {}
    old = grid({"genetic": 64})
    write_cells(old, tmp_path / "cells.jsonl")
    assert stored_cells() == old
    config = Config("full", tmp_path / "run", finished=True, stored=True)
    config.out.mkdir()
    record = main(config)
    assert record.metric("hit share", "genetic, 5th percentile (1.98 eV), 2,000 evaluations").n_seeds == 4
    assert record.seeds == [0, 1, 2, 3]
    new = grid({"gradient": 32}, budget=10_000)
    report(config, new | old, 1.0)
    assert (config.out / "budgets.png").stat().st_size > 10_000
    monkeypatch.setattr(module, "STORED", config.out / "cells.jsonl")
    assert list(stored_cells()) == list(in_order(old | new))


def test_cells_come_seed_by_seed():
    todo = cells(Config("full", seeds=2, budgets=(2_000,), searchers=("genetic", "random")), np.arange(100.0))
    assert [cell.seed for cell in todo] == [0] * 6 + [1] * 6
    assert len({cell.name for cell in todo}) == 12
