"""The parts of benchmarks/compare that need no peers: selection, rounds, ratios, tables, resuming."""
import contextlib
import importlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from compare import cost_results, environment, figures, processes, ratios, report, results, rounds, wherry, workloads  # noqa: E402
from compare.bench import PEERS, Bench  # noqa: E402
from compare.peers.models import MODELS  # noqa: E402
from compare.workloads import ENGINES, WORKLOADS, Entrant, Workload  # noqa: E402

WHERRY, PEER = Entrant("wherry", "fp32", 2), Entrant("onnxruntime", "fp32", 2)
PAIR = Workload("pair", "A pair", "resnet50", 1, (WHERRY, PEER))


def times(ours, theirs):
    return {WHERRY.key: {"p50_ms": ours}, PEER.key: {"p50_ms": theirs}}


class Ratios(unittest.TestCase):
    def test_ratios_are_taken_within_rounds(self):
        # Of medians over all rounds the ratio would be 20/20; within rounds it is 0.5 or 2.
        measured = [times(10, 20), times(10, 20), times(40, 20)]
        self.assertEqual(ratios.ratios_of(measured, WHERRY.key, PEER.key), [0.5, 0.5, 2.0])
        self.assertEqual(ratios.spread([0.5, 0.5, 2.0]), ratios.Spread(0.5, 0.5, 2.0, 3))

    def test_a_round_without_one_of_the_two_does_not_count(self):
        measured = [{WHERRY.key: {"p50_ms": 1}}, times(3, 4), {PEER.key: {"p50_ms": 1}}]
        self.assertEqual(ratios.ratios_of(measured, WHERRY.key, PEER.key), [0.75])
        self.assertEqual(ratios.times_of(measured, WHERRY.key), [1, 3])
        self.assertIsNone(ratios.spread([]))

    def test_every_entrant_goes_first_in_turn(self):
        self.assertEqual([ratios.rotated(["a", "b", "c"], i) for i in range(4)],
                         [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]])
        self.assertEqual(ratios.rotated([], 3), [])


class CostResults(unittest.TestCase):
    DOCUMENT = {"machine": {"cpu": "EPYC", "cores": "2", "memory": "24 GiB", "date": "2026-11-26"},
                "versions": {"wherry": "0.1.0 (bd636faa)", "onnxruntime": "1.32.0"}}

    @staticmethod
    def time(**more):
        return {"p50_ms": 20, "p90_ms": 30, **more}

    def made(self, workload, rounds):
        return cost_results.cost_results({**self.DOCUMENT, "workloads": {workload.name: {"rounds": rounds}}}, [workload])

    def test_figures_are_medians_of_rounds_and_count_elements(self):
        workload = Workload("b8", "Eight", "resnet50", 8, (WHERRY, PEER))
        rounds_of = [{WHERRY.key: self.time(throughput_per_s=rate), PEER.key: self.time(mean_ms=mean)} for rate, mean in ((90, 10), (100, 20), (400, 40))]
        ours, theirs = self.made(workload, rounds_of)
        self.assertEqual(ours["throughput_per_s"], 100)
        self.assertEqual(theirs["throughput_per_s"], 400)  # 8 in 20 ms
        self.assertEqual((ours["schema"], ours["basis"], ours["name"], ours["batch"], ours["sequence"]),
                         ("wherry.result/1", "measured", "resnet50", 8, None))
        self.assertEqual((ours["engine"], theirs["engine"]["name"]), ({"name": "wherry", "version": "0.1.0", "mode": ""}, "ONNX Runtime"))
        self.assertEqual(ours["machine"], {"cpu": "EPYC", "cores": 2, "memory_bytes": 24 * 2**30})
        self.assertEqual((ours["p90_ms"], ours["threads"], ours["rounds"]), (30, 2, 3))

    def test_lines_of_a_task_are_inferences(self):
        workload = Workload("sst2", "Task", "distilbert-sst2", 1, (WHERRY,), task="sst2")
        (ours,) = self.made(workload, [{WHERRY.key: self.time(mean_ms=2000)}])
        self.assertEqual((ours["name"], ours["batch"], ours["throughput_per_s"]), ("distilbert-sst2 sst2", 872, 436))

    def test_what_did_not_run_or_was_timed_without_a_mean_is_left_out(self):
        self.assertEqual(self.made(PAIR, [{WHERRY.key: self.time()}]), [])
        self.assertEqual(self.made(PAIR, []), [])


