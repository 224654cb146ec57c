"""One of several programs of a flow: which one it is, and how its part goes, the arguments say."""

import argparse

import unsnag

parser = argparse.ArgumentParser()
parser.add_argument("name")
parser.add_argument("--fails", action="store_true")
parser.add_argument("--completes", choices=["yes", "no"])
parser.add_argument("--tenant")
parser.add_argument("--part")
given = parser.parse_args()

unsnag.init(flow="order-to-cash", service=given.name)
how = {}
if given.completes:
    how["completes"] = given.completes == "yes"
if given.part:
    how["part"] = given.part
try:
    with unsnag.unit("SO-1", value="129.90", currency="EUR", tenant=given.tenant, **how):
        with unsnag.step(given.name):
            if given.fails:
                raise ConnectionError("the other side did not answer")
except ConnectionError:
    print("failed")
