"""STORAGE= that is mistyped or names a missing driver: one line with the way out, and never a password."""

import importlib.util
import re
import traceback

import pytest

from schedsearch.study import errors
from schedsearch.study.database import check_reachable
from schedsearch.study.errors import shortened, shown
from schedsearch.study.store import Store
from vocoder.errors import InputError

IDENTITY = {"dataset": "toy", "sample_rate": 16000, "iterations": 3}


def opened(url):
    return Store(url, IDENTITY, {"spectral": "minimize"})


@pytest.mark.parametrize("use", [opened, check_reachable], ids=["open", "look"])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg:/u:SECRET@127.0.0.1:1/d",
        "postgresql+psycopg//u:SECRET@127.0.0.1:1/d",
        "u:SECRET@127.0.0.1/d",
        "SECRET@127.0.0.1/d",
        "host=127.0.0.1 password=SECRET",
        "postgresql://host=127.0.0.1 password=SECRET",
        "postgresql://u:SECRET/d",
        "postgresql://u:SECRET@127.0.0.1:port/d",
        "postgresql://u:x@SECRET@127.0.0.1:1/d",
        "postgresql://u:x@SECRET",
        "postgresql://u:x@SECRET/y@127.0.0.1:1/d",
        "postgresql://u:x%40SECRET@127.0.0.1:1/d",
        "postgresql://u@127.0.0.1:1/d?password=SECRET",
        "postgresql://u@127.0.0.1:1/d?options=-cSECRET",
        "postgresql://u@127.0.0.1:1/d?SECRET",
        "postgresql://u@127.0.0.1:1/d?pass word=SECRET&SECRET=x",
        "mysql+nothing://u:SECRET@h/d",
        "sqlite+pysqlcipher://:SECRET@/study.db",
        "sqlite:///nowhere/study.db?key=SECRET",
    ],
)
def test_no_mistyped_url_shows_its_password(url, use):
    with pytest.raises(InputError) as refusal:
        use(url)
    whole = "".join(traceback.format_exception(refusal.value))
    assert "SECRET" not in re.sub(r'File ".*|    .*', "", whole)  # of a traceback: messages, not lines of code
    assert len(str(refusal.value).splitlines()) == 1
    assert "STORAGE=" in str(refusal.value)


def test_the_url_of_a_file_is_shown_whole():
    assert shortened("sqlite:////tmp/a@b:c@d.db") == "sqlite:////tmp/a@b:c@d.db"
    assert shortened("study.db") == "study.db"


def test_a_command_to_go_on_has_all_of_an_opened_url_but_its_password():
    opened = "postgresql+psycopg://u:SECRET@h:5433/d?options=SECRET"
    assert shown(opened) == "postgresql+psycopg://u:***@h:5433/d?options=..."
    assert shown("sqlite:////tmp/a@b.db") == "sqlite:////tmp/a@b.db"


@pytest.mark.parametrize("driver", ["psycopg2", "asyncpg", "nonsense"])
def test_a_missing_driver_beside_the_installed_one_is_told_with_the_url_that_works(driver):
    with pytest.raises(InputError, match="the driver that STORAGE= names is missing") as refusal:
        check_reachable(f"postgresql+{driver}://u@127.0.0.1:1/d")
    assert "begin it with postgresql+psycopg:// and leave the rest as it is" in str(refusal.value)
    assert "extra" not in str(refusal.value)


def test_without_any_driver_the_extra_is_named(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(errors, "find_spec", lambda name: None if name == "psycopg" else real(name))
    with pytest.raises(InputError, match=r"install the extra schedsearch\[postgres\]"):
        check_reachable("postgresql+psycopg2://u@127.0.0.1:1/d")


def test_a_database_of_another_kind_is_named_before_its_driver_is_missed():
    with pytest.raises(InputError, match="must be an SQLite or a PostgreSQL database, and is mysql"):
        check_reachable("mysql://root@localhost/x")
