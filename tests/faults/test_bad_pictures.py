"""Pictures that are damaged, enormous, unusual or hostile: refused with name and reason, or read as documented."""

import faulthandler
import functools
import io
import os
import re
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, memory_grows_by_less_than
from PIL import Image, ImageCms

from nst_keras import load_image, load_mask

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
FOUND = sorted((Path(__file__).parent / "found").glob("pictures*"))
SECONDS = 60  # a picture that takes longer hangs
HEADER = 200  # bytes, in which half of the flipped bits lie: there is what decoders branch on


def outcome(path, load=load_image):
    """Whether a file is read; if not, it must be refused by name with a reason, and if so, be an image array."""
    faulthandler.dump_traceback_later(SECONDS, exit=True)  # a hang inside a decoder cannot be interrupted otherwise
    try:
        with warnings.catch_warnings(action="ignore"):
            image = load(path)
    except ValueError as error:
        assert re.search(rf"{re.escape(str(path))}.* (cannot be read|pixels|hold|is HEIC|no such file)", str(error))
        return "refused"
    finally:
        faulthandler.cancel_dump_traceback_later()
    assert image.dtype == np.float32
    assert image.ndim == 2 if load is load_mask else image.shape[2:] == (3,)
    assert min(image.shape[:2]) >= 32
    assert ((image >= 0) & (image <= 1)).all()  # so it is finite
    return "read"


def encoded(picture, form, **options):
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def profile(name):
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


def with_metadata(form):
    """A picture in one of the six formats, with a colour profile and EXIF where it can have them."""
    y, x = np.mgrid[0:40, 0:50]
    smooth = np.stack([x * 5, y * 6, (x + y) * 2], axis=-1).astype("uint8")
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {
        "PNG": {"icc_profile": profile("sRGB"), "exif": exif},
        "JPEG": {"icc_profile": profile("sRGB"), "exif": exif, "progressive": True},
        "WEBP": {"icc_profile": profile("sRGB"), "exif": exif},
        "TIFF": {"icc_profile": profile("sRGB"), "exif": exif, "compression": "tiff_lzw"},
        "GIF": {"save_all": True, "append_images": [Image.new("RGB", (50, 40), "red")]},
    }
    return encoded(Image.fromarray(smooth), form, **options.get(form, {}))


def test_truncations_and_flipped_bits(tmp_path, rng, tries, tally):
    counts = {"refused": 0, "read": 0}
    for form in FORMATS:
        whole = with_metadata(form)
        path = tmp_path / f"picture.{form.lower()}"
        for length in rng.integers(0, len(whole), tries(60, 8)):
            path.write_bytes(whole[:length])
            counts[outcome(path)] += 1
        for number in range(tries(200, 20)):
            at = int(rng.integers(0, HEADER if number % 2 else len(whole)))
            damaged = bytearray(whole)
            damaged[at] ^= 1 << int(rng.integers(8))
            path.write_bytes(damaged)
            counts[outcome(path, load_mask if number % 8 == 0 else load_image)] += 1
    assert min(counts.values()) > 0
    tally(
        "pictures in 6 formats, 60 truncations and 200 flipped bits each",
        sum(counts.values()),
        f"{counts['refused']} refused with name and reason, {counts['read']} read as finite pictures in [0, 1]",
    )


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_the_fuzzer_found(path):
    outcome(path)
    outcome(path, load_mask)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, bits=8, color=2, before=b"", data=b""):
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@functools.cache
def zeros(megabytes):
    """Compressed a thousand times."""
    compressor = zlib.compressobj(9)
    return b"".join([compressor.compress(bytes(1_000_000)) for _ in range(megabytes)] + [compressor.flush()])


def gif(width, height, frames=0):
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame * frames + b";"


def tiff(width, height, pages=1, compression=1, data=b"", tags=()):
    """Little-endian; every page is the same strip of `data`, directly behind the header."""
    file, start = bytearray(b"II*\0" + struct.pack("<I", 8 + len(data)) + data), 8 + len(data)
    entries = {256: width, 257: height, 258: 8, 259: compression, 262: 1, 273: 8, 277: 1, 278: height, 279: len(data)}
    entries |= dict(tags)
    for page in range(1, pages + 1):
        following = start + page * (6 + 12 * len(entries)) if page < pages else 0
        file += struct.pack("<H", len(entries))
        file += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries.items()))
        file += struct.pack("<I", following)
    return bytes(file)


def webp(width, height):
    """An animation's canvas, and no frame."""
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size + b"ANIM\6\0\0\0\0\0\0\0\0\0"
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg(width, height):
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\1\x11\0\2\x11\0\3\x11\0"
    return b"\xff\xd8" + frame + b"\xff\xda\0\x0c\3\1\0\2\0\3\0\0\x3f\0"


