"""From a file to `Settings`, or to every mistake that is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.settings.complaints import complaints
from ryu_alg.settings.consistency import contradictions
from ryu_alg.settings.model import Settings
from ryu_alg.settings.problems import ConfigurationError, Finding, Problem, dotted
from ryu_alg.settings.protocols import InstalledProtocols, ProtocolUnusableError
from ryu_alg.settings.source import Source, SourceError


def load(path: str | Path, installed: Mapping[str, ProtocolSpec] | None = None) -> Settings:
    """The configuration in the file at `path`.

    `installed` stands in for the protocols of the entry point group `ryu_alg.protocols`.
    Raises ConfigurationError.
    """
    file = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        problem = Problem(file, 0, "", f"cannot be read: {error.strerror}", "")
        raise ConfigurationError([problem]) from error
    except UnicodeDecodeError as error:
        problem = Problem(file, 0, "", "is not UTF-8 text", "save it as UTF-8")
        raise ConfigurationError([problem]) from error
    return parse(text, file, installed)


def parse(
    text: str, file: str = "<text>", installed: Mapping[str, ProtocolSpec] | None = None
) -> Settings:
    """The configuration in `text`; `file` is what errors call it, and where relative paths start.

    Raises ConfigurationError.
    """
    if installed is None:
        installed = InstalledProtocols()
    try:
        source = Source(text)
    except SourceError as error:
        finding = error.finding
        problem = Problem(file, error.line, dotted(finding.path), finding.wrong, finding.right)
        raise ConfigurationError([problem]) from error
    findings: list[Finding] = []
    settings = _settings(source.data, Path(file).parent, installed, findings)
    if settings is not None and not findings:
        findings += contradictions(settings, installed)
    if settings is None or findings:
        raise ConfigurationError(_located(findings, source, file))
    return settings


def _located(findings: list[Finding], source: Source, file: str) -> list[Problem]:
    problems = [
        Problem(file, source.line(finding.path), dotted(finding.path), finding.wrong, finding.right)
        for finding in findings
    ]
    return sorted(problems, key=lambda problem: problem.line)


def _settings(
    data: Any,
    folder: Path,
    installed: Mapping[str, ProtocolSpec],
    findings: list[Finding],
) -> Settings | None:
    """The model of `data`, or None; what is wrong goes to `findings`."""
    if isinstance(data, dict) and isinstance(data.get("protocols"), dict):
        protocols = dict(_protocols(data["protocols"], installed, findings))
        data = {**data, "protocols": protocols}
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        findings += complaints(error, Settings, data)
        return None
    token_file = settings.rest.token_file
    if token_file is not None:
        rest = settings.rest.model_copy(update={"token_file": folder / token_file})
        settings = settings.model_copy(update={"rest": rest})
    return settings


def _protocols(
    written: dict[str, Any], installed: Mapping[str, ProtocolSpec], findings: list[Finding]
) -> Iterator[tuple[str, Any]]:
    """The protocols, with options in their own model and ports filled in."""
    for name, value in written.items():
        here = ("protocols", name)
        values = {} if value is None else value
        if not isinstance(values, dict):
            yield name, value  # the model says what is wrong with it
            continue
        try:
            spec = installed[name]
        except KeyError:
            findings.append(_unknown(name, installed))
            yield name, {**values, "options": None}
            continue
        except ProtocolUnusableError as error:
            findings.append(Finding(here, str(error), "repair or remove its package"))
            yield name, {**values, "options": None}
            continue
        options, wrong = _options(spec, values.get("options"))
        findings.extend(
            Finding((*here, "options", *finding.path), finding.wrong, finding.right)
            for finding in wrong
        )
        yield name, {"ports": list(spec.ports), **values, "options": options}


def _options(spec: ProtocolSpec, written: Any) -> tuple[BaseModel | None, list[Finding]]:
    model: type[BaseModel] = spec.options
    options = {} if written is None else written
    try:
        return model.model_validate(options), []
    except ValidationError as error:
        return None, list(complaints(error, model, options))
    except Exception as error:  # a third party's validators may raise anything
        wrong = f"the options of {spec.name} cannot be validated: {type(error).__name__}: {error}"
        return None, [Finding((), wrong.splitlines()[0], "repair or remove its package")]


def _unknown(name: str, installed: Mapping[str, ProtocolSpec]) -> Finding:
    close = get_close_matches(name, installed, n=1)
    known = f"installed are: {', '.join(sorted(installed)) or 'none'}"
    right = f"did you mean {close[0]}?" if close else known
    return Finding(("protocols", name), "no protocol of that name is installed", right)
