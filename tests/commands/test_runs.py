"""The output folder of a command: made, refused, taken again, reopened."""

import pytest

from mlmat.commands.runs import command_line, prepare
from mlmat.commands.train_options import TrainOptions
from mlmat.errors import DataError, OutputError


def test_a_folder_holds_one_run(tmp_path):
    out = tmp_path / "runs" / "a"
    options = TrainOptions(file=tmp_path / "a.csv", target=("gap",), epochs=3, out=out)
    assert prepare(options, "train") == (options, out)
    # A run that failed on its input left nothing but its options.
    assert prepare(options, "train") == (options, out)
    (out / "seed-0.state").write_bytes(b"state")
    with pytest.raises(OutputError, match="--resume"):
        prepare(options, "train")


def test_a_resumed_run_takes_its_options_from_the_folder(tmp_path):
    options = TrainOptions(file=tmp_path / "a.csv", target=("gap",), epochs=3, out=tmp_path / "a")
    prepare(options, "train")
    found, out = prepare(TrainOptions(resume=tmp_path / "a", epochs=9), "train")
    assert out == tmp_path / "a"
    assert (found.file, found.target, found.epochs) == (options.file, options.target, 3)
    with pytest.raises(DataError, match="no interrupted mlmat design"):
        prepare(TrainOptions(resume=tmp_path / "a"), "design")


def test_the_command_line_repeats_what_is_not_default(tmp_path):
    options = TrainOptions(file=tmp_path / "a b.csv", target=("gap", "homo"), epochs=3, out=tmp_path)
    line = command_line(options, "train", ("file",))
    assert line == f"mlmat train '{tmp_path / 'a b.csv'}' --target gap --target homo --epochs 3"
