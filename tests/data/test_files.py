"""IDX, NumPy files and pictures: what was written is read back, whatever the file is called, and never a pickle."""

from __future__ import annotations

import gzip
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from unstuck.data import Preprocessing, load, load_inputs
from unstuck.data.readers import arrays, idx
from unstuck.errors import InputError

IDX_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
any_shape = hnp.array_shapes(min_dims=1, max_dims=4, max_side=6)
RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.integers(0, 256, (30, 6, 5)).astype(np.uint8)
LABELS = (np.arange(30) % 3).astype(np.uint8)


def idx_bytes(array: np.ndarray) -> bytes:
    code = IDX_CODES[array.dtype.str[1:]]
    big = array.astype(array.dtype.newbyteorder(">"))
    return bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes() + big.tobytes()


@given(array=st.sampled_from(sorted(IDX_CODES)).flatmap(lambda kind: hnp.arrays(kind, any_shape)))
def test_idx_arrays_are_read_back_to_the_bit(array: np.ndarray) -> None:
    found = idx.parse(idx_bytes(array), "t")
    assert found.dtype == array.dtype and found.dtype.isnative and found.shape == array.shape
    assert found.tobytes() == array.tobytes()


@given(array=hnp.arrays("i2", any_shape), change=st.integers(-20, 20).filter(bool))
def test_an_idx_file_of_the_wrong_length_is_refused(array: np.ndarray, change: int) -> None:
    data = idx_bytes(array)
    with pytest.raises(InputError, match=r"^t: "):
        idx.parse(data[:change] if change < 0 else data + bytes(change), "t")


def write_mnist_like(folder: Path, zipped: bool = False) -> None:
    for part, rows in (("train", slice(0, 20)), ("t10k", slice(20, 30))):
        for what, array in (("images-idx3-ubyte", PICTURES[rows]), ("labels-idx1-ubyte", LABELS[rows])):
            data = idx_bytes(array)
            name = f"{part}-{what}"
            folder.joinpath(f"{name}.gz" if zipped else name).write_bytes(gzip.compress(data) if zipped else data)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_folder_in_the_manner_of_mnist_is_loaded_with_its_test_part(zipped: bool, tmp_path: Path) -> None:
    write_mnist_like(tmp_path, zipped)
    splits = load(tmp_path, validation_fraction=0.25)
    assert splits.test is not None and splits.validation is not None
    assert np.array_equal(splits.test.inputs, PICTURES[20:]) and np.array_equal(splits.test.targets, LABELS[20:])
    assert (len(splits.train), len(splits.validation)) == (15, 5)
    assert (splits.train.image_shape, splits.train.scaling_hint) == ((6, 5), "pixels")


def test_one_file_of_images_finds_its_labels(tmp_path: Path) -> None:
    write_mnist_like(tmp_path)
    splits = load(tmp_path / "train-images-idx3-ubyte", test_fraction=0)
    assert splits.notes[0] == "The labels of train-images-idx3-ubyte are in train-labels-idx1-ubyte."
    assert np.array_equal(splits.train.inputs, PICTURES[:20]) and np.array_equal(splits.train.targets, LABELS[:20])


kinds = st.sampled_from(["u1", "i4", "f4", "f8", "<U3", "?"])


