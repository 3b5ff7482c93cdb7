"""What was asked of wherry on Graviton, and the figure that answers each: of what is counted and modelled elsewhere."""
from __future__ import annotations

from typing import Mapping, Sequence

from compare.report import markdown_table

from .counting import Counted
from .loops import Loop
from .modelling import Modelled
from .pipeline import Core
from .profile import instructions_in
from .report import macs_of, rate
from .workloads import GRAVITON3, Case, Layer

# Instructions an inference when the first ones, in which PyTorch's JIT still specialises, are among those that are counted.
FIRST_INFERENCES = {("resnet50", "bf16"): 630e6, ("resnet50", "fp32"): 983e6, ("mobilenet_v2", "bf16"): 238e6}
INNER_LOOPS = {"SVE bf16": ("bf16_block_sve_bf16", "product<"), "NEON bf16": ("bf16_block_neon_bf16", "product<"),
               "SVE fp32": ("tiles_sve", "_tile<")}
Timed = tuple[Loop, Mapping[Core, float]]


def best_rate(timed: Sequence[Timed], kind: str, core: Core) -> str:
    wanted, function = INNER_LOOPS[kind]
    found = [rate(one, core) for one in timed if one[0].object == wanted and function in one[0].function]
    return f"{max(found):.2f}" if found else ""


def instructions_ratio(counted: Mapping[Case, Counted], model: str, precision: str) -> str:
    """wherry ÷ PyTorch, and wherry ÷ the first inferences."""
    ours, theirs = (counted.get(Case(engine, model, precision)) for engine in ("wherry", "torch"))
    if not ours or not theirs:
        return ""
    instructions = instructions_in(ours.blocks)
    text = f"{instructions / instructions_in(theirs.blocks):.2f}"
    first = FIRST_INFERENCES.get((model, precision))
    return f"{text}; {instructions / first:.2f} of PyTorch's first inferences ({first / 1e6:.0f} million)" if first else text


def of_peak(counted: Mapping[Case, Counted], modelled: Mapping[Case, Modelled], case: Case) -> str:
    if case not in modelled:
        return ""
    return f"{100 * macs_of(counted[case]) / (modelled[case].cycles * case.machine.core.bf16_macs):.0f} %"


def gain(modelled: Mapping[Case, Modelled], model: str) -> str:
    """Cycles of wherry in fp32 ÷ in bf16."""
    bf16, fp32 = (modelled.get(Case("wherry", model, precision)) for precision in ("bf16", "fp32"))
    return f"{fp32.cycles / bf16.cycles:.2f}" if bf16 and fp32 else ""


def convolution_rates(layers: Mapping[Layer, Modelled]) -> str:
    return "; ".join(f"{layer.macs / one.cycles:.1f} ({layer.title})" for layer, one in layers.items() if layer.engine == "wherry")


def table(counted: Mapping[Case, Counted], modelled: Mapping[Case, Modelled], timed: Sequence[Timed], layers: Mapping[Layer, Modelled]) -> str:
    core = GRAVITON3.core
    rows = [
        ["SVE bf16 product, inner loop, multiply-adds a cycle of 64", "62", "63", best_rate(timed, "SVE bf16", core), "modelled", "loops"],
        ["NEON bf16 product, inner loop, of 64", "60", "62", best_rate(timed, "NEON bf16", core), "modelled", "loops"],
        ["SVE fp32 product, inner loop, of 16", "15.7", "15.9", best_rate(timed, "SVE fp32", core), "modelled", "loops"],
        ["bf16 3 × 3 convolution with gathering and finish, of 64", "56", "60", convolution_rates(layers), "modelled", "convolutions"],
        ["ResNet-50 in bf16, of the bf16 peak", "55 %", "70 %", of_peak(counted, modelled, Case("wherry", "resnet50", "bf16")), "modelled",
         "'*resnet50-bf16*'"],
        *([f"instructions, {title} {precision}, wherry ÷ PyTorch", bar, aim, instructions_ratio(counted, model, precision), "counted",
           f"'*{model}-{precision}*'"]
          for title, model, precision, bar, aim in (("ResNet-50", "resnet50", "bf16", "0.65", "0.45"), ("ResNet-50", "resnet50", "fp32", "0.85", "0.70"),
                                                    ("MobileNetV2", "mobilenet_v2", "bf16", "0.70", "0.50"),
                                                    ("DistilBERT", "distilbert", "bf16", "0.70", "0.50"))),
        *([f"{title}, bf16 over fp32", "2.5", "3.3", gain(modelled, model), "modelled", f"'wherry-{model}-*'"]
          for title, model in (("ResNet-50", "resnet50"), ("BERT-base", "bert"))),
    ]
    return markdown_table(["what", "bar", "aim", "figure", "", "`--only`"], rows)
