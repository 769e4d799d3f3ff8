"""The page in a browser: by clicks and keys, wide, on a phone and in the dark."""

import base64
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from making import driven_browser
from making.commands import wait_for
from making.image_server import offer, serving
from making.rain_writer import RainWriter
from making.stand_in_worker import colour
from PIL import Image

from curation.networks.serving import Access
from curation.picture import conditions
from infer.engine.conditions import OUTLINES
from infer.enhancing.enhancer import Enhancer
from infer.server.pool import Limits

TOKEN = "a-token-of-tests"
READY = "!!document.getElementById('steps').value"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    offered = replace(offer(folder / "painter"), controls=OUTLINES)
    record = {
        "data": "x",
        "steps": 9,
        "images": 9,
        "sizes": [[64, 32]],
        "captions": [],
        "languages": [],
        "frames": [],
        "quotes": False,
        "longest": 0,
        "written": "",
        "described": "abcdefghijklmnopqrstuvwxyz",
    }
    (offered.folder / "trained_on.json").write_text(json.dumps(record))
    access = Access(token=TOKEN)
    given = {"limits": Limits(batch=4), "enhancer": Enhancer(RainWriter())}
    with serving(folder, offered=offered, access=access, **given) as made:
        yield made


@pytest.fixture(scope="module")
def browser(tmp_path_factory, server):
    with driven_browser.opened(tmp_path_factory.mktemp("browser")) as tab:
        tab.open(f"http://127.0.0.1:{server.port}/")
        tab.wait("!!document.querySelector('#form')")
        tab.ask(f"sessionStorage.setItem('token', '{TOKEN}')")
        yield tab


@pytest.fixture
def tab(browser, server):
    browser.show(1280)
    browser.ask("localStorage.clear()")
    browser.open(f"http://127.0.0.1:{server.port}/")
    browser.wait(READY)
    browser.problems.clear()  # of a token that was not there
    return browser


def fill(tab, **values):
    for name, value in values.items():
        tab.ask(
            f"(() => {{ const field = document.getElementById('{name}');"
            f" field.value = {json.dumps(value)}; field.dispatchEvent(new Event('input'));"
            " field.dispatchEvent(new Event('change')) })()"
        )


def click(tab, text):
    tab.ask(
        "[...document.querySelectorAll('button')].find((each) =>"
        f" each.textContent === {json.dumps(text)} && each.offsetParent).click()"
    )


def images(tab, count):
    """Of each image: the name for its file, the text for who does not see it, and its facts."""
    tab.wait(f"document.querySelectorAll('figure a').length === {count}")
    script = """[...document.querySelectorAll('figure:has(a)')].map((figure) =>
      [figure.querySelector('a').download, figure.querySelector('img').alt,
       figure.querySelector('.facts').textContent])"""
    return tab.ask(script)


def pixel(tab, x, y):
    """The colour of the newest image there."""
    return tuple(
        tab.ask(
            "(() => { const image = document.querySelector('figure img');"
            " const canvas = document.createElement('canvas');"
            " canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;"
            " const context = canvas.getContext('2d'); context.drawImage(image, 0, 0);"
            f" return [...context.getImageData({x}, {y}, 1, 1).data].slice(0, 3) }})()"
        )
    )


def test_images_are_made_and_their_settings_used_again(tab):
    fill(tab, prompt="a red fox", count=3, steps=2)
    click(tab, "Generate")
    made = images(tab, 3)
    assert [alt for _, alt, _ in made] == ["a red fox"] * 3
    facts = made[0][2].replace("\u00a0", " ")
    seed = int(facts.split(",")[0].removeprefix("seed "))
    assert facts == f"seed {seed}, 64 × 32, 2 steps, guidance 4"
    assert made[0][0] == f"a-red-fox-{seed}.png"
    assert pixel(tab, 5, 5) == colour("a red fox", seed)
    assert tab.ask("document.getElementById('state').textContent") == "done: 3 of 3"
    assert tab.ask("document.querySelectorAll('#history li').length") == 3
    fill(tab, prompt="something else", steps=9)
    click(tab, "Use these settings")
    assert tab.ask("document.getElementById('seed').value") == str(seed)
    assert tab.ask("document.getElementById('prompt').value") == "a red fox"
    assert tab.ask("document.getElementById('steps').value") == "2"
    assert not tab.ask("document.getElementById('random').checked")
    click(tab, "Generate")
    again = images(tab, 4)
    assert again[0][2] == made[0][2]
    assert tab.problems == []


