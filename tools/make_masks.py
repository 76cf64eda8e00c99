"""Make the masks of the bundled pictures: `python tools/make_masks.py [NAME ...] [-o FOLDER]`.

The regions of the landscape come from its renderer. The subject of a photograph is outlined by hand, with the points
below. Where it has fur or hair, a guided filter moves the edge of the mask to that of the picture and keeps it soft.
"""

import argparse
from pathlib import Path

import numpy as np
from paintings.landscape import landscape_regions
from paintings.paint import SEEDS
from scipy import ndimage
from scipy.interpolate import CubicSpline

from nst_keras import combine_masks, feather_mask, invert_mask, load_image, partition_masks, resize_mask, save_mask
from nst_keras.masks.selections import select_polygon

HAIR = 140  # rows of the astronaut that show hair
ROOT = Path(__file__).resolve().parent.parent
HEAD_OF_CAT = (
    *((40, -9), (39.5, 20), (35, 43), (32.5, 67), (31.5, 94), (33, 112), (30, 140), (60, 309), (300, 309)),
    *((304, 270), (312, 250), (315, 228), (324, 214), (338, 196), (348, 184), (358, 161), (362, 141)),
    *((362, 124), (358, 100), (356, 79), (361, 68), (368, 56), (375, 40), (385, 23), (395, 10), (403, -9)),
)
BODY_OF_CAT = (
    *((-40, 137), (0, 122), (12, 116), (24, 108), (34, 90), (120, 90), (300, 90), (333, 200), (340, 207)),
    *((348, 219), (358, 226), (368, 236), (378, 246), (388, 253), (395, 262), (394, 290), (392, 340)),
    (-40, 340),
)
ASTRONAUT = (
    *((31, 521), (30, 500), (29, 490), (26.5, 480), (24, 465), (23, 450), (24, 435), (22, 420), (20, 408)),
    *((20, 395), (21.5, 385), (24, 372), (25, 360), (26, 340), (29, 332), (31, 326), (33, 318), (37, 308)),
    *((39.5, 300), (41.5, 290), (45, 280), (50, 270), (56, 260), (61, 250), (70, 240), (85, 230), (94, 223)),
    *((110, 209), (114, 202), (113, 187), (121, 185), (127, 173), (141, 159), (159, 151), (173, 149)),
    *((185, 149), (182, 136), (178, 131), (171, 120), (159, 108), (154, 84), (155, 66), (164, 51), (180, 42)),
    *((190, 33), (206, 21), (230, 15), (253, 18), (277, 30), (288, 40), (298, 61), (301, 84), (298, 103)),
    *((288, 120), (279, 129), (272, 137), (267, 138), (263, 150), (255, 169), (262, 178), (281, 192)),
    *((298, 213), (305, 234), (314, 238.5), (322, 244), (332.5, 253), (339, 259), (344, 269), (348, 279)),
    *((352, 287), (354.5, 295), (357, 305), (358.5, 318), (359.5, 328), (362, 334), (362, 341), (364, 351)),
    *((373, 350), (385, 346.5), (398, 343.5), (412, 344.5), (423, 346.5), (437, 352), (450, 359.5), (462, 369)),
    *((473, 381), (482, 393), (489, 407), (494, 422), (497, 440), (498, 455), (503, 463), (509, 472)),
    *((512, 478), (521, 480), (521, 521)),
)
CUP = (
    *((173, 112), (178, 80), (196, 53.5), (223, 33), (254, 21), (286, 17.5), (317, 20.5), (348, 33)),
    *((375, 49.5), (393, 68), (404, 88), (408.5, 112), (404, 140), (375, 180), (290, 208), (205, 180)),
)
SAUCER = (
    *((76, 219), (80, 178), (98, 138), (125, 107), (152, 87), (200, 64), (278, 53), (350, 66), (408, 98)),
    *((437, 123), (455, 147), (469, 174), (477, 201), (479, 223), (475.5, 254), (466, 281), (446, 312)),
    *((424, 337), (393, 360), (357, 378), (321, 387), (290, 389.5), (250, 386), (214, 378), (178, 363)),
    *((147, 342), (120, 317), (98, 289), (85, 262)),
)
HANDLE_OF_SPOON = ((380, 110), (398, 71), (406, 67), (417, 68.5), (423.5, 76), (422, 89), (418, 107), (410, 140))
ROCKET = (
    *((323, 126.7), (320.7, 127.7), (317.3, 130.4), (314, 136), (312, 141), (311, 148), (310.5, 175)),
    *((311, 180), (309.6, 186), (309.4, 340), (308, 354), (308, 406.8), (334.3, 406.8), (334, 392), (333, 357)),
    *((335, 340), (335.6, 186), (334.5, 180), (334, 174), (334, 148), (333.7, 141), (331.6, 136.5), (329, 131)),
    (325.5, 127.3),
)


