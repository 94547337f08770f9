"""The bundle: everything needed to score, as a folder of plain data.

`model.ubj` holds the trees, `reference.json` the reference distributions, `golden.json` made-up
customers with the probabilities that they had at training, `bundle.json` the rest together with the
hashes of the other three and of itself. No pickle, nothing that depends on time or place: the same
inputs give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import xgboost
from pydantic import BaseModel, Field, ValidationError

from churn.atomic import write_bytes
from churn.calibration import Calibration
from churn.contract import Contract, Frozen
from churn.errors import InvalidBundle
from churn.golden import Golden
from churn.preprocess import Preprocessor
from churn.reference import Reference

M = TypeVar("M", bound=BaseModel)

FORMAT = 3
MODEL, REFERENCE, GOLDEN = "model.ubj", "reference.json", "golden.json"
BUNDLE = "bundle.json"
# Of its hash, by which a model goes that has no version.
DIGITS = 12


class Provenance(Frozen):
    """What the bundle was made of: hashes of the training rows and of the parameters."""

    data_sha256: str
    parameters_sha256: str
    train_rows: int
    train_churners: int


class Manifest(Frozen):
    """Content of `bundle.json`.

    Attributes:
        format: version of this layout.
        contract: of the table that the model was trained on.
        preprocessor: fitted preparation of the inputs.
        feature_names: columns of the model matrix, in the model's order.
        calibration: from the margin of the trees to the probability.
        threshold: probability from which a customer is called a churner.
        provenance: what the bundle was made of.
    """

    format: Literal[3] = 3
    contract: Contract
    preprocessor: Preprocessor
    feature_names: tuple[str, ...]
    calibration: Calibration
    threshold: float = Field(ge=0, le=1)
    provenance: Provenance


class Bundle:
    """A trained model with all it needs.

    Attributes:
        manifest: contract, preparation, threshold, provenance.
        reference: distributions of the training rows.
        booster: the trees.
        golden: made-up customers and their probabilities; None until they are scored
            (`churn.scoring.with_golden`), and never in a bundle that was read.
    """

    def __init__(
        self,
        manifest: Manifest,
        reference: Reference,
        booster: xgboost.Booster,
        golden: Golden | None = None,
    ) -> None:
        self.manifest = manifest
        self.reference = reference
        self.booster = booster
        self.golden = golden

    @cached_property
    def sha256(self) -> str:
        """The hash that names the bundle: that of `bundle.json`, which holds those of the rest."""
        digest: str = self._packed()[0]["sha256"]
        return digest

    @property
    def short(self) -> str:
        """The beginning of its hash, by which a model goes that has no version."""
        return self.sha256[:DIGITS]

    def _packed(self) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Content of `bundle.json`, and the other files by name."""
        if self.golden is None:
            raise ValueError("the bundle has no golden rows yet: churn.scoring.with_golden")
        files = {
            MODEL: bytes(self.booster.save_raw("ubj")),
            REFERENCE: _json(self.reference.model_dump(mode="json")),
            GOLDEN: _json(self.golden.model_dump(mode="json")),
        }
        content = self.manifest.model_dump(mode="json", by_alias=True)
        content["files"] = {name: _sha256(data) for name, data in files.items()}
        content["sha256"] = _sha256(_json(content))
        return content, files

    def save(self, folder: Path) -> None:
        """Write the four files into `folder`, which is created."""
        content, files = self._packed()
        for name, data in {**files, BUNDLE: _json(content)}.items():
            write_bytes(folder / name, data)

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """Read a bundle and check every hash.

        Raises:
            InvalidBundle: a file is missing, changed, or of another format.
        """
        content = _read_manifest(folder / BUNDLE)
        expected = content.pop("files")
        raw = {name: _read(folder / name) for name in (MODEL, REFERENCE, GOLDEN)}
        for name, data in raw.items():
            if _sha256(data) != expected.get(name):
                raise InvalidBundle(folder / name, f"its hash is not the one in {BUNDLE}")
        own_hash = content.pop("sha256")
        manifest = _checked(Manifest, content, folder / BUNDLE)
        reference = _checked(Reference, raw[REFERENCE], folder / REFERENCE)
        golden = _checked(Golden, raw[GOLDEN], folder / GOLDEN)
        try:
            booster = xgboost.Booster(model_file=bytearray(raw[MODEL]))
        except xgboost.core.XGBoostError:
            raise InvalidBundle(folder / MODEL, "XGBoost cannot read it") from None
        bundle = cls(manifest, reference, booster, golden)
        # The hash of what was read, whatever this version of the code would write.
        bundle.sha256 = own_hash
        return bundle


def _checked(model: type[M], content: object, path: Path) -> M:
    try:
        return model.model_validate(json.loads(content) if isinstance(content, bytes) else content)
    except json.JSONDecodeError:
        raise InvalidBundle(path, "it is not JSON") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidBundle(path, f"{place}: {first['msg']}") from None


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(_read(path))
        if not isinstance(content, dict) or not isinstance(content.get("files"), dict):
            raise InvalidBundle(path, "it is not a bundle")
        own_hash = content.pop("sha256", None)
        found_hash = _sha256(_json(content))
    except (ValueError, RecursionError):
        raise InvalidBundle(path, "it is not JSON") from None
    if content.get("format") != FORMAT:
        raise InvalidBundle(path, f"format {content.get('format')!r} is not {FORMAT}")
    if found_hash != own_hash:
        raise InvalidBundle(path, "its own hash does not match its content")
    return {**content, "sha256": own_hash}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidBundle(path, "no such file") from None
    except OSError as error:
        raise InvalidBundle(path, str(error.strerror)) from None


def _json(data: object) -> bytes:
    return (json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
