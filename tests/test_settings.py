"""Where settings come from, which wins, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kalshi_portfolio.errors import SettingsError
from kalshi_portfolio.settings import Settings, load_settings, origins

PEM = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.upper().startswith("KALSHI_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_without_anything_production_and_no_key() -> None:
    settings = load_settings()
    assert settings.base_url == "https://external-api.kalshi.com/trade-api/v2"
    assert settings.environment_name == "prod"
    assert not settings.has_key
    assert settings.data is None
    assert settings.env_file is None


def test_an_argument_beats_the_environment_which_beats_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(
        "KALSHI_API_KEY_ID=file\nKALSHI_PRIVATE_KEY_PASSWORD=file\nKALSHI_ENVIRONMENT=demo\n"
    )
    monkeypatch.setenv("KALSHI_API_KEY_ID", "environment")
    monkeypatch.setenv("KALSHI_PRIVATE_KEY_PASSWORD", "environment")
    settings = load_settings(api_key_id="argument")
    assert settings.api_key_id == "argument"
    assert settings.private_key_password == "environment"
    assert settings.environment_name == "demo"


def test_the_env_file_of_the_working_directory_is_read_and_none_above_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    below = tmp_path / "notebooks"
    below.mkdir()
    (tmp_path / ".env").write_text("KALSHI_ENVIRONMENT=demo\nOTHER=1\n")
    assert load_settings().environment_name == "demo"
    assert load_settings().env_file == tmp_path / ".env"
    monkeypatch.chdir(below)
    assert load_settings() == Settings()
    (below / ".env").write_text("OTHER=2\nKALSHI_ENVIRONMENT=\n")
    assert load_settings() == Settings()


def test_a_folder_named_like_the_env_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert load_settings().env_file is None


def test_variables_of_others_in_the_env_file_change_nothing(tmp_path: Path) -> None:
    before = dict(os.environ)
    (tmp_path / ".env").write_text(
        "HTTPS_PROXY=http://evil.example\nPATH=/evil\nKALSHI_DATA=x\nKALSHI_ENVIRONMENT=demo\n"
    )
    assert load_settings() == Settings(environment="demo", env_file=tmp_path / ".env")
    assert dict(os.environ) == before


def test_a_file_that_decides_is_told_and_so_is_an_address_that_is_not_the_exchanges(tmp_path: Path) -> None:
    assert load_settings().notice == load_settings(api_base_url="https://elsewhere.example").notice == ""
    (tmp_path / ".env").write_text("KALSHI_ENVIRONMENT=demo\n")
    assert load_settings().notice == f"Settings were read from {tmp_path / '.env'}"
    (tmp_path / ".env").write_text("KALSHI_API_BASE_URL=https://elsewhere.example\n")
    assert load_settings().notice.splitlines()[1:] == ["Requests go to elsewhere.example (KALSHI_API_BASE_URL)"]


def test_an_env_file_that_decides_nothing_is_not_shown_as_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KALSHI_ENVIRONMENT=demo\n")
    monkeypatch.setenv("KALSHI_ENVIRONMENT", "prod")
    assert load_settings().env_file is None


def test_relative_paths_start_at_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KALSHI_PRIVATE_KEY_PATH=keys/kalshi.pem\n")
    monkeypatch.setenv("KALSHI_PORTFOLIO_DATA", "my data")
    settings = load_settings()
    assert settings.private_key_path == Path("keys/kalshi.pem")
    assert settings.data == Path("my data")


def test_a_home_directory_is_expanded() -> None:
    assert load_settings(data="~/kalshi").data == Path.home() / "kalshi"


def test_a_key_argument_voids_the_other_form_of_the_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_PRIVATE_KEY", PEM)
    assert load_settings(private_key_path="key.pem").private_key is None
    assert load_settings().private_key == PEM


def test_empty_values_count_as_none_and_blanks_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_ENVIRONMENT", "")
    monkeypatch.setenv("KALSHI_API_KEY_ID", " a1b2 \n")
    settings = load_settings()
    assert settings.environment is None
    assert settings.api_key_id == "a1b2"


@pytest.mark.parametrize(
    ("url", "base_url", "name"),
    [
        ("https://demo-api.kalshi.co", "https://demo-api.kalshi.co/trade-api/v2", "demo"),
        (
            "https://API.elections.kalshi.com/trade-api/v2/",
            "https://api.elections.kalshi.com/trade-api/v2",
            "prod",
        ),
        ("https://kalshi.example/x", "https://kalshi.example/x", "custom"),
        ("https://api.elections.kalshi.com:8443", "https://api.elections.kalshi.com:8443/trade-api/v2", "custom"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/trade-api/v2", "custom"),
        ("http://[::1]:8000", "http://[::1]:8000/trade-api/v2", "custom"),
        ("http://localhost", "http://localhost/trade-api/v2", "custom"),
    ],
)
def test_another_address_is_completed_and_recognised(url: str, base_url: str, name: str) -> None:
    settings = Settings(api_base_url=url)
    assert settings.base_url == base_url
    assert settings.environment_name == name


@pytest.mark.parametrize(
    "url",
    [
        "http://kalshi.example",
        "http://127.0.0.1.example",
        "ftp://localhost",
        "kalshi.example",
        "https://",
        "https://a:b/",
    ],
)
def test_an_impossible_or_unsafe_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="KALSHI_API_BASE_URL"):
        Settings(api_base_url=url)


def test_an_address_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings(api_base_url="https://user:hunter2@kalshi.example")
    assert "hunter2" not in str(caught.value)


def test_an_environment_and_an_address_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(SettingsError, match="'demo', but KALSHI_API_BASE_URL is an address of 'prod'"):
        load_settings(environment="demo", api_base_url="https://api.elections.kalshi.com")
    assert load_settings(environment="demo", api_base_url="https://proxy.example").environment_name == "custom"


def test_an_unknown_environment_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"'paper'.*Expected 'prod' or 'demo'"):
        load_settings(environment="paper")


def test_a_key_pasted_as_a_path_is_refused_without_showing_it() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(private_key_path=PEM)
    assert "c2VjcmV0" not in str(caught.value)


def test_an_unreadable_env_file_is_named_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"KALSHI_PRIVATE_KEY=s\xe9cret\n")
    with pytest.raises(SettingsError, match=r"\.env could not be read") as caught:
        load_settings()
    assert caught.value.__cause__ is None
    assert "cret" not in str(caught.value)


def test_no_secret_is_in_the_repr() -> None:
    settings = Settings(api_key_id="a1b2c3", private_key=PEM, private_key_password="hunter2", data=Path("d"))
    for text in (repr(settings), str(settings), f"{settings}"):
        assert not any(secret in text for secret in ("a1b2c3", "c2VjcmV0", "hunter2"))
        assert "key=set" in text


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Settings().environment = "demo"  # type: ignore[misc]


def test_importing_the_module_does_not_import_pydantic() -> None:
    code = "import sys, kalshi_portfolio.settings; sys.exit('pydantic' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603  (our own interpreter)


def test_each_setting_tells_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("KALSHI_ENVIRONMENT=demo\nKALSHI_API_KEY_ID=a\nKALSHI_PRIVATE_KEY=b\n")
    monkeypatch.setenv("KALSHI_API_KEY_ID", "c")
    found = origins(data="here", private_key_path="key")
    assert found == {
        "KALSHI_API_KEY_ID": "environment",
        "KALSHI_PRIVATE_KEY_PATH": "argument",  # which makes the other form void
        "KALSHI_ENVIRONMENT": str(tmp_path / ".env"),
        "KALSHI_PORTFOLIO_DATA": "argument",
    }