def test_it_warns_of_what_was_never_learnt_and_says_what_is_wrong(tab):
    warnings = "document.getElementById('warnings').textContent"
    fill(tab, prompt="猫", size="48x48")
    tab.wait(f"{warnings}.includes('never trained')")
    assert "猫" in tab.ask(warnings)
    fill(tab, prompt="a cat", size="64x32")
    tab.wait(f"{warnings} === ''")
    fill(tab, size="other", width="65x32")
    tab.wait(f"{warnings}.includes('the nearest is 64x32')")
    fill(tab, size="64x32", prompt="naked")
    tab.ask("document.getElementById('random').checked = false")
    fill(tab, seed="0")
    click(tab, "Generate")
    tab.wait("!!document.querySelector('figure .failed')")
    assert "held back" in tab.ask("document.querySelector('figure .failed').textContent")
    fill(tab, prompt="fail", seed="1")
    click(tab, "Generate")
    tab.wait("document.querySelectorAll('figure .failed').length === 2")
    assert "could not be made" in tab.ask("document.querySelector('figure .failed').textContent")


def test_progress_is_shown_and_making_can_be_stopped(tab, server):
    fill(tab, prompt="slow", steps=200)
    click(tab, "Generate")
    tab.wait("document.querySelector('progress')?.value > 2")
    assert "of 200" in tab.ask("document.getElementById('state').textContent")
    assert tab.ask("document.getElementById('generate').disabled")
    click(tab, "Stop")
    tab.wait("document.getElementById('state').textContent === 'stopped'")
    assert not tab.ask("document.querySelectorAll('figure').length")
    wait_for(lambda: server.ask("/health").json["workers"]["idle"])


def test_a_prompt_is_enhanced_where_that_is_wanted(tab):
    assert tab.ask("document.getElementById('enhancing').offsetParent !== null")
    fill(tab, prompt='a sign "INK"')
    tab.ask("document.getElementById('enhance').click()")
    click(tab, "Generate")
    written = 'a sign "INK" in the rain'
    ((_, alt, _),) = images(tab, 1)
    assert alt == tab.ask("document.querySelector('figcaption p').textContent") == written
    fill(tab, prompt="gone")
    click(tab, "Generate")
    images(tab, 2)
    assert "was not enhanced" in tab.ask("document.getElementById('warnings').textContent")


def test_an_image_follows_another(tab):
    edges = "document.getElementById('control-how')"
    assert tab.ask(f"{edges}.hidden")
    fill(tab, prompt="outlines", control="canny")
    assert tab.ask(f"{edges}.offsetParent !== null")
    click(tab, "Generate")
    tab.wait("document.getElementById('problem').textContent.includes('choose the image')")
    pixels = np.full((32, 64, 3), 20, np.uint8)
    pixels[8:24, 16:48] = 230
    choose(tab, "control-file", pixels)
    tab.wait("document.getElementById('control-view').naturalWidth === 64")
    fill(tab, **{"control-scale": "0.5"})
    click(tab, "Generate")
    ((*_, facts),) = images(tab, 1)
    assert facts.endswith("follows thin edges, scale 0.5, from 0 to 1")
    expected = conditions.canny(pixels)
    row, column = np.argwhere(expected[:, :, 0])[5]
    assert pixel(tab, column, row) == (255, 255, 255) and pixel(tab, 30, 16) == (0, 0, 0)
    choose(tab, "file", pixels)  # an edit follows nothing
    tab.wait("document.getElementById('following').hidden")
    click(tab, "Without images")
    assert not tab.ask(f"{edges}.hidden")
    fill(tab, control="", **{"control-scale": "2"})
    click(tab, "Use these settings")
    followed = "['control', 'control-scale'].map((id) => document.getElementById(id).value)"
    assert tab.ask(followed) == ["canny", "0.5"] and tab.ask(f"{edges}.offsetParent !== null")
    hint = "document.getElementById('control-hint').textContent"
    assert "Choose it again" not in tab.ask(hint)
    tab.ask("document.getElementById('control-file').value = ''")
    click(tab, "Use these settings")  # in which no file is kept
    assert tab.ask(hint).endswith("Choose it again: files are not kept.")
    fill(tab, **{"control-scale": "1"})


