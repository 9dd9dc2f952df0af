"""`python -m pytest_compat models`: how likely builds are to succeed."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    does = parser.add_subparsers(dest="does", required=True, metavar="train|evaluate|predict")
    train = does.add_parser("train", help="train a model per package on labelled builds")
    train.add_argument("specs", type=Path, metavar="SPECS", help="a table of labelled builds, .parquet")
    train.add_argument("--output", type=Path, required=True, metavar="MODELS", help="write the models, JSON")
    train.add_argument(
        "--kind", choices=("bayes", "ordered"), default="ordered", help="what models make of versions (%(default)s)"
    )
    train.add_argument(
        "--seed", type=_seed, default=0, metavar="N", help="what is random derives from it (%(default)s)"
    )
    evaluate = does.add_parser("evaluate", help="judge models on builds that they were not trained on")
    evaluate.add_argument("specs", type=Path, metavar="SPECS", help="a table of labelled builds, .parquet")
    evaluate.add_argument(
        "--models",
        type=Path,
        metavar="MODELS",
        help="judge these models on SPECS (default: both kinds, cross-validated)",
    )
    evaluate.add_argument("--output", type=Path, metavar="FILE", help="write what was found, JSON")
    evaluate.add_argument("--plot", type=_picture, metavar="FILE", help="draw reliability curves: .svg or .png")
    evaluate.add_argument("--folds", type=_folds, default=5, metavar="N", help="parts to split into (%(default)s)")
    evaluate.add_argument("--seed", type=_seed, default=0, metavar="N", help="the split derives from it (%(default)s)")
    predict = does.add_parser("predict", help="give each spec its probability of success")
    predict.add_argument("models", type=Path, metavar="MODELS", help="what train wrote")
    predict.add_argument("specs", type=Path, metavar="SPECS", help="a table of builds, labels not needed, .parquet")
    predict.add_argument(
        "--output", type=_table, required=True, metavar="FILE", help="write one probability per spec, .parquet"
    )


def run(arguments: argparse.Namespace) -> int:
    """Train, judge or use models.

    Raises:
        CompatError: A file cannot be read or written, or is not what it has to be.
    """
    does = {"train": _train, "evaluate": _evaluate, "predict": _predict}[arguments.does]
    does(arguments)
    return 0


def _train(arguments: argparse.Namespace) -> None:
    from pytest_compat.builds.dataset import read_dataset
    from pytest_compat.models.show import print_models, print_remarks
    from pytest_compat.models.stored import render
    from pytest_compat.models.training import read_builds, train

    dataset = read_dataset(arguments.specs)
    builds, left_out = read_builds(dataset.frame)
    models = train(builds, arguments.kind, arguments.seed, (*map(str, dataset.excluded), *left_out))
    _write({arguments.output: render(models).encode("utf-8")})
    print_models(models)
    print_remarks(dataset.remarks)


def _evaluate(arguments: argparse.Namespace) -> None:
    from pytest_compat.builds.dataset import read_dataset
    from pytest_compat.models.evaluation import evaluate, judge_stored
    from pytest_compat.models.plot import draw
    from pytest_compat.models.show import print_evaluation, render_evaluation
    from pytest_compat.models.stored import load
    from pytest_compat.models.training import read_builds

    models = None if arguments.models is None else load(arguments.models)
    dataset = read_dataset(arguments.specs)
    builds, left_out = read_builds(dataset.frame)
    remarks = (*map(str, dataset.excluded), *dataset.remarks, *left_out)
    if models is None:
        found = evaluate(builds, folds=arguments.folds, seed=arguments.seed, remarks=remarks)
    else:
        found = judge_stored(models, builds, remarks=remarks)
    outputs = {}
    if arguments.output is not None:
        outputs[arguments.output] = render_evaluation(found).encode("utf-8")
    if arguments.plot is not None:
        outputs[arguments.plot] = draw(found, arguments.plot.suffix.removeprefix("."))
    _write(outputs)
    print_evaluation(found)


def _predict(arguments: argparse.Namespace) -> None:
    import io

    from pytest_compat.builds.dataset import read_dataset
    from pytest_compat.models.prediction import predict
    from pytest_compat.models.show import print_prediction
    from pytest_compat.models.stored import load

    models = load(arguments.models)
    dataset = read_dataset(arguments.specs, labelled=False)
    found = predict(models, dataset.frame)
    stream = io.BytesIO()
    found.frame.to_parquet(stream, index=False, compression="zstd")
    _write({arguments.output: stream.getvalue()})
    print_prediction(found, dataset.remarks)


def _write(outputs: Mapping[Path, bytes]) -> None:
    from pytest_compat.errors import ReportError
    from pytest_compat.report.files import write_bytes

    for path, content in outputs.items():
        try:
            write_bytes(content, path)
        except OSError as error:
            raise ReportError(f"{path}: cannot be written: {error}") from None


def _seed(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 0 to 999999999")
    return int(text)


def _folds(text: str) -> int:
    if not text.isdecimal() or not 2 <= int(text[:4]) <= 100:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 2 to 100")
    return int(text)


def _picture(text: str) -> Path:
    return _with_suffix(text, ".svg", ".png")


def _table(text: str) -> Path:
    return _with_suffix(text, ".parquet")


def _with_suffix(text: str, *suffixes: str) -> Path:
    path = Path(text)
    if path.suffix not in suffixes:
        raise argparse.ArgumentTypeError(f"found the suffix {path.suffix!r}, expected {' or '.join(suffixes)}")
    return path
