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
    return parse(_text(path), str(path), installed)


def load_to_start(
    path: str | Path, installed: Mapping[str, ProtocolSpec] | None = None
) -> tuple[Settings, tuple[Problem, ...]]:
    """As `load`, without the protocols whose package is missing or broken: what is wrong with them.

    Services that are published with such a protocol are not published, so that nothing is open
    that an inspector should have guarded. Raises ConfigurationError for any other mistake.
    """
    text, file = _text(path), str(path)
    if installed is None:
        installed = InstalledProtocols()
    try:
        return parse(text, file, installed), ()
    except ConfigurationError as error:
        unusable = {
            f"protocols.{name}": name for name in _written(text) if not _usable(name, installed)
        }
        if not unusable:
            raise
        try:
            settings = _parse(text, file, installed, frozenset(unusable.values()))
        except ConfigurationError:
            raise error from None  # all that is wrong, not only what stands in the way
        left_out = (problem for problem in error.problems if problem.key in unusable)
        return settings, tuple(left_out)


def parse(
    text: str, file: str = "<text>", installed: Mapping[str, ProtocolSpec] | None = None
) -> Settings:
    """The configuration in `text`; `file` is what errors call it, and where relative paths start.

    Raises ConfigurationError.
    """
    return _parse(text, file, InstalledProtocols() if installed is None else installed)


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        problem = Problem(str(path), 0, "", f"cannot be read: {error.strerror}", "")
        raise ConfigurationError([problem]) from error
    except UnicodeDecodeError as error:
        problem = Problem(str(path), 0, "", "is not UTF-8 text", "save it as UTF-8")
        raise ConfigurationError([problem]) from error


def _parse(
    text: str,
    file: str,
    installed: Mapping[str, ProtocolSpec],
    without: frozenset[str] = frozenset(),
) -> Settings:
    """`without`: protocols that are left out, and what is published with them."""
    try:
        source = Source(text)
    except SourceError as error:
        finding = error.finding
        problem = Problem(file, error.line, dotted(finding.path), finding.wrong, finding.right)
        raise ConfigurationError([problem]) from error
    findings: list[Finding] = []
    data = _reduced(source.data, without) if without else source.data
    settings = _settings(data, Path(file).parent, installed, findings)
    if settings is not None and not findings:
        findings += contradictions(settings, installed)
    if settings is None or findings:
        raise ConfigurationError(_located(findings, source, file))
    return settings


def _written(text: str) -> list[str]:
    """The names of the protocols that a configuration has."""
    try:
        data = Source(text).data
    except SourceError:
        return []
    protocols = data.get("protocols") if isinstance(data, dict) else None
    return list(protocols) if isinstance(protocols, dict) else []


def _usable(name: str, installed: Mapping[str, ProtocolSpec]) -> bool:
    try:
        return bool(installed[name])
    except (KeyError, ProtocolUnusableError):
        return False


def _reduced(data: dict[str, Any], without: frozenset[str]) -> dict[str, Any]:
    protocols = {name: value for name, value in data["protocols"].items() if name not in without}
    published = data.get("published")
    if isinstance(published, list):
        published = [
            service
            for service in published
            if not (isinstance(service, dict) and service.get("protocol") in without)
        ]
        return {**data, "protocols": protocols, "published": published}
    return {**data, "protocols": protocols}


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
    return _with_files_from(folder, settings)


def _with_files_from(folder: Path, settings: Settings) -> Settings:
    """Relative paths are of the configuration file's folder."""
    rest, openflow = settings.rest, settings.openflow
    if rest.token_file is not None:
        rest = rest.model_copy(update={"token_file": folder / rest.token_file})
    if openflow.tls is not None:
        files = {name: folder / path for name, path in openflow.tls}
        openflow = openflow.model_copy(update={"tls": openflow.tls.model_copy(update=files)})
    return settings.model_copy(update={"rest": rest, "openflow": openflow})


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
