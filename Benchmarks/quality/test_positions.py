"""The errors of positions.py beside how much estimates scatter when windows are drawn again and again."""

import unittest

import numpy as np

from quality.positions import Positions

WINDOWS = (512, 512, 512, 512, 512, 512, 512, 300)
DRAWS = 400


def drawn(source):
    """Two candidates of two texts; what is hard differs by window, and so does how one differs from the other."""
    sides = ([], [])
    for level in (0.1, 0.3):
        windows = ([], [])
        for size in WINDOWS:
            theirs = level * source.gamma(4, 0.25) * source.gamma(0.5, 2, size)
            ours = 0.9 * theirs * np.exp(0.3 * source.standard_normal(size) + 0.05 * source.standard_normal())
            for side, values in zip(windows, (ours, theirs)):
                side.append((values, values < 0.1))
        for side, text in zip(sides, windows):
            side.append(text)
    return Positions(sides[0]), Positions(sides[1])


class PositionsTests(unittest.TestCase):
    def test_errors_are_the_scatter_of_estimates(self):
        source = np.random.default_rng(1)
        pairs = (drawn(source) for _ in range(DRAWS))
        means, errors, changes, change_errors = np.array(
            [(ours.mean, ours.error, *ours.relative(theirs)) for ours, theirs in pairs]).T
        self.assertAlmostEqual(errors.mean() / means.std(), 1, delta=0.15)
        self.assertAlmostEqual(change_errors.mean() / changes.std(), 1, delta=0.15)
        # Paired, the change is known far better than either mean.
        self.assertLess(change_errors.mean(), 0.3 * (errors / means).mean())

    def test_equal_candidates_differ_by_nothing(self):
        ours, _ = drawn(np.random.default_rng(2))
        self.assertEqual(ours.relative(ours), (0, 0))

    def test_texts_keep_their_means(self):
        """A difference of level between texts is no error: texts are not drawn."""
        windows = [[(np.full(10, level), np.ones(10, bool))] * 3 for level in (1.0, 5.0)]
        self.assertEqual((Positions(windows).mean, Positions(windows).error), (3, 0))

    def test_other_windows_are_refused(self):
        left, right = (Positions([[(np.ones(4), np.ones(4, bool))] * count]) for count in (2, 3))
        with self.assertRaises(ValueError):
            left.relative(right)


if __name__ == "__main__":
    unittest.main()
