"""Which text each program is told to learn from, with programs that only note what they are asked."""

import json
import pathlib
import tempfile
import unittest
import unittest.mock

from quality import subjects
from quality.programs import Weightmill

SELF = [[1, 2], [3, 4]]


class Noting(Weightmill):
    """A program that writes the files it is asked for, empty but for text of its own."""

    writes_text = carries_errors = True

    def __init__(self):
        super().__init__(__file__)
        self.commands = []

    def run(self, *arguments):
        self.commands.append(arguments)
        for option in ("--output", "--save-text"):
            if option in arguments:
                pathlib.Path(arguments[arguments.index(option) + 1]).write_text(json.dumps(SELF))

    def named(self, name):
        return [command for command in self.commands if command[0] == name]


def after(option, arguments):
    """Every argument behind an option of that name."""
    return [value for name, value in zip(arguments, arguments[1:]) if name == option]


class FeedbackTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        replaced = unittest.mock.patch.object(subjects, "CACHE", self.folder / "cache")
        replaced.start()
        self.addCleanup(replaced.stop)
        self.program = Noting()

    def fixture(self, *origins):
        return subjects.mini_ziya(self.program, self.folder, origins)

    def test_both_programs_learn_from_the_same_text(self):
        for origin in subjects.FEEDBACK:
            for trial in self.fixture(origin).trials[origin]:
                learnt = next(command for command in self.program.named("imatrix")
                              if after("--output", command) == [trial.importance])
                self.assertEqual(after("--text", learnt), after("--calibrate", trial.calibration))
                self.assertEqual(after("--tokens-file", learnt), after("--calibration-ids", trial.calibration))
                self.assertEqual(after("--context", learnt), after("--calibration-context", trial.calibration))

    def test_no_half_is_judged_that_was_learnt_from(self):
        trials = self.fixture("feedback").trials["feedback"]
        self.assertEqual(len(trials), 2)
        lines = []
        for trial in trials:
            learnt, judged = after("--calibrate", trial.calibration), after("--text", trial.inputs)
            self.assertEqual([len(learnt), len(judged)], [2, 2])
            self.assertFalse(set(learnt) & set(judged))
            lines += [path.read_text(encoding="utf-8") for path in judged]
        # Together the halves are all there is.
        self.assertEqual(sum(map(len, lines)),
                         sum(len(text.read_text(encoding="utf-8")) for text in subjects.FIXTURE_TEXTS))

    def test_self_written_text_is_written_once(self):
        trials = self.fixture(*subjects.FEEDBACK).trials
        writing = [command for command in self.program.named("imatrix") if "--save-text" in command]
        self.assertEqual(len(writing), 1)
        ids = {path for origin in subjects.FEEDBACK for trial in trials[origin]
               for path in after("--calibration-ids", trial.calibration)}
        self.assertEqual([json.loads(path.read_text()) for path in ids], [SELF])
        # Another number of tokens is another text.
        reference = self.folder / "mini-ziya.gguf"
        self.assertNotIn(subjects._kept_self_text(self.program, reference, subjects.FIXTURE_WINDOW, 512), ids)

    def test_errors_are_carried_by_programs_that_can(self):
        trial = self.fixture("feedback").trials["feedback"][0]
        for carries, option in ((True, "--calibrate"), (False, "--imatrix")):
            self.program.carries_errors = carries
            self.program.quantize("in", "out", "q4_k_m", trial)
            command = self.program.commands[-1]
            self.assertEqual([name for name in ("--calibrate", "--imatrix") if name in command], [option])

    def test_a_program_that_cannot_carry_errors_has_no_such_trial(self):
        self.program.carries_errors = False
        self.assertEqual(self.fixture(*subjects.FEEDBACK).trials, {})

    def test_the_small_model_is_asked_for_the_mixes_of_the_bar(self):
        subject = self.fixture("texts")
        self.assertIn("q8_0", subject.mixes_of("texts"))
        self.assertNotIn("q8_0", subject.mixes_of("feedback"))

    def test_fewer_windows_are_learnt_from_as_fewer_are_judged(self):
        long = [subjects.texts.Text(kind, "", []) for kind in ("prose", "code")]
        with unittest.mock.patch.object(subjects.texts, "CALIBRATION", long), \
                unittest.mock.patch.object(subjects.texts.Text, "read", lambda _: "word " * 800):
            for windows, length in ((subjects.WINDOWS, 4000), (2, 500)):
                paths = subjects._calibration_texts(self.folder, windows)
                self.assertEqual([len(path.read_text()) for path in paths], [length, length])

    def test_importance_is_learnt_anew_from_other_text(self):
        paths = [self.folder / name for name in ("text.txt", "ids.json", "other.json")]
        for path in paths:
            path.write_text(path.name)
        text, ids, other = paths
        learnt = [subjects._learnt(self.program, "model", self.folder / "model.gguf", texts, written)
                  for texts, written in (([text], ids), ([text], ids), ([text], other), ([text], None), ([], ids))]
        self.assertEqual(learnt[0], learnt[1])
        self.assertEqual(len(set(learnt)), 4)
        self.assertEqual(len(self.program.named("imatrix")), 4)


if __name__ == "__main__":
    unittest.main()
