# SPDX-License-Identifier: MIT
"""aggd's arguments, as a person types them: aggd_arguments.py AGGD EXAMPLES."""
import pathlib
import subprocess
import sys
import unittest

AGGD, EXAMPLES = sys.argv[1], pathlib.Path(sys.argv[2])


def aggd(*words):
    """(exit status, stdout, stderr)"""
    done = subprocess.run([AGGD, *words], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


class Arguments(unittest.TestCase):
    def test_help_and_version(self):
        for word in "--help", "-h":
            status, out, _ = aggd(word)
            self.assertEqual((status, out[:12]), (0, "usage: aggd "))
            self.assertLessEqual(max(map(len, out.splitlines())), 80)
        for word in "--version", "-V":
            status, out, _ = aggd(word)
            self.assertEqual(status, 0)
            self.assertRegex(out, r"^aggd \d+\.\d+")

    def test_wrong_words_teach(self):
        for words, say in ((["--tset"], "did you mean '--test'?"),
                           (["-x"], "unknown option '-x'"),
                           (["-c"], "-c needs a value"),
                           (["status"], "'aggctl status'"),
                           (["aggd.conf"], "named by -c FILE")):
            status, _, err = aggd(*words)
            self.assertEqual(status, 2, words)
            self.assertIn(say, err)

    def test_an_example_is_good_and_warned_of(self):
        for name, other in ("gateway", "concentrator"), ("concentrator", "gateway"):
            status, out, err = aggd("--test", "--config", str(EXAMPLES / f"{name}.conf"))
            self.assertEqual(status, 0, err)
            self.assertRegex(out, r"\.conf: good, but \d+ warnings?\n$")
            self.assertRegex(err, r"warning: .*\.conf:\d+: .* the pin is the example's, which "
                             rf"nobody has; needed is what 'aggctl pin' prints on the {other}")

    def test_a_mistake_is_no_warning(self):
        status, out, err = aggd("-t", "-c", "/nowhere/aggd.conf")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("/nowhere/aggd.conf: cannot be read", err)
        for words in "docs/examples", "aggctl setup", "aggctl join":
            self.assertIn(words, err)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
