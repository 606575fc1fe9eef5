from __future__ import annotations

import hashlib
import lzma
import mmap
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from isolet_nn.config.holdouts import SpeakerFold, SpeakerHoldout
from isolet_nn.data import Dataset, RawDataset, isolet_files, load_dataset, load_raw
from isolet_nn.data import isolet as module
from isolet_nn.errors import DataError

from .conftest import TEST, TRAIN, Isolet, changed, config, folder_with

BY_SPEAKER = SpeakerHoldout(fraction=0.2, by="speaker")


# The data as published.


@pytest.mark.parametrize(
    ("part", "size", "checksum"),
    [
        (TRAIN, 32445949, "aa935cc98ec22ee689aa5b2ddf1fdce074692f7016f0255f0982df133ccbab38"),
        (TEST, 8110875, "d3409bb424f2bf9a68d0d07d4824b1d776b430d2e49c1207f00502a9e2f2a899"),
    ],
)
def test_the_embedded_data_written_as_text_are_the_files_of_the_archive(
    isolet: Isolet, part: str, size: int, checksum: str
) -> None:
    text = (isolet.folder / f"{part}.data").read_bytes()
    assert len(text) == size
    assert hashlib.sha256(text).hexdigest() == checksum


def test_the_embedded_data_are_both_parts_with_the_published_checksums(warm_cache: Path) -> None:
    dataset = load_dataset(config(None), seed=0)
    assert (len(dataset.train), len(dataset.test)) == (6238, 1559)
    assert (dataset.n_features, dataset.n_classes) == (617, 26)
    parsed = module.read(isolet_files.EMBEDDED)
    assert parsed.facts["checksums"] == {
        "isolet1+2+3+4": "ab76edf9e6a6d11cce4bdfce546735f43588e9a9d5eda52bab05584f3502361c",
        "isolet5": "fe12df839d1cf3044152db236d3a47c9f8ac613815d8f017683c97c71075b0d5",
    }


def test_classes_are_the_letters(raw: RawDataset) -> None:
    assert "".join(raw.classes) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert np.bincount(raw.y).tolist() == [300] * 5 + [298] + [300] * 6 + [299] + [300] * 13


