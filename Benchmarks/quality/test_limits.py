"""What a row is called, by limits made up for it."""

import json
import pathlib
import tempfile
import unittest
import unittest.mock

import numpy as np

from quality import limits
from quality.limits import Limits
from quality.positions import Positions
from quality.tables import Row

OURS, THEIRS = (0.07, 0.06, 0.065), (0.1, 0.1, 0.1)


def constant(means):
    return Positions([[(np.full(8, mean), np.ones(8, bool))] * 2 for mean in means])


def made_up(ours=OURS, theirs=THEIRS, origin="feedback", is_whole=True):
    return Row("model", origin, "q4_k_m", constant(ours), theirs and constant(theirs), ("prose", "manual", "code"),
               is_whole)


def state(found, is_beside_llama=True, **row):
    row = made_up(**row)
    return Limits({"model": {row.origin: {"q4_k_m": found}}}).state(row, is_beside_llama)


class LimitsTests(unittest.TestCase):
    def test_a_row_above_its_limit_is_lost(self):
        self.assertEqual(state({"limit": 0.064}), "lost")
        self.assertEqual(state({"limit": 0.066}), "")
        self.assertEqual(state({"limit": 0.064}, theirs=None), "lost")

    def test_limits_are_those_of_all_windows(self):
        self.assertEqual(state({"limit": 0.064}, is_whole=False), "")

    def test_a_row_above_the_other_programs_is_worse(self):
        self.assertEqual(state({}, theirs=(0.06, 0.06, 0.06)), "worse")
        self.assertEqual(state({}, theirs=(0.06, 0.06, 0.06), is_beside_llama=False), "")

    def test_rows_are_to_be_8_percent_below_where_nothing_is_said(self):
        self.assertEqual(state({}), "")
        self.assertEqual(state({}, theirs=(0.07, 0.07, 0.07)), "open")
        self.assertEqual(state({}, theirs=(0.07, 0.07, 0.07), origin="none"), "")

    def test_rows_are_to_be_as_far_below_as_is_said(self):
        self.assertEqual(state({"below": 0.34}), "")
        self.assertEqual(state({"below": 0.36}), "open")
        self.assertEqual(state({"below": 0.34}, origin="none", theirs=(0.09, 0.09, 0.09)), "")

    def test_each_text_is_to_be_as_far_below_as_is_said(self):
        self.assertEqual(state({"below": 0.34, "eachBelow": 0.29}), "")
        self.assertEqual(state({"below": 0.34, "eachBelow": 0.31}), "open")

    def test_a_figure_as_a_goal(self):
        self.assertEqual(state({"goal": 0.066}), "")
        self.assertEqual(state({"goal": 0.064}), "open")

    def test_limits_are_recorded_with_room_beside_what_is_wanted(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "limits.json"
            with unittest.mock.patch.object(limits, "PATH", path):
                Limits({"model": {"feedback": {"q4_k_m": {"below": 0.3}}}}).update(
                    [made_up(), made_up(origin="texts")])
            self.assertEqual(json.loads(path.read_text()), {"model": {
                "feedback": {"q4_k_m": {"below": 0.3, "limit": 0.06695}}, "texts": {"q4_k_m": {"limit": 0.0663}}}})


if __name__ == "__main__":
    unittest.main()
