import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlmat import metrics
from mlmat.errors import InputError, TargetError

PAIRED = (
    metrics.mae, metrics.rmse, metrics.median_ae, metrics.max_error, metrics.r2, metrics.spearman
)  # fmt: skip
NUMBER = st.floats(-1e3, 1e3)
PAIR = arrays(np.float64, st.tuples(st.just(2), st.integers(2, 20)), elements=NUMBER)


@pytest.fixture
def pair():
    generator = np.random.default_rng(0)
    target = generator.normal(5, 2, 200)
    return target + generator.normal(0, 0.3, 200), target


def test_formulas(pair):
    p, t = pair
    assert metrics.mae(p, t) == pytest.approx(np.abs(p - t).mean())
    assert metrics.rmse(p, t) == pytest.approx(np.sqrt(np.mean((p - t) ** 2)))
    assert metrics.median_ae(p, t) == pytest.approx(np.median(np.abs(p - t)))
    assert metrics.max_error(p, t) == pytest.approx(np.abs(p - t).max())
    assert metrics.r2(p, t) == pytest.approx(1 - np.mean((p - t) ** 2) / np.var(t))


def test_worked_example():
    p, t = [1.0, 2.0, 7.0], [1.0, 4.0, 4.0]
    values = [metric(p, t) for metric in PAIRED]
    # errors 0, 2, 3; SS_res 13, SS_tot 6; ranks 1 2 3 against 1 2.5 2.5
    assert values == pytest.approx([5 / 3, (13 / 3) ** 0.5, 2.0, 3.0, 1 - 13 / 6, 0.75**0.5])


@given(PAIR)
def test_order_of_the_error_metrics(pair):
    small = 1e-9 * (1 + np.abs(pair).max())
    assert metrics.median_ae(*pair) <= metrics.max_error(*pair)
    assert metrics.mae(*pair) <= metrics.rmse(*pair) + small
    assert metrics.rmse(*pair) <= metrics.max_error(*pair) + small


@given(PAIR, st.floats(0.1, 10), st.floats(-100, 100))
def test_errors_scale_with_the_unit_and_ignore_the_origin(pair, scale, shift):
    for metric in PAIRED[:4]:
        assert metric(*(scale * pair + shift)) == pytest.approx(scale * metric(*pair), rel=1e-9, abs=1e-9)


@given(arrays(np.int64, st.tuples(st.just(2), st.integers(2, 20)), elements=st.integers(-5, 5)))
def test_spearman_against_scipy_with_ties(pair):
    if (pair == pair[:, :1]).all(axis=1).any():
        with pytest.raises(InputError, match="all equal"):
            metrics.spearman(*pair)
    else:
        assert metrics.spearman(*pair) == pytest.approx(scipy.stats.spearmanr(*pair).statistic, abs=1e-12)
        assert metrics.spearman(np.exp(pair[0]), pair[1] ** 3.0) == metrics.spearman(*pair)


def test_perfect_and_mean_predictions(pair):
    _, t = pair
    assert metrics.r2(t, t) == 1
    assert metrics.r2(np.full_like(t, t.mean()), t) == pytest.approx(0, abs=1e-12)
    assert metrics.spearman(-t, t) == -1


def test_gaussian_nll_against_scipy_and_its_minimum(pair):
    p, t = pair
    std = np.random.default_rng(1).uniform(0.1, 1, len(t))
    assert metrics.gaussian_nll(p, std, t) == pytest.approx(-scipy.stats.norm.logpdf(t, p, std).mean())
    best = metrics.rmse(p, t)
    at = [metrics.gaussian_nll(p, np.full_like(t, s), t) for s in (0.9 * best, best, 1.1 * best)]
    assert at[1] == min(at)
    with pytest.raises(InputError, match="1 standard deviations"):
        metrics.gaussian_nll([1.0, 2], [1.0, 0], [1.0, 2])


def test_coverage():
    assert metrics.coverage([0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0.5, 1.01]) == 0.75
    with pytest.raises(TargetError, match="low > high"):
        metrics.coverage([2.0], [1.0], [1.5])


@pytest.mark.parametrize("metric", PAIRED)
def test_masked_items_do_not_count_whatever_they_hold(metric, pair):
    p, t = (np.array(x).reshape(50, 4) for x in pair)
    items = np.arange(50) % 3 > 0
    expected = metric(p[items], t[items])
    p[~items], t[~items] = np.nan, np.inf
    assert metric(p, t, items) == expected
    assert metric(p, t, np.repeat(items[:, None], 4, axis=1).astype(np.float32)) == expected


