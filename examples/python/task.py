"""What a handler deals with: the task that it runs, and what it is given."""

import asyncio
from datetime import datetime, timezone

ITEMS_PER_CALL = 500


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class NonRetryable(Exception):
    """Raise it in a handler when no further attempt can help."""


class Task:
    """One attempt of a task that this process holds."""

    def __init__(self, work, message=None):
        self.work = work
        self.message = message  # where to acknowledge it; an offered task has none
        self.running = None
        self.stop = asyncio.Event()
        self.why = None  # why it is to stop: cancelled, or drained
        self.lines = []
        self.seq = 0
        self.in_order = asyncio.Lock()  # reports of one task keep their order
        self.calls = 0  # of map: the n-th call is the same call in every attempt

    def ask_to_stop(self, why):
        self.why = self.why or why
        self.stop.set()

    def identity(self):
        return {key: self.work[key] for key in ("runId", "taskId", "attempt")}


class Context:
    """What a handler is given. When it has to stop, it gets asyncio.CancelledError."""

    def __init__(self, executor, task):
        self._executor, self._task = executor, task
        self.payload, self.attempt, self.item = task.work["payload"], task.work["attempt"], task.work.get("item")

    async def map(self, name, items):
        """Of a map: ask for a task of that name for each item. Asks for the same in every attempt."""
        for first in range(0, len(items), ITEMS_PER_CALL):
            call, self._task.calls = self._task.calls, self._task.calls + 1
            body = {"call": call, "name": name, "items": items[first : first + ITEMS_PER_CALL]}
            about = {"taskId": self._task.work["taskId"], "attempt": self.attempt, "instance": self._executor.instance}
            await self._executor.call_patiently("tasks", "map", {**about, **body})

    async def results(self):
        """Of a reduce or merge: what it brings together, a page at a time."""
        query = {"taskId": self._task.work["taskId"], "limit": 100}
        while True:
            page = await self._executor.call_patiently("tasks", "results", query)
            for item in page["items"]:
                yield item["result"]
            if "next" not in page:
                return
            query["cursor"] = page["next"]

    async def progress(self, percent, note=None):
        report = {"type": "progress", "percent": percent, **({"note": note} if note else {})}
        await self._executor.report(self._task, report)

    def log(self, level, message, **fields):
        self._executor.log(self._task, level, message, fields)


class MapReduce:
    """A handler whose tasks make tasks: functions by the name of their task. With `reduce`, and `merge`, results are brought together."""

    def __init__(self, **functions):
        self.functions = functions
        self.kind = "map-reduce" if "reduce" in functions else "map"
        self.__doc__ = functions["root"].__doc__


def kind_of(handler):
    return {"kind": handler.kind} if isinstance(handler, MapReduce) else {}


def function_of(handler, work):
    """What is to be run of a handler for this work."""

    async def nothing(_context):
        raise NonRetryable(f"there is no function for tasks named {work.get('task')}")

    return handler.functions.get(work.get("task"), nothing) if isinstance(handler, MapReduce) else handler
