"""Screens at three widths, light and dark: nothing sticks out, controls can be named and reached, texts be read.

The pictures of docs/screenshots are made on the way.
"""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import expect

from convstore.model import Filter
from tests.browser.conftest import LocalApp
from tests.browser.screen import Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

WIDTHS = (800, 1280, 1920)
#: The page's own colour in each scheme, see .streamlit/config.toml.
SCHEMES: dict[Literal["light", "dark"], str] = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}
SCREENS = ("", "review", "browse", "conversation", "quality", "quality?part=Feelings", "quality?part=Text", "coverage",
           "duplicates", "releases", "releases?part=History", "import", "system", "team")  # fmt: skip
#: Screens with a picture of their own: its name, and what has to be drawn first.
PICTURES = {
    "": ("home", "[data-testid=stHeading]"),
    "review": ("review", "[data-testid=stMetricChart] :is(canvas, svg)"),
    "browse": ("browse", "[data-testid=stDataFrame] canvas"),
    "conversation": ("conversation", "[data-testid=stMetricChart] :is(canvas, svg)"),
    "quality": ("quality", ".js-plotly-plot .main-svg"),
    "releases": ("releases", "[data-testid=stCode]"),
    "import": ("import", "[data-testid=stDataFrame] canvas"),
}

#: Controls that a screen reader could not name. Streamlit's own hidden file inputs are named by their button.
NAMELESS = """
() => [...document.querySelectorAll('button, a[href], input, textarea, select, [role=button], [role=combobox]')]
    .filter(one => one.checkVisibility({opacityProperty: true, visibilityProperty: true}) && one.type !== 'file')
    .filter(one => {
        const labels = [...(one.labels ?? [])].map(label => label.innerText).join('')
        const named = (one.getAttribute('aria-labelledby') ?? '').split(' ')
            .map(id => document.getElementById(id)?.innerText ?? '').join('')
        return !(one.ariaLabel || one.title || labels || named || one.innerText || one.placeholder || one.alt
            || one.querySelector('[alt], [aria-label], title')).toString().trim()
    })
    .map(one => one.outerHTML.slice(0, 160))
"""

#: Controls that the Tab key passes by. In a group of radios or tabs one is reached, and arrow keys go on from there.
UNREACHED = """
() => [...document.querySelectorAll('button, a[href], input, textarea, select, [role=button], [role=combobox]')]
    .filter(one => one.checkVisibility({opacityProperty: true, visibilityProperty: true}) && one.type !== 'file')
    .filter(one => !one.disabled && one.ariaDisabled !== 'true' && one.ariaHidden !== 'true' && one.tabIndex < 0)
    // The arrow and the cross of a box that is typed into: keys do the same from the box itself.
    .filter(one => !one.parentElement.querySelector('[role=combobox]'))
    .filter(one => !one.closest('[data-testid=stNumberInputContainer]'))
    .filter(one => !one.closest('[role=radiogroup], [role=tablist], [role=combobox], [data-testid=stDataFrame]'))
    .map(one => one.outerHTML.slice(0, 160))
"""

#: Texts below WCAG AA: 4.5 to 1, or 3 to 1 where they are large. Colours are those that were rendered.
FAINT = """
() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true})
    const rgba = colour => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1)
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data
        return [r, g, b, a / 255]
    }
    const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1)
    const light = ([r, g, b]) => {
        const [R, G, B] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        return 0.2126 * R + 0.7152 * G + 0.0722 * B
    }
    const below = one => {
        const layers = []
        const text = one.getBoundingClientRect()
        const [x, y] = [text.x + text.width / 2, text.y + text.height / 2]
        for (let at = one; at; at = at.parentElement) {
            // What hangs outside a box, as the value over a slider's knob does, does not lie on its colour.
            const box = at.getBoundingClientRect()
            const isOn = box.left <= x && x <= box.right && box.top <= y && y <= box.bottom
            if (isOn || at === document.body) layers.unshift(rgba(getComputedStyle(at).backgroundColor))
        }
        return layers.reduce((under, layer) => over(layer, under), [255, 255, 255, 1])
    }
    const walker = document.createTreeWalker(document.querySelector('[data-testid=stApp]'), NodeFilter.SHOW_TEXT)
    const faint = new Set()
    while (walker.nextNode()) {
        const one = walker.currentNode.parentElement
        if (!walker.currentNode.data.trim() || !one.checkVisibility({opacityProperty: true, visibilityProperty: true}))
            continue
        if (one.closest('svg, canvas, :disabled, [aria-disabled=true], [data-testid=stIconMaterial]')) continue
        const style = getComputedStyle(one)
        const ground = below(one)
        const [a, b] = [light(over(rgba(style.color), ground)), light(ground)]
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
        const size = parseFloat(style.fontSize)
        const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700)
        if (ratio < (isLarge ? 3 : 4.5))
            faint.add(`${walker.currentNode.data.trim().slice(0, 40)}: ${ratio.toFixed(2)} ${style.color}`)
    }
    return [...faint]
}
"""

STICKING_OUT = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def faint(screen: Screen) -> list[str]:
    """Texts that stay too faint; colours change little by little."""
    found: list[str] = []
    for _ in range(10):
        found = screen.page.evaluate(FAINT)
        if not found:
            break
        screen.page.wait_for_timeout(500)
    return found


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_can_be_used_by_everybody(full_app: LocalApp, screen: Screen, name: str) -> None:
    waiting = full_app.store.search(Filter(statuses=("pending_review",)), sort="name", limit=100).items
    row = next(row for row in waiting if row.finding_codes)
    if name.endswith("History") and not full_app.store.list_releases():
        full_app.store.export("messages", screen.folder / "out.jsonl", name="spring")
    query = f"?id={row.conversation_id}" if name == "conversation" else ""
    found: list[str] = []
    screen.open(f"{full_app.address}/{name}{query}")
    picture, drawn = PICTURES.get(name, ("", "[data-testid=stHeading]"))
    for scheme, ground in SCHEMES.items():
        screen.page.emulate_media(color_scheme=scheme)
        expect(screen.page.get_by_test_id("stApp")).to_have_css("background-color", ground)
        expect(screen.page.locator(drawn).first).to_be_visible()
        if picture:
            screen.settle()
            screen.shot(f"{picture}-{scheme}")
        found += [f"faint in {scheme}: {one}" for one in faint(screen)]
    tabs = screen.page.get_by_role("tab")
    for kind, controls in (("nameless", NAMELESS), ("out of reach", UNREACHED)):
        found += [f"{kind}: {one}" for one in screen.page.evaluate(controls)]
    for tab in tabs.all()[1:]:
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        found += [f"faint on {tab.inner_text()}: {one}" for one in faint(screen)]
        found += [f"nameless on {tab.inner_text()}: {one}" for one in screen.page.evaluate(NAMELESS)]
    for width in WIDTHS:
        screen.page.set_viewport_size({"width": width, "height": 900})
        screen.page.wait_for_timeout(150)
        if screen.page.evaluate(STICKING_OUT) > 0:
            found.append(f"sticks out at {width}")
    assert found == []


def test_what_the_policy_stops_is_noticed(full_app: LocalApp, screen: Screen) -> None:
    """The other tests rely on it: a breach of the Content-Security-Policy is an error that they end with."""
    screen.open(full_app.address)
    assert screen.errors == []
    screen.page.evaluate("() => { const one = document.createElement('script'); one.text = 'window.ran = true';"
                         " document.body.append(one) }")  # fmt: skip
    assert screen.page.evaluate("() => window.ran") is None
    [stopped] = screen.errors
    assert "Content Security Policy" in stopped
    screen.errors.clear()
