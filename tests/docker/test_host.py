"""The host that terraform makes: its first-boot script and its permissions, read without an AWS account."""

import os
import re
import subprocess
from pathlib import Path

from tests.conftest import ROOT

STAGE = ROOT / "docker" / "deploy" / "terraform" / "stage"


def test_a_host_whose_address_comes_late_still_gets_docker(tmp_path: Path) -> None:
    stubs = {
        "dnf": 'echo "dnf $*" >>"$0.log"; [ "$(wc -l <"$0.log")" -gt 2 ]  # no network yet, twice',
        "sleep": "true",
        "sed": "true",
        "systemctl": 'echo "$*" >"$0.log"',
    }
    for name, body in stubs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", STAGE / "user-data.sh"], env=environment, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "dnf.log").read_text().count("docker") == 3
    assert "docker" in (tmp_path / "systemctl.log").read_text()


def test_a_stages_host_reads_no_other_stages_parameters() -> None:
    text = (STAGE / "host.tf").read_text()
    if "AmazonSSMManagedInstanceCore" in text:  # which allows ssm:GetParameter of everything
        (deny,) = re.findall(r'effect += "Deny".*?\n  }', text, re.DOTALL)
        assert {"ssm:GetParameter", "ssm:GetParameters"} <= set(re.findall(r'"(ssm:\w+)"', deny))
        assert re.search(r"not_resources += \[local\.parameters, ", deny)
