"""The command line: ``unsnag run`` wraps a command, ``worker`` executes retries, others ask the server."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import TYPE_CHECKING

import unsnag
from unsnag import fields, runs
from unsnag.conventions import DEFAULT_SERVER, ENV_SERVER, ENV_TOKEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unsnag.worker import Worker

_USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] in (["cases"], ["groups"], ["batches"]):
        from unsnag import desk  # noqa: PLC0415 - only these commands work the queue

        return desk.main(given)
    parser = _parser()
    own, command = _split(given)
    options = parser.parse_args(own)
    if options.act == "run":
        return _run(parser, options, command)
    return {
        "worker": _work,
        "flush": _flush,
        "doctor": _examine,
        "kpis": _show,
        "review": _review,
        "marker": _mark,
        "rates": _exchange,
        "flows": _flows,
    }[options.act](options)


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part our options from the command that follows ``--``."""
    if "--" not in arguments:
        return list(arguments), []
    at = list(arguments).index("--")
    return list(arguments[:at]), list(arguments[at + 1 :])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="unsnag", description="Hook automations and execute their retries.")
    parser.add_argument("--version", action="version", version=f"unsnag {unsnag.__version__}")
    acts = parser.add_subparsers(
        dest="act",
        required=True,
        metavar="{run,worker,flush,doctor,kpis,review,marker,rates,flows,cases,groups,batches}",
    )
    _add_run(
        acts.add_parser(
            "run", help="run a command as a unit of work", usage="unsnag run [options] -- COMMAND ..."
        )
    )
    _add_worker(acts.add_parser("worker", help="execute retries with the handlers of a Python file"))
    flush = acts.add_parser("flush", help="send what earlier programs could not send")
    flush.add_argument("--wait", type=float, default=60.0, help="seconds that it may take (default 60)")
    doctor = acts.add_parser("doctor", help="send one event and report where it went, or what is missing")
    doctor.add_argument("--flow", help="send it as part of this flow, where the token is limited to some")
    doctor.add_argument("--tenant", help="the same for the tenant")
    doctor.add_argument("--wait", type=float, default=10.0, help="seconds to wait for it (default 10)")
    _add_kpis(acts.add_parser("kpis", help="show the figures of a week, or the rows behind one"))
    _add_review(acts.add_parser("review", help="save the weekly review as HTML, PDF or CSV"))
    _add_marker(acts.add_parser("marker", help="mark a deploy or another change on every trend"))
    _add_rates(acts.add_parser("rates", help="show what currencies are worth, and set it from a file"))
    _add_flows(acts.add_parser("flows", help="show flows and their settings, and check settings files"))
    # Their options are in unsnag.desk, which `main` calls: wrapped commands do not pay for them.
    acts.add_parser("cases", help="list, show and work exceptions")
    acts.add_parser("groups", help="list, show and claim groups of exceptions, and write their notes")
    acts.add_parser("batches", help="list, show and control batches of acts")
    return parser


