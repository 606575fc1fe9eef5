from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from isolet_nn.config.datasets import (
    BundledDataset,
    CsvDataset,
    DatasetConfig,
    IsoletDataset,
    XorDataset,
)
from isolet_nn.config.section import sections_of
from isolet_nn.data import isolet_files
from isolet_nn.data.catalog import KINDS, describe, describe_all, fetch
from isolet_nn.data.kind import DatasetInfo
from isolet_nn.errors import DataError

from .conftest import TEST, Isolet


def as_json(info: DatasetInfo) -> str:
    return json.dumps(dataclasses.asdict(info), allow_nan=False)


def test_every_data_set_of_the_config_is_registered_with_who_reads_it() -> None:
    assert [*KINDS] == sections_of(DatasetConfig)


def test_every_name_an_experiment_can_give_is_listed() -> None:
    infos = describe_all()
    assert [info.name for info in infos] == [
        "isolet",
        "digits",
        "iris",
        "wine",
        "breast_cancer",
        "xor",
        "moons",
        "spirals",
        "csv",
        "openml",
    ]
    assert all(info.description and info.source and as_json(info) for info in infos)


def test_isolet_is_listed_with_where_it_lies_or_that_it_comes_with_the_package(
    isolet: Isolet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert describe_all()[0].source == "comes with isolet-nn"
    assert describe_all()[0].available
    monkeypatch.setenv("ISOLET_NN_DATA_DIR", str(isolet.folder))
    assert str(isolet.folder) in describe_all()[0].source
    assert describe_all()[0].available
    monkeypatch.setenv("ISOLET_NN_DATA_DIR", str(tmp_path))
    assert "found no ISOLET data" in describe_all()[0].source
    assert not describe_all()[0].available


def test_isolet_is_described_with_its_checksums_and_a_verdict(warm_cache: Path) -> None:
    config = IsoletDataset(name="isolet")
    info = fetch(config)
    assert info == describe(config)
    assert (info.rows, info.train_rows, info.test_rows, info.features) == (7797, 6238, 1559, 617)
    assert (info.group_name, info.groups) == ("speaker", 150)
    assert info.verdict == "genuine: the content and the speakers are those of ISOLET"
    assert info.part_checksums[TEST].startswith("fe12df83")
    assert info.licence == "CC BY 4.0"
    assert info.citation is not None
    assert "10.24432/C51G69" in info.citation


def test_an_excerpt_is_described_as_not_isolet(small: Path) -> None:
    config = IsoletDataset(name="isolet", dir=str(small))
    info = describe(config)
    assert info.rows == 156
    assert info.groups is None
    assert info.verdict is not None
    assert info.verdict.startswith("not ISOLET: ")
    assert "found 104 rows, expected 6,238" in info.verdict
    assert as_json(info)
    with pytest.raises(DataError, match="expected 6,238"):
        fetch(config)


def test_another_order_of_isolet_is_described_as_without_speakers(
    isolet: Isolet, tmp_path: Path
) -> None:
    for part, lines in zip(isolet_files.PARTS, (isolet.train[::-1], isolet.test), strict=True):
        (tmp_path / f"{part}.data").write_bytes(b"".join(lines))
    info = describe(IsoletDataset(name="isolet", dir=str(tmp_path)))
    assert info.verdict is not None
    assert "genuine content, but not in the archive's order" in info.verdict
    assert info.groups is None


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer"])
def test_what_is_listed_of_bundled_sets_is_what_is_in_them(name: str) -> None:
    config = BundledDataset.model_validate({"name": name})
    listed = next(info for info in describe_all() if info.name == name)
    found = fetch(config)
    assert found == dataclasses.replace(listed, checksum=found.checksum)
    assert found.checksum is not None


def test_xor_is_described(tmp_path: Path) -> None:
    info = describe(XorDataset(name="xor"))
    assert (info.rows, info.train_rows, info.test_rows, info.classes) == (4, 4, 4, ("0", "1"))


def test_a_csv_table_is_described_from_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,who,y\n1,1,a\n2,1,b\n3,2,a\n")
    info = describe(CsvDataset(name="csv", path=str(path), group="who"))
    assert info.source == str(path)
    assert (info.rows, info.train_rows, info.test_rows) == (3, None, None)
    assert (info.classes, info.group_name, info.groups) == (("a", "b"), "who", 2)
    both = CsvDataset(name="csv", path=str(path), test_path=str(path), group="who")
    assert (describe(both).train_rows, describe(both).test_rows) == (3, 3)
