"""One attempt of a task, and what its handler is given."""
import asyncio
import json
from datetime import datetime, timezone


class Failed(Exception):
    """Raise it in a handler to say how to go on: retryable=False, or retryAfterMs=…"""
    def __init__(self, message, **hints):
        super().__init__(message)
        self.hints = hints


class Task:
    """A handler that has to stop gets asyncio.CancelledError."""
    def __init__(self, executor, work, message=None):
        self.executor, self.work, self.message = executor, work, message  # an offered task has no message
        self.key = (work["taskId"], work["attempt"])
        self.payload, self.item, self.attempt = work["payload"], work.get("item"), work["attempt"]
        self.running, self.why, self.calls, self.seq, self.lines, self.shipping, self.order = None, None, 0, 0, [], None, asyncio.Lock()

    async def progress(self, percent, note=""):
        await self.report(type="progress", percent=percent, note=note)

    def log(self, level, message, **fields):
        self.seq += 1
        at = datetime.now(timezone.utc).isoformat()
        self.lines.append({"seq": self.seq, "at": at, "level": level, "message": message, "fields": fields})
        if len(self.lines) == 1:
            self.shipping = self.executor.later(self.ship())

    async def map(self, name, items):
        """Of a map: asks for a task of that name for each item. Asks for the same in every attempt: each call has a number."""
        for first in range(0, len(items), 500):
            about = {"taskId": self.work["taskId"], "attempt": self.work["attempt"], "instance": self.executor.instance, "call": self.calls}
            self.calls += 1
            await self.executor.call("tasks.map", {**about, "name": name, "items": items[first : first + 500]}, 60)

    async def results(self):
        """Of a reduce or merge: what it brings together, a page at a time."""
        query = {"taskId": self.work["taskId"]}
        while query:
            page = await self.executor.call("tasks.results", query, 60)
            for item in page["items"]:
                yield item["result"]
            query = "next" in page and {**query, "cursor": page["next"]}

    def about(self):
        return {key: self.work[key] for key in ("runId", "taskId", "attempt")}

    async def report(self, **report):
        async with self.order:  # reports of one task keep their order
            await self.executor.store(f"report.{self.executor.instance}", {**self.about(), **report})

    async def ship(self):
        await asyncio.sleep(0.1)
        lines, self.lines = self.lines, []
        for first in range(0, len(lines), 100):
            body = {**self.about(), "instance": self.executor.instance, "lines": lines[first : first + 100]}
            await self.executor.store(f"log.{self.work['runId']}", body)

    async def working(self):
        if self.message:
            await self.message.in_progress()

    def stop(self, why):
        self.why = self.why or why
        if self.running:
            self.running.cancel()

    async def execute(self, function):
        """Runs the attempt and reports its end. False when it was given up without a report."""
        self.running = asyncio.create_task(function(self) if function else self.nothing())
        limit = self.work.get("timeoutMs")
        done, _ = await asyncio.wait({self.running}, timeout=limit and limit / 1000)
        if not done:
            self.stop("timed_out")
            await asyncio.wait({self.running}, timeout=5)
        if self.why == "drained" and (not self.running.done() or self.running.cancelled()):
            return False
        await self.report(type="finished", logLines=self.seq, **self.ending())
        if self.shipping:
            await self.shipping
        return True

    async def nothing(self):
        raise Failed(f"there is no function for tasks named {self.work.get('task')}", retryable=False)

    def ending(self):
        if self.why == "timed_out" or not self.running.done() or self.running.cancelled():
            return {"outcome": self.why or "cancelled"}
        error = self.running.exception()
        if error:
            return {"outcome": "failed", "error": {"name": type(error).__name__, "message": str(error), **getattr(error, "hints", {})}}
        try:
            text = json.dumps(self.running.result(), allow_nan=False)
        except (TypeError, ValueError) as error:
            return {"outcome": "failed", "reason": "invalid-result", "error": {"message": str(error)}}
        if len(text) > 256 * 1024:
            return {"outcome": "failed", "reason": "invalid-result", "error": {"message": f"the result has {len(text)} letters"}}
        return {"outcome": "succeeded", "result": self.running.result()}
