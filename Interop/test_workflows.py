"""What only GitHub runs, checked as far as that goes without it: .github/, action.yml, docs/ci.md.

GitHub's schemas say whether the files are well formed, zizmor whether a workflow may do more than it should; scripts,
targets and pieces that are named must be there.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from ruamel.yaml import YAML

from checks import ROOT, Checks

PROGRAMS = pathlib.Path(sys.executable).parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted(GITHUB.glob("workflows/*.yml"))
FORMS = sorted(GITHUB.glob("ISSUE_TEMPLATE/*.yml"))
PINNED = re.compile(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def run(program, *arguments):
    """The exit code and output of a program of this environment."""
    done = subprocess.run([PROGRAMS / program, *arguments], cwd=ROOT, encoding="utf-8",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.strip()


def check_schema(checks, what, schema, paths):
    code, output = run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *paths)
    checks.check(f"schema: {what}", code == 0, "" if code == 0 else output)


def code_blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.M | re.S)


def steps(path):
    """Every step of a workflow's jobs, or of an action."""
    content = YAML(typ="safe").load(path.read_text())
    for job in content.get("jobs", {"action": content.get("runs")}).values():
        yield from job["steps"]


def check_documents(checks):
    """The workflow and the pipeline that docs/ci.md shows."""
    workflow, pipeline = code_blocks(ROOT / "docs/ci.md", "yaml")
    with tempfile.TemporaryDirectory() as folder:
        for name, text, schema in (("workflow", workflow, "github-workflows"), ("pipeline", pipeline, "gitlab-ci")):
            path = pathlib.Path(folder, f"{name}.yml")
            path.write_text(text)
            check_schema(checks, f"the {name} of docs/ci.md", schema, [path])


def check_commands(checks, path):
    """Bash can read what steps run, and what they name is there."""
    targets = set(re.findall(r"^([a-z][a-z-]*):(?: |$)", (ROOT / "Makefile").read_text(), re.M))
    problems = []
    for step in steps(path):
        text = step.get("run", "")
        if subprocess.run(["bash", "-n", "-c", text]).returncode != 0:
            problems.append(f"not a script: {text}")
        for name in re.findall(r"(?<![\w/.-])((?:Scripts|\.ci)/[\w.-]+)", text):
            if not os.access(ROOT / name, os.X_OK):
                problems.append(f"{name} is no program")
        problems += [f"make {name}" for name in re.findall(r"^make ([\w-]+)", text, re.M) if name not in targets]
    checks.none(f"{path.name}: what its steps name is there", problems)


def check_pieces(checks):
    """The workflow's pieces are those of .ci/run, each on x86-64 Linux."""
    defined = set(re.findall(r"^run_(\w+)\(\)", (ROOT / ".ci/run").read_text(), re.M))
    matrix = YAML(typ="safe").load((GITHUB / "workflows/tests.yml").read_text())["jobs"]["linux"]["strategy"]["matrix"]
    run_there = {row["piece"] for row in matrix["include"] if row["runner"] == "ubuntu-24.04"}
    checks.check("tests.yml runs every piece of .ci/run", run_there == defined, ", ".join(sorted(run_there)))


def main():
    checks = Checks()
    check_schema(checks, "the workflows", "github-workflows", WORKFLOWS)
    check_schema(checks, "the action", "github-actions", [ROOT / "action.yml"])
    check_schema(checks, "the forms", "github-issue-forms", [path for path in FORMS if path.stem != "config"])
    check_schema(checks, "the forms' settings", "github-issue-config", [GITHUB / "ISSUE_TEMPLATE/config.yml"])
    check_schema(checks, "the updates", "dependabot", [GITHUB / "dependabot.yml"])
    check_documents(checks)
    code, output = run("zizmor", "--offline", "--strict-collection", "--no-progress", "--quiet", "--format=plain",
                       GITHUB, ROOT / "action.yml")
    checks.check("zizmor finds nothing", code == 0, "" if code == 0 else output)
    for path in WORKFLOWS:
        used = re.findall(r"uses: .*", path.read_text())
        checks.none(f"{path.name} pins each action by its commit, and says the version",
                    [line for line in used if not PINNED.match(line)])
    for path in (*WORKFLOWS, ROOT / "action.yml"):
        check_commands(checks, path)
    check_pieces(checks)
    checks.finish()


main()
