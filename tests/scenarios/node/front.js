// A plain Express service: takes an order and asks the payment service. It passes on what that answers.
const express = require("express");
const winston = require("winston");

const log = winston.createLogger({ transports: [new winston.transports.Console()] });
const app = express();

app.post("/orders/:id", async (request, response) => {
  log.info("order received");
  const answer = await fetch(`${process.env.PAYMENTS}/pay/${request.params.id}`, { method: "POST" });
  response.status(answer.status).json({ ok: answer.ok });
});

const server = app.listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => server.close());
