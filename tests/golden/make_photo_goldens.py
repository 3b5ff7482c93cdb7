#!/usr/bin/env python3
"""What PyTorch answers for real photos with torchvision's ImageNet MobileNetV2: writes data/mobilenet_v2_photos.npz.

  make_photo_goldens.py --weights mobilenet_v2-b0353104.pth --photos ../../../shared/data/imagenet100

The record of each photo is named as its file; it holds the 1000 logits after torchvision's evaluation preprocessing
(resize 256, centre crop 224, normalise) with Pillow.
"""
import argparse
import pathlib

import numpy as np
import torch
import torchvision
from PIL import Image
from torchvision import transforms


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--photos", type=pathlib.Path, required=True)
    parser.add_argument("--out", default=pathlib.Path(__file__).parent / "data/mobilenet_v2_photos.npz")
    args = parser.parse_args()
    model = torchvision.models.mobilenet_v2()
    model.load_state_dict(torch.load(args.weights, weights_only=True))
    model.eval()
    prepare = transforms.Compose([
        transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ])
    logits = {}
    with torch.no_grad():
        for path in sorted(args.photos.glob("*.jpg")):
            logits[path.name] = model(prepare(Image.open(path).convert("RGB"))[None])[0].numpy()
    np.savez_compressed(args.out, **logits)
    right = sum(int(name[:3]) == int(answer.argmax()) for name, answer in logits.items())
    print(f"{args.out}: {len(logits)} photos, top-1 {right}")


if __name__ == "__main__":
    main()