def main() -> None:
    """Make the masks of the named pictures, or of all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(RECIPES)}")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "masks", help="folder for the masks")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in RECIPES]
    if unknown:
        parser.error(f"no masks for {', '.join(unknown)}; there are {', '.join(RECIPES)}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or RECIPES:
        picture = load_image(ROOT / "images" / f"{name}.jpg")
        regions = RECIPES[name](picture)
        for region, mask in zip(regions, partition_masks(list(regions.values())), strict=True):
            path = arguments.output / f"{name}_{region}.png"
            save_mask(mask, path)
            print(f"{path}: {mask.mean():.1%} white")


def cat(picture):
    """Return the masks of the cat; the body behind the head is out of focus and has a softer edge."""
    head = drawn_to_edges(select_polygon(picture.shape, HEAD_OF_CAT), picture, 5)
    body = drawn_to_edges(feather_mask(select_polygon(picture.shape, BODY_OF_CAT), 4), picture, 8)
    return subject_and_background(combine_masks([head, body], "union"))


def astronaut(picture):
    """Return the masks of the astronaut; only the edge of the hair is soft."""
    outline = select_polygon(picture.shape, ASTRONAUT)
    hair = drawn_to_edges(outline, picture, 4)[:HAIR]
    return subject_and_background(np.concatenate([hair, feather_mask(outline, 0.7)[HAIR:]]))


def coffee(picture):
    """Return the masks of the cup, with its saucer and spoon."""
    cup, saucer = (select_polygon(picture.shape, smooth(points)) for points in (CUP, SAUCER))
    subject = combine_masks([cup, saucer, select_polygon(picture.shape, HANDLE_OF_SPOON)], "union")
    return subject_and_background(feather_mask(subject, 0.7))


def rocket(picture):
    """Return the masks of the rocket, with the arms that hold it."""
    return subject_and_background(feather_mask(select_polygon(picture.shape, ROCKET), 0.7))


def landscape(picture):
    """Return the exact masks of the landscape; a pixel at an edge has the share that the region covers."""
    regions = landscape_regions(np.random.default_rng(SEEDS["landscape"]))
    return {name: resize_mask(region.astype("float32"), picture.shape) for name, region in regions.items()}


def subject_and_background(subject):
    return {"subject": subject, "background": invert_mask(subject)}


def smooth(points):
    """Return a closed smooth curve through points, with ten samples for each point."""
    closed = [*points, points[0]]
    return CubicSpline(range(len(closed)), closed, bc_type="periodic")(np.arange(0, len(points), 0.1))


def drawn_to_edges(mask, picture, radius, noise=0.02):
    """Move the edges of a mask to those of the picture, by a guided filter (He, Sun, Tang 2013).

    Around every pixel the mask is fitted as a linear function of the colour, m ≈ a · colour + b, over a window of side
    2 radius + 1. Colour differences up to `noise` do not count as edges. The result is stretched a little, so that it
    reaches black and white.
    """

    def mean(values):
        return ndimage.uniform_filter(values, (2 * radius + 1,) * 2 + (0,) * (values.ndim - 2), mode="nearest")

    colour, mask = picture.astype("float64"), mask.astype("float64")
    mean_colour, mean_mask = mean(colour), mean(mask)
    products = mean(colour[..., :, None] * colour[..., None, :])
    covariance = products - mean_colour[..., :, None] * mean_colour[..., None, :] + noise**2 * np.eye(3)
    with_mask = mean(colour * mask[..., None]) - mean_colour * mean_mask[..., None]
    a = np.linalg.solve(covariance, with_mask[..., None])[..., 0]
    b = mean_mask - np.sum(a * mean_colour, axis=-1)
    fitted = np.sum(mean(a) * colour, axis=-1) + mean(b)
    return np.clip((fitted - 0.5) * 1.3 + 0.5, 0, 1).astype("float32")


RECIPES = {recipe.__name__: recipe for recipe in (astronaut, cat, coffee, rocket, landscape)}

if __name__ == "__main__":
    main()