def bmp(width, height):
    return b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


BOMBS = {
    "PNG, 10 gigapixels, header only": lambda: png(100_000, 100_000),
    "PNG, 64 megapixels, header only": lambda: png(8_000, 8_000, 16, 6),
    "PNG, 400 megapixels of one bit, whole": lambda: png(20_000, 20_000, 1, 0, data=zeros(51)),
    "PNG, a colour profile of 200 MB": lambda: png(40, 40, before=chunk(b"iCCP", b"p\0\0" + zeros(200))),
    "PNG, a comment of 200 MB": lambda: png(40, 40, before=chunk(b"zTXt", b"c\0\0" + zeros(200))),
    "GIF, 4 gigapixels, header only": lambda: gif(65_535, 65_535),
    "GIF, 4 gigapixels, 100,000 frames": lambda: gif(65_535, 65_535, 100_000),
    "TIFF, 3 gigapixels, header only": lambda: tiff(60_000, 50_000),
    "TIFF, 64 megapixels in one strip": lambda: tiff(8_000, 8_000, compression=8, data=zeros(64)),
    "TIFF, 5,000 pages of 3 gigapixels": lambda: tiff(60_000, 50_000, pages=5_000),
    "WebP, 268 megapixels, header only": lambda: webp(16_383, 16_383),
    "JPEG, 4 gigapixels, header only": lambda: jpeg(65_500, 65_500),
    "BMP, 900 megapixels, header only": lambda: bmp(30_000, 30_000),
}


def test_decompression_bombs_are_refused_before_they_are_decoded(tmp_path, tally):
    load_image(ROOT / "images" / "cat.jpg")
    for name, make in BOMBS.items():
        path = tmp_path / "bomb.bin"
        path.write_bytes(make())
        assert path.stat().st_size < 3_000_000
        with memory_grows_by_less_than(100):
            assert outcome(path) == "refused", name
    tally("decompression bombs in 6 formats", len(BOMBS), "all refused; memory grew by less than 100 MB")


GREY = np.tile(np.linspace(0, 255, 50).astype("uint8"), (40, 1))
COLOR = np.stack([GREY, GREY[:, ::-1], GREY // 2], axis=-1)
SIXTEEN = GREY.astype("uint16") * 257
ALPHA = np.full_like(GREY, 51)  # a fifth


def rgb(pixels):
    """What is expected of 8-bit pixels."""
    pixels = np.asarray(pixels, "float32") / 255
    return np.repeat(pixels[..., None], 3, axis=-1) if pixels.ndim == 2 else pixels


def on_white(pixels):
    return rgb(pixels) * 0.2 + 0.8


def turned(orientation):
    """COLOR as a camera held otherwise keeps it, with the tag that says so."""
    turns = ("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_90", "TRANSVERSE", "ROTATE_270")
    picture = Image.fromarray(COLOR)
    if orientation > 1:
        picture = picture.transpose(Image.Transpose[turns[orientation - 2]])
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture, "PNG", exif=exif)


def with_palette(colors, pixels, **options):
    picture = Image.frombytes("P", (50, 40), pixels.tobytes())
    picture.putpalette(colors)
    return encoded(picture, "PNG", **options)


def animation(form):
    frames = [Image.fromarray(COLOR), Image.new("RGB", (50, 40), "red")]
    options = {"lossless": True} if form == "WEBP" else {}
    return encoded(frames[0], form, save_all=True, append_images=frames[1:], **options)


STRIPES = (np.arange(2000).reshape(40, 50) % 2).astype("uint8")
VARIANTS = {  # name: (file, expected, tolerance)
    "grey": (lambda: encoded(Image.fromarray(GREY), "PNG"), rgb(GREY), 1e-6),
    "grey with alpha": (
        lambda: encoded(Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(ALPHA)]), "PNG"),
        on_white(GREY),
        1e-6,
    ),
    "RGBA": (lambda: encoded(Image.fromarray(np.dstack([COLOR, ALPHA])), "PNG"), on_white(COLOR), 1e-6),
    "RGBA, TIFF": (lambda: encoded(Image.fromarray(np.dstack([COLOR, ALPHA])), "TIFF"), on_white(COLOR), 1e-6),
    "a transparent grey": (
        lambda: encoded(Image.fromarray(GREY), "PNG", transparency=0),
        rgb(np.where(GREY == 0, 255, GREY)),
        1e-6,
    ),
    "a transparent colour": (
        lambda: encoded(Image.fromarray(COLOR), "PNG", transparency=tuple(COLOR[0, 0].tolist())),
        rgb(np.where((COLOR[0, 0] == COLOR).all(-1, keepdims=True), 255, COLOR)),
        1e-6,
    ),
    "palette": (lambda: with_palette([255, 0, 0, 0, 0, 255], STRIPES), rgb(np.eye(3)[STRIPES * 2] * 255), 1e-6),
    "palette with transparency": (
        lambda: with_palette([255, 0, 0, 0, 0, 255], STRIPES, transparency=bytes([255, 0])),
        rgb(np.where(STRIPES[..., None], 255, [255, 0, 0])),
        1e-6,
    ),
    "one bit": (lambda: encoded(Image.fromarray(STRIPES * 255).convert("1"), "PNG"), rgb(STRIPES * 255), 1e-6),
    "CMYK": (lambda: encoded(Image.new("CMYK", (50, 40), (0, 255, 255, 0)), "JPEG"), np.float32([[[1, 0, 0]]]), 0.02),
    "16-bit grey, PNG": (lambda: encoded(Image.fromarray(SIXTEEN), "PNG"), rgb(GREY), 1e-6),
    "16-bit grey, TIFF of a Macintosh": (
        lambda: encoded(Image.frombytes("I;16B", (50, 40), SIXTEEN.astype(">u2").tobytes()), "TIFF"),
        rgb(GREY),
        1e-6,
    ),
    "float, TIFF": (lambda: encoded(Image.fromarray(GREY.astype("float32") / 255), "TIFF"), rgb(GREY), 1e-6),
    **{f"EXIF orientation {n}": (lambda n=n: turned(n), rgb(COLOR), 1e-6) for n in range(1, 9)},
    "a profile of its own, sRGB": (
        lambda: encoded(Image.fromarray(COLOR), "PNG", icc_profile=profile("sRGB")),
        rgb(COLOR),
        0.005,
    ),
    "a profile of another kind of picture": (
        lambda: encoded(Image.fromarray(COLOR), "PNG", icc_profile=profile("LAB")),
        rgb(COLOR),
        1e-6,
    ),
    "animated GIF": (lambda: animation("GIF"), rgb(COLOR), 0.03),
    "animated PNG": (lambda: animation("PNG"), rgb(COLOR), 1e-6),
    "animated WebP": (lambda: animation("WEBP"), rgb(COLOR), 1e-6),
    "1 × 1": (lambda: encoded(Image.new("RGB", (1, 1)), "PNG"), "1×1 pixels; both sides must be at least 32", 0),
    "1 × 5000": (lambda: encoded(Image.new("L", (1, 5000)), "PNG"), "1×5000 pixels; both sides must be at least", 0),
}


