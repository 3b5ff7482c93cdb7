#!/usr/bin/env python3
"""Writes tests/vision/goldens: small pictures of every kind, and what Pillow and torchvision make of them.

    python tests/vision/make_goldens.py [--photos DIR]

Made with Pillow 13.0.0 (libjpeg-turbo 3.2.0) and torchvision 0.29.2. --photos DIR also rewrites photos.txt, the
checksums of preprocessed photos in DIR, which are not part of this repository.
"""

import argparse
import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

# Pillow resized rows first and columns second until 12.x; 13.0 swaps the passes for some shapes, which moves single
# pixels by a few grey levels. Weights were published with rows first, so that is the order here under any version.
pillow_resize = Image.Image.resize
Image.Image.resize = lambda image, size, resample: pillow_resize(
    pillow_resize(image, (size[0], image.height), resample), tuple(size), resample)

HERE = pathlib.Path(__file__).parent / "goldens"
random = np.random.default_rng(7)


def scene(width, height, channels):
    """Soft gradients, one hard edge and some noise: smooth parts and sharp parts for every filter."""
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for c in range(channels):
        plane = 127 + 90 * np.sin(x / (3 + c) + c) + 60 * np.cos(y / (4 - c * 0.7)) + random.normal(0, 12, x.shape)
        plane[height // 3 : height // 2, width // 4 : width // 2] = 250 - 70 * c
        planes.append(plane)
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def save_expected(name, image):
    image.save(HERE / f"{name}.ppm")


def decode_case(name, data, expected=None):
    """The file, and its pixels by Pillow, turned upright (which Pillow leaves to its caller)."""
    (HERE / name).write_bytes(data)
    if expected is None:
        expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    save_expected(name, expected)


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **{"quality": 88, **options})
    return out.getvalue()


def exif(orientation, order="<", type_=3):
    head = b"II*\0" if order == "<" else b"MM\0*"
    value = struct.pack(order + ("HH" if type_ == 3 else "I"), *((orientation, 0) if type_ == 3 else (orientation,)))
    entries = struct.pack(order + "HHI4s", 0x010F, 2, 4, b"abc\0") + struct.pack(order + "HHI", 0x0112, type_, 1) + value
    return head + struct.pack(order + "IH", 8, 2) + entries + struct.pack(order + "I", 0)


def make_jpegs():
    colour = Image.fromarray(scene(37, 29, 3))
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        decode_case(f"jpeg_{name}.jpg", jpeg(colour, subsampling=subsampling))
    decode_case("jpeg_progressive.jpg", jpeg(colour, progressive=True))
    decode_case("jpeg_restarts.jpg", jpeg(colour, restart_marker_blocks=2))
    decode_case("jpeg_rgb.jpg", jpeg(colour, keep_rgb=True))
    decode_case("jpeg_one_pixel.jpg", jpeg(colour.crop((0, 0, 1, 1))))
    grey = Image.fromarray(scene(21, 18, 1)[..., 0])
    decode_case("jpeg_grey.jpg", jpeg(grey))
    decode_case("jpeg_grey_progressive.jpg", jpeg(grey, progressive=True))
    inks = jpeg(Image.fromarray(scene(26, 19, 4), "CMYK"))
    decode_case("jpeg_cmyk.jpg", inks)
    # The same bytes declared as YCCK (Adobe's transform 2): another conversion inside the decoder.
    at = inks.index(b"Adobe") + 11
    decode_case("jpeg_ycck.jpg", inks[:at] + b"\x02" + inks[at + 1 :])
    # Damage in the middle of the picture that decoders only warn about.
    whole = jpeg(colour, restart_marker_blocks=1)
    at = whole.index(b"\xff\xd3") + 6
    decode_case("jpeg_damaged_scan.jpg", whole[:at] + b"\x5a\x01" + whole[at + 2 :])
    oriented = Image.fromarray(scene(12, 7, 3))
    for orientation in range(1, 9):
        decode_case(f"jpeg_exif_{orientation}.jpg", jpeg(oriented, exif=b"Exif\0\0" + exif(orientation)))
    decode_case("jpeg_exif_6_big_endian.jpg", jpeg(oriented, exif=b"Exif\0\0" + exif(6, ">")))
    decode_case("jpeg_exif_9_invalid.jpg", jpeg(oriented, exif=b"Exif\0\0" + exif(9)), expected=Image.open(
        io.BytesIO(jpeg(oriented))).convert("RGB"))


ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def png(samples, depth, colour_type, interlaced=False, palette=None, transparency=None, extra=()):
    """A PNG of `samples` [height, width, channels]. Pillow cannot write all kinds (nor any interlaced one)."""
    height, width, channels = samples.shape

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    def rows(part):
        out = b""
        for row in part.reshape(part.shape[0], -1):
            if depth == 16:
                packed = row.astype(">u2").tobytes()
            elif depth == 8:
                packed = row.astype(np.uint8).tobytes()
            else:
                bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
                packed = np.packbits(bits.reshape(-1)).tobytes()
            out += b"\0" + packed
        return out

    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    parts = [samples[y::dy, x::dx] for x, y, dx, dy in passes]
    raw = b"".join(rows(part) for part in parts if part.size)
    out = b"\x89PNG\r\n\x1a\n"
    out += chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced)))
    for kind, body in extra:
        out += chunk(kind, body)
    if palette is not None:
        out += chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    if transparency is not None:
        out += chunk(b"tRNS", transparency)
    return out + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def make_pngs():
    width, height = 13, 9
    for interlaced in (False, True):
        suffix = "_interlaced" if interlaced else ""
        for depth in (1, 2, 4, 8, 16):
            grey = random.integers(0, 2**depth, (height, width, 1))
            data = png(grey, depth, 0, interlaced)
            # Pillow clips 16-bit grey to white; its other 16-bit kinds keep the high byte, and so does wherry for all.
            high = Image.fromarray((grey[..., 0] >> 8).astype(np.uint8)).convert("RGB") if depth == 16 else None
            decode_case(f"png_grey{depth}{suffix}.png", data, high)
        for depth in (1, 2, 4, 8):
            palette = random.integers(0, 256, (2**min(depth, 6), 3))
            indices = random.integers(0, len(palette), (height, width, 1))
            decode_case(f"png_palette{depth}{suffix}.png", png(indices, depth, 3, interlaced, palette))
        for depth in (8, 16):
            for name, colour_type, channels in (("rgb", 2, 3), ("grey_alpha", 4, 2), ("rgba", 6, 4)):
                samples = random.integers(0, 2**depth, (height, width, channels))
                decode_case(f"png_{name}{depth}{suffix}.png", png(samples, depth, colour_type, interlaced))
    indices = random.integers(0, 4, (height, width, 1))
    palette = random.integers(0, 256, (4, 3))
    decode_case("png_palette_transparent.png", png(indices, 8, 3, palette=palette, transparency=b"\x00\x80"))
    grey = random.integers(0, 256, (height, width, 1))
    decode_case("png_grey_transparent.png", png(grey, 8, 0, transparency=struct.pack(">H", grey[0, 0, 0])))
    rgb = random.integers(0, 256, (height, width, 3))
    decode_case("png_rgb_transparent.png", png(rgb, 8, 2, transparency=struct.pack(">HHH", *rgb[0, 0].tolist())))
    decode_case("png_exif_8.png", png(rgb, 8, 2, extra=[(b"eXIf", exif(8))]))


