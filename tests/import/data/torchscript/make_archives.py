"""Makes the TorchScript archives of torchscript_archive_test.cc: small modules that use the language, scripted and traced.

python3 make_archives.py FOLDER    writes <name>_<torch's version>.pt there; run it with PyTorch 1.13 and with 2.15.

The archives remember the path of this file: run a copy of it that lies where the path may be seen.
"""
import pathlib
import sys
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn

VERSION = "_".join(torch.__version__.split("+")[0].split(".")[:2])


class Outputs(NamedTuple):
    logits: Tensor
    aux: Optional[Tensor]
    sizes: Dict[str, Tensor]


class Block(nn.Module):
    def __init__(self, channels: int, last: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(x)).relu_()
        if self.last:
            return y
        y += x
        return y


class ControlFlow(nn.Module):
    """Loops over module lists, constants, optionals, dicts, assertions, a named tuple."""

    scales: List[float]

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(4, False), Block(4, True)])
        self.names = {"a": 1, "b": 2}
        self.scales = [0.5, 2.0]
        self.shift: Optional[Tensor] = None
        self.head = nn.Linear(4, 3)

    def pool(self, x: Tensor, how: str) -> Tensor:
        if how == "mean":
            return x.mean((-2, -1))
        elif how == "max":
            return x.amax((-2, -1))
        raise ValueError(f"no pooling called {how}")

    def forward(self, x: Tensor, mask: Optional[Tensor] = None, repeat: int = 2) -> Outputs:
        assert x.dim() == 4, "an image batch"
        if x.shape[1] != 4:
            raise ValueError("expected 4 channels, got {}".format(x.shape[1]))
        for i, block in enumerate(self.blocks):
            x = block(x) * self.scales[i]
        if mask is not None:
            x = x * mask
        if self.training:
            x = torch.special.i1(x)
        shift = self.shift
        if shift is not None:
            x = x + shift
        rows: List[Tensor] = []
        for _ in range(repeat):
            rows.append(self.pool(x, "mean"))
        while len(rows) < 3:
            rows.append(self.pool(x, "max"))
        pooled = torch.stack(rows).sum(0)
        sizes = {name: torch.full([count], float(count)) for name, count in self.names.items()}
        return Outputs(self.head(pooled), None, sizes)


class InPlace(nn.Module):
    """Writes through slices, as window attention builds its mask, and shape arithmetic that traces keep as tensors."""

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        height, width = x.shape[2], x.shape[3]
        mask = x.new_zeros((height, width))
        mask[: height // 2, 1:] = 1
        mask[-1] = 2
        mask[:, 0] += 3
        pad = (4 - width % 4) % 4
        x = nn.functional.pad(x, (0, pad))
        x = x.view(x.shape[0], -1, x.shape[3] // 4, 4).permute(0, 2, 1, 3).reshape(-1, 4)
        return x.softmax(-1), mask


class Unsupported(nn.Module):
    """Four things that an engine for fixed graphs refuses."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.special.i1(x)
        if bool(x.sum() > 0):
            y = torch.linalg.det(y)
        values, _ = torch.linalg.eigh(y)
        return y + values[int(x.argmax())]


def main(folder: pathlib.Path) -> None:
    torch.manual_seed(0)
    images = torch.rand(1, 4, 6, 7)
    modules = {
        "control_flow_scripted": torch.jit.script(ControlFlow().eval()),
        "in_place_scripted": torch.jit.script(InPlace().eval()),
        "in_place_traced": torch.jit.trace(InPlace().eval(), images),
        "unsupported_scripted": torch.jit.script(Unsupported().eval()),
    }
    for name, module in modules.items():
        module.save(str(folder / f"{name}_{VERSION}.pt"))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
