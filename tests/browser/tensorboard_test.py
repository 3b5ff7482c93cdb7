#!/usr/bin/env python3
"""Opens traces of `wherry profile` in TensorBoard and checks what its PyTorch plugin shows.

  tests/browser/tensorboard_test.py LOGDIR [--polyfill FILE] [--pictures FOLDER]

TensorBoard, torch-tb-profiler, selenium, Chromium and its driver must be there; scripts/test_browser.sh sees to
that. The plugin loads two scripts from the network, which a local server stands in for: Google Charts (google_charts.js
draws the same figures plainly) and, for the Trace view, webcomponents.js 0.7.24 itself (--polyfill; without it that view
is left out, and the test says so). Each view must show what the trace file has, and the browser must report no error.
"""
import argparse
import collections
import functools
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

HERE = pathlib.Path(__file__).resolve().parent
POLYFILL = "ajax/libs/webcomponentsjs/0.7.24/webcomponents.min.js"
PATIENCE = 120  # seconds: a busy machine is slow
VIEWS = ("Overview", "Operator", "Module", "Trace")


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


class Trace:
    """What the views must show, straight from the file."""

    def __init__(self, path):
        self.run = path.parent.name
        self.worker = path.name.removesuffix(".pt.trace.json")
        events = json.loads(path.read_text())["traceEvents"]
        ops = [event for event in events if event.get("cat") == "cpu_op"]
        self.steps = sum(event["name"].startswith("ProfilerStep#") for event in events)
        self.calls = collections.Counter(op["name"] for op in ops)
        self.shapes = collections.Counter((op["name"], json.dumps(op["args"]["Input Dims"])) for op in ops)
        modules = [event for event in events if event.get("cat") == "python_function"]
        self.modules = collections.Counter(module["name"].removeprefix("nn.Module: ") for module in modules)
        self.root = next(module["name"] for module in modules if module["args"]["Python parent id"] is None)
        self.microseconds = sum(op["dur"] for op in ops)


def serve_scripts(folder, polyfill):
    """The two scripts by https on this machine; returns the port."""
    (folder / "charts").mkdir(parents=True)
    shutil.copy(HERE / "google_charts.js", folder / "charts/loader.js")
    if polyfill:
        (folder / POLYFILL).parent.mkdir(parents=True)
        shutil.copy(polyfill, folder / POLYFILL)
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "2", "-subj", "/CN=localhost"], check=True, stderr=subprocess.DEVNULL)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_tensorboard(logdir, log):
    port = free_port()
    process = subprocess.Popen([pathlib.Path(sys.executable).parent / "tensorboard", "--logdir", logdir, "--port", str(port)],
                               stdout=log, stderr=log)
    runs = f"http://localhost:{port}/data/plugin/pytorch_profiler/runs"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            answer = json.load(urllib.request.urlopen(runs))
            if answer["runs"] and not answer["loading"]:
                return process, port
        except OSError:
            pass
        expect(process.poll() is None, "TensorBoard ended before it served a page")
        time.sleep(0.5)
    process.terminate()
    raise AssertionError(f"TensorBoard loaded no run within {PATIENCE} s")


def start_browser(port):
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1500,1150",
                     "--ignore-certificate-errors",
                     f"--host-resolver-rules=MAP www.gstatic.com:443 127.0.0.1:{port},"
                     f"MAP cdnjs.cloudflare.com:443 127.0.0.1:{port}"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