@given(array=kinds.flatmap(lambda kind: hnp.arrays(kind, any_shape)))
def test_npy_arrays_are_read_back_to_the_bit(array: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.npy")
        np.save(path, array)
        found = arrays.parse_npy(path.read_bytes(), "a.npy")
    assert found.dtype == array.dtype and found.tobytes() == array.tobytes()


@given(cut=st.integers(0, 200))
def test_an_npy_file_cut_anywhere_is_refused(cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.npy")
        np.save(path, np.arange(10.0))
        data = path.read_bytes()
    with pytest.raises(InputError, match=r"^a\.npy: "):
        arrays.parse_npy(data[:cut], "a.npy")


@given(place=st.integers(0, 2000), bit=st.integers(0, 7))
def test_a_flipped_bit_in_npz_never_passes_for_other_data(place: int, bit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.npz")
        np.savez_compressed(path, x=PICTURES, y=LABELS)
        data = bytearray(path.read_bytes())
        data[place % len(data)] ^= 1 << bit
        path.write_bytes(data)
        try:
            splits = load(path, test_fraction=0)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert np.array_equal(splits.train.inputs, PICTURES) and np.array_equal(splits.train.targets, LABELS)


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("trainX", "trainY", "testX", "testY"),
        ("x", "y", "x_test", "y_test"),
        ("features.training", "targets.training", "features.testing", "targets.testing"),
    ],
)
def test_the_arrays_of_npz_are_told_by_their_names(names: tuple[str, ...], tmp_path: Path) -> None:
    np.savez(tmp_path / "a", **dict(zip(names, (PICTURES[:20], LABELS[:20], PICTURES[20:], LABELS[20:]), strict=True)))
    splits = load(tmp_path / "a.npz")
    assert splits.test is not None
    assert np.array_equal(splits.train.inputs, PICTURES[:20]) and np.array_equal(splits.test.targets, LABELS[20:])
    assert splits.notes[0] == f"Inputs: '{names[0]}', '{names[2]}'; targets: '{names[1]}', '{names[3]}'."


@pytest.mark.parametrize("names", [("x", "y"), ("arr_0", "arr_1"), ("Inputs", "Labels"), ("wave", "kind"), ("a", "b")])
def test_two_arrays_are_inputs_and_targets(names: tuple[str, str], tmp_path: Path) -> None:
    np.savez(tmp_path / "a", **{names[1]: LABELS, names[0]: PICTURES})
    train = load(tmp_path / "a.npz", test_fraction=0).train
    assert np.array_equal(train.inputs, PICTURES) and np.array_equal(train.targets, LABELS)


def test_files_beside_each_other_and_in_one_folder_are_like_npz(tmp_path: Path) -> None:
    for name, array in {
        "X_train": PICTURES[:20],
        "y_train": LABELS[:20],
        "X_test": PICTURES[20:],
        "y_test": LABELS[20:],
    }.items():
        np.save(tmp_path / name, array)
    splits = load(tmp_path)
    assert splits.test is not None and np.array_equal(splits.test.inputs, PICTURES[20:])
    one = load(tmp_path / "X_test.npy", test_fraction=0)
    assert one.notes[0] == "The targets of X_test.npy are in y_test.npy."
    assert np.array_equal(one.train.inputs, PICTURES[20:]) and np.array_equal(one.train.targets, LABELS[20:])


@pytest.mark.parametrize(
    "targets",
    [
        LABELS,
        LABELS.reshape(-1, 1),
        np.eye(3)[LABELS],
        LABELS.astype(float),
        LABELS + 1.0,
        np.array(["a", "b", "c"])[LABELS],
        LABELS + 1,
    ],
)
def test_labels_in_any_spelling_become_numbers_from_0(targets: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "a", x=PICTURES, y=targets)
    train = load(tmp_path / "a.npz", test_fraction=0).train
    assert train.task == "classification" and train.targets.tolist() == LABELS.tolist()


def test_yes_and_no_are_the_classes_0_and_1(tmp_path: Path) -> None:
    np.savez(tmp_path / "a", x=PICTURES, y=LABELS > 0)
    train = load(tmp_path / "a.npz", test_fraction=0).train
    assert train.class_names == ("0", "1") and train.targets.tolist() == (LABELS > 0).astype(int).tolist()


def test_a_single_matrix_in_npz_is_a_table(tmp_path: Path) -> None:
    np.savez(tmp_path / "a", measured=np.column_stack([PICTURES[:, 0], LABELS]))
    assert np.array_equal(load(tmp_path / "a.npz", test_fraction=0).train.targets, LABELS)


def test_an_empty_array_is_read_and_then_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a", x=np.zeros((0, 3)), y=np.zeros(0))
    with pytest.raises(InputError, match=r"array 'y': has no rows \(shape \(0,\)\); at least one example is needed"):
        load(tmp_path / "a.npz")


def test_one_value_a_row_without_targets_can_only_be_predicted_from(tmp_path: Path) -> None:
    np.save(tmp_path / "x", np.linspace(-1, 1, 30))
    with pytest.raises(InputError, match=r"x\.npy: no targets found"):
        load(tmp_path / "x.npy")
    fitted = Preprocessing.fit(load("sine").train)
    assert load_inputs(tmp_path / "x.npy", fitted).inputs.shape == (30, 1)


def test_names_of_classes_and_features_are_taken_over(tmp_path: Path) -> None:
    names = np.array(["cat", "dog", "cow"])
    np.savez(tmp_path / "a", x=PICTURES.reshape(30, 30)[:, :2], y=LABELS, class_names=names, feature_names=["p", "q"])
    train = load(tmp_path / "a.npz", test_fraction=0).train
    assert train.class_names == ("cat", "dog", "cow") and train.feature_names == ("p", "q")
    assert train.targets.tolist() == LABELS.tolist()


def test_numbers_to_predict_and_one_value_a_row(tmp_path: Path) -> None:
    x = np.linspace(-1, 1, 30)
    np.savez(tmp_path / "a", x=x, y=np.sin(x))
    train = load(tmp_path / "a.npz", test_fraction=0).train
    assert train.task == "regression" and train.input_shape == (1,) and np.array_equal(train.targets[:, 0], np.sin(x))


def test_a_matrix_alone_and_a_structured_array_are_tables(tmp_path: Path) -> None:
    matrix = np.column_stack([RANDOM.normal(size=(30, 2)), LABELS])
    np.save(tmp_path / "matrix", matrix)
    splits = load(tmp_path / "matrix.npy", test_fraction=0)
    assert splits.notes[0] == "The target is the column 'column 3', the last one."
    assert np.array_equal(splits.train.inputs, matrix[:, :2])
    rows = np.zeros(30, [("kind", "U4"), ("size", "f8"), ("count", "i4")])
    rows["kind"], rows["size"] = np.array(["oak", "fir", "elm"])[LABELS], matrix[:, 0]
    np.save(tmp_path / "rows", rows)
    train = load(tmp_path / "rows.npy", target="kind", test_fraction=0).train
    assert train.class_names == ("elm", "fir", "oak") and train.feature_names == ("size", "count")


def test_channels_in_front_are_moved_behind(tmp_path: Path) -> None:
    front = RANDOM.integers(0, 256, (30, 3, 8, 9)).astype(np.uint8)
    np.savez(tmp_path / "a", x=front, y=LABELS)
    splits = load(tmp_path / "a.npz", test_fraction=0)
    assert np.array_equal(splits.train.inputs, front.transpose(0, 2, 3, 1)) and splits.train.image_shape == (8, 9, 3)
    assert "The first axis of each row, of length 3, was taken for channels and moved last." in splits.notes


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float64])
def test_flat_rows_of_bytes_become_square_pictures(kind: type, tmp_path: Path) -> None:
    pixels = RANDOM.integers(0, 256, (30, 64))
    np.savez(tmp_path / "a", x=pixels.astype(kind), y=LABELS)
    splits = load(tmp_path / "a.npz", test_fraction=0)
    assert np.array_equal(splits.train.inputs, pixels.reshape(30, 8, 8)) and splits.train.inputs.dtype == kind
    assert (splits.train.image_shape, splits.train.scaling_hint) == ((8, 8), "pixels")
    assert "Rows of 64 whole numbers from 0 to 255 were taken for pictures of 8 × 8." in splits.notes


