"""The campaign's figure: drawn with and without intervals, refused when columns differ."""

import pytest
from PIL import Image

from mlmat.analysis.campaign_plots import draw_campaign
from mlmat.errors import InputError

ERRORS, ERROR_INTERVALS = [0.61, None, 0.3], [(0.5, 0.75), (None, None), (0.24, 0.37)]
SHARES, SHARE_INTERVALS = [0.25, 0.0, 0.7], [(0.15, 0.39), (0.0, 0.07), (0.55, 0.81)]


def test_the_figure_is_drawn_even_where_a_round_verified_nothing(tmp_path):
    path = tmp_path / "rounds.png"
    draw_campaign(
        ERRORS,
        ERROR_INTERVALS,
        [0.23, 0.23, None],
        SHARES,
        SHARE_INTERVALS,
        "gap",
        "eV",
        path,
        base_rate=0.05,
    )
    with Image.open(path) as image:
        assert image.width > 1.8 * image.height
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
    assert {(0, 114, 178), (213, 94, 0), (0, 158, 115)} <= colours  # test part, designs, hits


def test_columns_of_other_lengths_are_refused(tmp_path):
    with pytest.raises(InputError, match="one length"):
        draw_campaign(
            ERRORS, ERROR_INTERVALS, [0.23], SHARES, SHARE_INTERVALS, "gap", "eV", tmp_path / "a.png"
        )
    with pytest.raises(InputError, match="one length"):
        draw_campaign([], [], [], [], [], "gap", "eV", tmp_path / "a.png")
