"""Handlers of the executor beside this file.

    CARILLON_NATS_URL=nats://127.0.0.1:4222 python3 main.py
    carillon run py-hello '{"name":"Ada","seconds":2}'
    carillon run py-word-count '{"texts":["the cat","the dog and the cat"]}' --shards 2
    carillon conformance --executor py -- python3 main.py
"""
import asyncio
import os
from collections import Counter
from urllib.parse import unquote, urlsplit

from executor import Executor
from task import Failed


async def py_hello(task):
    payload = task.payload or {}
    name, seconds = payload.get("name", "world"), payload.get("seconds", 0)
    task.log("info", "someone is to be greeted", name=name)
    for step in range(int(seconds * 2)):
        await asyncio.sleep(0.5)
        await task.progress((step + 1) * 50 / seconds, "thinking of words")
    if payload.get("fail"):
        raise ValueError("asked to fail")
    task.log("info", "found the words")
    return {"greeting": f"Hello, {name}!", "attempt": task.work["attempt"]}


async def texts(task):
    await task.map("text", task.payload["texts"])


async def words_of_text(task):
    return Counter(task.item.split())


async def counted(task):
    counts = Counter()
    async for one in task.results():
        counts.update(one)
    return counts


# What docs/conformance asks for.


async def echo(task):
    return task.payload


async def fail(task):
    hints = {key: value for key, value in task.payload.items() if key != "message"}
    raise Failed(task.payload["message"], **hints)


async def progress(task):
    task.log("info", "begins", step=1)
    await task.progress(50, "half")
    task.log("warn", "ends")


async def slow(task):
    await asyncio.sleep(task.payload["ms"] / 1000)
    return "slept"


async def items(task):
    await task.map("item", task.payload["items"])


async def doubled(task):
    return task.item * 2


async def added(task):
    return sum([number async for number in task.results()])


HANDLERS = {
    "py-hello": py_hello,
    "py-word-count": {"root": texts, "text": words_of_text, "reduce": counted, "merge": counted},
    "conformance-echo": echo,
    "conformance-fail": fail,
    "conformance-progress": progress,
    "conformance-slow": slow,
    "conformance-map": {"root": items, "item": doubled, "reduce": added, "merge": added},
}


def login(address):
    """The credentials of an address, which are percent-encoded there: nats-py would send them as they stand."""
    parts = urlsplit(address)
    if parts.password is not None:
        return {"user": unquote(parts.username), "password": unquote(parts.password)}
    return {"token": unquote(parts.username)} if parts.username else {}


url = os.environ.get("CARILLON_NATS_URL", "nats://127.0.0.1:4222")
asyncio.run(Executor("py", HANDLERS, os.environ.get("CARILLON_NAMESPACE", "default")).run(url, **login(url)))
