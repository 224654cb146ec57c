"""A Prefect flow with one task that fails. Prefect makes the spans by itself."""

from prefect import flow, get_run_logger, task


@task(name="load prices")
def load_prices():
    get_run_logger().info("loading")
    raise ConnectionError("price server unreachable")


@flow(name="nightly prices", flow_run_name="tonight")
def nightly_prices():
    load_prices()


if __name__ == "__main__":
    nightly_prices()