class Selection(unittest.TestCase):
    def test_names_are_unique_and_entrants_exist_in_their_precision(self):
        self.assertEqual(len({one.name for one in WORKLOADS}), len(WORKLOADS))
        for workload in WORKLOADS:
            self.assertIn(workload.model, MODELS)
            self.assertEqual(workload.entrants[0].engine, "wherry")
            self.assertEqual(len({entrant.key for entrant in workload.entrants}), len(workload.entrants))
            for entrant in workload.entrants:
                self.assertIn(entrant.precision, ENGINES[entrant.engine].precisions)

    def test_patterns(self):
        self.assertEqual([one.name for one in workloads.select(["resnet50-bf16-?t"])], ["resnet50-bf16-2t", "resnet50-bf16-1t"])
        missions = workloads.select(["mission-*"])
        self.assertEqual([one.model for one in missions], ["resnet50", "distilbert", "roberta", "roberta-sentiment"])
        self.assertEqual(workloads.select([]), [one for one in WORKLOADS if one not in missions])
        with self.assertRaisesRegex(ValueError, "no workload is called 'vgg'; there are resnet50-bf16-2t, "):
            workloads.select(["resnet50-bf16-2t", "vgg"])

    def test_input_shapes_have_the_batch_first(self):
        self.assertEqual(wherry.input_shapes("resnet50", 32), ["32x3x224x224"])
        self.assertEqual([one.shape(1, 128) for one in MODELS["bert"].inputs], [(1, 128), (1, 128)])

    def test_lengths_and_tasks_are_named(self):
        names = [one.name for one in WORKLOADS]
        self.assertLessEqual({"bert-bf16-2t", "bert-fp32-2t", "bert-s512-bf16-2t", "distilbert-bf16-2t", "fill-mask-bf16-2t", "sst2-bf16-2t"}, set(names))
        self.assertTrue(all((one.tokens or one.task) for one in WORKLOADS if MODELS[one.model].architecture))

    def test_a_task_without_its_data_is_missed(self):
        here, nowhere = pathlib.Path(__file__), pathlib.Path("/nonexistent/data")
        task = workloads.task_against_peers("roberta", "fill-mask", "bf16", 2)
        for data, lacking in (((here,), None), ((here, nowhere), nowhere)):
            with unittest.mock.patch.dict(workloads.TASKS, {"fill-mask": workloads.Task("t", ("fill-mask",), data, 1, 1)}):
                self.assertEqual(workloads.missing(task), lacking)
        self.assertIsNone(workloads.missing(PAIR))


class Rounds(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name) / "results.json"
        self.identity = {"versions": {"onnxruntime": "1.2"}, "settings": {"seconds": 1}, "cpu": "C", "machine": {"cpu": "C"}, "command": "c"}
        self.ran = []

    def time(self, workload, entrant):
        self.ran.append(entrant.key)
        return {"p50_ms": 2.0 if entrant == WHERRY else 4.0}

    def run_rounds(self, count, identity=None, fresh=False, unable=None, time=None):
        kept = results.Results(self.path, identity or self.identity, fresh)
        rounds.run_rounds(PAIR, count, time or self.time, kept, lambda text: None, unable or {})
        return kept

    def test_interleaves_and_rotates(self):
        self.run_rounds(2)
        self.assertEqual(self.ran, [WHERRY.key, PEER.key, PEER.key, WHERRY.key])

    def test_goes_on_where_it_stopped(self):
        def interrupted(workload, entrant):
            if len(self.ran) == 3:
                raise KeyboardInterrupt
            return self.time(workload, entrant)

        with self.assertRaises(KeyboardInterrupt):
            self.run_rounds(2, time=interrupted)
        self.ran.append("again")
        kept = self.run_rounds(3)
        self.assertTrue(kept.resumed)
        self.assertEqual(self.ran, [WHERRY.key, PEER.key, PEER.key, "again", WHERRY.key, WHERRY.key, PEER.key])
        self.assertEqual([len(one) for one in json.loads(self.path.read_text())["workloads"]["pair"]["rounds"]], [2, 2, 2])

    def test_other_versions_and_fresh_begin_anew_and_keep_the_old_file(self):
        self.run_rounds(1)
        self.assertFalse(self.run_rounds(1, {**self.identity, "versions": {"onnxruntime": "1.3"}}).resumed)
        self.assertFalse(self.run_rounds(1, {**self.identity, "versions": {"onnxruntime": "1.3"}}, fresh=True).resumed)
        self.assertEqual(len(self.ran), 6)
        self.assertTrue((self.path.parent / "results.previous.json").exists())

    def test_who_fails_or_cannot_run_is_named_and_the_rest_goes_on(self):
        def failing(workload, entrant):
            if entrant == PEER:
                raise processes.Failed("python: it broke")
            return self.time(workload, entrant)

        kept = self.run_rounds(2, time=failing)
        self.assertEqual(self.ran, [WHERRY.key, WHERRY.key])
        self.assertIn("| ONNX Runtime 1.2 | fp32 | not run: python: it broke |", report.report(kept.document, [PAIR]))
        kept = self.run_rounds(2, unable={PEER.key: "is not installed"}, fresh=True)
        self.assertIn("not run: is not installed", report.report(kept.document, [PAIR]))

    def test_who_fails_later_is_named_beside_its_figures(self):
        def failing(workload, entrant):
            if entrant == PEER and PEER.key in self.ran:
                raise processes.Failed("python: out of memory")
            return self.time(workload, entrant)

        text = report.report(self.run_rounds(3, time=failing).document, [PAIR])
        self.assertIn("| ONNX Runtime 1.2 | fp32 | 4.00 | 0.500 (0.500 to 0.500) |", text)
        self.assertIn("ONNX Runtime 1.2 stopped after 1 round: python: out of memory", text)


