import os


def pytest_addoption(parser):
    parser.addoption("--rows", type=int, default=int(os.environ.get("POLICY_COST_ROWS", 1000000)), help="size of the table")
    parser.addoption("--rounds", type=int, default=3, help="how often each call is timed at least")
