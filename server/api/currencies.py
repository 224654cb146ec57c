"""Routes about currencies: the one that money is reported in, and what the others are worth."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from access.commands import perform
from kpis import currencies
from server.api import currency_shapes
from server.api.callers import CallerContext, Context, Key

router = APIRouter(tags=["kpis"])


@router.get("/api/v1/currencies", response_model=currency_shapes.Currencies)
def list_currencies(ctx: Context) -> Any:
    """Return the currency that money is reported in, and the rates that count, the latest first."""
    found = [asdict(one) for one in currencies.rates(ctx.reading)]
    return {"reporting": currencies.reporting(ctx.reading), "rates": found}


@router.post("/api/v1/currencies/rates", response_model=currency_shapes.RatesSet)
def set_currency_rates(body: currency_shapes.RatesRequest, ctx: CallerContext, key: Key) -> Any:
    """Set rates, each from a day on. One for the same currencies and day replaces the one before."""
    given = [currencies.Rate(**dict(one)) for one in body.rates]
    given += currencies.read_csv(body.csv) if body.csv else []
    return perform(currencies.SetRates(tuple(given)), ctx, key=key)


@router.post("/api/v1/currencies/reporting", response_model=currency_shapes.Reporting)
def set_reporting_currency(body: currency_shapes.Reporting, ctx: CallerContext, key: Key) -> Any:
    """Choose the currency that money is reported in; null: none, amounts stay in their currencies."""
    return perform(currencies.SetReportingCurrency(body.currency), ctx, key=key)
