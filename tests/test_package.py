"""The package as a whole: what importing it does, the command line, and that the documents say what is true."""

import ast
import inspect
import os
import re
import shutil
import subprocess
import sys
import tomllib
import warnings
import zipfile

import numpy as np
import pytest
import yaml
from conftest import ROOT
from PIL import Image

import nst_keras
from nst_keras import __main__ as command_line
from nst_keras import load_image, style_transfer, widgets
from nst_keras.studio import command as studio_command
from nst_keras.support.command_line import plain_console
from nst_keras.transfer import DEFAULTS

PACKAGE = ROOT / "nst_keras"
METHOD = (  # the files of the package, in reading order
    "image",
    "network",
    "formulas",
    "losses",
    "correlations",
    "objective",
    "optimize",
    "color",
    "transfer",
    "reconstruct",
)
CAT, PAINTING = str(ROOT / "images" / "cat.jpg"), str(ROOT / "images" / "impasto_night.jpg")


def run_python(*arguments, folder=ROOT, **environment):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=folder, env=os.environ | environment
    )


def test_importing_prints_nothing_and_loads_only_what_transfer_needs(tmp_path):
    """What is loaded on demand must stay out, and what only the tests need. (TensorFlow itself writes to stderr.)"""
    code = f"import sys, nst_keras; open({str(tmp_path / 'modules')!r}, 'w').write(' '.join(sys.modules))"
    done = run_python("-W", "error::UserWarning", "-W", "ignore::DeprecationWarning", "-c", code)
    assert (done.returncode, done.stdout) == (0, "")
    loaded = set((tmp_path / "modules").read_text().split())
    ours = [name for name in loaded if name.split(".")[0] == "nst_keras"]
    assert not [name for name in ours if re.match(r"nst_keras\.(feedforward|studio|widgets)", name)]
    assert not loaded & {"anywidget", "hypothesis", "pytest", "skimage"}
    assert sum(len(module_path(name).read_text().splitlines()) for name in ours) <= 4000


