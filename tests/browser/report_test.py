#!/usr/bin/env python3
"""Opens reports of `wherry profile --html` in a headless Chromium and checks what they show, in light and in dark.

  tests/browser/report_test.py REPORT.html... [--pictures FOLDER]
"""
import argparse
import json
import pathlib
import shutil
import sys

from selenium import webdriver
from selenium.webdriver.common.by import By


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def start_browser():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1300,2000"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def luminance(colour):
    """Relative luminance of "rgb(r, g, b)": WCAG 2.1."""
    channels = [int(part) / 255 for part in colour[colour.index("(") + 1:colour.index(")")].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


class Report:
    def __init__(self, browser, path):
        self.browser = browser
        text = path.read_text()
        begin = text.index('id="profile">') + len('id="profile">')
        self.profile = json.loads(text[begin:text.index("</script>", begin)])
        browser.get(path.resolve().as_uri())

    def count(self, selector):
        return len(self.browser.find_elements(By.CSS_SELECTOR, selector))

    def rows(self):
        return self.browser.execute_script(
            "return [...document.querySelectorAll('#steps tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))")

    def check_figures(self):
        steps = self.profile["steps"]
        expect(self.browser.find_element(By.ID, "title").text == self.profile["model"], "the title is not the model's")
        timed = [step for step in steps if step["ms"] > 0]
        for view in ("by-module", "by-op"):
            self.browser.find_element(By.ID, view).click()
            leaves = self.browser.execute_script(
                "return [...document.querySelectorAll('#map rect.cell')].filter(r => !r.getAttribute('fill').includes('grid'))"
                ".reduce((sum, r) => [sum[0] + 1, sum[1] + r.getBBox().width * r.getBBox().height], [0, 0])")
            expect(leaves[0] == len(timed), f"the tree map {view} has {leaves[0]} steps of {len(timed)}")
            expect(leaves[1] > 0.5 * 1180 * 460, f"the tree map {view} leaves most of its area empty")
        self.browser.find_element(By.ID, "by-module").click()
        iterations = sorted(self.profile["iterations"], key=lambda each: each["ms"])
        spans = iterations[len(iterations) // 2]["steps"]
        expect(self.count("#timeline g rect") == len(spans), "the timeline lacks spans")
        points = [step for step in timed if step["flops"] > 0 and step["weight_bytes"] + step["input_bytes"] + step["output_bytes"] > 0]
        expect(self.count("#roofline circle") == len(points), f"the roofline has {self.count('#roofline circle')} points of {len(points)}")
        expect(self.count("#roofline line.roof") >= 2, "the roofline has no roofs")

    def check_table(self):
        steps = self.profile["steps"]
        rows = self.rows()
        expect(len(rows) == len(steps), f"{len(rows)} rows for {len(steps)} steps")
        slowest = max(steps, key=lambda step: step["ms"])
        expect(rows[0][3] == slowest["name"] and rows[0][5] == slowest["kernel"], f"the first row is {rows[0]}")
        heads = self.browser.find_elements(By.CSS_SELECTOR, "#steps th")
        heads[0].click()  # by number, the largest first
        expect([int(row[0]) for row in self.rows()] == list(range(len(steps)))[::-1], "sorting by number does not")
        heads[0].click()
        expect([row[3] for row in self.rows()] == [step["name"] for step in steps], "the steps are not the profile's")
        word = slowest["kernel"]
        self.browser.find_element(By.ID, "filter").send_keys(word)
        expect(len(self.rows()) == sum(word in json.dumps(step) for step in steps), f"the filter '{word}' is wrong")
        self.browser.find_element(By.ID, "filter").clear()
        self.browser.find_element(By.ID, "filter").send_keys(" ")
        heads[1].click()

    def check_zoom(self):
        before = self.browser.find_element(By.ID, "timeline").get_attribute("innerHTML")
        self.browser.execute_script("""
            const svg = document.getElementById('timeline'), box = svg.getBoundingClientRect();
            for (const [type, share] of [['mousedown', .4], ['mousemove', .5], ['mouseup', .6]])
              svg.dispatchEvent(new MouseEvent(type, {clientX: box.left + share * box.width, clientY: box.top + 10, bubbles: true}));""")
        expect(self.browser.find_element(By.ID, "timeline").get_attribute("innerHTML") != before, "dragging does not zoom")
        self.browser.find_element(By.ID, "whole").click()
        expect(self.browser.find_element(By.ID, "timeline").get_attribute("innerHTML") == before, "zoom is not undone")

    def check_colours(self, scheme):
        page, ink, soft = self.browser.execute_script("""
            const style = id => getComputedStyle(document.querySelector(id));
            return [style('body').backgroundColor, style('body').color, style('.sub').color];""")
        expect((luminance(page) > 0.8) == (scheme == "light"), f"{scheme}: the page is {page}")
        expect(contrast(page, ink) >= 7, f"{scheme}: {ink} on {page}")
        expect(contrast(page, soft) >= 4.5, f"{scheme}: {soft} on {page}")

    def check_quiet(self):
        severe = [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]
        expect(not severe, "the browser reports: " + "; ".join(severe))
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                expect(url.startswith(("file:", "data:")), f"the page asks the network for {url}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="+", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path, help="write REPORT-light.png and REPORT-dark.png there")
    arguments = parser.parse_args()
    browser = start_browser()
    try:
        for path in arguments.reports:
            for scheme in ("light", "dark"):
                browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                        {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
                report = Report(browser, path)
                report.check_colours(scheme)
                report.check_figures()
                report.check_zoom()
                if arguments.pictures:
                    arguments.pictures.mkdir(parents=True, exist_ok=True)
                    browser.save_screenshot(str(arguments.pictures / f"{path.stem}-{scheme}.png"))
                report.check_table()
                report.check_quiet()
                print(f"{path.name}: right in {scheme}", flush=True)
    finally:
        browser.quit()
    print(f"{2 * len(arguments.reports)} passed, 0 failed")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as error:
        sys.exit(f"report_test: {error}")
