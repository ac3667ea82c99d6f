"""Text tables: whatever is written is read back, and every guess is said."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unstuck.data import load
from unstuck.data.readers import table
from unstuck.errors import InputError

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
words = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters='"'), min_size=1, max_size=8
).filter(
    lambda word: table.as_number(word, True) is None and word.lower() not in table.MISSING and not word.startswith("#")
)
texts = st.builds(" ".join, st.lists(words, min_size=1, max_size=3)) | st.builds("{}, {}".format, words, words)
finite = st.floats(allow_nan=False, allow_infinity=False)


def read(content: str, **options: object) -> table.Table:
    return table.read(content.encode(), Path("t.csv"), **options)  # type: ignore[arg-type]


def written(rows: list[list[object]], delimiter: str) -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    return stream.getvalue()


@given(
    matrix=st.integers(2, 5).flatmap(
        lambda width: st.lists(st.lists(finite, min_size=width, max_size=width), min_size=2, max_size=12)
    ),
    delimiter=st.sampled_from(",;\t|"),
    header=st.booleans(),
)
def test_numbers_are_read_back_to_the_bit(matrix: list[list[float]], delimiter: str, header: bool) -> None:
    names = [f"feature {chr(65 + k)}" for k in range(len(matrix[0]))]
    found = read(written([names, *matrix] if header else matrix, delimiter))
    assert found.has_header == header
    assert found.names == (tuple(names) if header else tuple(f"column {k + 1}" for k in range(len(matrix[0]))))
    columns = [found.numbers(name) for name in found.names]
    assert np.array_equal(np.column_stack(columns), np.array(matrix))


@given(
    rows=st.lists(st.tuples(texts, finite, texts), min_size=2, max_size=12),
    delimiter=st.sampled_from(",;\t|"),
)
def test_texts_are_read_back_with_delimiters_and_blanks_in_them(
    rows: list[tuple[str, float, str]], delimiter: str
) -> None:
    found = read(written([["first", "number", "last"], *map(list, rows)], delimiter), delimiter=delimiter, header=True)
    assert found.texts("first") == [row[0] for row in rows]
    assert found.texts("last") == [row[2] for row in rows]
    numbers = found.numbers("number")
    assert numbers is not None and numbers.tolist() == [row[1] for row in rows]


@given(matrix=st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=2, max_size=10))
def test_a_decimal_comma_gives_the_same_numbers_as_a_point(matrix: list[list[float]]) -> None:
    with_point = ["a;b;c", *(";".join(f"{value:.3f}" for value in row) for row in matrix)]
    found = [read("\n".join(lines)) for lines in (with_point, [line.replace(".", ",") for line in with_point])]
    assert [one.decimal_comma for one in found] == [False, True]
    for name in "abc":
        assert np.array_equal(found[0].numbers(name), found[1].numbers(name))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_line_endings_and_encodings_change_nothing(ending: str, encoding: str) -> None:
    content = ending.join(["Länge;Güte", "1;2", "3;4", "5;6"]).encode(encoding)
    found = table.read(content, Path("t.csv"))
    assert found.names == ("Länge", "Güte")
    assert ("The text is not UTF-8 and was read as Windows-1252." in found.notes) == (encoding == "cp1252")
    assert found.numbers("Güte").tolist() == [2, 4, 6]  # type: ignore[union-attr]


def test_columns_of_blanks_are_read_like_a_table() -> None:
    found = read("  0.5   1.5\n  10.5  2.5\n\n  3.5   4.5\n")
    assert found.notes[0] == "The fields are separated by spaces."
    assert found.numbers("column 1").tolist() == [0.5, 10.5, 3.5]  # type: ignore[union-attr]
    assert found.row(2) == "row 3 (line 4)"


def test_a_row_keeps_its_line_below_comments_blank_lines_and_quoted_line_breaks() -> None:
    found = read('# made by hand\na,b\n1,"x\ny"\n\n2,z\n3,\n')
    assert [found.row(k) for k in range(3)] == ["row 1 (line 3)", "row 2 (line 6)", "row 3 (line 7)"]
    with pytest.raises(InputError, match=r"row 3 \(line 7\), column 'b' is empty"):
        found.texts("b")


def test_a_comment_above_numbers_names_the_columns_as_numpy_writes_it() -> None:
    stream = io.StringIO()
    np.savetxt(stream, np.eye(3), header="x y z")
    found = read(stream.getvalue())
    assert found.names == ("x", "y", "z") and "The comment above the first row names the columns." in found.notes


def test_names_are_made_unique_and_missing_ones_filled_in() -> None:
    assert read("a,a,,a\n1,2,3,4\n5,6,7,8\n").names == ("a", "a (2)", "column 3", "a (3)")


def test_a_delimiter_at_the_end_of_every_line_makes_no_column() -> None:
    assert read("a,b,\n1,x,\n2,y,\n").names == ("a", "b")


def test_header_and_delimiter_can_be_given() -> None:
    assert read("1;2\n3;4\n", header=True).names == ("1", "2")
    assert read("a;b\n3;4\n", header=False).texts("column 1") == ["a", "3"]
    assert read("a b;c\n1 2;3\n", delimiter=";").names == ("a b", "c")


def test_python_spellings_of_numbers_are_no_numbers_in_a_table() -> None:
    assert table.as_number("1_000") is None and table.as_number("0x10") is None and table.as_number("1e3") == 1000


# from here on: what becomes of a table


def lines(*rows: str) -> str:
    return "\n".join(rows) + "\n"


IRIS_LIKE = lines("Id,length,width,Species", *(f"{k + 1},{k / 10},{k % 7},{'abc'[k % 3]}" for k in range(30)))


def notes_of(content: str, tmp_path: Path, **options: object) -> str:
    path = tmp_path / "t.csv"
    path.write_text(content, encoding="utf-8")
    return " ".join(load(path, **options).notes)  # type: ignore[arg-type]


def test_a_table_is_loaded_and_every_guess_is_said(tmp_path: Path) -> None:
    path = tmp_path / "flowers.csv"
    path.write_text(IRIS_LIKE)
    splits = load(path, seed=4)
    assert splits.notes == (
        "The fields are separated by commas.",
        "The first row names the columns.",
        "The target is the column 'Species', by its name.",
        "The task is classification: the target holds 3 different texts.",
        "The column 'Id' was left out: it numbers the rows.",
        "6 of 30 rows were kept for the test, the classes in proportion (seed 4).",
    )
    train, test = splits.train, splits.test
    assert test is not None and (len(train), len(test)) == (24, 6)
    assert (train.name, train.feature_names, train.class_names) == ("flowers", ("length", "width"), ("a", "b", "c"))
    assert train.scaling_hint == "standardise" and train.inputs.dtype == np.float64


def test_a_gzipped_table_is_the_same_table(tmp_path: Path) -> None:
    (tmp_path / "flowers.csv").write_text(IRIS_LIKE)
    (tmp_path / "flowers.csv.gz").write_bytes(gzip.compress(IRIS_LIKE.encode()))
    (tmp_path / "flowers.png").write_bytes(gzip.compress(IRIS_LIKE.encode()))  # the ending plays no part
    first, *others = (load(tmp_path / name) for name in ("flowers.csv", "flowers.csv.gz", "flowers.png"))
    for other in others:
        assert other.train.name == "flowers" and other.notes == first.notes
        assert np.array_equal(other.train.inputs, first.train.inputs)


@pytest.mark.parametrize(
    ("rows", "target"),
    [
        (["a,b,c", "1.5,2,x", "2.5,3,y", "1.2,3,x", "1.1,4,y"], "The target is the column 'c', the last one."),
        (["a,label,c", "1.5,0,3.1", "2.5,1,3.2"], "The target is the column 'label', by its name."),
        (["y,a,b", "1.5,0.2,3.1", "2.5,1.4,3.2"], "The target is the column 'y', by its name."),
        (["x,y,z", "1.5,0.2,3.1", "2.5,1.4,3.2"], "The target is the column 'z', the last one."),
        (
            [f"{k % 3},{k / 7},{k / 9}" for k in range(12)],
            "The target is the column 'column 1', the first one, because it holds classes and the last one does not.",
        ),
        (
            ["day,a,b", *(f"2020-01-0{k},{k / 7},{k / 9}" for k in range(1, 9))],
            "The target is the column 'b', the last one.",
        ),
    ],
)
def test_the_target_is_guessed_and_said(rows: list[str], target: str, tmp_path: Path) -> None:
    assert target in notes_of(lines(*rows), tmp_path)


@pytest.mark.parametrize("target", ["length", 1, -3, ["length"], "1"])
def test_the_target_can_be_given_by_name_or_number(target: object, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(IRIS_LIKE)
    splits = load(path, target=target)  # type: ignore[arg-type]
    assert splits.train.task == "regression" and splits.train.layout is not None
    assert splits.train.layout.targets == ("length",)
    assert splits.train.feature_names == ("width", "Species=a", "Species=b", "Species=c")


def test_several_targets_make_a_row_of_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(IRIS_LIKE)
    for target in ("length,width", ["length", "width"]):
        train = load(path, target=target).train
        assert train.task == "regression" and train.targets.shape == (24, 2)


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["0", "1"] * 10, "classification"),
        (["1", "2", "3"] * 10, "classification"),
        (["1.0", "2.0"] * 10, "classification"),
        (["0.5", "1.0"] * 10, "regression"),
        ([str(k) for k in range(20)], "regression"),
        ([str(k % 26) for k in range(260)], "classification"),
        ([str(17 + k % 50) for k in range(600)], "regression"),
    ],
)
def test_few_whole_numbers_are_classes_and_others_amounts(values: list[str], task: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(lines("a,b", *(f"{k / 3:.3f},{value}" for k, value in enumerate(values))))
    assert load(path).train.task == task
    assert load(path, task="regression").train.task == "regression"


def test_numbered_classes_keep_their_numbers_as_names(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(lines("a,b", *(f"{k / 3},{(-1, 1, 10)[k % 3]}" for k in range(30))))
    train = load(path, test_fraction=0).train
    assert train.class_names == ("-1", "1", "10") and train.targets[:3].tolist() == [0, 1, 2]


def test_texts_become_flags_and_only_the_training_rows_decide_which(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        lines("colour,size,b", *(f"{('red', 'blue')[k % 2]},{k / 7},{k / 3}" for k in range(30)), "gold,1,2.5")
    )
    whole = load(path, test_fraction=0).train
    assert whole.feature_names == ("colour=blue", "colour=gold", "colour=red", "size")
    assert whole.inputs[[0, 1, 30], :3].tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    seed = next(s for s in range(99) if any("outside the training part" in note for note in load(path, seed=s).notes))
    splits = load(path, seed=seed)
    assert splits.train.feature_names == ("colour=blue", "colour=red", "size") and splits.test is not None
    assert "The column 'colour' holds gold outside the training part only; there all its inputs are 0." in splits.notes
    assert [0, 0, 1] in splits.test.inputs.tolist()


def test_names_of_rows_are_left_out(tmp_path: Path) -> None:
    content = lines("who,a,b", *(f"Person {k},{k / 7},{k / 3}" for k in range(30)))
    assert "The column 'who' was left out: it holds 30 different texts in 30 rows." in notes_of(content, tmp_path)


def test_a_column_without_a_name_that_counts_is_left_out(tmp_path: Path) -> None:
    content = lines(",a,b", *(f"{k},{k / 7},{k / 3}" for k in range(30)))
    assert "The column 'column 1' was left out: it numbers the rows." in notes_of(content, tmp_path)
    content = lines(*(f"{k},{k / 7},{k / 3}" for k in range(30)))  # without a header it may be anything
    assert "left out" not in notes_of(content, tmp_path)


@pytest.mark.parametrize("header", [True, False])
def test_pixels_in_columns_become_pictures(header: bool, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 64))
    rows = [",".join(map(str, (k % 3, *row))) for k, row in enumerate(pixels)]
    path = tmp_path / "t.csv"
    path.write_text(lines(*(["label," + ",".join(f"pixel{k}" for k in range(64))] if header else []), *rows))
    splits = load(path, test_fraction=0)
    assert "Rows of 64 whole numbers from 0 to 255 were taken for pictures of 8 × 8." in splits.notes
    assert np.array_equal(splits.train.inputs, pixels.reshape(-1, 8, 8)) and splits.train.inputs.dtype == np.uint8
    assert (splits.train.image_shape, splits.train.scaling_hint) == ((8, 8), "pixels")


def test_counts_with_names_of_their_own_are_no_pictures(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        lines(",".join(f"word{k}" for k in range(65)), *(",".join(map(str, range(k, 65 + k))) for k in range(30)))
    )
    assert load(path).train.image_shape is None


@same_folder
@given(rows=st.lists(st.lists(finite, min_size=3, max_size=3), min_size=10, max_size=20, unique_by=tuple))
def test_no_row_is_lost_or_changed_on_the_way(rows: list[list[float]], tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(written([["a", "b", "z"], *rows], ","))
    splits = load(path, task="regression", validation_fraction=0.25)
    parts = [part for part in (splits.train, splits.validation, splits.test) if part is not None]
    found = [(*inputs, *targets) for part in parts for inputs, targets in zip(part.inputs, part.targets, strict=True)]
    assert sorted(found) == sorted(map(tuple, rows))
