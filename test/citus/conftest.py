"""A coordinator, which is the suite's server, and two workers; test/citus/run describes the suite."""

import os
import shutil
import socket
import subprocess
import tempfile

import pytest

from harness import Session

# The workers find the same extension, and no node asks another one for a password.
OPTIONS = ("shared_preload_libraries", "extension_destdir", "dynamic_library_path", "wal_level",
           "max_prepared_transactions", "citus.node_conninfo")


def free_port():
    with socket.socket() as opened:
        opened.bind(("localhost", 0))
        return opened.getsockname()[1]


def as_postgres(*command):
    if os.getuid() == 0:
        command = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


@pytest.fixture(scope="session", autouse=True)
def cluster():
    binaries = f"/usr/lib/postgresql/{os.environ['PGVERSION']}/bin/"
    directory = tempfile.mkdtemp(prefix="bulk_update-citus-")
    if os.getuid() == 0:
        shutil.chown(directory, "postgres")
    running = []
    try:
        with Session() as coordinator:
            settings = {name: coordinator.value(f"SHOW {name}") for name in OPTIONS}
            hba = coordinator.value("SHOW hba_file")
            coordinator.run(f"COPY (SELECT 'host all all localhost trust') TO '{hba}'; SELECT pg_reload_conf()")
            ports = [coordinator.value("SHOW port")]
            for number in 1, 2:
                data = f"{directory}/worker{number}"
                as_postgres(binaries + "initdb", "--pgdata", data, "--username=postgres", "--auth=trust", "--no-sync",
                            "--encoding=UTF8", "--locale=C.UTF-8")
                ports.append(free_port())
                with open(f"{data}/postgresql.conf", "a", encoding="utf-8") as conf:
                    settings.update({"port": ports[-1], "unix_socket_directories": directory, "fsync": "off",
                                     "listen_addresses": "localhost"})
                    conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
                as_postgres(binaries + "pg_ctl", "--pgdata", data, "--wait", "--log", f"{data}.log", "start")
                running.append(data)
            for port in ports:
                with Session(port=port) as node:
                    node.run("CREATE EXTENSION citus")
            coordinator.run(f"SELECT citus_set_coordinator_host('localhost', {ports[0]})")
            for port in ports[1:]:
                coordinator.run(f"SELECT citus_add_node('localhost', {port})")
            coordinator.run("CREATE EXTENSION bulk_update")
        yield
    finally:
        for data in running:
            as_postgres(binaries + "pg_ctl", "--pgdata", data, "--mode=immediate", "stop")
        shutil.rmtree(directory)
