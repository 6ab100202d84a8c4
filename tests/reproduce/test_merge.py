"""One record of several runs."""

from dataclasses import replace

from experiments.merge import merged
from mlmat.analysis.record import Metric, RunRecord


def test_a_merge_names_the_sets_and_keeps_every_number():
    def record(dataset, value):
        metric = Metric("energy MAE", value, "kcal/mol", dataset=dataset)
        return RunRecord(
            f"DTNN on {dataset}", "full", f"run {dataset}", {"dataset": dataset}, [0], {dataset: "0"},
            {"run": 1.0, "training": 0.5}, [metric], peak_memory=len(dataset),
        )  # fmt: skip

    both = merged([record("qm9", 1.0), record("c7h10o2", 2.0)])
    assert [(m.name, m.value) for m in both.metrics] == [
        ("qm9: energy MAE", 1.0),
        ("c7h10o2: energy MAE", 2.0),
    ]
    assert both.command == "run qm9; run c7h10o2"
    assert both.config["run c7h10o2"] == {"dataset": "c7h10o2"}
    assert (both.seconds, both.peak_memory) == ({"run": 2.0, "training": 1.0}, 7)
    assert set(both.data) == {"qm9", "c7h10o2"}
    assert merged([both]).metrics == both.metrics


def test_what_was_measured_anew_replaces_what_was_stored():
    def record(command, **values):
        metrics = [Metric("hit share", value, variant=name) for name, value in values.items()]
        return RunRecord("search", "full", command, {"budget": command}, [0], {}, {"run": 1.0}, metrics)

    stored = merged([record("small", random=0.1, gradient=0.2), record("large", genetic=0.5)])
    both = merged([stored, record("other", gradient=0.3)])
    assert {m.variant: m.value for m in both.metrics} == {"random": 0.1, "gradient": 0.3, "genetic": 0.5}
    assert both.command == "small; large; other"
    assert both.config == {name: {"budget": name} for name in ("small", "large", "other")}
    again = merged(
        [record("small", random=0.1), replace(record("small", random=0.4), config={"budget": "new"})]
    )
    assert again.config == {"part 1": {"budget": "small"}, "part 2": {"budget": "new"}}
    assert again.metric("hit share").value == 0.4
    third = merged([again, replace(record("small", random=0.5), config={"budget": "newest"})])
    assert third.config == {f"part {k}": {"budget": b} for k, b in enumerate(("small", "new", "newest"), 1)}
