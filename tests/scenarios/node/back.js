// A plain Express service: refuses every card. Its framework turns the error into a 500.
const express = require("express");
const winston = require("winston");

const log = winston.createLogger({ transports: [new winston.transports.Console()] });
const app = express();

app.post("/pay/:id", () => {
  log.error("card refused");
  throw new Error("card refused by the bank");
});

const server = app.listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => server.close());