def choose(tab, name, pixels):
    """Put a PNG of these pixels into a field for files."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    data = base64.b64encode(stream.getvalue()).decode()
    tab.ask(
        f"(() => {{ const bytes = Uint8Array.from(atob('{data}'),"
        " (c) => c.charCodeAt(0)); const list = new DataTransfer();"
        " list.items.add(new File([bytes], 'a.png', { type: 'image/png' }));"
        f" const file = document.getElementById('{name}'); file.files = list.files;"
        " file.dispatchEvent(new Event('change')); })()"
    )


def test_a_mask_is_drawn_by_hand_and_by_keys(tab):
    pixels = np.zeros((32, 64, 3), np.uint8) + np.array([0, 120, 240], np.uint8)
    choose(tab, "file", pixels)
    tab.wait(
        "document.getElementById('mask').width === 64 && !!document.querySelector('#inputs img')"
    )
    box = tab.ask(
        "(() => { const mask = document.getElementById('mask'); "
        " mask.scrollIntoView({block: 'center'}); const box = mask.getBoundingClientRect();"
        " return [box.left, box.top, box.width, box.height] })()"
    )
    fill(tab, brush="8")

    def mouse(kind, across, down):
        x, y = box[0] + across * box[2], box[1] + down * box[3]
        more = {"button": "left", "buttons": 1, "clickCount": 1}
        tab.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    mouse("mousePressed", 0.1, 0.2)
    mouse("mouseMoved", 0.4, 0.2)
    mouse("mouseReleased", 0.4, 0.2)
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", " "):
        tab.press(key)
    fill(tab, prompt="painted")
    tab.ask("document.getElementById('random').checked = false")
    fill(tab, seed="5")
    click(tab, "Generate")
    images(tab, 1)
    new, old = colour("painted", 5), (0, 120, 240)
    assert pixel(tab, 16, 6) == new  # along the stroke
    assert pixel(tab, 26, 21) == new  # below its end, by keys
    assert pixel(tab, 50, 6) == pixel(tab, 5, 28) == old
    click(tab, "Without images")
    assert tab.ask("document.getElementById('editing').hidden")


def test_a_mask_that_a_controlnet_fills_is_no_edit(tab):
    tab.ask(
        "(() => { const fetched = window.fetch; window.asked = [];"
        " window.fetch = async (address, how) => {"
        "  if (address === '/check') window.asked.push(JSON.parse(how.body).edit);"
        "  const answer = await fetched(address, how);"
        "  if (address !== '/about') return answer;"
        "  return new Response(JSON.stringify({ ...await answer.json(), controls: ['inpaint'] }));"
        " } })()"
    )
    fill(tab, token=TOKEN)
    tab.ask("document.getElementById('enter').click()")
    tab.wait("!document.getElementById('fills').hidden")
    fill(tab, prompt="filled")
    choose(tab, "file", np.zeros((32, 64, 3), np.uint8))
    tab.wait("document.getElementById('mask').width === 64 && window.asked.at(-1) === true")
    tab.ask("document.getElementById('mask').focus()")
    tab.press(" ")
    tab.wait("window.asked.at(-1) === false")
    tab.ask("document.getElementById('unmask').click()")
    tab.wait("window.asked.at(-1) === true")


def test_keys_are_enough(tab):
    tab.ask("document.getElementById('prompt').focus()")
    tab.send("Input.insertText", text="by keys")
    for kind in ("keyDown", "keyUp"):
        tab.send(
            "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", modifiers=2
        )  # with Ctrl
    images(tab, 1)
    fill(tab, control="pose")
    reached = tab.ask(
        "[...document.querySelectorAll('button, input, select, textarea, a, canvas, summary')]"
        ".filter((each) => each.offsetParent && each.tabIndex < 0).map((each) => each.outerHTML)"
    )
    assert reached == []
    unnamed = tab.ask(
        "[...document.querySelectorAll('button, input, select, textarea, canvas, progress')]"
        ".filter((each) => !(each.labels?.length || each.textContent.trim()"
        " || each.getAttribute('aria-label'))).map((each) => each.outerHTML)"
    )
    assert unnamed == []


def contrast(first, second):
    """WCAG's ratio of two colours."""

    def luminance(rgb):
        values = [value / 255 for value in rgb]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_it_is_read_at_every_width_and_in_the_dark(tab):
    fill(tab, control="pose")
    for width in (360, 400, 1280):
        for dark in (False, True):
            tab.show(width, dark=dark)
            is_read(tab, dark)


def is_read(tab, dark):
    tab.wait("innerWidth > 0")
    assert tab.ask("document.documentElement.scrollWidth <= innerWidth")
    colours = """['#prompt', '#model', '#notes', '#generate', '#warnings', 'label', '.hint',
        '#control', '#control-hint', '#control-file']
      .map((name) => {
        let place = document.querySelector(name);
        const ink = getComputedStyle(place).color;
        const paper = () => getComputedStyle(place).backgroundColor;
        while (paper() === 'rgba(0, 0, 0, 0)') place = place.parentElement;
        return [name, ink, paper()]; })"""
    for name, ink, paper in tab.ask(colours):
        pair = [tuple(map(int, text[4:-1].split(","))) for text in (ink, paper)]
        assert contrast(*pair) >= 4.5, (name, ink, paper)
        assert (sum(pair[1]) < 384) == (dark != (name == "#generate")), name


def test_a_token_is_asked_for_and_kept_out_of_addresses(browser, server):
    browser.open(f"http://127.0.0.1:{server.port}/?token")
    browser.wait("!!document.querySelector('#form')")
    browser.ask("sessionStorage.clear()")
    browser.open(f"http://127.0.0.1:{server.port}/?without")
    browser.wait("!document.getElementById('entrance').hidden")
    fill(browser, token=TOKEN)
    click(browser, "Enter")
    browser.wait(READY)
    assert browser.ask("document.getElementById('entrance').hidden")
    assert TOKEN not in browser.ask(
        "location.href + document.cookie + JSON.stringify(localStorage)"
    )