def make_resizes():
    source = Image.fromarray(scene(61, 47, 3))
    source.save(HERE / "scene.png")
    lines = []
    filters = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    for width, height in ((30, 23), (17, 40), (61, 20), (20, 47), (61, 47), (90, 70), (1, 1), (5, 100), (60, 48)):
        for kind, filter_ in filters.items():
            name = f"resize_{kind}_{width}x{height}.png"
            source.resize((width, height), filter_).save(HERE / name)
            lines.append(f"{kind} {width} {height} {name}\n")
    (HERE / "resizes.txt").write_text("".join(lines))


def make_preprocessed():
    lines = []
    cases = (  # width, height, resize, crop, interpolation: both halves of Python's rounding, and padding
        (61, 47, 32, 20, "bilinear"), (47, 61, 32, 21, "bilinear"), (50, 50, 24, 20, "bilinear"),
        (61, 47, 27, 20, "bicubic"), (40, 33, 15, 20, "bilinear"), (90, 30, 16, 22, "bilinear"), (31, 64, 20, 20, "bicubic"),
        (10, 7, 21, 20, "bilinear"))
    for i, (width, height, resize, crop, kind) in enumerate(cases):
        mean, std = ((0.5, 0.5, 0.5), (0.25, 0.5, 0.125)) if i == 3 else ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        image = Image.fromarray(scene(width, height, 3))
        image.save(HERE / f"preprocess_{i}.png")
        transform = ImageClassification(crop_size=crop, resize_size=resize, mean=mean, std=std,
                                        interpolation=InterpolationMode(kind))
        transform(image).numpy().astype("<f4").tofile(HERE / f"preprocess_{i}.f32")
        lines.append(f"preprocess_{i} {resize} {crop} {kind} {' '.join(map(str, mean + std))}\n")
    (HERE / "preprocessed.txt").write_text("".join(lines))


def make_photo_checksums(folder):
    lines = []
    for path in sorted(folder.glob("*.jpg")):
        image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        sums = []
        for resize, kind in ((256, "bilinear"), (232, "bicubic")):
            transform = ImageClassification(crop_size=224, resize_size=resize, mean=(0.0,) * 3, std=(1 / 255,) * 3,
                                            interpolation=InterpolationMode(kind))
            pixels = transform(image).numpy().round().astype(np.uint8).transpose(1, 2, 0)
            sums.append(f"{zlib.crc32(pixels.tobytes()):08x}")
        lines.append(f"{path.name} {' '.join(sums)}\n")
    (HERE / "photos.txt").write_text("".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=pathlib.Path)
    arguments = parser.parse_args()
    HERE.mkdir(exist_ok=True)
    make_jpegs()
    make_pngs()
    make_resizes()
    make_preprocessed()
    if arguments.photos:
        make_photo_checksums(arguments.photos)


if __name__ == "__main__":
    main()