def test_valid_variants_have_their_documented_result(tmp_path, tally):
    path = tmp_path / "picture.bin"
    for name, (make, expected, tolerance) in VARIANTS.items():
        path.write_bytes(make())
        if isinstance(expected, str):
            with pytest.raises(ValueError, match=f"picture.bin.*{expected}"):
                load_image(path)
            continue
        image = load_image(path)
        assert image.shape == (40, 50, 3), name
        np.testing.assert_allclose(image, np.broadcast_to(expected, image.shape), atol=tolerance, err_msg=name)
    tally("valid variants: depths, palettes, alpha, orientations, profiles", len(VARIANTS), "the documented result")


def no_pictures(folder):
    """Paths of what is no picture, and may do harm."""
    executed = folder / "executed"
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 40\n(" + bytes(executed) + b") (w) file closefile\n"
    files = {
        "postscript.png": postscript,
        "vector.jpg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "portable.png": b"P6 50 40 255\n" + bytes(6000),
        "document.tiff": b"%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n",
        "fractal.gif": struct.pack("<IHHHHHHHH", 4096, 0xAF11, 65535, 320, 200, 8, 3, 0, 0) + bytes(108),  # FLI
        "empty.png": b"",
        "thumbnail.jpg": b"\0\0\0\x18ftypavif" + bytes(100),
        "of no compression.tiff": tiff(50, 40, compression=50_000, data=bytes(2000)),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "folder.png").mkdir()
    (folder / "loop.png").symlink_to(folder / "loop.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "device.png").symlink_to("/dev/zero")
    return [*sorted(folder.iterdir()), folder / ("x" * 5000 + ".png"), folder / "nul\0.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_picture_is_refused_and_not_executed(tmp_path, tally):
    hostile = no_pictures(tmp_path)
    for path in hostile:
        with pytest.raises(ValueError, match=r"image '.*': (there is no such file|cannot be read|is HEIC)"):
            load_image(path)
    assert not (tmp_path / "executed").exists()
    tally("hostile files in place of pictures: PostScript, SVG, PDF, devices, pipes", len(hostile), "none executed")
