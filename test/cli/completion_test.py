"""Completions as a person has them: each shell runs on a terminal, loads its script, is given the beginning of a line and a tab."""
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
import unittest

SOURCE = os.environ.get("FANATICO_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("FANATICO_BIN") or os.path.join(SOURCE, "build", "release")


class Shell:
    """A shell on a terminal of its own, in a folder with one file, where `fanatico` is ours."""

    def __init__(self, *command, folder, setup):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.update(PATH=f"{BIN}:{os.environ['PATH']}", HOME=folder, TERM="dumb", INPUTRC="/dev/null")
            os.execvp(command[0], command)
        self.type(setup + "; echo rea''dy\n")
        self.until("ready")

    def type(self, text):
        os.write(self.fd, text.encode())

    def until(self, pattern, seconds=30):
        """Reads until the pattern is there; returns whether it came, and forgets what was read."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if re.search(pattern, self.text):
                self.text = ""
                return True
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", os.read(self.fd, 65536).decode(errors="replace"))
                except OSError:
                    break
        return False

    def completes(self, line, to):
        """Types the line and a tab, then leaves it as a comment: what the shell had made of it is echoed."""
        self.type(line + "\t")
        time.sleep(0.3)
        self.type("\x01echo '<\x05>'\n")  # to the line's beginning, and to its end
        return self.until("<" + re.escape(to) + " ?>", 10) or self.text

    def end(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


LINES = [
    ("fanatico gen", "fanatico genesis"),
    ("fanatico genesis --acc", "fanatico genesis --accounts"),
    ("fanatico ws --upstream-h", "fanatico ws --upstream-http"),
    ("fanatico --max-conn", "fanatico --max-connections"),
    ("fanatico completion zs", "fanatico completion zsh"),
    ("fanatico --config only", "fanatico --config only.toml"),
    ("fanatico node --no-such", "fanatico node --no-such"),
]


class Completion(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fanatico-test-")
        with open(os.path.join(self.folder, "only.toml"), "w", encoding="utf-8"):
            pass

    def tearDown(self):
        shutil.rmtree(self.folder)

    def script(self, name, to):
        text = subprocess.run([os.path.join(BIN, "fanatico"), "completion", name], capture_output=True, check=True).stdout
        with open(os.path.join(self.folder, to), "wb") as f:
            f.write(text)

    def check(self, shell):
        try:
            for line, to in LINES:
                with self.subTest(line):
                    self.assertIs(shell.completes(line, to), True)
        finally:
            shell.end()

    def test_bash(self):
        self.script("bash", "done.bash")
        self.check(Shell("bash", "--norc", "--noprofile", "-i", folder=self.folder, setup="set +o history; source done.bash; PS1='> '"))

    def test_zsh(self):
        os.mkdir(os.path.join(self.folder, "functions"))
        self.script("zsh", "functions/_fanatico")
        self.check(Shell("zsh", "-f", "-i", folder=self.folder,
                         setup="fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D; bindkey -e; unsetopt auto_menu list_beep zle_bracketed_paste; PS1='> '"))

    def test_fish_says_what_there_is(self):
        """fish completes without a terminal too: `complete -C` is what a tab does."""
        self.script("fish", "done.fish")
        for line, to in LINES[:-1]:
            with self.subTest(line):
                out = subprocess.run(["fish", "--no-config", "-c", f'source done.fish; complete -C "{line}"'], capture_output=True, text=True, cwd=self.folder,
                                     env={**os.environ, "HOME": self.folder}, check=True).stdout
                self.assertIn(to.split(" ")[-1], [row.split("\t")[0] for row in out.splitlines()])


if __name__ == "__main__":
    unittest.main(verbosity=2)