def test_float64_values_are_the_decimals_of_the_file(isolet: Isolet, raw: RawDataset) -> None:
    for row in (0, 1, 6237):
        written = [float(cell) for cell in isolet.train[row].split(b",")]
        assert raw.values(np.array([row]))[0].tolist() == written[:-1]
        assert raw.y[row] == written[-1] - 1
    written = [float(cell) for cell in isolet.test[-1].split(b",")]
    assert raw.x[-1].tolist() == written[:-1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_unscaled_features_are_the_numbers_nearest_to_the_decimals(
    isolet: Isolet, warm_cache: Path, dtype: str
) -> None:
    plain = config(isolet.folder).model_copy(update={"standardize": False})
    dataset = load_dataset(plain, seed=0, dtype=dtype)
    written = [float(cell) for cell in isolet.test[7].split(b",")][:-1]
    assert dataset.test.x.dtype == dtype
    assert dataset.test.x.flags.c_contiguous
    assert dataset.preprocessing.scaler is None
    np.testing.assert_array_equal(dataset.test.x[7], np.array(written).astype(dtype))


# Speakers.


def test_150_speakers_spoke_52_letters_each_but_for_the_missing_recordings(raw: RawDataset) -> None:
    assert raw.groups is not None
    counts = dict(enumerate(np.bincount(raw.groups).tolist()))
    assert len(counts) == 150
    assert {speaker: n for speaker, n in counts.items() if n != 52} == {84: 51, 108: 51, 123: 51}


@pytest.mark.parametrize(
    ("rows", "speakers"),
    [
        (slice(0, 1560), range(30)),
        (slice(1560, 3120), range(30, 60)),
        (slice(3120, 4680), range(60, 120)),
        (slice(4680, 6238), range(60, 120)),
        (slice(6238, 7797), range(120, 150)),
    ],
)
def test_each_part_has_its_own_speakers_and_isolet3_and_4_share_theirs(
    raw: RawDataset, rows: slice, speakers: range
) -> None:
    assert raw.groups is not None
    assert np.unique(raw.groups[rows]).tolist() == list(speakers)


@pytest.mark.parametrize(("speaker", "letter"), [(84, "F"), (108, "F"), (123, "M")])
def test_the_missing_recordings_are_a_second_f_and_an_m(
    raw: RawDataset, speaker: int, letter: str
) -> None:
    assert raw.groups is not None
    counts = np.bincount(raw.y[raw.groups == speaker], minlength=26)
    expected = [1 if name == letter else 2 for name in raw.classes]
    assert counts.tolist() == expected


def test_a_speaker_without_second_f_is_heard_with_the_first(raw: RawDataset) -> None:
    assert raw.groups is not None
    rows = np.flatnonzero((raw.groups == 84) & (raw.y == 5))
    assert 3120 <= rows[0] < 4680


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(seed=st.integers(0, 2**63), fraction=st.floats(0.01, 0.99))
def test_no_speaker_is_in_two_splits(raw: RawDataset, seed: int, fraction: float) -> None:
    from isolet_nn.data.splits import rows_of_splits

    holdout = SpeakerHoldout(fraction=fraction, by="speaker")
    train, validation, test = rows_of_splits(raw, config(None, validation=holdout), seed)
    assert raw.groups is not None
    assert validation is not None
    parts = [set(raw.groups[rows].tolist()) for rows in (train, validation, test)]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 150
    assert len(parts[1]) == min(max(round(fraction * 120), 1), 119)
    assert len(train) + len(validation) + len(test) == 7797


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(seed=st.integers(0, 2**63), folds=st.integers(2, 120))
def test_no_speaker_is_in_two_folds(raw: RawDataset, seed: int, folds: int) -> None:
    from isolet_nn.data.splits import rows_of_splits

    assert raw.groups is not None
    speakers_held: list[int] = []
    rows_held = 0
    for number in {0, folds // 2, folds - 1} if folds > 5 else range(folds):
        fold = SpeakerFold(folds=folds, fold=number, by="speaker")
        train, validation, test = rows_of_splits(raw, config(None, validation=fold), seed)
        assert validation is not None
        parts = [set(raw.groups[rows].tolist()) for rows in (train, validation, test)]
        assert len(set.union(*parts)) == sum(map(len, parts)) == 150
        assert len(parts[1]) in (120 // folds, -(-120 // folds))
        assert len(train) + len(validation) == 6238
        speakers_held += parts[1]
        rows_held += len(validation)
    assert len(set(speakers_held)) == len(speakers_held)
    if folds <= 5:
        assert sorted(speakers_held) == list(range(120))
        assert rows_held == 6238


def test_five_folds_of_isolet_have_24_speakers_each_and_differ_by_a_row(raw: RawDataset) -> None:
    from isolet_nn.data.splits import rows_of_splits

    sizes = []
    for number in range(5):
        fold = SpeakerFold(folds=5, fold=number, by="speaker")
        _, held, _ = rows_of_splits(raw, config(None, validation=fold), 0)
        assert held is not None
        sizes.append(len(held))
    assert sorted(sizes) == [1247, 1247, 1248, 1248, 1248]


@pytest.mark.parametrize(
    "validation",
    [
        SpeakerHoldout(fraction=0.2, by="speaker"),
        *(SpeakerFold(folds=5, fold=number, by="speaker") for number in range(5)),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_parts_by_speaker_take_equally_many_of_the_four_blocks_of_speakers(
    raw: RawDataset, validation: SpeakerHoldout | SpeakerFold, seed: int
) -> None:
    from isolet_nn.data.splits import rows_of_splits

    _, held, _ = rows_of_splits(raw, config(None, validation=validation), seed)
    assert raw.groups is not None
    assert held is not None
    assert np.bincount(np.unique(raw.groups[held]) // 30).tolist() == [6, 6, 6, 6]


def test_more_folds_than_speakers_are_an_error(isolet: Isolet, warm_cache: Path) -> None:
    fold = SpeakerFold(folds=121, fold=0, by="speaker")
    with pytest.raises(DataError, match=r"found 121, but .* has only 120 speakers to divide"):
        load_dataset(config(isolet.folder, validation=fold), seed=0)


def test_a_fifth_of_the_speakers_are_held_out_with_their_groups(
    isolet: Isolet, warm_cache: Path
) -> None:
    dataset = load_dataset(config(isolet.folder, validation=BY_SPEAKER), seed=0)
    assert dataset.validation is not None
    assert dataset.validation.groups is not None
    assert dataset.train.groups is not None
    assert dataset.group_name == "speaker"
    assert len(np.unique(dataset.validation.groups)) == 24
    assert len(np.unique(dataset.train.groups)) == 96


def test_scaling_is_measured_on_the_training_part_only(isolet: Isolet, warm_cache: Path) -> None:
    dataset = load_dataset(config(isolet.folder, validation=BY_SPEAKER), seed=0)
    assert np.abs(dataset.train.x.mean(axis=0, dtype=np.float64)).max() < 1e-6
    assert np.abs(dataset.train.x.std(axis=0, dtype=np.float64) - 1).max() < 1e-5
    assert np.abs(dataset.test.x.mean(axis=0)).max() > 0.1


def test_the_archives_files_are_the_same_data_set_as_the_embedded_rows(
    isolet: Isolet, raw: RawDataset
) -> None:
    from_files = load_raw(config(isolet.folder))
    assert from_files.checksum == raw.checksum
    assert from_files.groups is not None
    assert raw.groups is not None
    np.testing.assert_array_equal(from_files.groups, raw.groups)
    assert (from_files.source, raw.source) == (
        f"{isolet.folder}/{TRAIN}.data and {isolet.folder}/{TEST}.data",
        "comes with isolet-nn",
    )


# The order of the rows.


def shuffled(lines: list[bytes]) -> list[bytes]:
    order = np.random.default_rng(0).permutation(len(lines))
    return [lines[i] for i in order]


def test_a_shuffled_file_is_isolet_but_its_speakers_cannot_be_told(
    isolet: Isolet, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path, shuffled(isolet.train), isolet.test)
    by_rows = load_dataset(config(folder, validation=SpeakerHoldout(fraction=0.1)), seed=0)
    assert by_rows.train.groups is None
    assert by_rows.group_name is None
    with pytest.raises(DataError, match=r"dataset\.validation\.by.*archive's order"):
        load_dataset(config(folder, validation=BY_SPEAKER), seed=0)


def test_an_order_with_the_right_numbers_of_letters_but_other_speakers_is_noticed(
    isolet: Isolet, tmp_path: Path
) -> None:
    # Two rows of one letter and one quarter, but of different speakers, change places.
    train = isolet.train.copy()
    train[0], train[520] = train[520], train[0]
    raw = load_raw(config(folder_with(tmp_path, train, isolet.test)))
    assert raw.groups is None


def test_an_order_that_tells_the_same_speakers_is_accepted(isolet: Isolet, raw: RawDataset) -> None:
    # As in a file sorted by letter within each quarter.
    y = raw.y[:6238]
    quarter = np.repeat(np.arange(4), (1560, 1560, 1560, 1558))
    order = np.concatenate([np.lexsort((np.arange(6238), y, quarter)), np.arange(6238, 7797)])
    speakers = module.derive_speakers(raw.y[order], 6238)
    assert speakers is not None
    assert raw.groups is not None
    np.testing.assert_array_equal(speakers, raw.groups[order])


@pytest.mark.parametrize("n_train", [6237, 0])
def test_speakers_are_not_told_from_another_number_of_rows(raw: RawDataset, n_train: int) -> None:
    assert module.derive_speakers(raw.y, n_train) is None
    assert module.derive_speakers(raw.y[:-1], 6238) is None


def test_a_test_part_in_another_order_tells_no_speakers(raw: RawDataset) -> None:
    y = raw.y.copy()
    y[6238:] = np.sort(y[6238:])
    assert module.derive_speakers(y, 6238) is None


@given(arrays(np.int16, st.tuples(st.integers(1, 8), st.integers(1, 4))))
def test_the_content_checksum_does_not_depend_on_the_order_of_rows(
    rows: NDArray[np.int16],
) -> None:
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    assert module.content_checksum(rows) == module.content_checksum(rows[order])


def test_the_content_checksum_sorts_numbers_and_not_their_bytes() -> None:
    import hashlib

    rows = np.array([[256, 1], [-1, 2], [1, 3]], dtype=np.int16)
    in_order = np.array([[-1, 2], [1, 3], [256, 1]], dtype="<i2")
    assert module.content_checksum(rows) == hashlib.sha256(in_order.tobytes()).hexdigest()


# Content that is not ISOLET's.


def test_a_changed_value_is_named_with_its_line(isolet: Isolet, tmp_path: Path) -> None:
    test = isolet.test.copy()
    test[700] = changed(test[700], 3, b"0.0001")
    folder = folder_with(tmp_path, isolet.train, test)
    with pytest.raises(DataError) as caught:
        load_raw(config(folder))
    message = str(caught.value)
    assert f"{folder}/isolet5.data: the content is not that of isolet5" in message
    assert "found 1,559 rows, expected 1,559; line 701 is the first that is wrong" in message
    assert "dataset.verify: false" in message
    assert TRAIN not in message
    # It goes on deliberately, speakers included, as the order is still the archive's.
    raw = load_raw(config(folder, verify=False))
    assert raw.groups is not None
    with pytest.raises(DataError, match="line 701"):
        load_raw(config(folder))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("missing", r"isolet5.data: .*found 1,558 rows, .*; all rows found belong.* but 1 are mis"),
        ("twice", r"isolet5.data: .*found 1,560 rows, .*; line 13 .*\(a row twice, label C\)"),
    ],
)
def test_missing_and_repeated_rows_are_told_apart(
    isolet: Isolet, tmp_path: Path, change: str, message: str
) -> None:
    test = isolet.test.copy()
    if change == "missing":
        del test[9]
    else:
        test.insert(12, test[4])
    folder = folder_with(tmp_path, isolet.train, test)
    with pytest.raises(DataError, match=message):
        load_raw(config(folder))


def test_a_small_excerpt_is_refused_and_read_deliberately(small: Path) -> None:
    with pytest.raises(DataError, match="found 104 rows, expected 6,238"):
        load_raw(config(small))
    dataset = load_dataset(config(small, verify=False), seed=0)
    assert (len(dataset.train), len(dataset.test)) == (104, 52)
    assert dataset.train.groups is None


# Where it is looked for.


def test_a_named_folder_without_isolet_is_an_error_that_lists_what_was_looked_for(
    tmp_path: Path,
) -> None:
    message = (
        r"dataset\.dir: .*: found no ISOLET data; looked for isolet\.zip, or "
        r"isolet1\+2\+3\+4\.data and isolet5\.data \(.*\), or UCI's data\.csv"
    )
    with pytest.raises(DataError, match=message):
        load_raw(config(tmp_path))


def test_a_named_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"dataset\.dir: .*nowhere: no such folder"):
        load_raw(config(tmp_path / "nowhere"))


def test_a_named_file_is_an_error_that_asks_for_its_folder(small: Path) -> None:
    with pytest.raises(DataError, match="is a file; give the folder"):
        load_raw(config(small / f"{TRAIN}.data"))


def test_half_of_isolet_is_an_error_that_names_the_half(small: Path) -> None:
    (small / f"{TEST}.data").unlink()
    with pytest.raises(DataError, match=r"found only isolet1\+2\+3\+4\.data; looked for"):
        load_raw(config(small))


def test_the_variable_names_a_folder_too(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOLET_NN_DATA_DIR", str(small))
    assert len(load_raw(config(None, verify=False)).y) == 156
    monkeypatch.setenv("ISOLET_NN_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"^ISOLET_NN_DATA_DIR: .*found no ISOLET"):
        load_raw(config(None, verify=False))
    # A folder named in the config comes first.
    assert len(load_raw(config(small, verify=False)).y) == 156


def test_a_home_folder_may_be_written_short(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(small.parent))
    assert len(load_raw(config(Path("~/small"), verify=False)).y) == 156


def test_the_embedded_data_are_decoded_once_and_then_mapped_from_the_cache(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_raw(config(None))

    def refuse(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(isolet_files, "read", refuse)
    again = load_raw(config(None))
    assert again.checksum == first.checksum
    owner: Any = again.stored
    while isinstance(owner, np.ndarray):
        owner = owner.base
    assert isinstance(owner, mmap.mmap)
    assert {path.parent for path in own_cache.rglob("*.npy")} == {own_cache / "arrays"}


def test_the_embedded_data_are_read_without_a_cache(
    tmp_path: Path, raw: RawDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder can be made below a file", encoding="utf-8")
    monkeypatch.setenv("ISOLET_NN_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert load_raw(config(None)).checksum == raw.checksum


@pytest.mark.parametrize("damage", ["cut short", "other content", "missing"])
def test_a_damaged_installation_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    if damage != "missing":
        content = (Path(module.__file__).parent / "isolet.xz").read_bytes()[:100_000]
        (tmp_path / "isolet.xz").write_bytes(
            content if damage == "cut short" else lzma.compress(bytes(1000))
        )
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    with pytest.raises(DataError, match=r"isolet\.xz: .*; install isolet-nn again"):
        load_raw(config(None))


# Start-up.

PROGRAM = """
import sys
import isolet_nn.data
heavy = {"sklearn", "unlzw3", "filelock", "rich", "scipy", "matplotlib"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
from isolet_nn.config.datasets import IsoletDataset
from isolet_nn.config.holdouts import SpeakerHoldout
holdout = SpeakerHoldout(fraction=0.2, by="speaker")
config = IsoletDataset(name="isolet", validation=holdout)
dataset = isolet_nn.data.load_dataset(config, seed=0)
assert len(dataset.test) == 1559
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def test_loading_from_the_cache_imports_nothing_heavy(raw: RawDataset) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert result.returncode == 0, result.stderr


def test_equal_seeds_give_equal_splits_and_others_do_not(isolet: Isolet, warm_cache: Path) -> None:
    def validation_speakers(seed: int, split_seed: int | None = None) -> list[int]:
        chosen = config(isolet.folder, validation=BY_SPEAKER)
        chosen = chosen.model_copy(update={"split_seed": split_seed, "standardize": False})
        dataset: Dataset = load_dataset(chosen, seed)
        assert dataset.validation is not None
        assert dataset.validation.groups is not None
        return np.unique(dataset.validation.groups).tolist()  # type: ignore[no-any-return]

    assert validation_speakers(0) == validation_speakers(0)
    assert validation_speakers(0) != validation_speakers(1)
    assert validation_speakers(0, split_seed=1) == validation_speakers(1)
