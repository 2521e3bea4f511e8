"""report.html in a real browser: sorting, listening, the blind test, and that nothing is fetched.

Needs Chromium and its driver (Debian: chromium, chromium-driver); skipped where they are not.
"""

import json
import os
import shutil
from collections import Counter
from itertools import pairwise

import pytest
import torch
from scipy import stats

from schedsearch.report.page.content import Cell, Column, Page, Picture, Table
from schedsearch.report.page.document import write_page
from schedsearch.report.page.players import listening
from schedsearch.report.rendering import Heard

selenium = pytest.importorskip("selenium")
from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs chromium and chromedriver"),
]

HOSTILE = '<script>window.pwned = 1</script>"><img src=x onerror=window.pwned=1> </script> \'&'
SYSTEMS = ("reference", "searched (trial 7)", f"best baseline ({HOSTILE})", "training schedule in 100 steps")
SECONDS = (3.0, 2.5, 0.4, 1.5, 1.6, 1.7, 1.8, 1.9)
CLIPS = (HOSTILE, *(f"clip{i}" for i in range(1, 8)))
# PNG of one grey pixel, made with zlib by hand.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c636800000082008177cd72b60000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def driver():
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for flag in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(flag)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium refuses root otherwise
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield found
    found.quit()


def tone(amplitude, seconds, pitch):
    return amplitude * torch.sin(2 * torch.pi * pitch * torch.arange(round(seconds * 16000)) / 16000)


def table():
    values = [(3.0, "b"), (None, "trial 10"), (-1.5, "trial 9"), (20.0, "a")]
    rows = [(Cell(name), Cell("–") if value is None else Cell(f"{value}", value)) for value, name in values]
    return Table("leaderboard", "Leaderboard", (Column("Name", numeric=False), Column("Score")), tuple(rows))


def the_page():
    systems = [
        Heard(name, tuple(tone(0.1 * (s + 1), seconds, 200 + 100 * s + i) for i, seconds in enumerate(SECONDS)))
        for s, name in enumerate(SYSTEMS)
    ]
    return Page(
        title=HOSTILE,
        verdicts=(("", f"{HOSTILE} ships.", True),),
        context=("context",),
        tables=(table(),),
        pictures=(Picture(HOSTILE, HOSTILE, PIXEL),),
        listening=listening(CLIPS, systems, 16000),
        provenance=((HOSTILE, 500 * "x"),),
        files=("run.json",),
    )


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("a folder #1 'with' <marks>") / "report.html"
    write_page(the_page(), path)
    return path.as_uri()


@pytest.fixture
def page(driver, address):
    """Freshly opened; whatever a test did, the console stayed empty and nothing hostile ran."""
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    for log in ("browser", "performance"):
        driver.get_log(log)
    driver.get(address)
    wait(driver, "return [...document.querySelectorAll('audio')].every(a => a.readyState >= 1)")
    at_speed(driver, 0.0625)  # so that no clip ends while a slow machine looks
    yield driver
    assert driver.get_log("browser") == []
    assert driver.execute_script("return window.pwned") is None


def at_speed(driver, rate):
    """All players at so many times the usual speed, of which browsers allow 1/16 to 16."""
    driver.execute_script("document.querySelectorAll('audio').forEach(a => { a.playbackRate = arguments[0]; })", rate)


def wait(driver, script):
    WebDriverWait(driver, 20, poll_frequency=0.05).until(lambda d: d.execute_script(script))


def press(driver, key):
    """To whatever has the focus."""
    webdriver.ActionChains(driver).send_keys(key).perform()


def player(driver, row, column):
    return driver.find_elements(By.CSS_SELECTOR, f".listening tbody tr:nth-child({row + 1}) button.player")[column]


def playing(driver):
    """(row, column) of all that play."""
    return [
        tuple(place)
        for place in driver.execute_script(
            "return [...document.querySelectorAll('audio')].filter(a => !a.paused)"
            ".map(a => [a.closest('tr').sectionRowIndex, a.closest('td').cellIndex - 1])"
        )
    ]


