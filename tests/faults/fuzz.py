"""Fuzz the loaders of untrusted files with atheris, which is guided by the code that an input reaches.

    pip install atheris
    python tests/faults/fuzz.py pictures --minutes 5        (or: weights)

It starts from small valid files and the cases in found/, and stops at the first input that ends in anything but a
`ValueError` with the file's name or a finite result; that input is left in the current folder as crash-…. Rename it
to found/pictures-what_it_is or found/weights-what_it_is: the tests try every file there.
"""

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]


def main():
    import atheris

    parser = argparse.ArgumentParser(description="Fuzz the loaders of untrusted files.")
    parser.add_argument("what", choices=("pictures", "weights"))
    parser.add_argument("--minutes", type=float, default=5)
    options = parser.parse_args()
    with atheris.instrument_imports(include=["PIL", "zipfile", "numpy.lib"], enable_loader_override=False):
        import test_bad_pictures
        import test_bad_weights
    if options.what == "pictures":
        seeds = [test_bad_pictures.with_metadata(form) for form in test_bad_pictures.FORMATS]
        seeds += [make() for make, *_ in test_bad_pictures.VARIANTS.values()]
        check = test_bad_pictures.outcome
    else:
        seeds, check = test_bad_weights.small_files(), test_bad_weights.outcome
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, seed in enumerate([*seeds, *(path.read_bytes() for path in HERE.glob(f"found/{options.what}*"))]):
            (corpus / str(number)).write_bytes(seed)

        def try_one(data):
            file = Path(folder, options.what)
            file.write_bytes(data)
            check(file)

        limits = [f"-max_total_time={60 * options.minutes:.0f}", "-timeout=60", "-rss_limit_mb=3000", "-max_len=20000"]
        atheris.Setup([sys.argv[0], *limits, str(corpus)], try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
