// Node's loggers. Arguments: roarr, pino, bunyan or winston, and the file of the truth; the log goes to stdout.
const fs = require("fs");
const path = require("path");

const [, , which, truthFile] = process.argv;
const truth = fs.openSync(truthFile, "w");
class Declined extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = "Declined";
  }
}
const rows = fs.readFileSync(path.join(__dirname, "story.tsv"), "utf8").trim().split("\n").map((line) => line.split("\t"));

function note(row, changed) {
  const [, severity, logger, order, message, failure] = row;
  const failed = failure !== "-";
  const given = {
    time: Date.now() * 1000, severity, message, logger, id: order,
    type: failed ? "Declined" : "-", failure, trace: failed ? 1 : 0, ...changed,
  };
  fs.writeSync(truth, Object.values(given).join("\t") + "\n");
}

function error(row) {
  const [, , , , , failure, cause] = row;
  return new Declined(failure, cause === "-" ? {} : { cause: new Error(cause) });
}

const loggers = {
  roarr() {
    process.env.ROARR_LOG = "true";
    const { Roarr } = require("roarr");
    const { serializeError } = require("serialize-error-cjs");
    return (row) => {
      const [, severity, logger, order, message, failure] = row;
      const level = { debug: "debug", info: "info", warning: "warn", error: "error", critical: "fatal" }[severity];
      const context = failure === "-" ? {} : { error: serializeError(error(row)) };
      Roarr.child({ package: "shop", namespace: logger, correlation_id: order })[level](context, message);
    };
  },
  pino() {
    const pino = require("pino");
    const level = { debug: "debug", info: "info", warning: "warn", error: "error", critical: "fatal" };
    return (row) => {
      const log = pino({ level: "debug", name: row[2] }, pino.destination({ dest: 1, sync: true }));
      const fields = { correlation_id: row[3] };
      log[level[row[1]]](row[5] === "-" ? fields : { ...fields, err: error(row) }, row[4]);
    };
  },
  bunyan() {
    const bunyan = require("bunyan");
    const level = { debug: "debug", info: "info", warning: "warn", error: "error", critical: "fatal" };
    return (row) => {
      const log = bunyan.createLogger({ name: row[2], level: "debug", serializers: bunyan.stdSerializers });
      const fields = { correlation_id: row[3] };
      log[level[row[1]]](row[5] === "-" ? fields : { ...fields, err: error(row) }, row[4]);
    };
  },
  winston() {
    const winston = require("winston");
    const { combine, timestamp, errors, json } = winston.format;
    const log = winston.createLogger({
      level: "debug",
      format: combine(timestamp(), errors({ stack: true }), json()),
      transports: [new winston.transports.Console()],
    });
    const level = { debug: "debug", info: "info", warning: "warn", error: "error", critical: "error" };
    return (row) => {
      const child = log.child({ logger: row[2], correlation_id: row[3] });
      if (row[5] === "-") child[level[row[1]]](row[4]);
      else child[level[row[1]]](row[4], error(row));
    };
  },
};

function changed(row) {
  const failed = row[5] !== "-";
  // pino puts the messages of the causes behind that of the error, bunyan their stacks.
  if (which === "pino" && row[6] !== "-") return { failure: `${row[5]}: ${row[6]}` };
  // winston puts the error's message behind the line's, and has no level above error.
  if (which === "winston") {
    return { message: failed ? `${row[4]} ${row[5]}` : row[4], severity: row[1] === "critical" ? "error" : row[1] };
  }
  return {};
}

const log = loggers[which]();
for (const row of rows) {
  note(row, changed(row));
  log(row);
}