class Report(unittest.TestCase):
    def test_table(self):
        ours, theirs = {"p50_ms": 3.0, "cosine": 1 - 1e-6, "max_error": 0.004}, {"p50_ms": 4.0, "cosine": 1, "max_error": 0}
        kept = {"rounds": [{WHERRY.key: ours, PEER.key: theirs}], "not_run": {}}
        self.assertEqual(report.workload_table(PAIR, kept, {"onnxruntime": "1.2"}),
                         "| engine | precision | ms | wherry ÷ it: median (least to largest) | 1 − cosine | largest error |\n"
                         "| --- | --- | --- | --- | --- | --- |\n"
                         "| wherry | fp32 | 3.00 |  | 1.0e-06 | 4.0e-03 |\n"
                         "| ONNX Runtime 1.2 | fp32 | 4.00 | 0.750 (0.750 to 0.750) | 0.0e+00 | 0.0e+00 |\n")

    def test_many_lines_are_counted_by_the_second_with_the_labels_that_are_the_same(self):
        together = Workload("s", "S", "distilbert-sst2", 1, (WHERRY, PEER), task="sst2")
        kept = {"rounds": [{WHERRY.key: {"p50_ms": 436.0, "same": 871, "of": 872}, PEER.key: {"p50_ms": 872.0, "same": 872, "of": 872}}], "not_run": {}}
        self.assertEqual(report.workload_table(together, kept, {"onnxruntime": "1.2"}),
                         "| engine | precision | ms | wherry ÷ it: median (least to largest) | lines a second | same labels |\n"
                         "| --- | --- | --- | --- | --- | --- |\n"
                         "| wherry | fp32 | 436.00 |  | 2000 | 871 of 872 |\n"
                         "| ONNX Runtime 1.2 | fp32 | 872.00 | 0.500 (0.500 to 0.500) | 1000 | 872 of 872 |\n")

    def test_layers_say_what_is_lost_against_the_peak(self):
        layers = {"network": "n", "batch": 1, "precision": "fp32", "isa": "avx2", "threads": 1, "median_ms": 1, "gflops": 50, "peak_gflops": 100,
                  "layers": [{"layer": "a", "count": 2, "kernel": "k", "microseconds": 30, "gflops": 80, "weight_gigabytes_per_second": 1.25},
                             {"layer": "b", "count": 1, "kernel": "k", "microseconds": 40, "gflops": 25, "weight_gigabytes_per_second": 0}]}
        self.assertIn("| a | 2 | k | 30 | 80 | 80 % | 1.2 | 60 % | 12 |\n| b | 1 | k | 40 | 25 | 25 % | 0.0 | 40 % | 30 |", report.layer_table(layers))
        self.assertTrue(report.layer_title(layers).endswith("1.00 ms, 50 GFLOP/s of 100 = 50 %"))
        self.assertEqual([row["median"] for row in figures.layer_panels({"layers": {"n fp32": layers}})[0]["rows"]], [80, 25])

    def test_fills_the_places_of_a_document(self):
        text = "a\n<!-- table: one -->\nold\n<!-- end -->\nb\n<!-- table: two -->\nkept\n<!-- end -->\n"
        filled, names = report.fill(text, {"one": "new | 1\\2\n", "three": "x"})
        self.assertEqual(filled, "a\n<!-- table: one -->\nnew | 1\\2\n<!-- end -->\nb\n<!-- table: two -->\nkept\n<!-- end -->\n")
        self.assertEqual(names, ["one"])

    def test_panels_leave_out_what_did_not_run(self):
        document = {"versions": {}, "layers": {}, "workloads": {"pair": {"rounds": [times(1, 2)], "not_run": {}}}}
        other = Workload("other", "Another", "resnet50", 1, (WHERRY, PEER))
        self.assertEqual(figures.ratio_panels(document, [PAIR, other]),
                         [{"title": "A pair", "rows": [{"label": "ONNX Runtime, fp32", "median": 0.5, "least": 0.5, "largest": 0.5}]}])


