"""One inference of a TorchScript file by PyTorch on one thread, as fast as it goes, for the emulator to count.

  python infer.py model.pt INPUT.npy...       prints a line of JSON: the version, and the answer's first values
"""
import contextlib
import json
import os
import sys
import warnings

import numpy
import torch

MARK = 0x77686572  # block_counts.c


def mark() -> None:
    with contextlib.suppress(OSError):  # there is no such priority
        os.getpriority(MARK, 0)


warnings.filterwarnings("ignore")
torch.set_num_threads(1)
torch.set_grad_enabled(False)
torch._C._jit_set_num_profiled_runs(0)  # the first run optimises; with one profiled run before, which the emulator makes long, the second
inputs = [torch.from_numpy(numpy.load(path)) for path in sys.argv[2:]]
images = any(one.dim() == 4 for one in inputs)
# optimize_for_inference stores the weights of linear layers transposed, which PyTorch then multiplies with OpenBLAS, in fp32
# whatever the mode: DistilBERT takes 1375 million instructions so. As they are, oneDNN gets them.
optimise = torch.jit.optimize_for_inference if images else torch.jit.freeze
model = optimise(torch.jit.load(sys.argv[1]).eval())
inputs = [one.to(memory_format=torch.channels_last) if one.dim() == 4 else one for one in inputs]
model(*inputs)
mark()
answer = model(*inputs)
mark()
print(json.dumps({"version": torch.__version__, "first": [float(value) for value in answer.flatten()[:4]]}))