def seek(driver, seconds):
    driver.execute_script(
        "const p = document.querySelector('.position'); p.value = arguments[0]; p.dispatchEvent(new Event('input'))",
        seconds,
    )


def now(driver, row, column):
    return driver.execute_script("return arguments[0].parentNode.querySelector('audio').currentTime",
                                 player(driver, row, column))  # fmt: skip


def click(driver, selector):
    driver.find_element(By.CSS_SELECTOR, selector).click()


# --- the page -----------------------------------------------------------------------------------------------


def test_the_verdict_stands_first_and_hostile_names_are_shown_as_they_are(page):
    assert page.find_element(By.TAG_NAME, "main").text.splitlines()[0] == f"{HOSTILE} ships."
    assert page.title == HOSTILE
    assert page.find_element(By.CSS_SELECTOR, ".clip").text == HOSTILE
    assert page.find_element(By.CSS_SELECTOR, "figure img").get_attribute("alt") == HOSTILE


def test_nothing_is_fetched(page):
    click(page, ".transport .play")
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert [url for url in urls if not url.startswith("data:")] == [page.current_url]
    entries = page.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert [name for name in entries if not name.startswith("data:")] == []


def test_pictures_load_under_the_policy(page):
    assert page.execute_script("return document.querySelector('figure img').naturalWidth") == 1


@pytest.mark.parametrize("width", [320, 600, 1280])
def test_the_page_never_scrolls_sideways(page, width):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    for button in (None, ".blind", ".reveal"):
        if button:
            click(page, button)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    page.execute_script("document.querySelector('details').open = true")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_every_control_has_a_name(page):
    for blind in (False, True):
        if blind:
            click(page, ".blind")
        tree = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        roles = ("button", "slider", "checkbox", "radio", "link")
        controls = [node for node in tree if node.get("role", {}).get("value") in roles]
        assert len(controls) > 30
        assert [n for n in controls if not n["name"]["value"].strip()] == []


# --- tables -------------------------------------------------------------------------------------------------


def column(driver, index):
    cells = driver.find_elements(By.CSS_SELECTOR, f"#leaderboard tbody td:nth-child({index + 1})")
    return [cell.text for cell in cells]


def heading(driver, index):
    return driver.find_elements(By.CSS_SELECTOR, "#leaderboard th")[index]


def test_a_click_sorts_numbers_and_a_second_one_turns_them_round(page):
    heading(page, 1).find_element(By.TAG_NAME, "button").click()
    assert column(page, 1) == ["-1.5", "3.0", "20.0", "–"]
    assert heading(page, 1).get_attribute("aria-sort") == "ascending"
    heading(page, 1).find_element(By.TAG_NAME, "button").click()
    assert column(page, 1) == ["20.0", "3.0", "-1.5", "–"]  # what is missing stays last
    assert heading(page, 1).get_attribute("aria-sort") == "descending"
    assert column(page, 0) == ["a", "b", "trial 9", "trial 10"]  # rows stay whole


@pytest.mark.parametrize("key", [Keys.ENTER, Keys.SPACE])
def test_keys_sort_text_with_numbers_in_it(page, key):
    page.execute_script("document.querySelector('#leaderboard').closest('.scroll').focus()")
    press(page, Keys.TAB)
    press(page, key)
    assert column(page, 0) == ["a", "b", "trial 9", "trial 10"]
    assert [h.get_attribute("aria-sort") for h in page.find_elements(By.CSS_SELECTOR, "#leaderboard th")] == [
        "ascending",
        "none",
    ]


# --- players ------------------------------------------------------------------------------------------------


def test_every_player_holds_its_clip(page):
    durations = page.execute_script("return [...document.querySelectorAll('audio')].map(a => a.duration)")
    assert durations == pytest.approx([seconds for seconds in SECONDS for _ in SYSTEMS], abs=1e-3)


