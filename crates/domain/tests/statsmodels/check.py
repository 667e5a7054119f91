#!/usr/bin/env python3
"""What Bellhop's report says beside statsmodels and SciPy.

usage: check.py READER

READER is the program `report_statistics` of testkit, which answers a line for each line of stdin. Exit code 0 when every interval
and every number of carts is that of statsmodels, and when the intervals hold the truth as often as they promise. `scripts/test
statistics` makes the environment and calls this.
"""

import math
import random
import subprocess
import sys

import numpy
from scipy import stats
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    samplesize_proportions_2indep_onetail,
)

MONTHS = 2_000
TABLE = {
    (0.05, 0.08): (6_239, 3_464, 2_118),
    (0.05, 0.10): (2_609, 1_444, 869),
    (0.10, 0.15): (3_993, 2_223, 1_371),
    (0.10, 0.20): (1_181, 656, 398),
}
SHARES = (0.1, 0.2, 0.5)


def ask(reader, questions):
    answers = subprocess.run(
        [reader], input="".join(f"{line}\n" for line in questions), capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(answers) == len(questions), (len(answers), len(questions))
    return [[float(number) for number in answer.split()] for answer in answers]


def months():
    """Groups of many sizes: (reminded who booked, reminded, held out who booked, held out)."""
    source = random.Random(20261129)
    for _ in range(MONTHS):
        reminded, held_out = source.choice([5, 30, 400, 9_000]), source.choice([1, 12, 90, 2_500])
        rates = source.choice([(0.0, 0.0), (0.05, 0.05), (0.10, 0.05), (0.5, 0.9), (1.0, 1.0)])
        yield (
            sum(source.random() < rates[0] for _ in range(reminded)),
            reminded,
            sum(source.random() < rates[1] for _ in range(held_out)),
            held_out,
        )


def close(one, other):
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def check_intervals(reader):
    """Wilson's interval of each group, and Newcombe's of the difference."""
    drawn = list(months())
    wilson = ask(reader, [f"share {booked} {guests}" for booked, guests, _, _ in drawn])
    newcombe = ask(reader, [f"pooled {a} {n} {b} {m}" for a, n, b, m in drawn])
    for (a, n, b, m), share, difference in zip(drawn, wilson, newcombe):
        for ours, theirs in zip(share, proportion_confint(a, n, method="wilson")):
            assert close(ours, min(max(theirs, 0), 1)), (a, n, share)
        low, high = confint_proportions_2indep(a, n, b, m, compare="diff", method="newcomb")
        expected = (a / n - b / m, low, high)
        assert all(map(close, difference, expected)), ((a, n, b, m), difference, expected)
    print(f"{len(drawn)} months: Wilson's and Newcombe's intervals are those of statsmodels")


def pooled(parts):
    """Several months: weights of Cochran, Mantel and Haenszel; Newcombe's intervals joined by their distances."""
    sizes = numpy.array([n * m / (n + m) for _, n, _, m in parts])
    weights = sizes / sizes.sum()
    points = numpy.array([a / n - b / m for a, n, b, m in parts])
    ends = numpy.array([confint_proportions_2indep(*part, compare="diff", method="newcomb") for part in parts])
    point = weights @ points
    low = point - math.sqrt(((weights * (points - ends[:, 0])) ** 2).sum())
    high = point + math.sqrt(((weights * (ends[:, 1] - points)) ** 2).sum())
    return point, low, high


def check_pooling(reader):
    drawn = list(months())
    groups = [drawn[start : start + 4] for start in range(0, len(drawn), 4)]
    lines = ["pooled " + " ".join(str(number) for part in group for number in part) for group in groups]
    for group, ours in zip(groups, ask(reader, lines)):
        assert all(map(close, ours, pooled(group))), (group, ours, pooled(group))
    print(f"{len(groups)} pools of 4 months agree")


def check_needed(reader):
    """The numbers of carts of the table that docs/report.md prints."""
    asked = [(rates, share) for rates in TABLE for share in SHARES]
    answers = ask(reader, [f"needed {rates[0]} {rates[1]} {share}" for rates, share in asked])
    for ((without, reminded), share), [ours] in zip(asked, answers):
        # statsmodels counts the first group, the held out, and `ratio` of the second for each of them.
        held_out = samplesize_proportions_2indep_onetail(
            without - reminded, reminded, power=0.8, ratio=(1 - share) / share, alpha=0.05
        )
        theirs, expected = held_out / share, TABLE[without, reminded][SHARES.index(share)]
        assert ours == expected and abs(ours - theirs) <= 1, (without, reminded, share, ours, theirs, expected)
    print(f"{len(asked)} numbers of carts are those of the table and of statsmodels")


def check_coverage(reader):
    """How often the interval holds the truth, and says that there is an effect: exact, from the binomial distributions."""
    for reminded, held_out in [(400, 100), (1_600, 400), (900, 100)]:
        for without, effect in [(0.05, 0.0), (0.05, 0.05), (0.10, 0.0), (0.10, 0.05)]:
            likely = [stats.binom(reminded, without + effect), stats.binom(held_out, without)]
            ranges = [range(int(one.ppf(1e-6)), int(one.ppf(1 - 1e-6)) + 1) for one in likely]
            cases = [(a, b) for a in ranges[0] for b in ranges[1]]
            answers = ask(reader, [f"pooled {a} {reminded} {b} {held_out}" for a, b in cases])
            chances = [likely[0].pmf(a) * likely[1].pmf(b) for a, b in cases]
            held = sum(chance for chance, (_, low, high) in zip(chances, answers) if low <= effect <= high)
            shown = sum(chance for chance, (_, low, high) in zip(chances, answers) if low > 0)
            print(f"{reminded}+{held_out} guests, {without:.0%} and {effect:+.0%}: true in {held:.1%}, shown in {shown:.1%}")
            assert 0.94 <= held <= 0.985, held
            assert effect > 0 or shown <= 0.03, shown


def main():
    reader = sys.argv[1]
    for check in (check_intervals, check_pooling, check_needed, check_coverage):
        check(reader)


if __name__ == "__main__":
    main()
