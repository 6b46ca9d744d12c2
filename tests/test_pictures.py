"""Pictures of digits: read in every form, brought to the form of the data, or refused in words."""

import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backprop import datasets
from backprop.datasets import fit, pictures, read_picture, save_picture
from backprop.errors import PictureError


def seven(size=120, *, paper=255, ink=0, mode="L", width=14, shift=(0, 0)):
    """A drawn 7 in the middle of a square picture."""
    image = Image.new(mode, (size, size), paper)
    corners = [(0.3, 0.2), (0.7, 0.2), (0.45, 0.8)]
    points = [(size * x + shift[0], size * y + shift[1]) for x, y in corners]
    ImageDraw.Draw(image).line(points, fill=ink, width=width, joint="curve")
    return image


def through(image, tmp_path, name="digit.png", **how):
    """Save a picture and read it back."""
    image.save(tmp_path / name, **how)
    return read_picture(tmp_path / name)


def digit_like(seed=0):
    """Grey values like those of a zip-code digit: 16 high, of even width, in the middle."""
    x = np.full((16, 16), -1.0)
    x[:, 4:12] = np.random.default_rng(seed).uniform(0, 1, (16, 8)).round(2)
    x[3, 5] = 1.0
    return x.ravel().astype(np.float32)


def test_a_drawn_digit_fills_the_square_in_height_and_stands_in_the_middle(tmp_path):
    x = through(seven(), tmp_path).reshape(16, 16)
    assert x.dtype == np.float32
    assert (x.min(), x.max()) == (-1, 1)
    ink = np.argwhere(x > -0.6)
    assert ink[:, 0].min() == 0 and ink[:, 0].max() == 15
    assert ink[:, 1].min() + ink[:, 1].max() == 15
    # It is a 7: a bar at the top, a foot left of the middle, nothing below right.
    assert (x[0, 5:10] > 0).all()
    assert x[15, :8].max() > 0 > x[8:, 12:].max()


def test_place_size_and_margins_do_not_matter(tmp_path):
    usual = through(seven(), tmp_path)
    np.testing.assert_allclose(through(seven(shift=(-30, 17)), tmp_path), usual, atol=1e-6)
    large = through(seven(480, width=56), tmp_path)
    assert np.abs(large - usual).mean() < 0.05


def test_dark_on_light_and_light_on_dark_read_the_same(tmp_path):
    usual = through(seven(), tmp_path)
    np.testing.assert_allclose(through(seven(paper=0, ink=255), tmp_path), usual, atol=1e-6)
    np.testing.assert_allclose(through(seven(paper=180, ink=60), tmp_path), usual, atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "paper", "ink", "name"),
    [
        ("1", 1, 0, "a.png"),
        ("P", 0, 3, "a.gif"),
        ("RGB", "white", "navy", "a.bmp"),
        ("RGB", "white", "black", "a.webp"),
        ("CMYK", (0, 0, 0, 0), (0, 0, 0, 255), "a.tif"),
        ("RGBA", (255, 255, 255, 255), (0, 0, 0, 255), "a.png"),
        ("RGBA", (0, 0, 0, 0), (0, 0, 0, 255), "a.png"),
        ("RGBA", (0, 0, 0, 0), (255, 255, 255, 255), "a.png"),
        ("LA", (0, 0), (0, 255), "a.png"),
        ("I;16", 60000, 1000, "a.png"),
        ("I;16", 60000, 1000, "a.tif"),
        ("I", 60000, 1000, "a.pgm"),
        ("F", 0.9, 0.2, "a.tif"),
        ("F", -50.0, 1000.0, "a.tif"),
    ],
)
def test_every_kind_of_picture_gives_the_same_digit(tmp_path, mode, paper, ink, name):
    if mode == "P":
        image = seven().convert("P")
    elif mode.startswith(("I", "F")):
        strokes = np.asarray(seven()) == 0
        dtype = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        image = Image.fromarray(np.where(strokes, ink, paper).astype(dtype))
        assert image.mode == mode
    else:
        image = seven(mode=mode, paper=paper, ink=ink)
    how = {"lossless": True} if name.endswith("webp") else {}
    np.testing.assert_allclose(
        through(image, tmp_path, name, **how), through(seven(), tmp_path), atol=0.02
    )


