"""Every message about data that a user can meet, word for word: the value, what was expected, and what to do."""

# ruff: noqa: E501 (a message stays on one line, as the user reads it)
from __future__ import annotations

import gzip
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unstuck.data import (
    Dataset,
    Preprocessing,
    catalogue,
    load,
    load_inputs,
    load_labelled,
    mnist,
    split,
    validate,
)
from unstuck.data.dataset import folded
from unstuck.data.readers import arrays, idx
from unstuck.errors import InputError

NAN, INF = float("nan"), float("inf")
FLOWERS = "length,colour,kind\n" + "".join(f"{k / 2},{('red', 'blue')[k % 2]},{'AB'[k % 3 > 0]}\n" for k in range(30))


def text(content: str, name: str = "t.csv") -> str:
    Path(name).write_text(content, encoding="utf-8")
    return name


def data(content: bytes, name: str) -> str:
    Path(name).write_bytes(content)
    return name


def npz(**parts: object) -> str:
    np.savez("a.npz", **parts)  # type: ignore[arg-type]
    return "a.npz"


def npy(array: object, name: str = "a.npy") -> str:
    np.save(name, np.asarray(array))
    return name


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def zipped(name: str) -> str:
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr(name, "")
    return "a.zip"


def pictures(**sizes: tuple[int, int]) -> str:
    for name, size in sizes.items():
        file = Path("pictures", *name.split("__")).with_suffix(".png")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(file)
    return "pictures"


def flowers() -> Preprocessing:
    return Preprocessing.fit(load(text(FLOWERS, "flowers.csv")).train)


def made(inputs: object, targets: object, **more: object) -> Dataset:
    return Dataset.from_arrays(inputs, targets, **more)  # type: ignore[arg-type]


ROWS = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
BYTES = np.zeros((6, 4, 4), np.uint8)
KINDS = np.arange(6) % 2

