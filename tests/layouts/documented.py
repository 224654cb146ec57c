"""Samples of layouts whose programs do not run here, in the form that is documented, and what they say."""

from __future__ import annotations

from typing import Any, Final, NamedTuple


class Sample(NamedTuple):
    """Text in the form that a documentation describes."""

    layout: str
    source: str
    text: str
    expected: tuple[dict[str, Any], ...]
    """Columns of each record."""


DOTNET: Final = ".NET console"
SERILOG: Final = "Serilog text"
POWERSHELL: Final = "PowerShell error records"
_TRACE: Final = (
    "System.InvalidOperationException: card refused\n"
    " ---> System.TimeoutException: no answer\n"
    "   at Shop.Gateway.Call() in /src/Gateway.cs:line 12\n"
    "   --- End of inner exception stack trace ---\n"
    "   at Shop.Pay.Run(Order order) in /src/Pay.cs:line 40"
)
_INDENTED: Final = "\n".join(f"      {line}" for line in _TRACE.split("\n"))

SAMPLES: Final = (
    Sample(
        DOTNET,
        "learn.microsoft.com, Console log formatting",
        "info: Console_Example.Program[0]\n      Hello World!\n"
        "warn: Shop.Stock[7]\n      => order:SO-17 => RequestId:0HMVD, RequestPath:/pay\n      Stock is low\n"
        f"fail: Shop.Pay[51]\n      Payment declined\n{_INDENTED}\n"
        "crit: Shop.Queue[0]\n      Queue lost\n",
        (
            {"severity": "info", "logger": "Console_Example.Program", "message": "Hello World!"},
            {"severity": "warning", "logger": "Shop.Stock", "message": "Stock is low"},
            {
                "severity": "error",
                "logger": "Shop.Pay",
                "message": "Payment declined",
                "error_type": "System.InvalidOperationException",
                "exception_message": "card refused",
                "stacktrace": _TRACE,
            },
            {"severity": "critical", "logger": "Shop.Queue", "message": "Queue lost"},
        ),
    ),
    Sample(
        DOTNET,
        "learn.microsoft.com, Console log formatting, one line",
        "[2026-11-16 10:00:00] info: ConsoleExample.Program[0] => System.Private.CoreLib Hello World!\n"
        "10:00:00 dbug: Microsoft.Extensions.Hosting.Internal.Host[1] Hosting starting\n",
        (
            {"severity": "info", "logger": "ConsoleExample.Program"},
            {"severity": "debug", "message": "Hosting starting"},
        ),
    ),
    Sample(
        SERILOG,
        "github.com/serilog/serilog-sinks-console, -file",
        f'[10:00:00 INF] Processed {{"Latitude": 25}} in 034 ms.\n[10:00:01 ERR] Payment declined\n{_TRACE}\n'
        "2026-11-16 10:00:02.123 +01:00 [WRN] Slow\n",
        (
            {"severity": "info", "message": 'Processed {"Latitude": 25} in 034 ms.'},
            {
                "severity": "error",
                "message": "Payment declined",
                "error_type": "System.InvalidOperationException",
                "stacktrace": _TRACE,
            },
            {"severity": "warning", "message": "Slow"},
        ),
    ),
    Sample(
        POWERSHELL,
        "learn.microsoft.com, about_Try_Catch_Finally and ErrorRecord",
        "Get-Item : Cannot find path 'C:\\none' because it does not exist.\n"
        "At C:\\jobs\\sync.ps1:12 char:1\n+ Get-Item C:\\none\n+ ~~~~~~~~~~~~~~~~\n"
        "    + CategoryInfo          : ObjectNotFound: (C:\\none:String) [Get-Item], ItemNotFoundException\n"
        "    + FullyQualifiedErrorId : PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand\n",
        (
            {
                "severity": "error",
                "logger": "Get-Item",
                "error_type": "ItemNotFoundException",
                "error_code": "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand",
                "exception_message": "Cannot find path 'C:\\none' because it does not exist.",
            },
        ),
    ),
    Sample(
        POWERSHELL,
        "learn.microsoft.com, about_Preference_Variables, $ErrorView ConciseView",
        "Get-ChildItem: C:\\jobs\\sync.ps1:12\nLine |\n  12 |  Get-ChildItem -Path C:\\NoRealDirectory\n"
        "     |  ~~~~~~~~~~~~~\n     | Cannot find path 'C:\\NoRealDirectory' because it does not exist.\n",
        (
            {
                "severity": "error",
                "error_type": "Get-ChildItem",
                "exception_message": "Cannot find path 'C:\\NoRealDirectory' because it does not exist.",
            },
        ),
    ),
    Sample(
        "Heroku",
        "devcenter.heroku.com, HTTP routing and Logging",
        '2026-11-16T09:00:00.123456+00:00 heroku[router]: at=info method=GET path="/" host=a.herokuapp.com'
        " request_id=0123 dyno=web.1 connect=1ms service=18ms status=200 bytes=13\n"
        '2026-11-16T09:00:01.123456+00:00 heroku[router]: at=error code=H12 desc="Request timeout" method=GET'
        ' path="/" host=a.herokuapp.com dyno=web.1 status=503 bytes=0\n'
        '2026-11-16T09:00:02.123456+00:00 app[web.1]: {"level":"error","msg":"declined"}\n',
        (
            {"severity": "info", "message": "GET /", "technical_id": "0123"},
            {"severity": "error", "message": "Request timeout", "error_code": "H12", "http_status": 503},
            {"severity": "error", "message": "declined"},
        ),
    ),
    Sample(
        "Tomcat",
        "tomcat.apache.org, Logging in Tomcat",
        "16-Nov-2026 10:00:00.123 SEVERE [main] org.apache.catalina.core.StandardContext.startInternal "
        "One or more"
        " listeners failed\n",
        (
            {
                "severity": "error",
                "logger": "org.apache.catalina.core.StandardContext.startInternal",
                "message": "One or more listeners failed",
                "time": 1794819600123000,
            },
        ),
    ),
    Sample(
        "Serilog CLEF",
        "clef-json.org, github.com/serilog/serilog-formatting-compact",
        '{"@t":"2026-11-16T09:00:00.1230000Z","@mt":"Hello, {User}","User":"alice"}\n'
        '{"@t":"2026-11-16T09:00:00.1230000Z","@mt":"Took {Elapsed:000} ms for {OrderId}","@r":["034"],'
        '"@l":"Warning","Elapsed":34,"OrderId":"SO-17","SourceContext":"Shop.Pay",'
        '"@tr":"0af7651916cd43dd8448eb211c80319c","@sp":"b7ad6b7169203331"}\n'
        '{"@t":"2026-11-16T09:00:00.1230000Z","@m":"declined","@l":"Error",'
        '"@x":"System.InvalidOperationException: refused\\n   at Shop.Pay.Run()","correlation_id":"SO-17"}\n',
        (
            {"severity": "info", "message": "Hello, alice", "time": 1794819600123000},
            {
                "severity": "warning",
                "message": "Took 034 ms for SO-17",
                "logger": "Shop.Pay",
                "trace_id": "0af7651916cd43dd8448eb211c80319c",
                "span_id": "b7ad6b7169203331",
            },
            {
                "severity": "error",
                "message": "declined",
                "error_type": "System.InvalidOperationException",
                "exception_message": "refused",
                "correlation_id": "SO-17",
            },
        ),
    ),
    Sample(
        ".NET JSON console",
        "learn.microsoft.com, Console log formatting, JSON",
        '{"Timestamp":"09:00:00 ","EventId":51,"LogLevel":"Error","Category":"Shop.Pay","Message":"declined",'
        '"Exception":"System.InvalidOperationException: refused\\n   at Shop.Pay.Run()",'
        '"State":{"Message":"declined","OrderId":"SO-17","{OriginalFormat}":"declined"},'
        '"Scopes":[{"correlation_id":"SO-17"}]}\n',
        (
            {
                "severity": "error",
                "logger": "Shop.Pay",
                "message": "declined",
                "error_type": "System.InvalidOperationException",
                "correlation_id": "SO-17",
            },
        ),
    ),
    Sample(
        "Splunk HEC",
        "docs.splunk.com, Format events for HTTP Event Collector",
        '{"time":1794819600.123,"host":"localhost","source":"random-data-generator","sourcetype":"my_sample_data",'
        '"index":"main","event":"Hello world!"}\n'
        '{"time":1794819600.123,"host":"a","sourcetype":"_json","event":{"message":"declined","severity":"ERROR",'
        '"correlation_id":"SO-17"},"fields":{"club":"glee"}}\n'
        '{"time":1794819600.123,"sourcetype":"shop","event":"ERROR:shop.pay:declined"}\n',
        (
            {"message": "Hello world!", "time": 1794819600123000},
            {"severity": "error", "message": "declined", "correlation_id": "SO-17", "time": 1794819600123000},
            {"severity": "error", "logger": "shop.pay", "message": "declined", "time": 1794819600123000},
        ),
    ),
    Sample(
        "Fluentd and Fluent Bit",
        "docs.fluentbit.io, Kubernetes filter",
        '{"log":"ERROR:shop.pay:declined\\n","stream":"stderr","time":"2026-11-16T09:00:00.123Z",'
        '"kubernetes":{"pod_name":"shop-1","namespace_name":"shop","container_name":"pay"}}\n'
        '{"@timestamp":"2026-11-16T09:00:00.123Z","log":"{\\"level\\":\\"warn\\",\\"msg\\":\\"slow\\"}",'
        '"kubernetes":{"pod_name":"shop-1"}}\n',
        (
            {"severity": "error", "logger": "shop.pay", "message": "declined", "time": 1794819600123000},
            {"severity": "warning", "message": "slow", "time": 1794819600123000},
        ),
    ),
    Sample(
        "Filebeat",
        "elastic.co, Filebeat reference, file output",
        '{"@timestamp":"2026-11-16T09:00:01.000Z","@metadata":{"beat":"filebeat","type":"_doc","version":"8.15.0"},'
        '"message":"2026-11-16 10:00:00,123 [main] ERROR shop.Pay - declined\\nshop.Declined: refused\\n'
        '\\tat shop.Pay.run(Pay.java:3)","input":{"type":"filestream"},'
        '"log":{"offset":0,"file":{"path":"/var/log/shop.log"}},'
        '"agent":{"type":"filebeat","version":"8.15.0"},"host":{"name":"a"},"ecs":{"version":"8.0.0"}}\n',
        (
            {
                "severity": "error",
                "logger": "shop.Pay",
                "message": "declined",
                "error_type": "shop.Declined",
                "time": 1794819600123000,
            },
        ),
    ),
    Sample(
        "AWS Lambda JSON",
        "docs.aws.amazon.com, Lambda logging formats",
        '{"timestamp":"2026-11-16T09:00:00Z","level":"ERROR","message":"declined","logger":"root",'
        '"requestId":"8f507cfc-1b2c-4d3e-9f4a-0a1b2c3d4e5f","stackTrace":["  File a.py, line 3"],'
        '"errorType":"Declined","errorMessage":"refused"}\n',
        (
            {
                "severity": "error",
                "message": "declined",
                "error_type": "Declined",
                "exception_message": "refused",
                "technical_id": "8f507cfc-1b2c-4d3e-9f4a-0a1b2c3d4e5f",
            },
        ),
    ),
    Sample(
        "CloudWatch, filter-log-events",
        "docs.aws.amazon.com, aws logs filter-log-events",
        '{"events":[{"logStreamName":"a","timestamp":1794819600123,"message":"ERROR:shop.pay:declined",'
        '"ingestionTime":1794819601000,"eventId":"1"},{"timestamp":1794819600123,"message":"done"}]}\n',
        (
            {"severity": "error", "logger": "shop.pay", "message": "declined", "time": 1794819600123000},
            {"message": "done", "time": 1794819600123000},
        ),
    ),
)