def test_noise_of_compression_does_not_move_the_digit(tmp_path):
    usual = through(seven(), tmp_path)
    assert np.abs(through(seven(), tmp_path, "a.jpg", quality=60) - usual).max() < 0.25


def test_a_photograph_is_turned_upright_as_its_metadata_say(tmp_path):
    lying = seven().transpose(Image.Transpose.ROTATE_90)
    exif = lying.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    turned = through(lying, tmp_path, "a.png", exif=exif)
    np.testing.assert_allclose(turned, through(seven(), tmp_path), atol=1e-6)


def test_a_one_drawn_one_pixel_wide_becomes_a_stroke_of_full_ink(tmp_path):
    image = Image.new("L", (50, 100), 255)
    ImageDraw.Draw(image).line([(25, 20), (25, 79)], fill=0)
    x = through(image, tmp_path).reshape(16, 16)
    assert (x[:, 7:9] == 1).all()
    assert (np.delete(x, [7, 8], axis=1) == -1).all()


def test_thin_strokes_keep_full_ink(tmp_path):
    assert through(seven(400, width=4), tmp_path).max() == 1


def test_a_picture_of_16_by_16_is_taken_as_it_is(tmp_path):
    x = np.full((16, 16), -1.0)
    x[5:9, 2:4] = [[0.2, 1.0]] * 4  # small and to the left: it stays there
    save_picture(x, tmp_path / "a.png")
    read = read_picture(tmp_path / "a.png").reshape(16, 16)
    np.testing.assert_allclose(read, x, atol=1 / 127)
    Image.fromarray(255 - np.asarray(Image.open(tmp_path / "a.png"))).save(tmp_path / "b.png")
    np.testing.assert_allclose(read_picture(tmp_path / "b.png").reshape(16, 16), read, atol=1e-6)


@pytest.mark.parametrize("margin", [0, 7, 60])
def test_an_enlarged_digit_reads_as_the_digit_itself(tmp_path, margin):
    x = digit_like()
    save_picture(x, tmp_path / "a.png", enlarge=10)
    with Image.open(tmp_path / "a.png") as image:
        wider = Image.new("L", (160 + 2 * margin, 160 + margin), 255)
        wider.paste(image, (margin, 0))
    np.testing.assert_allclose(through(wider, tmp_path), x, atol=1 / 127)


def nothing(tmp_path):
    return tmp_path / "missing.png"


def folder(tmp_path):
    return tmp_path


def text(tmp_path):
    (tmp_path / "a.png").write_text("This is a poem, not a picture.")
    return tmp_path / "a.png"


def no_bytes(tmp_path):
    (tmp_path / "a.png").touch()
    return tmp_path / "a.png"


def postscript(tmp_path):
    (tmp_path / "a.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n")
    return tmp_path / "a.eps"


def cut_off(tmp_path):
    noisy = np.random.default_rng(0).integers(0, 255, (80, 80)).astype(np.uint8)
    Image.fromarray(noisy).save(tmp_path / "whole.png")
    content = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    return tmp_path / "a.png"


def saved(image, tmp_path, name="a.png", **how):
    image.save(tmp_path / name, **how)
    return tmp_path / name


def of_size(tmp_path, width, height):
    """A PNG file that only says that it is so large."""
    content = bytearray(saved(seven(), tmp_path).read_bytes())
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    return tmp_path / "a.png"


def bomb(tmp_path):
    return of_size(tmp_path, 60_000, 60_000)


def large(tmp_path):
    return of_size(tmp_path, 10_000, 9_000)


def animated(tmp_path):
    more = [seven(shift=(9, 0)), seven(shift=(18, 0))]
    return saved(seven(), tmp_path, "a.gif", save_all=True, append_images=more)


def tiny(tmp_path):
    return saved(Image.new("L", (15, 9), 255), tmp_path)


def speck(tmp_path):
    image = Image.new("L", (100, 100), 255)
    image.putpixel((40, 40), 0)
    return saved(image, tmp_path)


def blank(tmp_path):
    return saved(Image.new("L", (100, 100), 255), tmp_path)


def blank_of_sixteen(tmp_path):
    return saved(Image.new("L", (16, 16), 0), tmp_path)


