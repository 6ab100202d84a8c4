"""The comparison of ways to descend: one change a mode, results resumed, no mode above the budget."""

import json
from dataclasses import asdict

from experiments.descent_modes.run import Config, main, modes


def test_each_mode_changes_the_settings_in_its_own_way():
    base, *others = [asdict(settings) for settings in modes(10_000).values()]
    changed = [frozenset(key for key in base if other[key] != base[key]) for other in others]
    assert all(1 <= len(keys) <= 2 for keys in changed)
    assert len({json.dumps(other) for other in others}) == len(others)


def test_a_small_run_is_stored_and_not_repeated(tmp_path):
    config = Config(out=tmp_path, budget=600, modes=("Adam, ensemble, short lives, draws",))
    first = main(config)
    cells = [json.loads(path.read_text()) for path in (tmp_path / "cells").glob("*.json")]
    assert len(cells) == 1
    assert all(0 < cell["spent"] <= 600 for cell in cells)
    assert main(config).metrics == first.metrics