def module_path(name):
    """The file of a module of this package."""
    place = ROOT.joinpath(*name.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def test_without_anywidget_the_painter_says_what_to_do():
    code = "import sys; sys.modules['anywidget'] = None; import nst_keras.widgets"
    error = run_python("-c", code).stderr
    assert re.search(r"ImportError: .*pip install anywidget.*select_polygon.*nst_keras\.masks\.selections", error)


def test_another_backend_is_refused_with_the_way_out():
    done = run_python("-c", "import nst_keras", KERAS_BACKEND="numpy")
    assert "KERAS_BACKEND is 'numpy'" in done.stderr


def test_command_line_makes_a_picture(tmp_path, capsys):
    output, comparison = tmp_path / "new" / "out.jpg", tmp_path / "comparison.png"
    arguments = [CAT, PAINTING, "-o", str(output), "--comparison", str(comparison), "--size", "64"]
    assert command_line.main([*arguments, "--iterations", "2", "--tile", "32", "--dpi", "300"]) == 0
    with Image.open(output) as picture:
        assert picture.info["dpi"] == (300, 300)
    assert load_image(output).shape == (43, 64, 3)
    assert load_image(comparison).shape[0] > 300
    assert f"{output}: 64×43 pixels, 2 iterations" in capsys.readouterr().out


def test_command_line_estimates(tmp_path, capsys):
    arguments = [CAT, PAINTING, "-o", str(tmp_path / "out.png"), "--iterations", "2"]
    assert command_line.main([*arguments, "--estimate", "--size", "64"]) == 0
    assert "64 px: 2 iterations, about 3 evaluations" in capsys.readouterr().out
    assert os.listdir(tmp_path) == []


def test_command_line_takes_masks(tmp_path, capsys):
    masks = [str(ROOT / "masks" / f"cat_{region}.png") for region in ("subject", "background")]
    arguments = [CAT, PAINTING, CAT, "--mask", masks[0], "--mask", masks[1], "--mask-mode", "blend"]
    output = str(tmp_path / "out.png")
    assert command_line.main([*arguments, "-o", output, "--size", "64", "--iterations", "2"]) == 0
    assert command_line.main([CAT, PAINTING, "-o", output, "--mask", masks[0], "--mask", masks[1]]) == 2
    assert "masks must be a list with one mask for each of 1 style(s); got 2" in capsys.readouterr().err
    assert command_line.main([CAT, PAINTING, "-o", masks[0], "--mask", masks[0]]) == 2


def test_command_line_names_what_is_wrong(tmp_path, capsys):
    assert command_line.main([CAT, PAINTING, "-o", CAT]) == 2
    assert "one of the input pictures" in capsys.readouterr().err
    assert command_line.main([CAT, "nothing.jpg", "-o", str(tmp_path / "out.png")]) == 2
    assert "style 'nothing.jpg': there is no such file" in capsys.readouterr().err
    output = str(tmp_path / "out.png")
    assert command_line.main([CAT, PAINTING, "-o", output, "--comparison", output]) == 2
    assert "must be another file" in capsys.readouterr().err
    assert command_line.main([CAT, PAINTING, "-o", str(tmp_path / "out.webp"), "--dpi", "300"]) == 2
    assert "WebP has no place for dpi" in capsys.readouterr().err
    assert command_line.main([CAT, PAINTING, "-o", output, "--init", output]) == 2
    assert "init" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_command_line_keeps_the_best_picture_when_a_term_breaks(tmp_path, capsys):
    with np.load(nst_keras.networks.weights.LITE_WEIGHTS) as arrays:
        broken = {name: array * np.float32(1e30) for name, array in arrays.items()}
    np.savez(tmp_path / "broken.npz", **broken)
    output = tmp_path / "out.png"
    arguments = [CAT, PAINTING, "-o", str(output), "--size", "64", "--weights", str(tmp_path / "broken.npz")]
    assert command_line.main(arguments) == 2
    error = capsys.readouterr().err
    assert "is NaN or infinite at evaluation 1" in error
    assert f"The best picture before that is in {output}." in error
    assert np.isfinite(load_image(output)).all()


def test_command_line_takes_its_defaults_from_the_package():
    options = vars(studio_command.paint_parser().parse_args(["content", "style", "-o", "out.png"]))
    options = {name: value for name, value in options.items() if name in vars(DEFAULTS)}
    assert {"size", "content_weight", "style_weight", "tv_weight", "iterations"} < options.keys()
    assert options == {name: getattr(DEFAULTS, name) for name in options}


def test_command_line_warns_in_one_line(tmp_path, capsys):
    arguments = [CAT, PAINTING, "-o", str(tmp_path / "out.png"), "--size", "64", "--iterations", "1"]
    assert command_line.main([*arguments, "--formula", "keras"]) == 0
    warning = next(line for line in capsys.readouterr().err.splitlines() if "weights of formula" in line)
    assert warning.startswith('warning: The weights of formula "keras" were published for')
    with plain_console():
        for _ in range(2):
            warnings.warn("The mask is black.", stacklevel=1)
    assert capsys.readouterr().err == "warning: The mask is black.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([CAT, PAINTING, "-o", "out.png", "--sise", "64"], "there is no option --sise. Did you mean '--size'?"),
        ([CAT, PAINTING, "--otput=out.png"], "there is no option --otput. Did you mean '--output'?"),
        ([CAT, PAINTING], "the following arguments are required: -o/--output"),
    ],
)
def test_command_line_suggests_an_option_for_a_mistyped_one(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        command_line.main(arguments)
    assert capsys.readouterr().err == f"error: {message}\npython -m nst_keras --help lists the options.\n"


def test_command_line_tells_the_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        command_line.main(["--version"])
    assert capsys.readouterr().out == f"nst_keras {nst_keras.__version__}\n"


def test_command_line_suggests_a_command_for_a_mistyped_one(capsys):
    assert command_line.main(["aply", "woodblock_sea", CAT, "-o", "out.png"]) == 2
    assert "'aply' is neither a picture nor a command. Did you mean 'apply'?" in capsys.readouterr().err


SMALL = [CAT, PAINTING, "--size", "64", "--iterations", "2", "-o"]


def test_command_line_paints_without_a_standard_error_and_on_an_ascii_console(tmp_path):
    if run_python("-c", "import sys; sys.stderr = None; import numpy.f2py").returncode:
        pytest.skip("this NumPy, which others import as a whole, cannot be imported without a standard error")
    code = (
        f"import sys; sys.stderr = None; from nst_keras.__main__ import main; sys.exit(main({SMALL!r} + sys.argv[1:]))"
    )
    done = run_python("-c", code, str(tmp_path / "out.png"), PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "64?43 pixels" in done.stdout
    assert load_image(tmp_path / "out.png").shape == (43, 64, 3)


@pytest.mark.skipif(os.name == "nt", reason="on Windows, os.kill ends a process without a signal")
def test_command_line_ends_with_the_best_picture_when_it_is_terminated(tmp_path):
    code = (
        "import os, signal, sys; from nst_keras.__main__ import main; from nst_keras.studio import command\n"
        "class Killing(command.ProgressBar):\n"
        "    def __call__(self, step): os.kill(os.getpid(), signal.SIGTERM)\n"
        f"command.ProgressBar = Killing; sys.exit(main({SMALL!r} + sys.argv[1:]))"
    )
    done = run_python("-c", code, str(tmp_path / "out.png"))
    assert done.returncode == 130, done.stderr
    assert "1 iterations" in done.stdout
    assert "stopped early" in done.stdout
    assert load_image(tmp_path / "out.png").shape == (43, 64, 3)


def requirements(name):
    """The lines of a file of requirements that name a package."""
    return re.findall(r"^\w.*$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)


def test_requirements_and_pyproject_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    to_run, to_develop = requirements("requirements.txt"), requirements("requirements-dev.txt")
    assert project["dependencies"] == to_run[: len(project["dependencies"])]
    assert set(project["optional-dependencies"]["widgets"]) < set(to_run)
    assert (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").startswith("-r requirements.txt\n")
    pinned = {line.split("==")[0].lower() for line in requirements("constraints.txt")}
    assert {re.split(r"[\[<>=]", line)[0].lower() for line in to_run + to_develop} <= pinned


def test_pyproject_makefile_and_readme_name_the_same_versions_of_python():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first, end = map(int, re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"]).groups())
    assert f"(3, {first}) <= sys.version_info < (3, {end})" in (ROOT / "Makefile").read_text(encoding="utf-8")
    versions = [f"3.{minor}" for minor in range(first, end)]
    assert [line.split(" :: ")[-1] for line in project["classifiers"] if "Python ::" in line] == versions
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == versions
    in_words = f"Python {', '.join(versions[:-1])} or {versions[-1]}"
    assert all(in_words in (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/installation.md"))


def test_the_workflow_runs_commands_of_the_makefile():
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    commands = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert commands == ["make test PYTHON=python", "make lowest PYTHON=python"]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {command.split()[1] for command in commands} < set(targets)
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert not [target for target in targets if target != "help" and f"| `make {target}` |" not in told]


def test_the_citation_is_of_this_version_and_each_paper_is_in_a_notebook_or_docstring():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "type", "license"} < citation.keys()
    assert citation["version"] == nst_keras.__version__
    assert f"## {nst_keras.__version__}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    code = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    for paper in citation["references"]:
        assert {"type", "title", "authors", "year", "url"} == paper.keys()
        assert "arXiv:" + paper["url"].removeprefix("https://arxiv.org/abs/") in code, paper["title"]


def test_the_wheel_has_every_file_and_paints_from_an_empty_folder(tmp_path):
    source, unpacked, empty = (tmp_path / name for name in ("source", "unpacked", "empty"))
    shutil.copytree(PACKAGE, source / "nst_keras", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    files = {path.relative_to(source).as_posix() for path in (source / "nst_keras").rglob("*") if path.is_file()}
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(tmp_path)]
    done = run_python("-m", "pip", "wheel", *options, str(source))
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob(f"nst_keras-{nst_keras.__version__}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert files <= set(archive.namelist())
        (script,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert b"nst-keras = nst_keras.__main__:main" in archive.read(script)
        archive.extractall(unpacked)
    empty.mkdir()
    code = "import sys, nst_keras.__main__ as command; print(command.__file__); sys.exit(command.main(sys.argv[1:]))"
    painted = run_python("-c", code, *SMALL, "out.png", folder=empty, PYTHONPATH=str(unpacked))
    assert painted.returncode == 0, painted.stderr
    assert str(unpacked) in painted.stdout
    assert load_image(empty / "out.png").shape == (43, 64, 3)


DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "nst_keras/weights/README.md")),
    *(ROOT / folder / "README.md" for folder in ("images", "masks", "tests", "benchmarks")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def name_of(path):
    return str(path.relative_to(ROOT))


def python_in(document):
    return [code for language, code in BLOCK.findall(document.read_text(encoding="utf-8")) if language == "python"]


@pytest.mark.parametrize("document", list(filter(python_in, DOCUMENTS)), ids=name_of)
def test_python_in_documents_runs(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("images", "masks"):
        shutil.copytree(ROOT / folder, folder)
    for function in (style_transfer, nst_keras.reconstruct_content, nst_keras.synthesize_texture):
        monkeypatch.setitem(function.__kwdefaults__, "size", 64)
        monkeypatch.setitem(function.__kwdefaults__, "iterations", 2)
    for block in python_in(document):
        exec(compile(block, name_of(document), "exec"), {})
    assert list(tmp_path.glob("*.png"))


def test_the_readme_is_short_and_begins_with_a_picture_two_commands_and_five_lines():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    assert text.index("first_picture.jpg") < text.index("make demo") < text.index("make notebooks")
    assert len(python_in(ROOT / "README.md")[0].splitlines()) == 5


def anchors(document):
    """The anchors of the headings of a document, as GitHub and the book make them."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", document.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_in_documents_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    assert not re.search(r"^[A-Z]{5,}$|; [A-Z]{5,}$", text, re.MULTILINE), "a placeholder was left"
    for target in re.findall(r"\]\(([^)]+)\)", BLOCK.sub("", text)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_the_table_of_formulas_has_all_of_them_with_a_picture_each():
    rows = re.findall(
        r"^\| `(.+?)` \|.*\(formulas/(.+)\.jpg\) \|$", (ROOT / "docs/formulas.md").read_text(), re.MULTILINE
    )
    assert rows == [(name, name) for name in nst_keras.FORMULAS]


def test_every_bundled_image_has_its_origin_written_down():
    text = (ROOT / "images" / "README.md").read_text()
    images = [path for path in (ROOT / "images").iterdir() if path.suffix != ".md"]
    for path in images:
        assert f"`{path.name}`" in text
        assert min(load_image(path).shape[:2]) >= 300
    assert sum(path.stat().st_size for path in images) < 8_000_000


def imports_of(path):
    """The modules of this package that a module imports, also within its functions."""
    package = ("nst_keras", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join((*package[: len(package) - node.level + 1], *filter(None, [node.module])))
            named = {f"{base}.{alias.name}" for alias in node.names}
            modules = {name for name in named if module_path(name).exists()}
            yield from modules or {base}
            if named - modules:
                yield base


def test_the_files_are_the_method_and_imports_make_no_circle():
    """Depth first: an import of a module that is still being visited closes a circle."""
    files = {path.stem for path in PACKAGE.glob("*.py")}
    assert files == {*METHOD, "__init__", "__main__"}
    assert sum(len((PACKAGE / f"{name}.py").read_text().splitlines()) for name in files) <= 2300
    paths = {name: path for path in PACKAGE.rglob("*.py") for name in [module_name(path)]}
    visiting, visited = [], set()

    def visit(name):
        assert name not in visiting, f"a circle of imports: {' → '.join([*visiting[visiting.index(name) :], name])}"
        if name in visited:
            return
        visiting.append(name)
        for imported in imports_of(paths[name]):
            visit(imported)
        visited.add(visiting.pop())

    for name in paths:
        visit(name)


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_public_functions_have_type_hints_and_the_package_says_so():
    assert (PACKAGE / "py.typed").exists()
    for name in nst_keras.__all__:
        thing = getattr(nst_keras, name)
        if inspect.isfunction(thing):
            parameters = inspect.signature(thing).parameters.values()
            assert all(p.annotation is not p.empty for p in parameters), name
            assert "return" in thing.__annotations__, name


def test_the_widgets_are_short_and_travel_with_the_package():
    for path in (ROOT / "nst_keras" / "widgets").glob("*.*"):
        assert len(path.read_text().splitlines()) <= (573 if path.suffix == ".js" else 300), path.name
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["nst_keras"]
    assert {"widgets/*.js", "widgets/*.css"} < set(shipped)


def test_everything_public_is_documented():
    for package in (nst_keras, widgets):
        for name in package.__all__:
            thing = getattr(package, name)
            assert isinstance(thing, str) or len(thing.__doc__ or "") > 20, name


def test_the_embedded_network_is_small_and_holds_only_numbers():
    path = nst_keras.networks.weights.LITE_WEIGHTS
    assert path.stat().st_size <= 3_000_000
    with np.load(path, allow_pickle=False) as arrays:
        assert {array.dtype for array in arrays.values()} == {np.dtype("float16")}
        assert all(np.isfinite(array).all() for array in arrays.values())