class Plugin:
    """The plugin's page within TensorBoard's."""

    def __init__(self, browser, port):
        self.browser = browser
        browser.get(f"http://localhost:{port}/#pytorch_profiler")
        self.wait(lambda: browser.find_elements(By.TAG_NAME, "iframe"), "the plugin's frame")
        self.enter()
        self.wait(lambda: "Configuration" in self.text(), "the Overview")

    def enter(self):
        self.browser.switch_to.default_content()
        self.browser.switch_to.frame(self.browser.find_element(By.TAG_NAME, "iframe"))

    def wait(self, condition, what):
        def holds(_):
            try:
                return condition()
            except Exception:  # an element that was replaced while we looked
                return False
        try:
            return WebDriverWait(self.browser, PATIENCE, 0.3).until(holds)
        except Exception:
            raise AssertionError(f"no {what} within {PATIENCE} s; the page says: {self.text()[:600]!r}") from None

    def becomes(self, read, expected, view):
        """Waits until `read()`, which the plugin fills bit by bit, is `expected`."""
        found = []
        def holds():
            found[:] = [read()]
            return found[0] == expected
        try:
            self.wait(holds, view)
        except AssertionError:
            raise AssertionError(f"the {view} view has {found}, the trace {expected}") from None

    def text(self):
        return self.browser.find_element(By.TAG_NAME, "body").text

    def select(self, kind, value, place=0):
        """Takes `value` in the list that shows one of `kind`, of several such lists the one at `place`."""
        def box():
            return [e for e in self.browser.find_elements(By.CSS_SELECTOR, ".MuiSelect-root") if e.text in kind][place]
        element = self.wait(box, f"list with {value}")
        if element.text == value:
            return
        element.click()
        option = self.wait(lambda: next((e for e in self.browser.find_elements(By.CSS_SELECTOR, "li[role=option]")
                                         if e.text == value), None), f"choice {value}")
        option.click()
        self.wait(lambda: not self.browser.find_elements(By.CSS_SELECTOR, "li[role=option]"), f"list with {value} closed")

    def rows(self):
        """Cells of the table's rows on all its pages."""
        rows = []
        self.browser.execute_script("const first = document.querySelector('li.ant-pagination-item-1');"
                                    "if (first) first.click()")
        while True:
            rows += self.browser.execute_script(
                "return [...document.querySelectorAll('tr.ant-table-row')].map(row => [...row.cells].map(cell => cell.innerText))")
            following = self.browser.find_elements(By.CSS_SELECTOR, "li.ant-pagination-next:not(.ant-pagination-disabled)")
            if not following:
                return rows
            self.browser.execute_script("arguments[0].click()", following[0])
            time.sleep(0.3)

    def columns(self):
        return [head.text for head in self.browser.find_elements(By.CSS_SELECTOR, "th") if head.text]


def check_overview(plugin, trace):
    plugin.wait(lambda: "CPU Exec" in plugin.text() and "Step Time Breakdown" in plugin.text(), "step times")
    text = plugin.text()
    expect("Average Step Time" in text, f"Overview has no average: {text!r}")
    bars = plugin.wait(lambda: plugin.browser.find_elements(By.CSS_SELECTOR, "svg.chart rect"), "chart of the steps")
    expect(len(bars) >= 3 * trace.steps, f"Overview draws {len(bars)} bars for {trace.steps} steps")


def check_operators(plugin, trace):
    plugin.becomes(lambda: {row[0]: int(row[1]) for row in plugin.rows()}, dict(trace.calls), "Operator")
    expect(any("View CallStack" in row[-1] for row in plugin.rows()), "no call stacks")
    plugin.select(("Operator", "Operator + Input Shape"), "Operator + Input Shape", place=-1)
    plugin.wait(lambda: "Input Shape" in plugin.columns(), "the column of shapes")
    plugin.becomes(lambda: {(row[0], row[1]): int(row[2]) for row in plugin.rows()}, dict(trace.shapes),
                   "Operator + Input Shape")
    plugin.select(("Operator", "Operator + Input Shape"), "Operator", place=-1)


