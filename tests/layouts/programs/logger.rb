# Ruby's Logger, and Rails' tagged one. Arguments: `plain` or `tagged`, and the file of the truth; to stdout.
require "logger"

class Declined < StandardError; end

truth = File.open(ARGV[1], "w")
log = Logger.new($stdout, progname: "shop")
if ARGV[0] == "tagged"
  require "active_support"
  require "active_support/tagged_logging"
  require "active_support/logger"
  log = ActiveSupport::Logger.new($stdout)
  log.formatter = Logger::Formatter.new
  log = ActiveSupport::TaggedLogging.new(log)
end
LEVELS = { "debug" => 0, "info" => 1, "warning" => 2, "error" => 3, "critical" => 4 }.freeze

def fail_with(failure, cause)
  raise Declined, failure if cause == "-"

  begin
    raise IOError, cause
  rescue IOError
    raise Declined, failure
  end
end

File.readlines(File.join(__dir__, "story.tsv"), chomp: true).each do |line|
  _, severity, name, order, message, failure, cause = line.split("\t")
  failed = failure != "-"
  tagged = ARGV[0] == "tagged"
  given = [(Time.now.to_f * 1e6).to_i, severity, failed ? (tagged ? "[#{order}] #{message}" : failure) : message, tagged ? "-" : "shop", "-",
           failed && !tagged ? "Declined" : "-", failed && !tagged ? failure : "-", failed && !tagged ? 1 : 0]
  truth.puts(given.join("\t"))
  truth.flush
  begin
    failed ? fail_with(failure, cause) : log.add(LEVELS[severity], tagged ? nil : message) { message }
  rescue Declined => e
    tagged ? log.tagged(order) { log.add(LEVELS[severity]) { message } } : log.add(LEVELS[severity], e)
  end
end
