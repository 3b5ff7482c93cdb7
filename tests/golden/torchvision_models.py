"""torchvision's classification models, at the input size each was made for, with deterministic weights."""
import contextlib
import warnings

import deterministic

warnings.filterwarnings("ignore")


@contextlib.contextmanager
def no_initialisation():
    """Every weight is overwritten anyway, and drawing billions of normal numbers takes minutes."""
    import torch

    names = ["kaiming_normal_", "kaiming_uniform_", "xavier_uniform_", "xavier_normal_", "normal_", "uniform_", "trunc_normal_"]
    saved = {name: getattr(torch.nn.init, name) for name in names}
    for name in names:
        setattr(torch.nn.init, name, lambda tensor, *args, **kwargs: tensor)
    try:
        yield
    finally:
        for name, function in saved.items():
            setattr(torch.nn.init, name, function)


def names():
    from torchvision import models

    return models.list_models(module=models)


def image_size(name):
    from torchvision import models

    return models.get_model_weights(name).DEFAULT.transforms().crop_size[0]


def build(name):
    """Returns (module in eval mode, specs of its weights, input array [1, 3, S, S])."""
    import torch
    from torchvision import models

    size = image_size(name)
    extra = {}
    if name.startswith("vit_"):
        extra["image_size"] = size
    if name in ("googlenet", "inception_v3"):
        extra["init_weights"] = False
    with no_initialisation():
        module = models.get_model(name, weights=None, **extra).eval()
    specs = deterministic.fill(module)
    pixels = deterministic.uniform(0, 3 * size * size, -2.0, 2.0).reshape(1, 3, size, size)
    return module, specs, torch.from_numpy(pixels)


def compile_module(module, kind, example):
    """kind "scripted" or "traced" → a ScriptModule."""
    import torch

    if kind == "scripted":
        return torch.jit.script(module)
    with torch.no_grad():
        return torch.jit.trace(module, example, check_trace=False)


def logits(output):
    """GoogLeNet and Inception return a named tuple when scripted; its first field is the answer."""
    return (output[0] if isinstance(output, tuple) else output).detach().numpy()