@pytest.mark.parametrize("metric", PAIRED)
def test_bad_input_is_refused(metric):
    with pytest.raises(TargetError, match="1 of the values"):
        metric([1.0, np.nan, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(TargetError):
        metric([1.0, 2.0, 2.0], [1.0, -np.inf, 3.0])
    with pytest.raises(InputError, match="no items"):
        metric([], [])
    with pytest.raises(InputError, match="no items"):
        metric([1.0], [1.0], [False])
    with pytest.raises(InputError, match=r"\(3,\), \(3, 1\)"):
        metric(np.ones(3), np.ones((3, 1)))
    with pytest.raises(InputError, match="leading axes"):
        metric(np.ones(3), np.ones(3), np.ones(2))


def test_r2_of_equal_targets_is_refused():
    # The float64 mean of three times 0.1 is not 0.1, so a test of the variance would pass.
    with pytest.raises(InputError, match="all equal"):
        metrics.r2([0.1, 0.2, 0.3], [0.1, 0.1, 0.1])


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (3, 10), (10, 10), (64, 128), (1, 1)])
def test_wilson_interval_against_scipy(hits, trials):
    oracle = scipy.stats.binomtest(hits, trials).proportion_ci(method="wilson")
    assert metrics.wilson_interval(hits, trials) == pytest.approx((oracle.low, oracle.high), abs=1e-7)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_wilson_interval_holds_the_rate(trials, share):
    hits = round(share * trials)
    low, high = metrics.wilson_interval(hits, trials)
    assert 0 <= low <= hits / trials <= high <= 1


@pytest.mark.parametrize(("hits", "trials"), [(0, 0), (3, 2), (-1, 2), (0.5, 2)])
def test_wilson_interval_refuses_what_is_no_rate(hits, trials):
    with pytest.raises(InputError, match="not a rate"):
        metrics.wilson_interval(hits, trials)


def test_bootstrap_depends_on_the_seed_alone(pair):
    first = metrics.bootstrap_interval(metrics.mae, *pair, seed=3)
    assert first == metrics.bootstrap_interval(metrics.mae, *pair, seed=3)
    assert first != metrics.bootstrap_interval(metrics.mae, *pair, seed=4)
    assert first[0] < metrics.mae(*pair) < first[1]


def test_bootstrap_has_the_width_of_the_standard_error(pair):
    low, high = metrics.bootstrap_interval(metrics.mae, *pair, seed=0, samples=2000)
    errors = np.abs(pair[0] - pair[1])
    assert high - low == pytest.approx(2 * 1.96 * errors.std() / np.sqrt(len(errors)), rel=0.1)


def test_bootstrap_covers_the_true_value_as_often_as_it_says():
    generator = np.random.default_rng(0)
    inside = 0
    for seed in range(200):
        error = generator.normal(0, 1, 60)
        low, high = metrics.bootstrap_interval(
            metrics.mae, error, 0 * error, seed=seed, samples=100, level=0.8
        )
        inside += low <= np.sqrt(2 / np.pi) <= high
    assert 0.70 <= inside / 200 <= 0.88  # 0.8 less the small-sample bias, ± 3 binomial deviations


def test_bootstrap_of_three_arrays_draws_them_jointly(pair):
    std = np.abs(pair[0] - pair[1]) + 0.1  # any mixing of rows would raise the value far above
    low, high = metrics.bootstrap_interval(metrics.gaussian_nll, pair[0], std, pair[1], seed=0, samples=200)
    assert low < metrics.gaussian_nll(pair[0], std, pair[1]) < high


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([1.0, 2], [1.0]), {}, InputError, "one length"),
        ((), {}, InputError, "one length"),
        (([1.0, 2], [1.0, 2]), {"level": 1.0}, InputError, "level"),
        (([1.0, 2], [1.0, 2]), {"samples": 0}, InputError, "samples"),
        (([1.0, 2], [1.0, 2]), {}, InputError, "too few items"),
        (([1.0, np.nan], [1.0, 2]), {}, TargetError, "NaN"),
        (([], []), {}, InputError, "no items"),
    ],
)
def test_bootstrap_refuses(arguments, options, error, message):
    with pytest.raises(error, match=message):
        metrics.bootstrap_interval(metrics.r2, *arguments, seed=0, **options)
