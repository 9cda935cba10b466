"""What can be seen of a view in a browser: its picture, its lines, its colours."""

from __future__ import annotations

from base64 import b64decode
from typing import Any
from xml.etree import ElementTree

from tests.browser.lab import Page

SIZE = "return [arguments[0].complete, arguments[0].naturalWidth, arguments[0].naturalHeight];"
LINES = """
    const shown = line => {
        const style = getComputedStyle(line), box = line.getBoundingClientRect();
        return style.display !== 'none' && style.fontSize !== '0px' && box.height > 0;
    };
    return [...arguments[0].querySelectorAll('.l span')]
        .filter(shown).map(line => line.textContent.trim());
"""
# Each colour is painted over those beneath it on one pixel, and that is read.
CONTRASTS = """
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const brush = canvas.getContext('2d', {willReadFrequently: true});
    const paint = colour => { brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1); };
    const light = () => {
        const parts = [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3).map(part => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const found = [];
    const texts = document.createTreeWalker(arguments[0], NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        const box = element.getBoundingClientRect();
        const isOff = element.matches('input:disabled + label');
        if (!texts.currentNode.data.trim() || !box.width || !box.height || isOff) continue;
        if (element.matches('style')) continue;
        const line = [];
        for (let one = element; one; one = one.parentElement) line.unshift(one);
        paint('white');
        line.forEach(one => paint(getComputedStyle(one).backgroundColor));
        const below = light();
        paint(getComputedStyle(element).color);
        const [low, high] = [below, light()].sort((a, b) => a - b);
        found.push([(high + 0.05) / (low + 0.05), texts.currentNode.data.trim().slice(0, 60)]);
    }
    return found;
"""


def image_of(page: Page, view: Any) -> Any:
    """Return the element of the picture of the stages."""
    [image] = page.find("img", view)
    return image


def size_of(page: Page, image: Any) -> tuple[int, int]:
    """Return width and height of a picture as the browser has decoded it; zeros if it cannot."""
    is_complete, width, height = page.ask(SIZE, image)
    return (width, height) if is_complete else (0, 0)


def drawing_of(image: Any) -> str:
    """Return all text of the drawing."""
    _, _, code = image.get_attribute("src").partition("base64,")
    return " ".join(ElementTree.fromstring(b64decode(code)).itertext())


def choose(page: Page, view: Any, word: str) -> None:
    """Click on the button of the filter whose text has *word*."""
    [button] = [label for label in page.find("label", view) if word in label.text]
    button.click()


def shown_lines(page: Page, view: Any) -> list[str]:
    """Return the marked lines, warnings and errors, that can be seen."""
    return list(page.ask(LINES, view))


def open_stages(page: Page, view: Any) -> list[str]:
    """Return the names of the stages whose folds are open."""
    return [one.text for one in page.find("details[open] > summary > b", view)]


def faint_texts(page: Page, view: Any, least: float = 4.5) -> list[tuple[float, str]]:
    """Return the texts whose contrast to what is behind them is less than *least*."""
    contrasts = page.ask(CONTRASTS, view)
    assert len(contrasts) > 5
    return [(round(contrast, 2), text) for contrast, text in contrasts if contrast < least]