class Processes(unittest.TestCase):
    def test_a_failure_is_the_last_line_that_was_said(self):
        with self.assertRaisesRegex(processes.Failed, "^sh: second$"):
            processes.output_of(["sh", "-c", "echo first >&2; echo second >&2; exit 3"])
        with self.assertRaisesRegex(processes.Failed, "no such program"):
            processes.output_of(["/no/such/program"])

    def test_environment_adds_and_takes_away(self):
        with unittest.mock.patch.dict("os.environ", {"WHERRY_A": "1", "WHERRY_B": "2"}):
            said = processes.output_of(["sh", "-c", "echo ${WHERRY_A-none} ${WHERRY_B-none}"], {"WHERRY_A": None, "WHERRY_B": "3"})
        self.assertEqual(said, "none 3\n")

    def test_requirements_name_exact_versions(self):
        self.assertEqual(environment.required_versions("# peers\na==1.0\n\nb==2  # why\n"), {"a": "1.0", "b": "2"})
        self.assertIn("torch", environment.required_versions(environment.REQUIREMENTS.read_text()))


class Lines(unittest.TestCase):
    """time_lines.py, with programs in wherry's place."""

    def time_lines(self, together, program):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as lines:
            lines.write("first\nsecond\nthird\n")
            lines.flush()
            return processes.output_of([sys.executable, PEERS / "time_lines.py", "--together", str(together), "--seconds", "0.01", lines.name,
                                        sys.executable, "-c", program], timeout=60)

    def test_calls_take_turns_and_are_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            heard = pathlib.Path(folder) / "heard"
            measured = json.loads(self.time_lines(2, f"""
import sys
with open({str(heard)!r}, "w") as heard:
    for line in sys.stdin:
        heard.write(line)
        print("{{}}", flush=True)
"""))
            self.assertGreaterEqual(measured["runs"], 5)
            self.assertGreater(measured["p50_ms"], 0)
            self.assertEqual(heard.read_text().split()[:5], ["first", "second", "third", "first", "second"])

    def test_a_program_that_ends_is_named_by_its_last_words(self):
        with self.assertRaisesRegex(processes.Failed, "no such model"):
            self.time_lines(1, "import sys; sys.stdin.readline(); sys.exit('no such model')")
        with self.assertRaisesRegex(processes.Failed, "ended before it answered"):
            self.time_lines(3, "import sys; print(sys.stdin.readline())")


