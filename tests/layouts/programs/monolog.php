<?php
// Monolog's lines. Arguments: the file of the truth, and `trace` for stack traces with line breaks; to stdout.
require "/usr/share/php/Monolog/autoload.php";

use Monolog\Formatter\LineFormatter;
use Monolog\Handler\StreamHandler;
use Monolog\Logger;

class Declined extends RuntimeException {}

function declined(string $failure, string $cause): Declined
{
    return new Declined($failure, 51, $cause === "-" ? null : new LogicException($cause));
}

$truth = fopen($argv[1], "w");
$handler = new StreamHandler("php://stdout");
$formatter = new LineFormatter(null, null, true, true);
if (($argv[2] ?? "") === "trace") {
    $formatter->includeStacktraces();
} else {
    $formatter = new LineFormatter();
}
$handler->setFormatter($formatter);
foreach (file(__DIR__ . "/story.tsv", FILE_IGNORE_NEW_LINES) as $line) {
    [$n, $severity, $name, $order, $message, $failure, $cause] = explode("\t", $line);
    $log = new Logger($name);
    $log->pushHandler($handler);
    $context = ["correlation_id" => $order, "lines" => $n % 7];
    $failed = $failure !== "-";
    if ($failed) {
        $context["exception"] = declined($failure, $cause);
    }
    $given = [(int) (microtime(true) * 1e6), $severity, $message, $name, $order, $failed ? "Declined" : "-", $failure, $failed ? 1 : 0];
    fwrite($truth, implode("\t", $given) . "\n");
    $log->log($severity, $message, $context);
}