def test_rows_that_are_no_square_or_no_bytes_stay_flat(tmp_path: Path) -> None:
    for rows in (RANDOM.integers(0, 256, (30, 63)), RANDOM.normal(size=(30, 64)), RANDOM.integers(0, 9, (30, 4))):
        np.savez(tmp_path / "a", x=rows, y=LABELS)
        assert load(tmp_path / "a.npz").train.image_shape is None


def test_arrays_that_are_not_used_are_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "a", x_train=PICTURES, y_train=LABELS, y_test=LABELS, mask=LABELS)
    assert "Not used: 'y_test', 'mask'." in load(tmp_path / "a.npz").notes


def test_pixels_that_run_from_0_to_1_are_left_as_they_are(tmp_path: Path) -> None:
    pixels = np.linspace(0, 1, 30 * 9, dtype=np.float32).reshape(30, 3, 3, 1)
    np.savez(tmp_path / "a", x=pixels, y=LABELS)
    assert load(tmp_path / "a.npz").train.scaling_hint == "none"
    np.savez(tmp_path / "a", x=pixels * 255, y=LABELS)
    assert load(tmp_path / "a.npz").train.scaling_hint == "pixels"


class Trap:
    """A pickle of this creates a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("form", ["npy", "npz", "pkl", "npy.gz"])
def test_no_pickle_is_ever_run(form: str, tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / f"x.{form}"
    trap = np.array([[Trap(mark)]], object)
    if form == "npz":
        np.savez(path, x=trap, y=LABELS[:1])
    elif form == "pkl":
        path.write_bytes(pickle.dumps(Trap(mark)))
    else:
        np.save(tmp_path / "t.npy", trap)
        data = (tmp_path / "t.npy").read_bytes()
        path.write_bytes(gzip.compress(data) if form == "npy.gz" else data)
    with pytest.raises(InputError, match="pickle, which can run any code"):
        load(path)
    assert not mark.exists()


def save_pictures(root: Path, pixels: np.ndarray, labels: np.ndarray, ending: str = "png") -> None:
    for row, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        folder = root / f"class {label}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{row:03}.{ending}")


@pytest.mark.parametrize("ending", ["png", "bmp", "tiff", "webp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_read_back_to_the_bit(ending: str, channels: int, tmp_path: Path) -> None:
    pixels = (
        np.repeat(PICTURES[..., np.newaxis], 3, axis=3) + np.arange(3, dtype=np.uint8) if channels == 3 else PICTURES
    )
    labels = np.sort(LABELS)
    for row, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        file = tmp_path / f"class {label}" / f"{row:03}.{ending}"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(picture).save(file, **({"lossless": True} if ending == "webp" else {}))
    if ending == "webp" and channels == 1:
        pixels = np.repeat(pixels[..., np.newaxis], 3, axis=3)  # WebP knows no grey
    train = load(tmp_path, test_fraction=0).train
    assert np.array_equal(train.inputs, pixels) and train.targets.tolist() == labels.tolist()
    assert train.class_names == ("class 0", "class 1", "class 2") and train.image_shape == pixels.shape[1:]


def test_folders_for_the_parts_are_kept_apart(tmp_path: Path) -> None:
    for part, rows in (("train", slice(0, 15)), ("val", slice(15, 21)), ("Test", slice(21, 30))):
        save_pictures(tmp_path / part, PICTURES[rows], LABELS[rows])
    splits = load(tmp_path)
    assert splits.validation is not None and splits.test is not None
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [15, 6, 9]
    assert np.bincount(splits.test.targets).tolist() == [3, 3, 3]


def test_grey_and_colour_together_become_colour_and_transparency_is_dropped(tmp_path: Path) -> None:
    save_pictures(tmp_path, PICTURES[:6], LABELS[:6])
    Image.fromarray(PICTURES[6]).convert("RGBA").save(tmp_path / "class 0" / "clear.png")
    splits = load(tmp_path, test_fraction=0)
    assert splits.train.image_shape == (6, 5, 3)
    assert splits.notes[:2] == ("The pictures are 5 × 6 pixels, in colour.", "Transparency was dropped.")


def test_deep_greys_keep_their_16_bits(tmp_path: Path) -> None:
    deep = RANDOM.integers(0, 65_536, (6, 4, 4)).astype(np.uint16)
    save_pictures(tmp_path, deep, np.sort(LABELS[:6]))
    train = load(tmp_path, test_fraction=0).train
    assert train.inputs.dtype == np.uint16 and np.array_equal(train.inputs, deep)


def test_deep_greys_among_others_are_refused(tmp_path: Path) -> None:
    save_pictures(tmp_path, RANDOM.integers(0, 65_536, (2, 6, 5)).astype(np.uint16), np.array([0, 1]))
    Image.fromarray(PICTURES[0]).save(tmp_path / "class 0" / "other.png")
    with pytest.raises(InputError, match="the pictures mix 16-bit greys with other kinds; convert them to one kind"):
        load(tmp_path)


def test_other_files_among_the_pictures_are_left_out_and_said(tmp_path: Path) -> None:
    save_pictures(tmp_path, PICTURES, LABELS)
    (tmp_path / "class 0" / "README.txt").write_text("made by hand")
    (tmp_path / "class 1" / ".DS_Store").write_bytes(b"\0")
    splits = load(tmp_path, test_fraction=0)
    assert len(splits.train) == 30 and "1 file without a picture was left out." in splits.notes


def test_a_folder_with_a_broken_file_beside_the_data_is_loaded(tmp_path: Path) -> None:
    write_mnist_like(tmp_path)
    (tmp_path / "broken.gz").write_bytes(b"\x1f\x8b" + bytes(50))
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    assert len(load(tmp_path).train) == 20


def test_a_folder_that_may_not_be_read_gives_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match=r"cannot be read \(permission denied\)\.$"):
        load(tmp_path)


def test_a_file_that_may_not_be_read_gives_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "t.csv").write_text("a,b\n")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match=r"t\.csv: cannot be read \(permission denied\)\.$"):
        load(tmp_path / "t.csv")
