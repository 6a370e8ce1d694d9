"""manage.py: training's door, starting."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from backend.environment import Environment
from tests.conftest import ROOT
from training.options import RunOptions


def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """manage.py in a process of its own, with nothing set but `variables`."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_training_gets_exactly_what_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[RunOptions] = []
    pipeline: Any = ModuleType("training.pipeline")
    pipeline.run = asked.append
    monkeypatch.setattr("training.needs.find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "training.pipeline", pipeline)
    call_command("train_unetr", "--preset", "lite", "--data", "synthetic", "--minutes", "5", "--out", "here")
    assert asked == [RunOptions(preset="lite", data="synthetic", minutes=5.0, out=Path("here"))]


def test_training_without_tensorflow_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.needs.find_spec", lambda name: None)
    with pytest.raises(CommandError, match=r"pip install -r requirements.txt -r training/requirements.txt"):
        call_command("train_unetr")


def test_an_installation_that_only_serves_says_how_to_train(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "training.options", None)  # the serving image has no training/
    with pytest.raises(SystemExit, match=r"only serves.*\n.*training/requirements\.txt"):
        call_command("train_unetr", "--preset", "lite")


def test_the_bundle_has_the_name_and_version_that_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[RunOptions] = []
    pipeline: Any = ModuleType("training.pipeline")
    pipeline.run = asked.append
    monkeypatch.setattr("training.needs.find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "training.pipeline", pipeline)
    call_command("train_unetr", "--name", "roads", "--version", "1.2.0")
    assert (asked[0].bundle_name, asked[0].version) == ("roads", "1.2.0")
    with pytest.raises(CommandError, match="letters, digits"):
        call_command("train_unetr", "--name", "../elsewhere")


SERVE = """
import sys
from pathlib import Path
import django
django.setup()
from segmentation_api.renderers import RENDERERS, render
from segmentation_api.services import SegmentOptions, segment_image
data = Path(sys.argv[1]).read_bytes()
options = SegmentOptions(polygons=True)
for renderer in RENDERERS:
    render(segment_image(data=data, options=options), options, renderer)
import backend.wsgi
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"tensorflow", "keras", "torch", "training", "boto3"}))
"""


@pytest.mark.slow
def test_serving_imports_neither_tensorflow_nor_keras(photo: bytes, tmp_path: Path, models_dir: Path) -> None:
    (tmp_path / "a.png").write_bytes(photo)
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "backend.settings",
        "MODELS_DIR": str(models_dir),
        "MODEL": "tiny",
        "STATE_DIR": str(tmp_path),
        "API_PUBLIC": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(tmp_path / "a.png")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_UPLOAD_BYTES", "abc"),
        ("MAX_IMAGE_PIXELS", "-1"),
        ("API_PUBLIC", "maybe"),
        ("DEBUG", "ture"),
        ("THROTTLE_KEY", "fast"),
        ("DATABASE_URL", "nothing://here"),
        ("CACHE_URL", "nothing://here"),
        ("CACHE_URL", "locmemcache://"),
        ("CACHE_URL", "filecache:///tmp/cache"),
        ("THROTTLE_IPV6_PREFIX", "0"),
        ("THROTTLE_IPV6_PREFIX", "129"),
        ("STATE_DIR", "/nowhere"),
        ("ALLOWED_HOSTS", "localhost,https://faces.example"),
        ("ALLOWED_HOSTS", "faces.example:8000"),
        ("CORS_ALLOWED_ORIGINS", "app.example"),
        ("CORS_ALLOWED_ORIGINS", "https://app.example/"),
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("CSRF_TRUSTED_ORIGINS", "faces.example"),
        ("PROXY_SSL_HEADER", "X Forwarded"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("ENVIRONMENT", "staging"),
        ("PORT", "http"),
        ("LOG_LEVEL", "loud"),
        ("NUM_PROXIES", "all"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(
    name: str, value: str, tmp_path: Path, start_settings: Callable[..., str]
) -> None:
    assert start_settings(**{"STATE_DIR": str(tmp_path), name: value}).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "localhost, [::1], 10.0.0.7, .faces.example"),
        ("CORS_ALLOWED_ORIGINS", "https://app.example, http://localhost:3000, capacitor://localhost"),
        ("CSRF_TRUSTED_ORIGINS", "https://*.faces.example:8443"),
        ("PROXY_SSL_HEADER", "X-Forwarded-Proto"),
        ("CACHE_URL", "redis://:password@redis:6379/0"),
    ],
)
def test_a_right_setting_is_taken(
    name: str, value: str, tmp_path: Path, start_settings: Callable[..., str]
) -> None:
    assert start_settings(**{"STATE_DIR": str(tmp_path), name: value}) == ""


def test_production_never_shows_error_pages_with_internals(
    tmp_path: Path, start_settings: Callable[..., str]
) -> None:
    given = {"STATE_DIR": str(tmp_path), "SECRET_KEY": "k" * 60}
    for debug in ("true", "1", "yes", "on"):
        message = start_settings(**given, ENVIRONMENT="production", DEBUG=debug)
        assert message.startswith("DEBUG: must not be true in production")
    assert start_settings(**given, ENVIRONMENT="production", DEBUG="false") == ""
    assert start_settings(**given, ENVIRONMENT="development", DEBUG="true") == ""


def test_the_run_dir_is_where_nobody_cleans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, state = tmp_path / "runtime", tmp_path / "state"
    runtime.mkdir()
    state.mkdir()
    for name in ("RUN_DIR", "PORT", "CACHE_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STATE_DIR", str(state))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert runtime / "face-parsing-8000" == Environment().RUN_DIR
    for none in ("", str(tmp_path / "gone"), "relative", "/proc/1" if os.getuid() else "/nonexistent"):
        monkeypatch.setenv("XDG_RUNTIME_DIR", none)
        assert state / "run-8000" == Environment().RUN_DIR
    monkeypatch.setenv("PORT", "8123")
    assert state / "run-8123" == Environment().RUN_DIR


def test_the_example_file_has_every_setting_and_its_default() -> None:
    example = (ROOT / ".env.example").read_text().partition("# --- Of compose.yaml alone")[0].splitlines()
    written = dict(
        line.removeprefix("#").split("=", 1) for line in example if re.match(r"#[A-Z0-9_]+=", line)
    )
    fields = Environment.model_fields
    assert set(written) == set(fields)
    numbers = {name: field.default for name, field in fields.items() if isinstance(field.default, int)}
    assert {name: written[name] for name in numbers} == {
        name: str(default).lower() for name, default in numbers.items()
    }


@pytest.fixture
def start_settings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Read backend/settings.py anew with these variables; the message it stops with."""
    from django.core.exceptions import ImproperlyConfigured

    def start(**variables: str) -> str:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        code = compile((ROOT / "backend" / "settings.py").read_text(), "settings.py", "exec")
        try:
            exec(code, {"__file__": str(ROOT / "backend" / "settings.py"), "__name__": "fresh_settings"})
        except ImproperlyConfigured as error:
            return str(error)
        return ""

    return start


def test_production_demands_a_secret_key(start_settings: Callable[..., str], tmp_path: Path) -> None:
    where = {"ENVIRONMENT": "production", "STATE_DIR": str(tmp_path)}
    assert start_settings(**where).startswith("SECRET_KEY: ")
    assert not (tmp_path / "secret_key").exists()
    assert start_settings(**where, SECRET_KEY="short").startswith("SECRET_KEY: ")
    assert start_settings(**where, SECRET_KEY="$given-and-not-expanded-" + "k3y" * 10) == ""


def test_a_secret_key_is_made_once_and_kept_from_others(
    start_settings: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "secret_key"
    assert start_settings(STATE_DIR=str(tmp_path)) == ""
    key = file.read_text()
    assert len(key) >= 50
    assert file.stat().st_mode & 0o777 == 0o600
    assert start_settings(STATE_DIR=str(tmp_path)) == ""
    assert file.read_text() == key
    file.write_text("")
    assert start_settings(STATE_DIR=str(tmp_path)).startswith("SECRET_KEY: ")


@pytest.mark.slow
def test_check_deploy_is_clean_in_production(tmp_path: Path) -> None:
    done = run(
        "check", "--deploy", "--fail-level", "WARNING",
        ENVIRONMENT="production", SECRET_KEY="k3y-" * 20 + "abcdefgh", ALLOWED_HOSTS="faces.example",
        STATE_DIR=str(tmp_path), HOME=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_a_wrong_setting_is_one_line_on_the_command_line(tmp_path: Path) -> None:
    done = run("check", MAX_UPLOAD_BYTES="abc", STATE_DIR=str(tmp_path))
    assert done.returncode == 1
    assert (
        done.stderr.strip()
        == "Cannot start: MAX_UPLOAD_BYTES: must be a whole number from 1024 to 1073741824"
    )