class Environments(unittest.TestCase):
    def bench(self, unable=None):
        nowhere = pathlib.Path("/nonexistent")
        return Bench(nowhere / "wherry", nowhere, nowhere, nowhere, 1, [], lambda text: None, unable or {})

    def test_threads_and_instruction_sets(self):
        avx2 = Workload("a", "A", "resnet50", 1, (WHERRY, Entrant("torch-jit", "fp32", 2)), avx2=True)
        variables = self.bench().environment(avx2, avx2.entrants[1])
        self.assertEqual((variables["OMP_NUM_THREADS"], variables["ATEN_CPU_CAPABILITY"], variables["ONEDNN_MAX_CPU_ISA"]), ("2", "avx2", "AVX2"))
        self.assertEqual(self.bench().environment(avx2, WHERRY)["WHERRY_FORCE_ISA"], "avx2")
        self.assertIsNone(self.bench().environment(PAIR, WHERRY)["WHERRY_FORCE_ISA"])  # not what the user's shell says

    def test_what_cannot_run_says_why(self):
        avx2 = Workload("a", "A", "resnet50", 1, (WHERRY, PEER, Entrant("torch-1.13", "fp32", 2)), avx2=True)
        reasons = self.bench({"torch-1.13": "is missing"}).unable_in(avx2)
        self.assertEqual(reasons["torch-1.13 fp32 2t"], "is missing")
        self.assertEqual(reasons[PEER.key], "has no switch that keeps it to AVX2")
        self.assertIn("no such program", reasons[WHERRY.key])

    def test_wherry_is_asked_for_what_the_table_says(self):
        command = wherry.bench_command(pathlib.Path("w"), Workload("a", "A", "resnet50", 32, ()), Entrant("wherry", "bf16", 2), pathlib.Path("m.pt"), 1.5)
        self.assertEqual(" ".join(command), "w bench m.pt --json - --threads 2 --precision bf16 --input 32x3x224x224 --seconds 1.5 --skip_correctness")
        text = Workload("b", "B", "bert", 1, (), tokens=32)
        command = wherry.bench_command(pathlib.Path("w"), text, Entrant("wherry", "bf16", 2), pathlib.Path("d"), 1.5)
        self.assertEqual(" ".join(command), "w bench d --json - --threads 2 --precision bf16 --bs 1 --seq 32 --seconds 1.5 --skip_correctness")

    def test_files_of_text_serve_all_lengths(self):
        bench = self.bench()
        short, long, task = (Workload("b", "B", "bert", 1, (), tokens=tokens, task=task) for tokens, task in ((8, ""), (512, ""), (0, "sst2")))
        self.assertEqual(bench.file(short), bench.file(long))
        self.assertEqual([bench.case(one).name for one in (short, long, task)], ["b1-s8", "b1-s512", "sst2"])
        self.assertEqual(bench.case(PAIR), bench.folder(PAIR))

    def test_a_task_is_not_run_where_there_is_no_tokeniser(self):
        task = Workload("s", "S", "distilbert-sst2", 1, (Entrant("torch-1.13", "fp32", 2),), task="sst2")
        self.assertEqual(self.bench().unable_in(task), {"torch-1.13 fp32 2t": "Debian has no tokenizers for it"})

    def test_fp32_is_not_shown_as_bf16(self):
        plan = json.dumps({"plan": {"steps": [{"op": "convolution", "precision": "fp32"}, {"op": "pool", "precision": "bf16"}]}})
        with unittest.mock.patch.object(wherry, "output_of", lambda *_: plan):
            with self.assertRaisesRegex(processes.Failed, "asked for bf16, this build runs fp32 here"):
                wherry.check_precision(pathlib.Path("wherry"), PAIR, Entrant("wherry", "bf16", 2), pathlib.Path("m.pt"), {})
            wherry.check_precision(pathlib.Path("wherry"), PAIR, WHERRY, pathlib.Path("m.pt"), {})


class Mission(unittest.TestCase):
    """benchmarks/mission is the comparison, and `wherry cost` on what it wrote."""

    def run_with(self, *words):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        document = folder / "mission.md"
        document.write_text("<!-- table: cost -->\n<!-- end -->\n")
        compared, asked = [], []

        def cost(command, *_, **__):
            asked.append([str(word) for word in command])
            plots = pathlib.Path(asked[-1][asked[-1].index("--plots") + 1])
            plots.mkdir()
            (plots / "speed.svg").write_text("a plot")
            return "the table\n"

        def compare(arguments):
            compared.append(arguments)
            (folder / "quick").mkdir()
            return 0

        mission = importlib.import_module("mission.__main__")
        typed = ["mission", "--output", str(folder), "--wherry", "/bin/wherry", "--quick", "--document", str(document), *words]
        with unittest.mock.patch.object(sys, "argv", typed), unittest.mock.patch.object(mission, "output_of", cost), \
                unittest.mock.patch.object(mission.command, "main", compare), contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(mission.main(), 0)
        return compared[0], asked, document.read_text(), folder

    def test_one_comparison_then_its_cost(self):
        compared, asked, document, folder = self.run_with("--instance", "c7a.large")
        self.assertEqual(compared[:2], ["--only", "mission-*"])
        self.assertIn("--quick", compared)
        [words] = asked
        self.assertEqual(words[1:3], ["cost", str(folder / "quick/cost.json")])
        self.assertEqual(words[words.index("--baseline") + 1], "PyTorch 1.13")
        self.assertEqual(words[words.index("--instance") + 1], "c7a.large")
        for plots in (folder / "quick/plots", folder / "mission"):
            self.assertEqual((plots / "speed.svg").read_text(), "a plot")
        self.assertEqual(document, "<!-- table: cost -->\n```\nthe table\n```\n<!-- end -->\n")

    def test_a_machine_without_a_name(self):
        self.assertNotIn("--instance", self.run_with()[1][0])


if __name__ == "__main__":
    unittest.main()