def black_everywhere_and_transparent(tmp_path):
    return saved(Image.new("RGBA", (50, 50), (0, 0, 0, 0)), tmp_path)


def pale(tmp_path):
    noise = np.random.default_rng(0).integers(240, 255, (80, 80)).astype(np.uint8)
    return saved(Image.fromarray(noise), tmp_path)


def two_digits(tmp_path):
    image = Image.new("L", (300, 120), 255)
    image.paste(seven(), (0, 0))
    image.paste(seven(), (150, 0))
    return saved(image, tmp_path)


def digit_above_a_mark(tmp_path):
    image = Image.new("L", (120, 240), 255)
    image.paste(seven(), (0, 0))
    ImageDraw.Draw(image).line([(30, 200), (90, 200)], fill=0, width=3)
    return saved(image, tmp_path)


def not_finite(tmp_path):
    values = np.zeros((40, 40), np.float32)
    values[10:30, 20] = np.nan
    return saved(Image.fromarray(values), tmp_path, "a.tif")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (nothing, "no such file"),
        (folder, "no such file"),
        (text, "no picture; expected one of PNG, JPEG"),
        (no_bytes, "no picture"),
        (postscript, "no picture"),
        (cut_off, "damaged, cut off"),
        (bomb, "3600000000 pixels"),
        (large, "10000 x 9000 pixels; expected at most"),
        (animated, "holds 3 pictures; expected one"),
        (tiny, "15 x 9 pixels; expected at least 16"),
        (speck, "digit has 1 x 1 pixels"),
        (blank, "is empty"),
        (blank_of_sixteen, "is empty"),
        (black_everywhere_and_transparent, "is empty"),
        (pale, "is empty"),
        (two_digits, "empty columns between them; expected one digit"),
        (digit_above_a_mark, "empty rows between them"),
        (not_finite, "not finite"),
    ],
)
def test_what_is_no_digit_is_refused_in_one_sentence_that_names_the_file(tmp_path, make, message):
    path = make(tmp_path)
    with pytest.raises(PictureError, match=message) as caught:
        read_picture(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.bmp", "a.tif", "a.webp", "a.pgm"])
def test_damaged_bytes_are_read_or_refused_and_nothing_else(tmp_path, name):
    rng = random.Random(name)
    seven(40, width=5).save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        (tmp_path / name).write_bytes(content[: rng.choice([None, rng.randrange(len(content))])])
        try:
            x = read_picture(tmp_path / name)
        except PictureError:
            continue
        assert x.shape == (256,)
        assert np.abs(x).max() == 1


def test_grey_values_can_be_given_without_a_file():
    x = digit_like(3).reshape(16, 16)
    np.testing.assert_allclose(fit((1 - x) / 2), x, atol=1e-6)


@pytest.mark.needs_digits
def test_the_rules_hold_for_the_zip_code_digits_themselves(tmp_path):
    """They fill the square, reach both ends of the range, and no wide strip divides them."""
    digits = datasets.zip_codes(download=False, stand_in=False)
    x = np.concatenate([digits.train_x, digits.test_x]).reshape(-1, 16, 16)
    assert (x.min(axis=(1, 2)) == -1).all() and (x.max(axis=(1, 2)) == 1).all()
    ink = x > -1
    for axis in (1, 2):
        lines = ink.any(axis=3 - axis)
        assert max(np.diff(np.flatnonzero(line)).max(initial=1) - 1 for line in lines) <= (
            pictures.GAP * 16
        )
    sides = np.stack([np.ptp(np.argwhere(each), axis=0) + 1 for each in ink])
    assert (sides.max(axis=1) == 16).mean() > 0.99
    assert (sides % 2 == 0).all(axis=1).mean() > 0.99


@pytest.mark.needs_digits
def test_real_digits_enlarged_and_reversed_are_read_back(tmp_path):
    digits = datasets.zip_codes(download=False, stand_in=False)
    for x in digits.test_x[:10]:
        save_picture(x, tmp_path / "same.png")
        np.testing.assert_allclose(read_picture(tmp_path / "same.png"), x, atol=1 / 127)
        save_picture(-x, tmp_path / "reversed.png", enlarge=10)
        assert np.abs(read_picture(tmp_path / "reversed.png") - x).mean() < 0.1
