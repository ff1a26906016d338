"""The checked configuration: config.yaml, and what is given with --config.

Imports nothing heavy: Snakemake reads this module each time it parses the workflow.
"""

from __future__ import annotations

import ast
import difflib
import glob
import os
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from common.data import plain_yaml
from common.data.catalog import DataError, given_folder, prepared_file, reason
from common.running import protocols
from common.running.code import HOMES, ROOT
from common.running.command_line import DEVICE

SCALE_CHOICES = ("auto", *protocols.SCALES, "recorded")
FOLDERS = ("data", "results", "figures", "logs")  # that a run writes into
KEYS = (
    "scale",
    "device",
    "gpu_jobs_per_device",
    "data_mirror",
    "imagenet_folder",
    "seeds",
    "papers",
    "studies",
    "method",
)
# Of a method of the user's own, which is called so. A name that repeats itself for long is none to Snakemake.
METHOD_FILE = re.compile(r"(?!.*?(.+?)\1{9})[a-z]\w{0,59}\.py")
EXAMPLE = "examples/my_method.py"


class ConfigError(Exception):
    """A value in config.yaml, or given with --config, that cannot be; the message says which and what to write."""


def config_file(path: str) -> str:
    """Return the path of a configuration file that is plain YAML. Raises ConfigError for any other, before Snakemake reads it.

    Snakemake reads YAML 1.1, in which 010 is 8 and 1:30 is 90: a value that it takes for another is refused as well.
    """
    try:
        content = plain_yaml.read(path)
    except ValueError as error:
        raise ConfigError(f"config: {error}") from None
    with open(path, encoding="utf-8") as file:
        taken = yaml.safe_load(file)
    for key, value in content.items() if isinstance(content, dict) else ():
        if repr(taken.get(key)) != repr(value):
            raise ConfigError(
                f"config: {path}: Snakemake would take {key} {value!r} for {taken.get(key)!r}; write whole numbers in plain "
                "digits, and a text in quotes"
            )
    return path


def check_config(config: Mapping[str, Any]) -> None:
    """Raises ConfigError, with the closest valid choice, for unknown or missing keys and for values that cannot be."""
    for key in config:
        if key not in KEYS:
            raise ConfigError(f"config: unknown key {key!r}{hint(key, KEYS)}")
    if missing := [key for key in KEYS if key not in config]:
        raise ConfigError(f"config: missing key {', '.join(map(repr, missing))}; config.yaml must give all of them")
    if config["scale"] not in SCALE_CHOICES:
        raise ConfigError(f"config: unknown scale {config['scale']!r}{hint(config['scale'], SCALE_CHOICES)}")
    if not DEVICE.fullmatch(str(config["device"])):
        raise ConfigError(f"config: unknown device {config['device']!r}; write auto, cpu, cuda or cuda:1")
    if not (type(config["gpu_jobs_per_device"]) is int and config["gpu_jobs_per_device"] > 0):
        raise ConfigError(
            f"config: gpu_jobs_per_device cannot be {config['gpu_jobs_per_device']!r}; write how many jobs share a GPU, such as 1"
        )
    if config["seeds"] != "all" and not (type(config["seeds"]) is int and config["seeds"] > 0):
        raise ConfigError(
            f"config: seeds cannot be {config['seeds']!r}; write all, or how many at most, such as seeds=1"
        )
    for key in ("data_mirror", "imagenet_folder"):
        try:
            folder = given_folder(key, config[key])
            if key == "imagenet_folder" and folder and os.path.exists(prepared := prepared_file("imagenet")):
                from common.data.load import check_from_folder  # needs numpy

                check_from_folder(prepared, folder)
        except DataError as error:
            raise ConfigError(f"config: {error}") from error
    for folder in FOLDERS:
        if os.path.lexists(folder) and not os.path.isdir(folder):
            raise ConfigError(
                f"{os.path.abspath(folder)} is no folder, or leads to none; move it away, or mount what it leads to"
            )
    for folder in (".", *FOLDERS[1:]):  # data may lie on a disk that is read-only
        if os.path.isdir(folder) and not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigError(
                f"{os.path.abspath(folder)} may not be written; allow it, or work in a folder of your own: snakemake --directory FOLDER"
            )
    for path in glob.glob("figures/*.*"):
        if os.path.isdir(path):
            raise ConfigError(f"{path} is a folder, where a figure belongs; move it away")
    for path in (*glob.glob("data/prepared/*.npz"), *glob.glob("data/smoke/*.npz")):
        if os.path.getmtime(path) > time.time() + 10:  # seconds; Snakemake fails for it, but only once a job is done
            raise ConfigError(f"{path} is dated in the future; correct the clock, or date it now: touch {path}")
    for home in HOMES:
        _check_folders(home, config[home])
    _check_method(config["method"])
    if config["method"] and not config["studies"]:
        raise ConfigError(
            "config: method takes part in studies, and none is named; write such as studies='[cross_benchmark]'"
        )
    for key, none, written in (("seeds", "all", "all"), ("method", "", "''")):
        if config["scale"] == "recorded" and config[key] != none:
            raise ConfigError(
                f"config: kept runs are drawn as they are, so {key} has no effect at scale recorded; write {key}={written}"
            )
    if config["scale"] == "recorded" and not any((ROOT / "papers").glob("*/recorded/*.csv")):
        raise ConfigError("config: scale 'recorded' has no tables yet (papers/*/recorded/*.csv); choose another scale")


def _check_folders(home: str, names: Any) -> None:
    known = sorted(rules.parent.name for rules in (ROOT / home).glob("*/rules.smk"))
    if not isinstance(names, list) or (home == HOMES[0] and not names):
        raise ConfigError(f"config: {home} must be a list such as [{known[0]}], not {names!r}")
    for name in names:
        if name not in known:
            raise ConfigError(f"config: {home} has no {name!r}{hint(name, known)}")
        if names.count(name) > 1:
            raise ConfigError(f"config: {home} names {name!r} twice; name it once")


def _check_method(file: Any) -> None:
    """Raise ConfigError unless `file` is empty, or a Python file that defines what a method of the user's own needs."""
    if file == "":
        return
    if not (isinstance(file, str) and METHOD_FILE.fullmatch(os.path.basename(file))):
        raise ConfigError(
            f"config: method must be a file such as {EXAMPLE}, named in at most 60 small letters, or '' for none, not {file!r}"
        )
    try:
        with open(file, "rb") as source:  # in whatever encoding Python reads
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError) as error:
        raise ConfigError(f"config: method {file} cannot be read: {reason(error)}; {EXAMPLE} shows how") from error
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        defined |= {target.id for target in targets if isinstance(target, ast.Name)}
    for kind, name in (("the dictionary", "SEARCHED"), ("a function", "consolidation")):
        if name not in defined:
            raise ConfigError(f"config: method {file} does not define {kind} {name}; {EXAMPLE} shows how")


def hint(given: Any, known: Iterable[str]) -> str:
    """Return what to write in place of a name that is not known: the closest, and all."""
    known = list(known)
    close = difflib.get_close_matches(str(given), known, n=1)
    return (f"; did you mean {close[0]!r}?" if close else ";") + f" Known are {', '.join(known)}"