def _add_kpis(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kpi", nargs="?", help="list the rows behind this figure, such as K1")
    parser.add_argument("--week", help="ISO week, such as 2026-W48; else the last seven days")
    parser.add_argument("--from", dest="since", metavar="TIME", help="RFC 3339, or a date")
    parser.add_argument("--to", dest="until", metavar="TIME", help="the same; what lies there is left out")
    parser.add_argument("--flow", help="only this flow")
    parser.add_argument("--by", help="also split by this, as REST takes it: flow, class")
    parser.add_argument("--json", action="store_true", help="print the server's answer")
    parser.add_argument("--url", help=f"server; else {ENV_SERVER}, else {DEFAULT_SERVER}")
    parser.epilog = f"{ENV_TOKEN} is sent as bearer token; it needs the role viewer."


def _add_review(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("week", help="ISO week, such as 2026-W48")
    parser.add_argument("--format", choices=("html", "pdf", "csv"), default="html", help="default html")
    parser.add_argument("--flow", help="only this flow")
    parser.add_argument(
        "--part", metavar="FIELD:VALUE", help=f"only this part, such as {fields.SPLITS[0]}:b2b"
    )
    parser.add_argument("--output", metavar="FILE", help="- for stdout; else unsnag-review-WEEK.FORMAT")
    parser.add_argument("--url", help=f"server; else {ENV_SERVER}, else {DEFAULT_SERVER}")
    parser.epilog = f"{ENV_TOKEN} is sent as bearer token; it needs a role that may export."


def _add_marker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", help="what changed, in a sentence; without it: list the changes")
    parser.add_argument("--kind", choices=("deploy", "change"), default="deploy", help="default deploy")
    parser.add_argument("--flow", help="the flow that changed; without it all flows")
    parser.add_argument("--version", help="of what was deployed")
    parser.add_argument("--link", help="address of the release or the ticket")
    parser.add_argument("--at", metavar="TIME", help="RFC 3339; else now")
    parser.add_argument("--json", action="store_true", help="print the server's answer")
    parser.add_argument("--url", help=f"server; else {ENV_SERVER}, else {DEFAULT_SERVER}")
    parser.epilog = f"{ENV_TOKEN} is sent as bearer token; it needs the role operator or sender."


def _add_rates(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", help="CSV with the headings currency, against, rate, valid_from")
    parser.add_argument("--reporting", metavar="CODE", help="report money in this currency, such as EUR")
    parser.add_argument("--url", help=f"server; else {ENV_SERVER}, else {DEFAULT_SERVER}")
    parser.epilog = f"{ENV_TOKEN} is sent as bearer token; to set rates it needs the role operator."


def _add_flows(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("flow", nargs="?", help="print the settings of this flow")
    parser.add_argument("--propose", action="store_true", help="print settings made from what was observed")
    parser.add_argument("--lint", nargs="+", metavar="FILE", help="print what is wrong with settings files")
    parser.add_argument("--json", action="store_true", help="print the server's answer")
    parser.add_argument("--url", help=f"server; else {ENV_SERVER}, else {DEFAULT_SERVER}")
    parser.epilog = f"{ENV_TOKEN} is sent as bearer token; it needs the role viewer."


def _flows(options: argparse.Namespace) -> int:
    from unsnag import flow_settings  # noqa: PLC0415 - only this command asks about flows

    return flow_settings.show(options)


def _review(options: argparse.Namespace) -> int:
    from unsnag import review_file  # noqa: PLC0415 - only this command saves a review

    return review_file.save(options)


def _mark(options: argparse.Namespace) -> int:
    from unsnag import markers  # noqa: PLC0415 - only this command marks changes

    return markers.mark(options)


def _exchange(options: argparse.Namespace) -> int:
    from unsnag import rates  # noqa: PLC0415 - only this command asks about currencies

    return rates.exchange(options)


def _show(options: argparse.Namespace) -> int:
    from unsnag import figures  # noqa: PLC0415 - only this command asks the server

    return figures.show(options)


def _examine(options: argparse.Namespace) -> int:
    from unsnag import doctor  # noqa: PLC0415 - only this command examines

    return doctor.examine(options.flow, options.tenant, options.wait)


def _flush(options: argparse.Namespace) -> int:
    from unsnag import flushing  # noqa: PLC0415 - only this command sends

    return flushing.flush(options.wait)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--flow", required=True, help="automated process that the command is part of")
    unit = parser.add_mutually_exclusive_group()
    unit.add_argument("--unit", help="correlation ID; else flow, time and a random part")
    unit.add_argument("--job", help="the command is a job that repeats its whole work: its name is the unit")
    parser.add_argument("--step", help="name of the step; else the command's name")
    parser.add_argument("--service", help="name of the program; else the command's name")
    parser.add_argument("--value", help="money that the unit carries, as a decimal")
    parser.add_argument("--currency", help="ISO 4217 code of the value")
    for field in fields.CONTEXT:
        parser.add_argument(f"--{field.name.replace('_', '-')}", help=field.meaning)
    parser.add_argument("--dependency", help="system that the command depends on")
    parser.add_argument(
        "--idempotent", action="store_true", default=None, help="running it again does no harm"
    )
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--partial", action="store_true", help="a later program completes the unit")
    end.add_argument("--final", action="store_true", help="exit code 0 completes the whole unit")


def _add_worker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "handlers", nargs="?", help="Python file that registers handlers with @unsnag.handler"
    )
    parser.add_argument(
        "--command",
        action="append",
        default=[],
        metavar="FLOW[/STEP]=COMMAND",
        help="run this command again for a retry of the step (else the command's name); may be repeated",
    )
    parser.add_argument("--commands", metavar="FILE", help="TOML file that declares such commands")
    parser.add_argument("--url", help=f"server; else {ENV_SERVER}, else {DEFAULT_SERVER}")
    parser.add_argument("--flow", action="append", help="only this flow; may be repeated")
    parser.add_argument("--name", help="name of this worker; else host name and process id")
    parser.add_argument("--once", action="store_true", help="execute what is due now and leave")
    parser.add_argument("--wait", type=float, default=20.0, help="seconds to wait for a retry in one request")
    parser.epilog = f"{ENV_TOKEN} is sent as bearer token."


def _run(parser: argparse.ArgumentParser, options: argparse.Namespace, command: Sequence[str]) -> int:
    if options.job and options.partial:
        parser.error("--job and --partial: a job repeats its whole work, so no later program completes it")
    if not command:
        parser.error("say which command to run: unsnag run --flow nightly-export -- ./job.sh")
    from unsnag import command as commands  # noqa: PLC0415 - the worker does not need it

    name = os.path.basename(command[0])  # noqa: PTH119 - pathlib costs 10 ms of every wrapped command
    runs.choose(runs.new_run_id())
    unsnag.init(flow=options.flow, service=options.service or name)
    unit = unsnag.unit(
        options.job or options.unit or commands.generated_id(options.flow),
        value=options.value,
        currency=options.currency,
        completes=_completes(options),
        **{field.name: getattr(options, field.name) for field in fields.CONTEXT},
    )
    if options.job:
        unit.as_job(options.job)
    step = unsnag.step(options.step or name, dependency=options.dependency, idempotent=options.idempotent)
    code = commands.run(command, unit, step)
    unsnag.shutdown()
    return code


def _completes(options: argparse.Namespace) -> bool | None:
    if options.job or options.final:
        return True
    return False if options.partial else None


def _work(options: argparse.Namespace) -> int:
    from unsnag import handlers, retry_commands, retry_queue, worker  # noqa: PLC0415 - only workers need them

    try:
        retry_commands.register(options.command, options.commands)
        if options.handlers or not handlers.registered:
            worker.load(options.handlers)
        flows = options.flow or handlers.flows()
        runs.choose(None)  # a worker outlives what it works on
        unsnag.init(flow=flows[0], service=os.environ.get("OTEL_SERVICE_NAME") or "unsnag-worker")
        queue = retry_queue.RetryQueue(options.url, worker=options.name)
        runner = worker.Worker(queue, flows, options.wait)
        _execute(runner, is_once=options.once)
    except retry_queue.RetryQueueError as error:
        worker.narrate(str(error))
        return _USAGE_ERROR
    finally:
        unsnag.shutdown()
    return 0


def _execute(worker: Worker, *, is_once: bool) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    if is_once:
        worker.run_due()
    else:
        worker.run()