CASES: dict[str, tuple[Callable[[], object], str]] = {
    # arrays handed in
    "ragged rows": (
        lambda: made([[1, 2], [3]], [0, 1]),
        "inputs: row 1 has length 1, but row 0 has length 2; all rows must have the same shape. Pad or cut them first.",
    ),
    "rows of rows that differ": (
        lambda: made([[[1, 2], [3, 4]], [[1, 2], [3]]], [0, 1]),
        "inputs: the rows differ in shape; all rows must have the same shape. Pad or cut them first.",
    ),
    "objects": (
        lambda: made([[1, None]], [0]),
        "inputs: row 0, column 1 holds None of type NoneType; every value must be a number. Convert or remove it.",
    ),
    "other types": (
        lambda: made([[1 + 2j]], [0]),
        "inputs: values of type complex128 cannot be used; expected whole numbers or floating-point numbers. Convert them first, for example with .astype('float32').",
    ),
    "texts as inputs": (
        lambda: made([["a", "b"]], [0]),
        "inputs: holds texts such as 'a'; expected numbers. Encode texts as numbers first.",
    ),
    "one axis": (
        lambda: made([1.0, 2.0], [0, 1]),
        "inputs: has shape (2,); expected one row per example, (rows, values). Use reshape(-1, 1) for one value per example, or reshape(1, -1) for a single example.",
    ),
    "no rows": (
        lambda: made(np.zeros((0, 3)), []),
        "inputs: has no rows (shape (0, 3)); at least one example is needed.",
    ),
    "no values": (
        lambda: made(np.zeros((3, 0)), [0, 1, 2]),
        "inputs: has shape (3, 0), so its rows hold no value; at least one value per row is needed.",
    ),
    "not a number in a row": (
        lambda: made([[1.0, 2.0], [3.0, NAN], [NAN, 1.0]], [0, 1, 1]),
        "inputs: row 1, column 1 holds NaN (2 rows of 3 are concerned); every value must be a finite number. Remove the row or fill the value in.",
    ),
    "infinity in a picture": (
        lambda: made([[[1.0, 2.0], [3.0, -INF]]], [0]),
        "inputs: row 0 at [1, 1] holds -infinity; every value must be a finite number. Remove the row or fill the value in.",
    ),
    "not a number in a named column": (
        lambda: made([[1.0, NAN]], [0], feature_names=["length", "width"]),
        "inputs: row 0, column 'width' holds NaN; every value must be a finite number. Remove the row or fill the value in.",
    ),
    "unequal lengths": (
        lambda: made(ROWS, [0, 1]),
        "data: 3 rows of inputs but 2 targets; every row needs exactly one target.",
    ),
    "a single target": (
        lambda: made(ROWS, 3),
        "targets: the single value 3; expected one target per row.",
    ),
    "fractions as labels": (
        lambda: made(ROWS, [0, 0.5, 1], task="classification"),
        "targets: row 1 holds 0.5; a class label must be a whole number from 0. For predicting numbers choose the task 'regression'.",
    ),
    "negative labels": (
        lambda: made(ROWS, [0, -1, 1]),
        "targets: row 1 holds the class label -1; labels must be 0 or more. Number the classes from 0.",
    ),
    "labels beyond the names": (
        lambda: made(ROWS, [0, 1, 2], class_names=["no", "yes"]),
        "targets: row 2 holds the class label 2; labels must be 0 to 1, because there are 2 classes. Number the classes from 0.",
    ),
    "labels that are numbers of something": (
        lambda: made(ROWS, [0, 1, 20230101]),
        "targets: the largest class label is 20230101, with only 3 different labels in 3 rows; number the classes from 0 without gaps, or choose the task 'regression'.",
    ),
    "a label that is no number": (
        lambda: made(ROWS, [0, NAN, 1], task="classification"),
        "targets: row 1 holds NaN; every value must be a finite number. Remove the row or fill the value in.",
    ),
    "a text that is no known class": (
        lambda: made(ROWS, ["no", "yes", "maybe"], class_names=["no", "yes"]),
        "targets: row 2 holds the class 'maybe'; known classes: no, yes.",
    ),
    "labels in a matrix": (
        lambda: made(ROWS, [[0.0, 2.0], [1.0, 1.0], [3.0, 0.0]], task="classification"),
        "targets: has shape (3, 2); expected class labels of shape (3,), or one-hot rows with a single 1 and zeros besides.",
    ),
    "an unknown task": (
        lambda: made(ROWS, [0, 1, 2], task="regresion"),
        "unknown task 'regresion'; did you mean 'regression'? Known: classification, regression",
    ),
    "texts to predict as numbers": (
        lambda: made(ROWS, ["a", "b", "c"], task="regression"),
        "targets: holds texts such as 'a'; regression needs numbers. For classes choose the task 'classification'.",
    ),
    "targets with three axes": (
        lambda: made(ROWS, np.zeros((3, 2, 2))),
        "targets: has shape (3, 2, 2); expected one row of numbers per example, (rows, outputs).",
    ),
    "no number to predict": (
        lambda: made(ROWS, [0.5, INF, 1.0]),
        "targets: row 1 holds infinity; every value must be a finite number. Remove the row or fill the value in.",
    ),
    "pictures of another size": (
        lambda: made(ROWS, [0, 1, 1], image_shape=(2, 2)),
        "inputs: each row has shape (2,); expected (2, 2), or as many values in one row.",
    ),
    "too few feature names": (
        lambda: made(ROWS, [0, 1, 1], feature_names=["a"]),
        "inputs: 1 feature names for rows of 2 values; give one for each.",
    ),
    "no labels at all": (
        lambda: validate.as_labels([]),
        "targets: has no rows (shape (0,)); at least one example is needed.",
    ),
    "one label without an axis": (
        lambda: validate.as_labels(3),
        "targets: the single value 3; expected one class label per row.",
    ),
    "classes of a regression set": (
        lambda: made(ROWS, [0.5, 1.5, 2.5]).n_classes,
        "data set 'data' is for regression and has no classes.",
    ),
    "a subset of nothing": (
        lambda: made(ROWS, [0, 1, 1]).subset([]),
        "data set 'data': a subset of no rows; at least one row is needed.",
    ),
    "folding": (
        lambda: folded(np.zeros((2, 5)), (2, 2), "inputs"),
        "inputs: each row has shape (5,); expected (2, 2), or as many values in one row.",
    ),
    # splitting
    "a fraction beyond one": (
        lambda: split(made(ROWS, [0, 1, 1]), 1.5),
        "a fraction of 1.5 cannot be split off; expected a number between 0 and 1.",
    ),
    "one row in two parts": (
        lambda: split(made([[1.0]], [0.5]), 0.5),
        "data: 1 row cannot be split so that both parts hold some; give more rows, or a fraction of 0 to keep them all for training.",
    ),
    "test fraction": (
        lambda: load("iris", test_fraction=-0.1),
        "the test fraction is -0.1; expected 0 (no such part) or a number below 1, such as 0.2.",
    ),
    "validation fraction": (
        lambda: load("iris", validation_fraction=1),
        "the validation fraction is 1; expected 0 (no such part) or a number below 1, such as 0.2.",
    ),
    # preprocessing
    "unknown preprocessing": (
        lambda: Preprocessing.fit(made(ROWS, [0, 1, 1]), "standardize"),
        "unknown preprocessing 'standardize'; did you mean 'standardise'? Known: auto, none, pixels, scale, standardise",
    ),
    "unknown preprocessing of targets": (
        lambda: Preprocessing.fit(made(ROWS, [0, 1, 1]), targets="scale"),
        "unknown preprocessing of targets 'scale'. Known: none, standardise",
    ),
    "standardised classes": (
        lambda: Preprocessing.fit(made(ROWS, [0, 1, 1]), targets="standardise"),
        "data set 'data' has classes as targets; only numbers can be standardised.",
    ),
    "values too large to measure": (
        lambda: Preprocessing.fit(made([[1e200], [-1e200]], [0, 1]), "standardise"),
        "data: holds values too large to be measured in float64 (about 1e154 at most). Rescale them first.",
    ),
    "values too large for float32": (
        lambda: Preprocessing().apply([[1.0, 1e39]]),
        "inputs: row 0, column 1 holds 1e+39, too large for float32 (at most 3.4e+38). Rescale the column or choose the preprocessing 'standardise'.",
    ),
    "rows of another shape": (
        lambda: Preprocessing.fit(made(ROWS, [0, 1, 1])).apply([[1.0, 2.0, 3.0]]),
        "inputs: each row has shape (3,); expected (2,), as in the training data.",
    ),
    "an altered description": (
        lambda: Preprocessing.from_dict({"how": "magic", "task": None}, {}),
        "the description of the preprocessing cannot be read (scaling 'magic', task None); the model was altered or written by another program. Save it again.",
    ),
    "a description without its numbers": (
        lambda: Preprocessing.from_dict({**Preprocessing().to_dict(), "how": "scale"}, {}),
        "the description of the preprocessing cannot be read (scaling 'scale' with no numbers); the model was altered or written by another program. Save it again.",
    ),
    "numbers that are none": (
        lambda: Preprocessing.from_dict({**Preprocessing().to_dict(), "how": "pixels"}, {"divisor": np.array(NAN)}),
        "the description of the preprocessing cannot be read (a number that is not finite); the model was altered or written by another program. Save it again.",
    ),
    # names and paths
    "an unknown data set": (
        lambda: load("mnits"),
        "unknown data set 'mnits'; did you mean 'mnist'? Known: breast_cancer, circles, diabetes, digits, iris, linnerud, mnist, moons, sine, spiral, wine, xor; or give the path of a file or folder.",
    ),
    "an unknown data set to describe": (
        lambda: catalogue.describe("irish"),
        "unknown data set 'irish'; did you mean 'iris'? Known: breast_cancer, circles, diabetes, digits, iris, linnerud, mnist, moons, sine, spiral, wine, xor",
    ),
    "a missing file": (
        lambda: (text("a,b\n"), load("s.csv")),
        "no file or folder 's.csv'; did you mean 't.csv'?",
    ),
    "a missing file like none": (
        lambda: load("0.csv"),
        "no file or folder '0.csv'. Give the path of a file, or one of the known names.",
    ),
    "a missing folder": (
        lambda: load("nowhere/t.csv"),
        "no file 'nowhere/t.csv': there is no folder 'nowhere'.",
    ),
    "an option for tables only": (
        lambda: load("mnist", target="digit"),
        "mnist: target 'digit' was given, but that is for tables and this is none. Leave it out.",
    ),
    "another option for tables only": (
        lambda: load(npz(x=BYTES, y=KINDS), delimiter=";"),
        "a.npz: delimiter ';' was given, but that is for tables and this is none. Leave it out.",
    ),
    "the wrong task for a known set": (
        lambda: load("iris", task="regression"),
        "data set 'iris' is for classification, not for regression; leave the task out.",
    ),
    # files of any kind
    "an empty file": (
        lambda: load(data(b"", "t.csv")),
        "t.csv: the file is empty; expected data.",
    ),
    "an empty folder": (
        lambda: (Path("d").mkdir(), load("d")),
        "d: the folder holds no data; expected IDX or .npy files, or one folder of pictures per class. For any other kind of file give the path of the file itself.",
    ),
    "a gzip file cut off": (
        lambda: load(data(gzip.compress(FLOWERS.encode())[:-9], "t.csv.gz")),
        "t.csv.gz: the gzip file is cut off after 129 bytes; fetch it again.",
    ),
    "a damaged gzip file": (
        lambda: load(data(gzip.compress(b"abc")[:-8] + bytes(8), "t.csv.gz")),
        "t.csv.gz: the gzip file is damaged; fetch it again.",
    ),
    "a pickle": (
        lambda: load(data(pickle.dumps({"x": [1, 2]}), "t.pkl")),
        "t.pkl: the file is a pickle, which can run any code when it is read and is therefore never opened. Save the data as CSV or .npz.",
    ),
    "HDF5": (
        lambda: load(data(b"\x89HDF\r\n\x1a\n" + bytes(99), "t.h5")),
        "t.h5: the file is an HDF5 file. Export the data as CSV or .npz.",
    ),
    "a model": (
        lambda: load(data(b"\x08\0\0\0\0\0\0\0{}      ", "m.safetensors")),
        "m.safetensors: the file is a safetensors file, so a model and not data. Give data: save the data as CSV or .npz.",
    ),
    "JSON": (
        lambda: load(text('[{"a": 1}]', "t.json")),
        "t.json: the file is JSON text. Export the data as CSV or .npz.",
    ),
    "Excel": (
        lambda: load(zipped("xl/workbook.xml")),
        "a.zip: the file is an Excel workbook. Export the data as CSV or .npz.",
    ),
    "a PyTorch file": (
        lambda: load(zipped("archive/data.pkl")),
        "a.zip: the file is a zip file with a pickle in it, which is never opened. Save the data as CSV or .npz.",
    ),
    "a web page": (
        lambda: load(text("<!DOCTYPE html><html></html>", "t.csv")),
        "t.csv: the file is a web page or XML. Download the data itself, or export the data as CSV or .npz.",
    ),
    "unknown bytes": (
        lambda: load(data(bytes(range(256)), "t.bin")),
        "t.bin: the file is not recognised (it starts with 00 01 02 03); expected CSV, IDX, .npy, .npz or pictures.",
    ),
    # tables
    "prose": (
        lambda: load(text("It was the best of times.\nIt was the worst of times, by far, too, and\nwhat else?\n")),
        "t.csv: the text is not a table: its lines ('It was the best of times.' …) have no common delimiter. Give rows of fields separated by commas, semicolons, tabs or spaces; or let the text itself be learnt (--network char-lstm).",
    ),
    "no lines": (
        lambda: load(text("\n\n")),
        "t.csv: holds no rows; expected a table.",
    ),
    "only a header": (
        lambda: load(text("a,b\n")),
        "t.csv: holds no rows below its header; expected at least one.",
    ),
    "only delimiters": (
        lambda: load(text(",,\n,,\n"), delimiter=","),
        "t.csv: holds no rows but empty ones; expected a table.",
    ),
    "a delimiter of two characters": (
        lambda: load(text("a;;b\n1;;2\n"), delimiter=";;"),
        "the delimiter ';;' cannot be used; expected one character such as ',' or ';'.",
    ),
    "a single column": (
        lambda: load(text("1\n2\n")),
        "t.csv: has a single column; expected at least one column of inputs and one of targets. If it has more, check the delimiter.",
    ),
    "a short row": (
        lambda: load(text("a,b,c\n1,2,3\n\n4,5\n")),
        "t.csv: row 2 (line 4) has 2 fields; expected 3, as in the header. Correct the row, or give the delimiter.",
    ),
    "a long row without a header": (
        lambda: load(text("1,2\n3,4\n5,6,7\n")),
        "t.csv: row 3 (line 3) has 3 fields; expected 2, as in most rows. Correct the row, or give the delimiter.",
    ),
    "an open quotation mark": (
        lambda: load(text("a,b\n" + "1,2\n" * 20 + '"3,4\n' + "5,6\n" * 2)),
        "t.csv: after line 21 a quotation mark is never closed, text follows one directly, or a field is longer than 131,072 characters; correct the row there.",
    ),
    "a field without end": (
        lambda: load(text("a,b\n1,2\n" + "3" * 200_000 + "x,4\n")),
        "t.csv: the text is not a table: its lines ('a,b' …) have no common delimiter. Give rows of fields separated by commas, semicolons, tabs or spaces; or let the text itself be learnt (--network char-lstm).",
    ),
    "an empty field": (
        lambda: load(text("sepal width,b\n1,2\n3,4\n,6\n")),
        "t.csv: row 3 (line 4), column 'sepal width' is empty; every value must be there. Remove the row or fill the value in.",
    ),
    "a missing value": (
        lambda: load(text("sepal width,b\n1,2\nNA,4\n5,6\n")),
        "t.csv: row 2 (line 3), column 'sepal width' holds 'NA'; every value must be there. Remove the row or fill the value in.",
    ),
    "a field that says NaN": (
        lambda: load(text("sepal width,b\n1,2\nnan,4\n5,6\n")),
        "t.csv: row 2 (line 3), column 'sepal width' holds NaN; every value must be a finite number. Remove the row or fill the value in.",
    ),
    "an infinite field": (
        lambda: load(text("sepal width,b\n1,2\n5,-inf\n")),
        "t.csv: row 2 (line 3), column 'b' holds -infinity; every value must be a finite number. Remove the row or fill the value in.",
    ),
    "a missing text": (
        lambda: load(text("colour,b\nred,2\n?,4\nblue,6\n")),
        "t.csv: row 2 (line 3), column 'colour' holds '?'; every value must be there. Remove the row or fill the value in.",
    ),
    "a typing error": (
        lambda: load(text("a,b\n" + "".join(f"{k},{k}\n" for k in range(20)) + "1o,3\n")),
        "t.csv: row 21 (line 22), column 'a' holds '1o', but 20 of the 21 values in the column are numbers. Correct the value or remove the row.",
    ),
    "an unknown target": (
        lambda: load(text(FLOWERS), target="kin"),
        "t.csv: unknown target column 'kin'; did you mean 'kind'? Known: colour, kind, length",
    ),
    "every column a target": (
        lambda: load(text(FLOWERS), target=["length", "colour", "kind"]),
        "t.csv: all 3 columns are targets; at least one must be left as an input.",
    ),
    "texts to predict": (
        lambda: load(text(FLOWERS), task="regression"),
        "t.csv: row 1 (line 2), column 'kind' holds 'A'; expected a number, because the task is regression.",
    ),
    "texts among several targets": (
        lambda: load(text(FLOWERS), target="length,kind"),
        "t.csv: row 1 (line 2), column 'kind' holds 'A'; expected a number, because there are several targets.",
    ),
    "fractions as classes": (
        lambda: load(text(FLOWERS), target="length", task="classification"),
        "t.csv: column 'length': row 2 (line 3) holds 0.5; a class must be a whole number or a text. For predicting numbers choose the task 'regression'.",
    ),
    "too many classes": (
        lambda: load(text("a,b\n" + "".join(f"{k / 2},{k}\n" for k in range(10_001))), task="classification"),
        "t.csv: column 'b': 10001 different classes in 10001 rows; at most 10000 can be told apart. Choose another target, or the task 'regression'.",
    ),
    "one class": (
        lambda: load(text("a,kind\n1,A\n2,A\n")),
        "t.csv: column 'kind': every row has the same class 'A'; at least two classes are needed.",
    ),
    "no column left": (
        lambda: load(text("id,b\n1,5\n2,6\n3,9\n")),
        "t.csv: no column is left as an input. The column 'id' was left out: it numbers the rows. Give other columns or another target.",
    ),
    "a fraction where most numbers are whole": (
        lambda: load(text("a,b\n1,2\n3,0.5\n"), task="classification"),
        "t.csv: column 'b': row 2 (line 3) holds 0.5; a class must be a whole number or a text. For predicting numbers choose the task 'regression'.",
    ),
    # new rows for a model
    "a text that training did not have": (
        lambda: load_inputs(text("length,colour\n1,violet\n"), flowers()),
        "t.csv: row 1 (line 2), column 'colour' holds 'violet', which the training data did not have; known: blue, red. Correct it or remove the row.",
    ),
    "a missing column": (
        lambda: load_inputs(text("lenght,colour\n1,red\n"), flowers()),
        "t.csv: the column 'length' of the training data is missing; there are 'lenght', 'colour'. Add or rename it.",
    ),
    "another number of columns": (
        lambda: load_inputs(text("1,red,A,2\n"), flowers()),
        "t.csv: has 4 columns; expected 3 as in the training data, or 2 without the target.",
    ),
    "a text for a number": (
        lambda: load_inputs(text("length,colour\n1,red\nlong,red\n"), flowers()),
        "t.csv: row 2 (line 3), column 'length' holds 'long'; expected a number, as in the training data.",
    ),
    "no target to measure by": (
        lambda: load_labelled(text("length,colour\n1,red\n"), flowers()),
        "t.csv: lacks the target column 'kind', which evaluation needs. Add it, or only predict.",
    ),
    "no target to measure by in arrays": (
        lambda: load_labelled(npz(x=np.zeros((4, 3))), Preprocessing()),
        "a.npz: array 'x': lacks a target column, which evaluation needs. Add it, or only predict.",
    ),
    "an unknown class": (
        lambda: load_labelled(text("length,colour,kind\n1,red,A\n1,red,C\n"), flowers()),
        "t.csv: column 'kind': row 2 (line 3) holds the class 'C', which is not among those of the training data: A, B. Correct it or remove the row.",
    ),
    "another task": (
        lambda: load_labelled("iris", flowers()),
        "data set 'iris' is for classification into setosa, versicolor, virginica, but the model was trained for classification into A, B.",
    ),
    "another shape": (
        lambda: load_inputs("iris", flowers()),
        "iris: each row has shape (4,); expected (3,), as in the training data.",
    ),
    # IDX
    "a cut IDX file": (
        lambda: load(data(idx_bytes(BYTES)[:-5], "t")),
        "t: the IDX header announces 6 × 4 × 4 values, 96 bytes, but 91 follow; the file is cut off or altered. Fetch it again.",
    ),
    "a cut IDX header": (
        lambda: idx.parse(b"\0\0\x08\x03\0\0", "t"),
        "t: the IDX header is cut off after 6 bytes of 16; fetch the file again.",
    ),
    "no IDX file": (
        lambda: idx.parse(b"\0\0\x07\x03", "t"),
        "t: is not an IDX file; it starts with 00 00 07 03, expected 00 00, a type and a rank.",
    ),
    "labels instead of images": (
        lambda: load(data(idx_bytes(KINDS.astype(np.uint8)), "train-labels")),
        "train-labels: holds one number per row, so labels; give the file with the images instead.",
    ),
    "no labels beside": (
        lambda: load(data(idx_bytes(BYTES), "train-images-idx3-ubyte")),
        "train-images-idx3-ubyte: no targets found: no file 'train-labels-idx1-ubyte' beside it. Training and evaluation need them.",
    ),
    "no way to find labels": (
        lambda: load(data(idx_bytes(BYTES), "rows")),
        "rows: no targets found: the name does not contain 'images', so its labels cannot be found by name. Training and evaluation need them.",
    ),
    "labels that are images": (
        lambda: (data(idx_bytes(BYTES), "labels"), load(data(idx_bytes(BYTES), "images"))),
        "labels: has shape (6, 4, 4); expected one label per row, (6,).",
    ),
    "unequal IDX files": (
        lambda: (data(idx_bytes(KINDS[1:].astype(np.uint8)), "labels"), load(data(idx_bytes(BYTES), "images"))),
        "images: 6 rows of inputs but 5 targets; every row needs exactly one target.",
    ),
    "two training files": (
        lambda: (data(idx_bytes(BYTES), "a-images"), data(idx_bytes(BYTES), "b-images"), load(".")),
        ".: a-images and b-images could both be the data; give the path of one of them.",
    ),
    "unknown names": (
        lambda: (data(idx_bytes(BYTES), "one"), data(idx_bytes(BYTES), "two"), load(".")),
        ".: the IDX files one, two are not named as in MNIST; expected 'train-images-idx3-ubyte' and 'train-labels-idx1-ubyte'. Rename them, or give the path of one file.",
    ),
    "no training part": (
        lambda: (
            data(idx_bytes(BYTES), "t10k-images"),
            data(idx_bytes(KINDS.astype(np.uint8)), "t10k-labels"),
            load("."),
        ),
        "t10k-images: is the test part, and there is no training part beside it; add it.",
    ),
    # NumPy files
    "objects in npz": (
        lambda: load(npz(x=np.array([{}, None], object), y=[0, 1])),
        "a.npz: array 'x': holds Python objects, stored as a pickle, which can run any code when it is read and is therefore never opened. Save arrays of numbers, or texts with dtype=str.",
    ),
    "unclear names": (
        lambda: load(npz(a=BYTES, b=KINDS, c=KINDS)),
        "a.npz: the arrays are called 'a', 'b', 'c'; cannot tell inputs from targets. Call them x and y, or x_train, y_train, x_test and y_test.",
    ),
    "two arrays of inputs": (
        lambda: load(npz(x=BYTES, images=BYTES)),
        "a.npz: the arrays 'x' and 'images' could both be the inputs; keep one of them.",
    ),
    "no targets in npz": (
        lambda: load(npz(x_train=BYTES)),
        "a.npz: array 'x_train': no targets found: it has no array of targets, such as 'y_train'. Training and evaluation need them.",
    ),
    "unequal lengths in npz": (
        lambda: load(npz(x=BYTES, y=KINDS[:5])),
        "a.npz: array 'x': 6 rows of inputs but 5 targets; every row needs exactly one target.",
    ),
    "not a number in npz": (
        lambda: load(npz(x=np.array([[1.0, 2.0], [NAN, 2.0]]), y=[0, 1])),
        "a.npz: array 'x': row 1, column 0 holds NaN; every value must be a finite number. Remove the row or fill the value in.",
    ),
    "a class of the test part only": (
        lambda: load(npz(x=BYTES, y=KINDS, x_test=BYTES, y_test=KINDS + 1)),
        "a.npz: array 'y_test': row 1 holds the class '2', which is not among those of the training data: 0, 1. Correct it or remove the row.",
    ),
    "another shape in the test part": (
        lambda: load(npz(x=BYTES, y=KINDS, x_test=BYTES[:, 1:], y_test=KINDS)),
        "a.npz: array 'x_test': each row has shape (3, 4); expected (4, 4), as in the training data.",
    ),
    "other outputs in the test part": (
        lambda: load(npz(x=BYTES, y=np.zeros((6, 2)) + 0.5, x_test=BYTES, y_test=KINDS + 0.5)),
        "a.npz: array 'y_test': targets of length 1; expected 2, as in the training part.",
    ),
    "labels in a matrix in npz": (
        lambda: load(npz(x=BYTES, y=np.full((6, 2), 3)), task="classification"),
        "a.npz: array 'y': has shape (6, 2); expected one class per row, or one-hot rows with a single 1.",
    ),
    "a damaged npz": (
        lambda: load(data(Path(npz(x=BYTES, y=KINDS)).read_bytes()[:-40], "a.npz")),
        "a.npz: the .npz file is cut off or altered; save or fetch it again.",
    ),
    "a zip file without arrays": (
        lambda: load(data(b"PK\x05\x06" + bytes(18), "a.zip")),
        "a.zip: the zip file holds no arrays (it is empty); expected an .npz file.",
    ),
    "a damaged header": (
        lambda: arrays.parse_npy(b"\x93NUMPY\x01\0\x04\0{][}", "a.npy"),
        "a.npy: the header of the NumPy file is damaged; save or fetch it again.",
    ),
    "a cut npy": (
        lambda: load(data(Path(npy(BYTES)).read_bytes()[:-1], "a.npy")),
        "a.npy: the NumPy header announces 6 × 4 × 4 values of type uint8, 96 bytes, but 95 follow; the file is cut off or altered. Save or fetch it again.",
    ),
    "a long npy": (
        lambda: load(data(Path(npy(BYTES)).read_bytes() + b"!", "a.npy")),
        "a.npy: the NumPy header announces 6 × 4 × 4 values of type uint8, 96 bytes, but 97 follow; the file is cut off or altered. Save or fetch it again.",
    ),
    "targets instead of inputs": (
        lambda: load(npy(KINDS, "y.npy")),
        "y.npy: by its name it holds targets; give the file with the inputs instead.",
    ),
    "no targets beside npy": (
        lambda: load(npy(BYTES, "x.npy")),
        "x.npy: no targets found: no file of targets beside it, such as 'y.npy' beside 'x.npy'. Training and evaluation need them.",
    ),
    "objects in npy": (
        lambda: arrays.parse_npy(Path(npy(np.array([None]))).read_bytes(), "a.npy"),
        "a.npy: holds Python objects, stored as a pickle, which can run any code when it is read and is therefore never opened. Save arrays of numbers, or texts with dtype=str.",
    ),
    "not a number in a field": (
        lambda: load(npy(np.array([(1.0, 2.0), (NAN, 1.0)], [("a", "f4"), ("b", "f4")]))),
        "a.npy: row 1 (counted from 0), column 'a' holds NaN; every value must be a finite number. Remove the row or fill the value in.",
    ),
    "a header that counts backwards": (
        lambda: arrays.parse_npy(Path(npy(BYTES)).read_bytes().replace(b"(6, 4, 4), }", b"(6, 4,-4), }"), "a.npy"),
        "a.npy: the header of the NumPy file is damaged; save or fetch it again.",
    ),
    "a field that is no column": (
        lambda: load(npy(np.zeros(4, [("a", "f4"), ("b", "f4", 3)]))),
        "a.npy: the field 'b' has the type ('<f4', (3,)); expected one number or text per row. Leave it out.",
    ),
    # pictures
    "another size": (
        lambda: load(pictures(cats__1=(8, 9), dogs__1=(8, 8))),
        "pictures/dogs/1.png: is 8 × 8 pixels, but pictures/cats/1.png is 8 × 9; all pictures must have one size. Resize them first.",
    ),
    "a damaged picture": (
        lambda: (
            pictures(cats__1=(8, 8), dogs__1=(8, 8)),
            data(b"\x89PNG\r\n\x1a\n", "pictures/dogs/2.png"),
            load("pictures"),
        ),
        "pictures/dogs/2.png: is no picture, or a damaged one; remove it, or save it again as PNG.",
    ),
    "a cut picture": (
        lambda: (
            pictures(cats__1=(8, 8), dogs__1=(8, 8)),
            data(Path("pictures/dogs/1.png").read_bytes()[:-30], "pictures/dogs/1.png"),
            load("pictures"),
        ),
        "pictures/dogs/1.png: is no picture, or a damaged one; remove it, or save it again as PNG.",
    ),
    "a class without pictures": (
        lambda: (pictures(cats__1=(8, 8)), Path("pictures/dogs").mkdir(), load("pictures")),
        "pictures/dogs: holds no pictures; every folder must hold the pictures of one class. Remove it.",
    ),
    "pictures without classes": (
        lambda: load(pictures(a=(8, 8))),
        "pictures: no targets found: it has no folders, one for each class. Training and evaluation need them.",
    ),
    "parts without classes": (
        lambda: load(pictures(train__1=(8, 8), test__1=(8, 8))),
        "pictures: the folders test, train hold pictures without a class; expected one folder per class in each of them.",
    ),
    "one class of pictures": (
        lambda: load(pictures(cats__1=(8, 8), cats__2=(8, 8))),
        "pictures: the names of its folders: every row has the same class 'cats'; at least two classes are needed.",
    ),
    "a class in the test part only": (
        lambda: load(pictures(train__a__1=(8, 8), train__b__1=(8, 8), test__c__1=(8, 8))),
        "pictures/test: the names of its folders: test/c/1.png holds the class 'c', which is not among those of the training data: a, b. Correct it or remove the row.",
    ),
    "an enormous picture": (
        lambda: load(data(b"P5\n40000 40000\n255\n", "a.pgm")),
        "a.pgm: the picture is too large to be read as one example; cut or shrink it first.",
    ),
    # MNIST
    "a flipped byte": (
        lambda: mnist.decode(mnist.read_embedded()[:-1] + b"!"),
        "the MNIST file inside the package is damaged: its 10,221,861 bytes do not have the SHA-256 digest da8b52f697c2…; install unstuck again.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_message_reads_exactly_so(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cause, expected = CASES[case]
    with pytest.raises(InputError) as caught:
        cause()
    assert str(caught.value) == expected
