"""A Prefect flow with one task that fails, plain or asynchronous. Prefect makes the spans by itself."""

import asyncio
import sys

from prefect import flow, get_run_logger, task


@task(name="load prices")
def load_prices():
    get_run_logger().info("loading")
    raise ConnectionError("price server unreachable")


@flow(name="nightly prices", flow_run_name="tonight")
def nightly_prices():
    load_prices()


@task(name="load prices")
async def load_prices_meanwhile():
    get_run_logger().info("loading")
    raise ConnectionError("price server unreachable")


@flow(name="nightly prices", flow_run_name="tonight")
async def nightly_prices_meanwhile():
    await load_prices_meanwhile()


if __name__ == "__main__":
    if sys.argv[1:] == ["async"]:
        asyncio.run(nightly_prices_meanwhile())
    else:
        nightly_prices()
