"""The README's example is run, and its claims about files hold."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(not README.exists(), reason="the README is not beside the tests")


def test_the_example_runs():
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert abs(float(names["gap"]) - 4.0) < 2.0


@pytest.mark.skipif(
    not (ROOT / "experiments").exists(), reason="the tests run without the repository around them"
)
def test_every_link_into_the_repository_exists():
    for link in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        if "://" not in link:
            assert (ROOT / link).exists(), link