def check_modules(plugin, trace):
    root = trace.root.removeprefix("nn.Module: ")

    def named(rows):
        return [[cell for cell in row if cell] for row in rows]

    plugin.wait(lambda: any(row[0] == root for row in named(plugin.rows())), "the model itself")
    # The plugin numbers rows so that some of a deep tree share a number, and then opens the wrong ones: what the page was
    # sent is compared whole, what it shows as far as it goes.
    served = plugin.browser.execute_async_script(
        """const done = arguments[arguments.length - 1];
           fetch(`module?run=${arguments[0]}&worker=${arguments[1]}&span=default`).then(r => r.json()).then(done);""",
        trace.run, trace.worker)
    names = collections.Counter()

    def walk(modules):
        for module in modules:
            names[module["name"]] += 1
            walk(module["children"])

    walk(served["data"])
    expect(set(names) == set(trace.modules), f"Module view has {sorted(names)}, the trace {sorted(trace.modules)}")
    plugin.browser.execute_script("document.querySelector('button.ant-table-row-expand-icon-collapsed').click()")
    children = [module["name"] for module in served["data"][0]["children"]]
    shown = plugin.wait(lambda: named(plugin.rows())[1:], "rows below the model")
    expect([row[0] for row in shown] == children, f"below the model stand {[row[0] for row in shown]}, expected {children}")
    top = named(plugin.rows())[0]
    expect(int(top[1]) == trace.steps, f"the model ran {top[1]} times, the trace has {trace.steps} steps")
    expect(float(top[3]) >= 0.98 * trace.microseconds, f"the model took {top[3]} us, its ops {trace.microseconds}")


def check_trace(plugin, trace):
    browser = plugin.browser
    count = """const view = document.querySelector('#trace-viewer'); if (!view || !view.model) return null;
               const names = {}; for (const slice of view.model.getDescendantEvents()) if (slice.category === 'cpu_op')
               names[slice.title] = (names[slice.title] || 0) + 1; return names;"""

    def slices():  # the plugin makes the viewer's frame anew while it loads
        plugin.enter()
        browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))
        found = browser.execute_script(count)
        plugin.enter()
        return found

    plugin.becomes(slices, dict(trace.calls), "Trace")


CHECKS = {"Overview": check_overview, "Operator": check_operators, "Module": check_modules, "Trace": check_trace}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logdir", type=pathlib.Path)
    parser.add_argument("--polyfill", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path, help="write WORKER-VIEW.png there")
    arguments = parser.parse_args()
    traces = [Trace(path) for path in sorted(arguments.logdir.rglob("*.pt.trace.json"))]
    expect(traces, f"{arguments.logdir}: no traces")
    views = VIEWS if arguments.polyfill else VIEWS[:3]
    if not arguments.polyfill:
        print("SKIPPED: the Trace view; --polyfill webcomponents.min.js is needed for it", file=sys.stderr)
    workers = tuple(trace.worker for trace in traces)
    with tempfile.TemporaryDirectory() as folder:
        scripts = serve_scripts(pathlib.Path(folder) / "scripts", arguments.polyfill)
        with open(pathlib.Path(folder) / "tensorboard.log", "w") as log:
            tensorboard, port = start_tensorboard(arguments.logdir, log)
            browser = None
            try:
                browser = start_browser(scripts)
                plugin = Plugin(browser, port)
                for trace in traces:
                    for view in views:
                        plugin.select(VIEWS, view)
                        time.sleep(1)  # a view begins with the first worker
                        plugin.select(workers, trace.worker)
                        CHECKS[view](plugin, trace)
                        if arguments.pictures:
                            arguments.pictures.mkdir(parents=True, exist_ok=True)
                            time.sleep(2)
                            browser.save_screenshot(str(arguments.pictures / f"{trace.worker}-{view.lower()}.png"))
                        print(f"{trace.worker}: the {view} view shows what the trace has", flush=True)
                    plugin.select(VIEWS, "Overview")
                errors = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
                expect(not errors, "the browser reports: " + "; ".join(errors))
            finally:
                if browser:
                    browser.quit()
                tensorboard.terminate()
                tensorboard.wait()
        said = (pathlib.Path(folder) / "tensorboard.log").read_text() if os.path.exists(folder) else ""
        bad = [line for line in said.splitlines() if "Traceback" in line or "should not intersect" in line]
        expect(not bad, "TensorBoard reports: " + "; ".join(bad))
    print(f"{len(traces) * len(views)} passed, 0 failed")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as error:
        sys.exit(f"tensorboard_test: {error}")
