"""The parts of benchmarks/graviton-model that need no emulator, peer or LLVM: reading, classification, arithmetic, parsing."""
import importlib
import json
import pathlib
import struct
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))


def part(name):
    return importlib.import_module(f"graviton-model.{name}")


assembly, calibration, command, latency, loops = map(part, ("assembly", "calibration", "command", "latency", "loops"))
document = part("document")
modelling, peer, pipeline, profile, report, summary, symbols, workloads = map(
    part, ("modelling", "peer", "pipeline", "profile", "report", "summary", "symbols", "workloads"))
from compare.processes import Failed  # noqa: E402
from compare.workloads import WORKLOADS  # noqa: E402

Block, Place = profile.Block, profile.Place


class Reading(unittest.TestCase):
    def read(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(text)
            file.flush()
            return profile.read(pathlib.Path(file.name))

    def test_a_block_is_known_by_its_file_and_offset_wherever_it_is_mapped(self):
        counts = self.read("map 7f0000001000-7f0000003000 r-xp 00002000 08:01 42   /lib/with space.so\n"
                           "map 7f0000005000-7f0000006000 rwxp 00000000 00:00 0\n"
                           "block 0x7f0000001010 3 aabbccdd 11223344\n"
                           "block 0x7f0000001010 4 aabbccdd 11223344\n"
                           "block 0x7f0000005000 5 aabbccdd\n")
        self.assertEqual(counts, {Block(Place("/lib/with space.so", 0x2010), ("aabbccdd", "11223344")): 7,
                                  Block(Place(profile.GENERATED, 0), ("aabbccdd",)): 5})
        self.assertEqual(profile.instructions_in(counts), 19)

    def test_blocks_that_follow_each_other_and_ran_equally_often_are_one(self):
        a, b = Block(Place("f", 0), ("aa000000", "bb000000")), Block(Place("f", 8), ("cc000000",))
        self.assertEqual(profile.joined({a: 10, b: 10}), {Block(Place("f", 0), ("aa000000", "bb000000", "cc000000")): 10})
        self.assertEqual(profile.joined({a: 10, b: 11}), {a: 10, b: 11})
        tail = Block(Place("f", 4), ("bb000000",))  # of a: a branch leads into its middle
        joined = profile.joined({a: 10, tail: 10, b: 10})
        self.assertEqual(sum(len(block.instructions) * count for block, count in joined.items()), 40)
        generated = [Block(Place(profile.GENERATED, 0), (one,)) for one in ("aa000000", "bb000000")]
        self.assertEqual(profile.joined(dict.fromkeys(generated, 1)), dict.fromkeys(generated, 1))

    def test_what_more_of_the_same_adds(self):
        a, b, c = (Block(Place("f", at), ("aa000000",)) for at in (0, 4, 8))
        self.assertEqual(profile.half_of_difference({a: 9, b: 5, c: 1}, {a: 3, b: 5, c: 2}), {a: 3})

    def test_the_weightiest_blocks_come_first_until_the_coverage_is_reached(self):
        a, b, c = (Block(Place("f", 100 * i), ("aa000000",) * length) for i, length in enumerate((10, 1, 1)))
        self.assertEqual(modelling.weightiest({a: 9, b: 9, c: 1}, 0.95), [a, b])
        self.assertEqual(modelling.weightiest({a: 9, b: 9, c: 1}, 0.5), [a])


class Assembly(unittest.TestCase):
    def test_kinds(self):
        kinds = {"bfmmla\tz3.s, z4.h, z5.h": "multiply", "fmla\tv0.4s, v1.4s, v2.s[0]": "multiply", "fmad z0.s, p0/m, z1.s, z2.s": "multiply",
                 "bfdot\tv0.4s, v1.8h, v2.8h": "multiply", "fmul\tv0.4s, v1.4s, v2.4s": "multiply", "fnmsub\td0, d1, d2, d3": "multiply",
                 "madd\tx0, x1, x2, x3": "other", "ld1rqh\t{ z1.h }, p0/z, [x1]": "load", "ldp\tq0, q1, [x0], #32": "load",
                 "prfm\tpldl1keep, [x0]": "other", "st1w\t{ z0.s }, p0, [x0]": "store", "stp\tq0, q1, [x0]": "store",
                 "bfcvtn\tv0.4h, v1.4s": "convert", "bfcvt\tz0.h, p0/m, z1.s": "convert", "shll\tv0.4s, v1.4h, #16": "convert",
                 "lsl\tz0.s, z1.s, #16": "convert", "lsl\tx0, x1, #16": "other", "uunpklo\tz0.s, z1.h": "convert", "add\tx0, x0, #1": "other",
                 "fmax\tv0.4s, v1.4s, v2.4s": "other", "b.ne\t#-32": "other", "uxtw\tx0, w1": "other", "ushll\tv0.4s, v1.4h, #0": "convert"}
        self.assertEqual({text: assembly.kind_of(text) for text in kinds}, kinds)

    def test_multiply_adds(self):
        macs = {"bfmmla\tv0.4s, v1.8h, v2.8h": 16, "bfmmla\tz0.s, z1.h, z2.h": 32, "bfdot\tz0.s, z1.h, z2.h[0]": 16, "fmla\tz0.s, p0/m, z1.s, z2.s": 8,
                "fmla\tv0.4s, v1.4s, v2.s[3]": 4, "fmla\tv0.2s, v1.2s, v2.2s": 2, "fmla\tv0.2d, v1.2d, v2.2d": 0, "fmul\tv0.4s, v1.4s, v2.4s": 0,
                "add\tx0, x0, #1": 0, "fmadd\ts0, s1, s2, s3": 0}
        self.assertEqual({text: assembly.macs_of(text, 256) for text in macs}, macs)

    def test_unknown_encodings_are_left_out(self):
        texts = assembly.paired(["aa", "bb", "cc"], "\t.text\n\tadd\tx0, x0, x1\n\tret\n", "<stdin>:2:1: warning: invalid instruction encoding\n0xbb\n")
        self.assertEqual(texts, {"aa": "add\tx0, x0, x1", "cc": "ret"})
        with self.assertRaisesRegex(Failed, "1 lines for 2 instructions"):
            assembly.paired(["aa", "bb"], "\tret\n", "")

    def test_the_mix_is_of_executions(self):
        mix = assembly.mix({"aa": 3, "bb": 2, "cc": 1}, {"aa": "fmla\tv0.4s, v1.4s, v2.4s", "bb": "ldr\tq0, [x0]"})
        self.assertEqual(mix, {"multiply": 3, "load": 2, "store": 0, "convert": 0, "other": 1})


class Pipeline(unittest.TestCase):
    def test_regions_come_back_in_order(self):
        self.assertEqual(pipeline.code_of([["nop"], ["ret", "nop"]]),
                         "# LLVM-MCA-BEGIN r0\nnop\n# LLVM-MCA-END r0\n# LLVM-MCA-BEGIN r1\nret\nnop\n# LLVM-MCA-END r1\n")
        printed = "note\n" + json.dumps({"CodeRegions": [{"SummaryView": {"TotalCycles": 110}}, {"SummaryView": {"TotalCycles": 7}}]})
        self.assertEqual(pipeline.total_cycles(printed), [110, 7])

    def test_filling_the_pipeline_does_not_count(self):
        self.assertEqual(pipeline.steady([112, 60], [212, 60], 100), [1.0, 0.0])


OBJDUMP = """
0000000000000000 <kernel(float*)>:
       0:      \tmov\tx3, #0x0
       4:      \tldr\tq0, [x0]
       8:      \tfmla\tv1.4s, v0.4s, v2.4s
       c:      \tsubs\tx1, x1, #0x1
      10:      \tb.ne\t0x4 <kernel(float*)+0x4>
      14:      \tfmla\tv1.4s, v0.4s, v2.4s
      18:      \tcbnz\tx2, 0x0 <kernel(float*)>
      1c:      \tret

0000000000000020 <copy>:
      20:      \tldr\tq0, [x0]
      24:      \tb.ne\t0x20 <copy>
"""


class Loops(unittest.TestCase):
    def test_the_innermost_loop_that_multiplies(self):
        found = loops.loops_of("tiles_neon", OBJDUMP, 256)
        self.assertEqual([(one.function, one.body) for one in found],
                         [("kernel(float*)", ("ldr\tq0, [x0]", "fmla\tv1.4s, v0.4s, v2.4s", "subs\tx1, x1, #0x1", "b.ne\t#0"))])
        self.assertEqual(found[0].macs(256), 4)

    def test_the_limit_is_that_of_the_instructions(self):
        def peak(*body):
            return loops.peak_of(loops.Loop("o", "f", body), 16)

        self.assertEqual(peak("bfmmla\tz0.s, z1.h, z2.h"), 64)
        self.assertEqual(peak("bfdot\tv0.4s, v1.8h, v2.8h", "ldr\tq0, [x0]"), 32)
        self.assertEqual(peak("fmla\tv1.4s, v0.4s, v2.4s"), 16)

    def test_objects_are_known_by_their_names(self):
        names = ["tiles_neon.cc.o", "bf16_block_sve_bf16.cc.o", "windows_sve256.cc.o", "matmul.cc.o", "tiles_avx2.cc.o"]
        self.assertEqual([bool(loops.SOURCES.search(name)) for name in names], [True, True, True, False, False])

    def test_a_core_runs_what_it_has(self):
        cores = [machine.core for machine in workloads.MACHINES]  # N1, V1, V2
        objects = {"tiles_neon": [True, True, True], "rows_neon_bf16": [False, True, True], "tiles_sve": [False, True, True],
                   "windows_sve256": [False, True, False]}
        self.assertEqual({name: [loops.Loop(name, "f", ()).runs_on(core) for core in cores] for name in objects}, objects)

    def test_the_best_of_a_kernels_variants(self):
        core = workloads.GRAVITON3.core
        body = ("bfmmla\tz0.s, z1.h, z2.h",)
        slow, fast, other = (loops.Loop("o", name, body) for name in ("void product<1>(int)", "void product<6>(int)", "other(int)"))
        timed = [(slow, {core: 2.0}), (fast, {core: 0.5}), (other, {core: 1.0})]
        self.assertEqual(report.best_of_families(timed, core), timed[1:])


class FewRows(unittest.TestCase):
    BODY = ("ld1rqh\t{ z1.h }, p0/z, [x0]", "ld1h\t{ z2.h }, p0/z, [x1, x2, lsl #1]", "bfmmla\tz0.s, z1.h, z2.h", "b.ne\t#0")

    def test_all_read_the_same_weights(self):
        few = loops.few_rows([loops.Loop("bf16_block_sve_bf16", "void product<1, 4>(int)", self.BODY)])
        self.assertEqual([one.weight_bytes(256) for one in few], [32, 32])
        self.assertEqual(few[0].body, self.BODY)
        self.assertEqual(few[1].body, ("ld1rd\t{ z1.d }, p0/z, [x0]", self.BODY[1], "bfdot\tz0.s, z1.h, z2.h", "b.ne\t#0"))
        self.assertEqual([one.steps for one in few], [1, 1])
        (twice, _) = loops.few_rows([loops.Loop("bf16_block_sve_bf16", "void product<1, 4>(int)", (*self.BODY[:3], *self.BODY))])
        self.assertEqual((twice.steps, twice.weight_bytes(256)), (2, 32))
        self.assertEqual(loops.few_rows([]), [])


class Symbols(unittest.TestCase):
    def test_an_offset_becomes_an_address_and_a_name(self):
        header = bytearray(64)
        struct.pack_into("<Q", header, 32, 64)
        struct.pack_into("<HH", header, 54, 56, 2)
        other = struct.pack("<IIQQQQQQ", 6, 4, 64, 64, 64, 112, 112, 8)
        load = struct.pack("<IIQQQQQQ", 1, 5, 0x1000, 0x401000, 0x401000, 0x200, 0x200, 4096)
        loaded = symbols.segments(bytes(header) + other + load)
        self.assertEqual(loaded, [symbols.Segment(0x1000, 0x401000, 0x200)])
        self.assertEqual(symbols.address_of(0x1010, loaded), 0x401010)
        self.assertIsNone(symbols.address_of(0x1200, loaded))
        table = symbols.parsed("0000000000401000 0000000000000010 t small\n0000000000401010 0000000000000020 T void f<int>(int)\n"
                               "0000000000402000 0000000000000008 D data\n                 U undefined\n")
        addresses = [one.address for one in table]
        self.assertEqual(symbols.name_at(0x401011, table, addresses), "void f<int>(int)")
        self.assertIsNone(symbols.name_at(0x401030, table, addresses))


STEPS = [{"flops": 6e9, "weight_bytes": 30_000_000, "output_bytes": 500_000}, {"flops": 2e9, "weight_bytes": 0, "output_bytes": 3_000_000}]


class Latencies(unittest.TestCase):
    def test_one_core(self):
        found = latency.latency(26e6, 2.6e9, STEPS, 1, latency.Memory())
        self.assertAlmostEqual(found.compute, 10e-3)
        self.assertAlmostEqual(found.weights, 30e6 / 25e9)
        self.assertAlmostEqual(found.activations, 6e6 / 40e9)  # the second step's alone are too large for L2
        self.assertAlmostEqual(found.overlapped, 10e-3)  # each step computes longer than its memory takes
        self.assertAlmostEqual(found.in_turn, 10e-3 + 1.2e-3 + 0.15e-3)

    def test_many_cores_share_the_socket_and_wait_for_each_other(self):
        found = latency.latency(26e6, 2.6e9, STEPS, 16, latency.Memory())
        self.assertAlmostEqual(found.weights, 30e6 / 240e9)
        self.assertEqual(found.activations, 0)  # 16 cores' L2 hold it
        self.assertAlmostEqual(found.barriers, 4e-6)
        self.assertAlmostEqual(found.overlapped, 10e-3 / 16 + 4e-6)


class Reports(unittest.TestCase):
    def test_side_by_side(self):
        block = Block(Place("f", 0), ("aa000000",) * 10)
        counted = {workloads.Case("wherry", "resnet50", "bf16"): report.Counted({block: 3e7}, {}),
                   workloads.Case("torch", "resnet50", "bf16"): report.Counted({block: 6e7}, {}),
                   workloads.Case("wherry", "resnet50", "fp32"): report.Counted({block: 3e7}, {})}
        table = report.counts_table(counted)
        self.assertIn("| ResNet-50, bf16 | 300.0 | 600.0 | 0.50 |", table)
        # A number beside an older one of the peer would have a ratio of neither.
        self.assertNotIn("ResNet-50, fp32", table)

    def test_other_machines_are_not_in_the_mix(self):
        mixes = {workloads.Case("wherry", "resnet50", "bf16", machine): dict.fromkeys(report.KINDS, count)
                 for machine, count in ((workloads.GRAVITON3, 1e6), (workloads.GRAVITON4, 2e6))}
        table = report.mix_table(mixes)
        self.assertIn("| ResNet-50, bf16 | wherry | 1.0 |", table)
        self.assertNotIn("2.0", table)

    def test_names_are_fit_for_a_table(self):
        self.assertEqual(report.shortened("wherry::kernels::(anonymous namespace)::block<8, 3>(float const*, long)"), "block<8, 3>")
        self.assertEqual(len(report.shortened("x" * 200)), 90)


class Summary(unittest.TestCase):
    def modelled(self, cycles):
        return modelling.Modelled(1e6, 0.99, cycles, [])

    def test_a_convolution_alone(self):
        layer = workloads.Layer(64, 56, "wherry")
        self.assertEqual([case.name for case in layer.cases], ["wherry-convolution64-x2-bf16-graviton3", "wherry-convolution64-x4-bf16-graviton3"])
        self.assertEqual(layer.macs, 115_605_504)
        self.assertEqual(summary.convolution_rates({layer: self.modelled(2e6)}), "57.8 (64 → 64, 56 × 56)")
        self.assertIn("| 64 → 64, 56 × 56 | wherry | 115.6 | 1.00 | 2.000 | 57.8 (90 %) |", report.convolutions_table({layer: self.modelled(2e6)}))

    def test_instructions_against_the_peers_steady_state_and_its_first_inferences(self):
        block = Block(Place("f", 0), ("aa000000",) * 10)
        counted = {workloads.Case("wherry", "resnet50", "bf16"): report.Counted({block: 3.15e7}, {}),
                   workloads.Case("torch", "resnet50", "bf16"): report.Counted({block: 6.3e7}, {})}
        self.assertEqual(summary.instructions_ratio(counted, "resnet50", "bf16"), "0.50; 0.50 of PyTorch's first inferences (630 million)")
        self.assertEqual(summary.instructions_ratio(counted, "distilbert", "bf16"), "")

    def test_bf16_over_fp32(self):
        modelled = {workloads.Case("wherry", "bert", "bf16"): self.modelled(2e6), workloads.Case("wherry", "bert", "fp32"): self.modelled(5e6)}
        self.assertEqual(summary.gain(modelled, "bert"), "2.50")
        self.assertEqual(summary.gain(modelled, "resnet50"), "")

    def test_what_is_not_counted_is_left_empty(self):
        table = summary.table({}, {}, [], {})
        self.assertIn("| instructions, DistilBERT bf16, wherry ÷ PyTorch | 0.70 | 0.50 |  | counted |", table)


class Documents(unittest.TestCase):
    BEFORE = "| model | a | b |\n| --- | --- | --- |\n| x | 1 | 2 |\n| z | 3 | 4 |\n"

    def test_rows_and_cells_that_are_not_made_anew_stay(self):
        now = "| model | a | b |\n| --- | --- | --- |\n| x | 5 |  |\n| y | 6 | 7 |\n"
        expected = "| model | a | b |\n| --- | --- | --- |\n| x | 5 | 2 |\n| y | 6 | 7 |\n| z | 3 | 4 |\n"
        self.assertEqual(document.merged(self.BEFORE, now, 1), expected)

    def test_another_table_is_put_in_whole(self):
        now = "| model | c |\n| --- | --- |\n| x | 5 |\n"
        self.assertEqual(document.merged(self.BEFORE, now, 1), now)
        self.assertEqual(document.merged("Not yet taken.\n", now, 1), now)

    def test_only_tables_of_cases_are_merged(self):
        text = f"<!-- table: counts -->\n{self.BEFORE}<!-- end -->\n<!-- table: loops -->\n{self.BEFORE}<!-- end -->\n"
        now = "| model | a | b |\n| --- | --- | --- |\n| z |  | 8 |\n"
        filled, names = document.filled(text, {"counts": now, "loops": now})
        self.assertEqual(names, ["counts", "loops"])
        self.assertEqual(filled.count("| x | 1 | 2 |"), 1)
        self.assertIn("| z | 3 | 8 |", filled)


class Selection(unittest.TestCase):
    def test_patterns(self):
        cases, layers, sections = command.select(["*mobilenet_v2-bf16*", "loops"])
        self.assertEqual(layers, [])
        self.assertEqual([one.name for one in cases], ["wherry-mobilenet_v2-bf16-graviton3", "torch-mobilenet_v2-bf16-graviton3"])
        self.assertEqual(sections, ["loops"])
        of_layers = [case for layer in workloads.LAYERS for case in layer.cases]
        self.assertEqual(command.select([]), (list(workloads.CASES), of_layers, list(command.SECTIONS)))
        self.assertEqual(command.select(["convolutions"]), ([], of_layers, ["convolutions"]))
        self.assertEqual([case.name for case in command.select(["wherry-convolution64-*"])[1]],
                         ["wherry-convolution64-x2-bf16-graviton3", "wherry-convolution64-x4-bf16-graviton3"])
        with self.assertRaisesRegex(ValueError, "--only vgg: matches nothing; there are wherry-resnet50-bf16-graviton3, "):
            command.select(["vgg"])

    def test_cases_are_named_once_and_their_machine_has_the_precision(self):
        self.assertEqual(len({one.name for one in workloads.CASES}), len(workloads.CASES))
        for case in workloads.CASES:
            self.assertIn(case.precision, case.machine.isa)
            self.assertEqual(workloads.workload_of(case.model).batch, 1)

    def test_the_models_are_the_comparisons(self):
        self.assertIn(workloads.workload_of("bert"), WORKLOADS)
        self.assertEqual(workloads.workload_of("roberta").tokens, 128)


class Elsewhere(unittest.TestCase):
    def test_the_core_of_this_machine(self):
        self.assertEqual(calibration.core_of("vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n"), "znver3")
        self.assertEqual(calibration.core_of("vendor_id : GenuineIntel\ncpu family : 6\nmodel : 143\n\nvendor_id : x\n"), "sapphirerapids")
        with self.assertRaisesRegex(Failed, "GenuineIntel family 6 model 1 is not known"):
            calibration.core_of("vendor_id : GenuineIntel\ncpu family : 6\nmodel : 1\n")
        with self.assertRaisesRegex(Failed, "names no x86 core"):
            calibration.core_of("CPU implementer : 0x41\n")

    def test_the_peers_apt_keeps_to_its_folder(self):
        text = peer.apt_configuration(pathlib.Path("/build/apt"))
        self.assertIn('Dir::State "/build/apt";', text)
        self.assertIn('Dir::State::status "/dev/null";', text)


if __name__ == "__main__":
    unittest.main()
