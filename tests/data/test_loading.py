"""New rows reach the model in the form of its training data, or are refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unstuck.data import Preprocessing, load, load_inputs, load_labelled
from unstuck.errors import InputError

ROWS = [(k / 2, ("red", "blue")[k % 2], k % 5, "AB"[k % 3 > 0]) for k in range(30)]
HEADER = "length,colour,count,kind"


def table(path: Path, rows: list[tuple[object, ...]], header: str | None = HEADER) -> Path:
    path.write_text("\n".join([*([header] if header else []), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.fixture
def flowers(tmp_path: Path) -> Preprocessing:
    """As it comes out of a stored model."""
    fitted = Preprocessing.fit(load(table(tmp_path / "flowers.csv", ROWS), target="kind").train)
    return Preprocessing.from_dict(json.loads(json.dumps(fitted.to_dict())), fitted.arrays())


def expected(rows: list[tuple[object, ...]]) -> list[list[object]]:
    return [[length, float(colour == "blue"), float(colour == "red"), count] for length, colour, count, *_ in rows]


def test_new_rows_need_no_target_and_any_order_of_columns(flowers: Preprocessing, tmp_path: Path) -> None:
    orders = {
        HEADER: ROWS[:3],
        "length,colour,count": [row[:3] for row in ROWS[:3]],
        "count,note,colour,length": [(row[2], "x", row[1], row[0]) for row in ROWS[:3]],
    }
    for header, rows in orders.items():
        found = load_inputs(table(tmp_path / "new.csv", rows, header), flowers)
        assert found.inputs.tolist() == expected(ROWS[:3]) and found.name == "new" and found.row_names is None


def test_new_rows_without_a_header_are_taken_by_place(flowers: Preprocessing, tmp_path: Path) -> None:
    for rows in (ROWS[:3], [row[:3] for row in ROWS[:3]]):
        assert load_inputs(table(tmp_path / "new.csv", rows, None), flowers).inputs.tolist() == expected(ROWS[:3])


def test_a_single_new_row_of_texts_is_not_taken_for_a_header(tmp_path: Path) -> None:
    rows = [(("red", "blue")[k % 2], ("big", "small")[k % 3 > 0], "AB"[k % 2]) for k in range(20)]
    fitted = Preprocessing.fit(load(table(tmp_path / "t.csv", rows, "colour,size,kind")).train)
    assert load_inputs(table(tmp_path / "new.csv", [("red", "small")], None), fitted).inputs.tolist() == [[0, 1, 0, 1]]
    assert load_inputs(table(tmp_path / "new.csv", [("red", "small")], "colour,size"), fitted).inputs.tolist() == [
        [0, 1, 0, 1]
    ]


def test_an_empty_target_column_is_no_obstacle_to_predicting(flowers: Preprocessing, tmp_path: Path) -> None:
    path = table(tmp_path / "new.csv", [(*row[:3], "") for row in ROWS[:3]])
    assert load_inputs(path, flowers).inputs.tolist() == expected(ROWS[:3])
    with pytest.raises(InputError, match="column 'kind' is empty"):
        load_labelled(path, flowers)


def test_labelled_rows_keep_the_classes_of_the_model(flowers: Preprocessing, tmp_path: Path) -> None:
    only_b = [row for row in ROWS if row[3] == "B"]
    data = load_labelled(table(tmp_path / "new.csv", only_b), flowers)
    assert data.targets.tolist() == [1] * len(only_b) and data.class_names == ("A", "B")
    assert data.inputs.tolist() == expected(only_b)


def test_labelled_rows_without_a_header_are_taken_by_place(flowers: Preprocessing, tmp_path: Path) -> None:
    data = load_labelled(table(tmp_path / "new.csv", ROWS[:5], None), flowers)
    assert data.inputs.tolist() == expected(ROWS[:5]) and data.targets.tolist() == [0, 1, 1, 0, 1]
    with pytest.raises(InputError, match="lacks the target column 'kind'"):
        load_labelled(table(tmp_path / "new.csv", [row[:3] for row in ROWS[:5]], None), flowers)


def test_numbered_classes_are_told_by_number_even_if_some_are_absent(tmp_path: Path) -> None:
    rows = [(k / 7, (2, 3, 5)[k % 3]) for k in range(30)]
    fitted = Preprocessing.fit(load(table(tmp_path / "t.csv", rows, "a,kind")).train)
    assert load_labelled(
        table(tmp_path / "new.csv", [(0.5, 5), (0.25, 5.0), (1.5, 3)], "a,kind"), fitted
    ).targets.tolist() == [2, 2, 1]


def test_categories_that_look_like_numbers_stay_texts(tmp_path: Path) -> None:
    rows = [(k / 7, ("2", "3", "4", "5more")[k % 4], k % 2) for k in range(40)]
    fitted = Preprocessing.fit(load(table(tmp_path / "t.csv", rows, "a,doors,kind")).train)
    found = load_inputs(table(tmp_path / "new.csv", [(0.5, "4"), (1.5, "2")], "a,doors"), fitted)
    assert found.inputs.tolist() == [[0.5, 0, 0, 1, 0], [1.5, 1, 0, 0, 0]]
    np.save(tmp_path / "new", np.array([(0.5, 4), (1.5, 2)], [("a", "f8"), ("doors", "i4")]))
    assert load_inputs(tmp_path / "new.npy", fitted).inputs.tolist() == found.inputs.tolist()


def test_regression_targets_are_read_for_evaluation(tmp_path: Path) -> None:
    rows = [(k / 7, k / 3, -k) for k in range(30)]
    fitted = Preprocessing.fit(
        load(table(tmp_path / "t.csv", rows, "a,b,c"), target="b,c").train, targets="standardise"
    )
    data = load_labelled(table(tmp_path / "new.csv", [(2, 1, 0.5)], "c,b,a"), fitted)
    assert data.targets.tolist() == [[1, 2]] and data.inputs.tolist() == [[0.5]] and data.task == "regression"


def picture_folder(root: Path, count: int, size: tuple[int, int] = (5, 6), mode: str = "L") -> np.ndarray:
    pixels = np.random.default_rng(count).integers(0, 256, (count, size[1], size[0])).astype(np.uint8)
    for row, picture in enumerate(pixels):
        folder = root / "ab"[row % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).convert(mode).save(folder / f"{row:02}.png")
    return pixels


def test_pictures_are_read_in_the_colours_of_the_training_data(tmp_path: Path) -> None:
    pixels = picture_folder(tmp_path / "train", 20)
    grey = Preprocessing.fit(load(tmp_path / "train").train)
    coloured = picture_folder(tmp_path / "new", 4, mode="RGB")
    found = load_inputs(tmp_path / "new", grey)
    assert found.inputs.tolist() == coloured[[0, 2, 1, 3]].tolist()  # class a, then class b
    assert found.row_names == tuple(
        str(Path(*name)) for name in [("a", "00.png"), ("a", "02.png"), ("b", "01.png"), ("b", "03.png")]
    )
    one = load_inputs(tmp_path / "train" / "b" / "01.png", grey)
    assert one.inputs.tolist() == pixels[1:2].tolist() and one.row_names == ("01.png",)
    assert load_labelled(tmp_path / "new", grey).targets.tolist() == [0, 0, 1, 1]
    colour = Preprocessing.fit(load(tmp_path / "new", test_fraction=0).train)
    assert load_inputs(tmp_path / "train" / "b" / "01.png", colour).inputs.shape == (1, 6, 5, 3)


def test_pictures_of_another_size_are_refused(tmp_path: Path) -> None:
    picture_folder(tmp_path / "train", 20)
    picture_folder(tmp_path / "new", 4, size=(4, 4))
    fitted = Preprocessing.fit(load(tmp_path / "train").train)
    with pytest.raises(
        InputError, match=r"new: each row has shape \(4, 4\); expected \(6, 5\), as in the training data"
    ):
        load_inputs(tmp_path / "new", fitted)


def test_arrays_are_folded_to_the_shape_of_the_training_data(tmp_path: Path) -> None:
    fitted = Preprocessing.fit(load("digits").train)
    flat = load("digits", test_fraction=0).train.inputs[:5].reshape(5, 64)
    np.save(tmp_path / "new", flat)
    np.savez(tmp_path / "labelled", x=flat, y=[0, 1, 2, 3, 4])
    assert load_inputs(tmp_path / "new.npy", fitted).inputs.shape == (5, 8, 8)
    assert load_labelled(tmp_path / "labelled.npz", fitted).targets.tolist() == [0, 1, 2, 3, 4]


def test_classes_with_names_may_come_as_numbers_but_numbered_classes_only_by_their_own(tmp_path: Path) -> None:
    rows = np.arange(40.0).reshape(10, 4)
    fitted = Preprocessing.fit(load("iris").train)
    np.savez(tmp_path / "a", x=rows, y=np.arange(10) % 3)
    assert load_labelled(tmp_path / "a.npz", fitted).targets.tolist() == (np.arange(10) % 3).tolist()
    np.savez(tmp_path / "b", x=rows, y=np.where(np.arange(10) % 2, 1, -1))
    fitted = Preprocessing.fit(load(tmp_path / "b.npz").train)
    np.savez(tmp_path / "c", x=rows, y=np.arange(10) % 2)
    with pytest.raises(
        InputError, match="row 0 holds the class '0', which is not among those of the training data: -1, 1"
    ):
        load_labelled(tmp_path / "c.npz", fitted)


def test_of_data_in_parts_the_test_part_is_used(tmp_path: Path) -> None:
    fitted = Preprocessing.fit(load("iris").train)
    rows = np.arange(24.0).reshape(6, 4)
    np.savez(tmp_path / "a", x_train=rows[:4], y_train=[0, 1, 2, 0], x_test=rows[4:], y_test=[2, 1])
    assert load_inputs(tmp_path / "a.npz", fitted).inputs.tolist() == rows[4:].tolist()
    data = load_labelled(tmp_path / "a.npz", fitted)
    assert data.targets.tolist() == [2, 1] and data.class_names == ("setosa", "versicolor", "virginica")


def test_known_data_sets_can_be_used_by_name() -> None:
    fitted = Preprocessing.fit(load("mnist").train)
    assert load_inputs("mnist", fitted).inputs.shape == (10_000, 28, 28)
    assert len(load_labelled("mnist", fitted)) == 10_000
    assert len(load_labelled("iris", Preprocessing.fit(load("iris").train))) == 150


def test_a_path_wins_when_it_is_written_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "iris", ROWS)
    assert load("iris").train.feature_names != load("./iris").train.feature_names
    assert load(Path("iris").resolve()).train.class_names == ("A", "B")