def test_one_plays_at_a_time(page):
    player(page, 0, 1).click()
    assert playing(page) == [(0, 1)]
    player(page, 1, 2).click()
    assert playing(page) == [(1, 2)]
    pressed = page.find_elements(By.CSS_SELECTOR, "button.player[aria-pressed='true']")
    assert [button.get_attribute("aria-label") for button in pressed] == [f"{SYSTEMS[2]}: clip1"]
    player(page, 1, 2).click()
    assert playing(page) == []


def test_another_system_goes_on_where_the_last_one_was(page):
    player(page, 0, 1).click()
    press(page, Keys.SPACE)
    seek(page, 1.25)
    press(page, Keys.SPACE)
    press(page, Keys.ARROW_RIGHT)
    assert playing(page) == [(0, 2)]
    assert now(page, 0, 2) >= 1.25
    press(page, Keys.SPACE)
    before = now(page, 0, 2)
    player(page, 0, 0).click()
    press(page, Keys.SPACE)
    assert now(page, 0, 0) >= before


def test_space_plays_and_stops_and_escape_stops(page):
    player(page, 0, 0).click()
    press(page, Keys.SPACE)
    assert playing(page) == []
    press(page, Keys.SPACE)
    assert playing(page) == [(0, 0)]
    press(page, Keys.ESCAPE)
    assert playing(page) == []


def test_arrows_move_and_stay_inside(page):
    def focus():
        return page.execute_script(
            "const a = document.activeElement; return [a.closest('tr').sectionRowIndex, a.closest('td').cellIndex - 1]"
        )

    player(page, 0, 0).click()
    press(page, Keys.SPACE)
    for key, place in [
        (Keys.ARROW_LEFT, [0, 0]), (Keys.ARROW_UP, [0, 0]), (Keys.ARROW_DOWN, [1, 0]), (Keys.ARROW_RIGHT, [1, 1]),
        (Keys.END, [1, 3]), (Keys.ARROW_RIGHT, [1, 3]), (Keys.HOME, [1, 0]), (Keys.ARROW_UP, [0, 0]),
    ]:  # fmt: skip
        press(page, key)
        assert focus() == place
        assert playing(page) == []
    assert len(page.find_elements(By.CSS_SELECTOR, "button.player[tabindex='0']")) == 1


def test_what_plays_follows_the_arrows_to_another_clip(page):
    player(page, 0, 1).click()
    press(page, Keys.ARROW_DOWN)
    assert playing(page) == [(1, 1)]


def test_a_clip_that_ends_begins_again_at_its_start(page):
    at_speed(page, 1)
    player(page, 2, 1).click()  # 0.4 s
    wait(page, "return document.querySelectorAll('button[aria-pressed=\"true\"]').length === 0")
    assert float(page.find_element(By.CSS_SELECTOR, ".position").get_attribute("value")) == 0


def test_a_looped_clip_goes_on(page):
    at_speed(page, 1)
    click(page, ".loop")
    player(page, 2, 1).click()
    page.execute_script("window.rounds = 0; document.querySelectorAll('.listening tr:nth-child(3) audio')[1]"
                        ".addEventListener('seeked', () => { window.rounds += 1; })")  # fmt: skip
    wait(page, "return window.rounds >= 2")
    assert playing(page) == [(2, 1)]


# --- blind test ---------------------------------------------------------------------------------------------


def sources(driver):
    """[row][column]: the audio itself, which tells who is who."""
    return driver.execute_script(
        "return [...document.querySelectorAll('.listening tbody tr')]"
        ".map(r => [...r.querySelectorAll('audio')].map(a => a.src))"
    )


def orders(driver, named):
    """[row][column]: the system's number."""
    return [[row.index(source) for source in found] for row, found in zip(named, sources(driver), strict=True)]


def shown(driver):
    """All of the section but the audio: text, attributes, everything."""
    html = driver.execute_script("return document.getElementById('listening').outerHTML.replace(/data:[^\"]*/g, '')")
    tree = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    return html + json.dumps([node.get("name", {}).get("value", "") for node in tree], ensure_ascii=False)


