"""Every statistical claim, by simulation: false alarms stay under α while somebody watches, and drops are found in time."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.statistics import bernoulli, burning, fixed, pairs, sequence, split
from lifecycle.statistics.bernoulli import Plan, Wealth
from lifecycle.statistics.fixed import Finding, Pair
from lifecycle.statistics.pairs import Pairs

ALPHA = 0.05
RUNS = 400
SLACK = 3 * math.sqrt(ALPHA * (1 - ALPHA) / RUNS)
"""Three standard errors of a share of α among so many runs."""


def found_at(control: float, canary: float, plan: Plan, rng: np.random.Generator, most: int) -> int | None:
    """Canary outcomes until the alarm, looking after each; `None` = no alarm."""
    wealth = bernoulli.start(plan)
    good = rng.random(most * plan.block) < control
    seen = rng.random(most) < canary
    for at in range(most):
        block = tuple(bool(x) for x in good[at * plan.block : (at + 1) * plan.block])
        wealth = bernoulli.observe(wealth, plan=plan, control=block, canary=(bool(seen[at]),))
        if bernoulli.is_worse(wealth, plan):
            return at + 1
    return None


def alarms(control: float, canary: float, plan: Plan, *, runs: int = RUNS, most: int = 200) -> list[int | None]:
    rng = np.random.default_rng(7)
    return [found_at(control, canary, plan, rng, most) for _ in range(runs)]


def share(found: Sequence[int | None]) -> float:
    return sum(at is not None for at in found) / len(found)


@pytest.mark.parametrize(
    ("rate", "prior"),
    [(0.9, (9.0, 1.0)), (0.5, (9.0, 1.0)), (0.99, (1.0, 1.0)), (0.9, (1.0, 30.0)), (0.05, (9.0, 1.0))],
)
def test_canary_that_is_no_worse_is_rarely_accused(rate: float, prior: tuple[float, float]) -> None:
    """Looked at after every outcome, whatever the true rate is and however wrong the prior."""
    assert share(alarms(rate, rate, Plan(prior=prior))) <= ALPHA + SLACK


def test_canary_that_is_better_is_rarely_accused() -> None:
    """The claim is one-sided."""
    assert share(alarms(0.8, 0.9, Plan())) <= ALPHA + SLACK


@pytest.mark.parametrize(
    ("canary", "block", "median"), [(0.8, 9, 82), (0.7, 9, 27), (0.6, 9, 14), (0.7, 1, 60), (0.6, 1, 35)]
)
def test_drop_is_found_in_time(canary: float, block: int, median: int) -> None:
    """No later than in the published table, a fifth allowed for chance."""
    found = [at for at in alarms(0.9, canary, Plan(block=block), runs=200, most=400) if at is not None]
    assert len(found) >= 196
    assert np.median(found) <= 1.2 * median + 2


def test_units_that_hang_together_must_be_counted_once() -> None:
    """Ten tenants that differ: counted by request the test cries wolf, which is why a unit counts once."""
    rng = np.random.default_rng(3)
    plan = Plan(block=1)

    def by_request() -> bool:
        rates = np.clip(rng.normal(0.9, 0.09, 10), 0, 1)
        canary, control = rates[:5], rates[5:]
        wealth = bernoulli.start(plan)
        for _ in range(400):
            wealth = bernoulli.observe(
                wealth, plan=plan, control=(bool(rng.random() < rng.choice(control)),),
                canary=(bool(rng.random() < rng.choice(canary)),),
            )  # fmt: skip
            if bernoulli.is_worse(wealth, plan):
                return True
        return False

    assert np.mean([by_request() for _ in range(100)]) > 2 * ALPHA


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=120), st.integers(0, 120), st.integers(1, 9))
def test_test_that_was_interrupted_goes_on_to_the_bit(outcomes: list[tuple[bool, bool]], cut: int, block: int) -> None:
    """In one go, one by one, or through a database in between: the same wealth."""
    plan = Plan(block=block)
    control, canary = tuple(a for a, _ in outcomes), tuple(b for _, b in outcomes)
    whole = bernoulli.observe(bernoulli.start(plan), plan=plan, control=control, canary=canary)
    first = bernoulli.observe(bernoulli.start(plan), plan=plan, control=control[:cut], canary=canary[:cut])
    kept = json.loads(json.dumps(asdict(first)))
    again = Wealth(**{name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()})
    assert bernoulli.observe(again, plan=plan, control=control[cut:], canary=canary[cut:]) == whole


@given(st.integers(1, 9), st.floats(0.01, 0.99), st.tuples(st.floats(0.1, 50), st.floats(0.1, 50)))
def test_expected_wealth_never_grows_while_nothing_is_wrong(
    block: int, rate: float, prior: tuple[float, float]
) -> None:
    """One block, all outcomes weighed by their chance: at most 1, for every drop that is bet on, exactly."""
    plan = Plan(block=block, prior=prior)
    expected = np.zeros(len(plan.drops))
    for good in range(block + 1):
        for is_good in (True, False):
            chance = (
                math.comb(block, good) * rate**good * (1 - rate) ** (block - good) * (rate if is_good else 1 - rate)
            )
            outcomes = (True,) * good + (False,) * (block - good)
            wealth = bernoulli.observe(bernoulli.start(plan), plan=plan, control=outcomes, canary=(is_good,))
            expected += chance * np.exp(wealth.logs)
    assert (expected <= 1 + 1e-9).all()


def test_wealth_beyond_all_measure_is_infinite_not_an_error() -> None:
    """A canary that always fails for days."""
    assert Wealth(logs=(800.0, 1.0)).e == math.inf


@pytest.mark.parametrize(
    "plan", [{"alpha": 0}, {"alpha": 1}, {"block": 0}, {"prior": (0, 1)}, {"drops": ()}, {"drops": (0.0,)}]
)
def test_plan_that_cannot_be_tested_is_refused(plan: dict[str, object]) -> None:
    """Before the first outcome."""
    with pytest.raises(ValueError, match="No test can be made"):
        Plan(**plan)  # type: ignore[arg-type]


# --- pairs ----------------------------------------------------------------------------------------------------


def pair_alarm(net_loss: float, discordant: float, rng: np.random.Generator, most: int) -> int | None:
    counts = Pairs()
    lost = (discordant + net_loss) / 2
    for at in range(most):
        chance = rng.random()
        if chance < lost:
            counts = counts.after(live=True, candidate=False)
        elif chance < discordant:
            counts = counts.after(live=False, candidate=True)
        else:
            counts = counts.after(live=True, candidate=True)
        if pairs.is_losing(counts, alpha=ALPHA):
            return at + 1
    return None


def test_candidate_that_loses_as_often_as_it_wins_is_rarely_rejected() -> None:
    """Watched pair by pair."""
    rng = np.random.default_rng(5)
    assert share([pair_alarm(0.0, 0.2, rng, 400) for _ in range(RUNS)]) <= ALPHA + SLACK


@pytest.mark.parametrize(("net_loss", "discordant", "median"), [(0.05, 0.10, 270), (0.08, 0.15, 156), (0.17, 0.25, 60)])
def test_losing_candidate_is_found_in_time(net_loss: float, discordant: float, median: int) -> None:
    """About as soon as in the published figures."""
    rng = np.random.default_rng(5)
    found = [pair_alarm(net_loss, discordant, rng, 1200) for _ in range(100)]
    assert share(found) >= 0.95
    assert np.median([at for at in found if at is not None]) <= 1.2 * median


def test_pairs_that_agree_say_nothing() -> None:
    """However many there are."""
    counts = Pairs()
    for _ in range(50):
        counts = counts.after(live=True, candidate=True).after(live=False, candidate=False)
    assert (counts.e, counts.net_loss, counts.same) == (1.0, 0.0, 100)


# --- bounds of a mean -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", ["uniform", "coin", "rare"])
def test_bounds_hold_at_all_times_at_once(draw: str) -> None:
    """The true mean leaves them in at most 2 α of the runs, at any time."""
    rng = np.random.default_rng(11)
    values = {
        "uniform": lambda: rng.random(300),
        "coin": lambda: rng.random(300) < 0.9,
        "rare": lambda: rng.random(300) < 0.02,
    }
    true = {"uniform": 0.5, "coin": 0.9, "rare": 0.02}[draw]
    missed = 0
    for _ in range(RUNS):
        mean = sequence.observe(sequence.start(alpha=ALPHA), map(float, values[draw]()))
        missed += not mean.low <= true <= mean.high  # they never widen, so the last bounds are the tightest
    assert missed / RUNS <= 2 * ALPHA + SLACK


def test_bounds_close_in() -> None:
    """A thousand values of little spread are known to a few hundredths."""
    rng = np.random.default_rng(2)
    mean = sequence.observe(sequence.start(alpha=ALPHA), rng.beta(20, 20, 1000))
    assert mean.high - mean.low < 0.05
    assert mean.value == pytest.approx(0.5, abs=0.02)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=80), st.integers(0, 80))
def test_sequence_goes_on_where_it_stopped(values: list[float], cut: int) -> None:
    """And its bounds stay in order, inside what is possible."""
    empty = sequence.start(alpha=ALPHA, least=-1.0, most=1.0)
    whole = sequence.observe(empty, values)
    kept = json.loads(json.dumps(asdict(sequence.observe(empty, values[:cut]))))
    assert sequence.observe(sequence.Mean(**kept), values[cut:]) == whole
    assert whole.low >= -1
    assert whole.high <= 1


def test_value_that_is_no_number_is_refused() -> None:
    """It would hide a failure in the mean."""
    with pytest.raises(ValueError, match="no number"):
        sequence.observe(sequence.start(alpha=ALPHA), [math.nan])


# --- split ----------------------------------------------------------------------------------------------------


def split_alarm(planned: float, true: float, rng: np.random.Generator, most: int) -> int | None:
    ones = 0
    for at, chance in enumerate(rng.random(most), start=1):
        ones += bool(chance < true)
        if split.mismatch((ones, at - ones), (planned, 1 - planned)) >= 1 / ALPHA:
            return at
    return None


def test_split_as_planned_is_rarely_accused() -> None:
    """Watched unit by unit."""
    rng = np.random.default_rng(13)
    assert share([split_alarm(0.1, 0.1, rng, 400) for _ in range(RUNS)]) <= ALPHA + SLACK


def test_split_that_is_off_is_found() -> None:
    """A tenth was meant, a fifth came."""
    rng = np.random.default_rng(13)
    found = [split_alarm(0.1, 0.2, rng, 1000) for _ in range(50)]
    assert share(found) == 1.0
    assert np.median([at for at in found if at is not None]) < 250


@pytest.mark.parametrize(
    ("counts", "shares"), [((1,), (0.5, 0.5)), ((1, 1), (0.0, 1.0)), ((1, 1), (0.5, 0.4)), ((-1, 1), (0.5, 0.5))]
)
def test_split_that_cannot_be_compared_is_refused(counts: tuple[int, ...], shares: tuple[float, ...]) -> None:
    """Rather than judged."""
    with pytest.raises(ValueError, match="cannot be compared"):
        split.mismatch(counts, shares)


# --- a fixed set ----------------------------------------------------------------------------------------------


def scored(number: int, lost: int, won: int = 0) -> list[Pair]:
    """So many items, each of its own source."""
    return [
        Pair(live=float(not lost <= at < lost + won), candidate=float(at >= lost), cluster=str(at))
        for at in range(number)
    ]


def test_set_that_is_large_enough_passes_an_equal_candidate() -> None:
    """As many won as lost, 10 % discordant, margin .05: about 250 items suffice."""
    found = fixed.difference(scored(300, 15, 15))
    assert found.mean == 0.0
    assert fixed.finding(found, margin=0.05) is Finding.passed


@pytest.mark.parametrize("number", [2, 10, 40])
def test_small_set_never_passes(number: int) -> None:
    """Even if no item differs."""
    assert fixed.finding(fixed.difference(scored(number, 0)), margin=0.05) is Finding.inconclusive


def test_clear_loss_fails_and_thin_coverage_is_in_doubt() -> None:
    """A fifth lost; and everything equal with a tenth of the items missing."""
    assert fixed.finding(fixed.difference(scored(300, 60)), margin=0.05) is Finding.failed
    assert fixed.finding(fixed.difference(scored(300, 0)), margin=0.05, coverage=0.9) is Finding.inconclusive


def test_items_of_one_source_are_not_so_many_witnesses() -> None:
    """The same losses in ten documents leave more in doubt than in three hundred."""
    apart = scored(300, 30)
    together = [Pair(live=p.live, candidate=p.candidate, cluster=str(at // 30)) for at, p in enumerate(apart)]
    assert fixed.difference(together).error > 2 * fixed.difference(apart).error


def test_bounds_of_a_fixed_set_cover_the_truth() -> None:
    """A one-sided bound misses in 5 of 100 sets, clusters and all."""
    rng = np.random.default_rng(17)
    missed = 0
    for _ in range(RUNS):
        rates = rng.beta(9, 1, 40)
        sample = [
            Pair(live=float(rng.random() < rate), candidate=float(rng.random() < rate), cluster=str(at))
            for at, rate in enumerate(rates)
            for _ in range(5)
        ]
        missed += fixed.difference(sample).low > 0
    assert missed / RUNS <= ALPHA + SLACK


@pytest.mark.parametrize("bad", [[], scored(1, 0), [Pair(live=1, candidate=math.nan, cluster=c) for c in "ab"]])
def test_set_that_cannot_be_compared_is_refused(bad: list[Pair]) -> None:
    """Nothing, one source, or a score that is no number."""
    with pytest.raises(ValueError, match="cannot be compared"):
        fixed.difference(bad)


def test_sizes_of_sets_are_those_published() -> None:
    """10 % discordant, 80 % power."""
    needed = [fixed.items_needed(margin=margin, discordant=0.1) for margin in (0.02, 0.03, 0.05, 0.10)]
    assert needed == pytest.approx([1550, 690, 250, 62], rel=0.01)


def test_known_values_of_mcnemar_and_holm() -> None:
    """By hand: 1 of 10 discordant pairs is 22/1024; three p-values times three, two, one."""
    assert fixed.mcnemar(lost=1, won=9) == pytest.approx(22 / 1024)
    assert fixed.mcnemar(lost=0, won=0) == 1.0
    assert fixed.holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})


# --- acute breakage -------------------------------------------------------------------------------------------


def test_burn_rate_needs_both_windows_and_enough_requests() -> None:
    """A past burst, a fresh blip and three requests are no breakage; a lasting one is."""
    limits = burning.Limits()

    def window(requests: int, failed: int) -> burning.Window:
        return burning.Window(seconds=60, requests=requests, failed=failed)

    assert burning.is_burning(window(100, 30), window(10, 5), limits)
    assert not burning.is_burning(window(100, 30), window(10, 0), limits)
    assert not burning.is_burning(window(100, 2), window(2, 2), limits)
    assert not burning.is_burning(window(3, 3), window(3, 3), limits)
    assert not burning.is_burning(window(100, 30), window(0, 0), limits)


def test_failures_in_a_row_need_no_rate() -> None:
    """Five at the end, not four, and not five with one between."""
    limits = burning.Limits()
    assert burning.is_down([True] + [False] * 5, limits)
    assert not burning.is_down([False] * 4, limits)
    assert not burning.is_down([False, False, True, False, False, False], limits)