def test_a_blind_test_hides_every_name_and_every_gain(page):
    before = shown(page)
    telling = ["searched (trial 7)", "best baseline (", "in 100 steps", "−6.0 dB", "−9.5 dB", "−12.0 dB"]
    assert [text for text in telling if text not in before] == []
    click(page, ".blind")
    assert [text for text in telling if text in shown(page)] == []
    assert player(page, 0, 1).get_attribute("aria-label") == f"A: {HOSTILE}"
    assert [h.text for h in page.find_elements(By.CSS_SELECTOR, "th.system")] == ["reference", "A", "B", "C"]


def test_a_blind_test_shuffles_each_row_and_leaves_the_reference(page):
    named = sources(page)
    seen: Counter[tuple[int, ...]] = Counter()
    for _ in range(15):
        click(page, ".blind")
        found = orders(page, named)
        assert {row[0] for row in found} == {0}
        assert {tuple(sorted(row)) for row in found} == {(0, 1, 2, 3)}
        seen.update(map(tuple, found))
        click(page, ".blind")
    assert len(seen) == 6  # of 120 draws of 6 orders: one would be missing once in half a billion


def pick(driver, row, column):
    """`column` from 1, or "none"."""
    click(driver, f".listening tbody tr:nth-child({row + 1}) input[value='{column}']")


def test_the_tally_adds_up(page):
    named = sources(page)
    click(page, ".blind")
    found = orders(page, named)
    picks = [1, 1, 1, 1, 2, 3]  # systems of the first six clips; the seventh is undecided, the eighth not judged
    for row, system in enumerate(picks):
        pick(page, row, found[row].index(system))
    pick(page, 6, "none")
    click(page, ".reveal")
    told = page.find_element(By.CSS_SELECTOR, ".tally").text.splitlines()
    assert told[1:6] == [
        f"{SYSTEMS[1]}: 4 clips",
        f"{SYSTEMS[2]}: 1 clip",
        f"{SYSTEMS[3]}: 1 clip",
        "no preference: 1 clip",
        "not judged: 1 clip",
    ]
    p = stats.binomtest(4, 5).pvalue
    assert "Of the 5 clips where one of these two was picked, the searched schedule was picked in 4: " in told[6]
    assert f"two-sided sign test p = {p:.3f}" in told[6]


def test_the_sign_test_is_the_exact_one(page):
    named = sources(page)
    for searched in (0, 2, 4, 7, 8):
        click(page, ".blind")
        for row, order in enumerate(orders(page, named)):
            pick(page, row, order.index(1 if row < searched else 2))
        click(page, ".reveal")
        assert f"p = {stats.binomtest(searched, 8).pvalue:.3f}." in page.find_element(By.CSS_SELECTOR, ".tally").text
        click(page, ".blind")


def test_revealed_names_belong_to_their_audio(page):
    named = sources(page)
    click(page, ".blind")
    found = orders(page, named)
    click(page, ".reveal")
    for row, order in enumerate(found):
        labels = page.find_elements(By.CSS_SELECTOR, f".listening tbody tr:nth-child({row + 1}) .label")
        assert [label.text.split(": ", 1)[-1] for label in labels] == [SYSTEMS[system] for system in order]
    assert "Neither the searched schedule nor the baseline" in page.find_element(By.CSS_SELECTOR, ".tally").text
    assert not page.find_element(By.CSS_SELECTOR, ".reveal").is_enabled()


def test_the_end_of_a_blind_test_brings_everything_back(page):
    before, named = shown(page), sources(page)
    click(page, ".blind")
    player(page, 1, 2).click()
    click(page, ".blind")
    assert playing(page) == []
    assert sources(page) == named
    assert shown(page) == before


def test_players_work_in_a_blind_test(page):
    click(page, ".blind")
    player(page, 0, 1).click()
    for one, other in pairwise((1, 2, 3)):
        press(page, Keys.ARROW_RIGHT)
        assert playing(page) == [(0, other)]
        assert one != other
