"""A Carillon executor in plain Python: nothing but a NATS client, written from docs/PROTOCOL.md.

    pip install nats-py
    python executor.py nats://127.0.0.1:4222

It offers two handlers: `carillon run py-hello '{"name":"Ada","seconds":2}'`, and the map-reduce
`carillon run py-word-count '{"texts":["the cat","the dog and the cat"]}' --shards 2`.
"""

import asyncio
import json
import os
import resource
import secrets
import signal
import sys
import time
from urllib.parse import unquote, urlsplit

import nats
from handlers import py_hello, py_word_count
from task import Context, NonRetryable, Task, function_of, kind_of, now

NAMESPACE = "default"
WORKING_S = 3  # "still working", for each message that is held
CHECK_S = 10
GRACE_S = 5  # a handler's time between being told to stop and being over
DRAIN_S = 30  # running tasks' time after SIGTERM
STARTED_AFTER_S = 0.2  # a shorter task reports its start and its end as one
REMEMBER_S = 60  # finished offers, and cancelled tasks whose message may be on its way
LINES_PER_MESSAGE = 100
RESULT_BYTES = 256 * 1024
REPEATED = {"CONCURRENT_CHANGE", "INTERNAL", "QUEUE_FULL", "STORE_FULL", "STORE_READ_ONLY", "STORE_UNAVAILABLE"}
REPEAT_FOR_S = 60


def ms_since(began):
    """Durations never come from the machine's clock: it may be set meanwhile."""
    return round((time.monotonic() - began) * 1000)


def subject(*tokens):
    return ".".join(["carillon", NAMESPACE, *tokens])


class Refused(Exception):
    """A call was refused by the service that answered it."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.may_repeat = error["code"] in REPEATED


def login(address):
    """The credentials of an address, which are percent-encoded there: nats-py would send them as they stand."""
    parts = urlsplit(address)
    if parts.password is not None:
        return {"user": unquote(parts.username), "password": unquote(parts.password)}
    return {"token": unquote(parts.username)} if parts.username else {}


class Executor:
    def __init__(self, service, handlers, capacity=10):
        self.service, self.handlers, self.capacity = service, handlers, capacity
        self.instance = f"{service}-{secrets.token_hex(4)}"
        self.session = secrets.token_hex(8)  # fresh for each start of a process
        self.claim_up_to = 0
        self.slots = asyncio.Semaphore(capacity)
        self.held = set()
        self.done_offers, self.cancelled = {}, {}
        self.draining = asyncio.Event()
        self.registering = asyncio.Lock()
        self.pulling, self.background = {}, set()
        self.beat_s = 3.0

    # --- life -----------------------------------------------------------------------------------------------------

    async def run(self, server):
        """Connect, register and work until SIGTERM, SIGINT or the order to drain."""
        options = {"max_reconnect_attempts": -1, "reconnect_time_wait": 0.5, "error_cb": self.warn, **login(server)}
        self.nats = await nats.connect(server, name=self.instance, reconnected_cb=self.register, **options)
        self.logs = await nats.connect(server, name=f"{self.instance} logs", **options)
        self.stream, self.log_stream = self.nats.jetstream(), self.logs.jetstream()
        await self.nats.subscribe(subject("control", self.instance), cb=self.obey)
        await self.nats.subscribe(subject("direct", self.instance), cb=self.answer_offer)
        await self.nats.subscribe(f"{subject('session', self.instance)}.{self.session}", cb=self.answer_alive)
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, self.draining.set)
        await self.register()
        self.later(self.beat())
        self.later(self.say_working())
        print(f"ready {self.instance}", flush=True)
        await self.draining.wait()
        await self.drain()

    async def drain(self):
        """Finish what is held, report it, say goodbye."""
        for pull in self.pulling.values():
            await pull  # ends by itself; what it still received is held
        await self.until_free(DRAIN_S)
        for task in self.held:
            task.ask_to_stop("drained")
        await self.until_free(GRACE_S + 1)
        try:
            await self.call("instances", "leave", {"instance": self.instance, "session": self.session})
        except (Refused, nats.errors.Error) as error:
            print(f"no goodbye: {error}", file=sys.stderr)
        for job in list(self.background):
            job.cancel()
        await self.logs.close()
        await self.nats.close()

    async def warn(self, error):
        print(f"nats: {error!r}", file=sys.stderr)

    async def until_free(self, seconds):
        until = time.monotonic() + seconds
        while self.held and time.monotonic() < until:
            await asyncio.sleep(0.02)

    def later(self, coroutine):
        job = asyncio.create_task(coroutine)
        self.background.add(job)
        job.add_done_callback(self.background.discard)
        return job

    # --- calls and streams ----------------------------------------------------------------------------------------

    async def call(self, noun, verb, body):
        answer = await self.nats.request(subject("api", noun, verb), json.dumps(body).encode(), timeout=5)
        result = json.loads(answer.data)
        if "error" in result:
            raise Refused(result["error"])
        return result

    async def call_patiently(self, noun, verb, body):
        """For calls that may be repeated: services may be away, or behind."""
        until, pause = time.monotonic() + REPEAT_FOR_S, 0.1
        while True:
            try:
                return await self.call(noun, verb, body)
            except (Refused, nats.errors.Error) as error:
                if time.monotonic() > until or not getattr(error, "may_repeat", True):
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2)

    async def store(self, stream, where, body):
        """Publish until the broker has it; the same message id each time makes it one message."""
        headers, pause = {"Nats-Msg-Id": secrets.token_hex(12)}, 0.1
        while True:
            try:
                return await stream.publish(where, json.dumps(body).encode(), timeout=5, headers=headers)
            except (nats.errors.Error, OSError):
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5)

    # --- register, beat, pull -------------------------------------------------------------------------------------

    async def register(self):
        async with self.registering:
            pause = 0.1
            while True:
                try:
                    answer = await self.call("instances", "register", self.registration())
                    break
                except nats.errors.Error:
                    await asyncio.sleep(pause * (0.5 + secrets.randbelow(1000) / 1000))
                    pause = min(pause * 2, 5)
            self.beat_s, self.claim_up_to = answer["beatMs"] / 1000, answer["claimUpTo"]
            for handler, place in answer["consumers"].items():
                if handler not in self.pulling and not self.draining.is_set():
                    self.pulling[handler] = self.later(self.pull(handler, place["stream"], place["consumer"]))

    def registration(self):
        handlers = [{"name": name, "description": handler.__doc__ or "", **kind_of(handler)} for name, handler in self.handlers.items()]
        who = {"instance": self.instance, "session": self.session, "service": self.service, "version": "1.0.0"}
        return {**who, "handlers": handlers, "capacity": self.capacity}

    async def answer_alive(self, message):
        await message.respond(b'{"alive":true}')

    async def beat(self):
        while True:
            usage = resource.getrusage(resource.RUSAGE_SELF)
            body = {"memoryBytes": usage.ru_maxrss * 1024, "running": len(self.held), "session": self.session}
            await self.nats.publish(subject("beat", self.instance), json.dumps(body).encode())
            await asyncio.sleep(self.beat_s)

    async def pull(self, handler, stream, consumer):
        """Ask for one message at a time, and only when there is room for it."""
        subscription = await self.stream.pull_subscribe_bind(consumer=consumer, stream=stream)
        while True:
            await self.slots.acquire()
            if self.draining.is_set():
                return self.slots.release()
            try:
                messages = await subscription.fetch(1, timeout=2)
            except (nats.errors.TimeoutError, asyncio.TimeoutError):
                messages = []
            except nats.errors.Error:
                messages = []  # the consumer may be gone: a registration makes it again
                await asyncio.sleep(1)
                self.later(self.register())
            if not messages:
                self.slots.release()
            for message in messages:
                self.later(self.take(message))

    async def take(self, message):
        """A slot is taken: give it back when the message is done with."""
        try:
            work = json.loads(message.data)
            mine = [task for task in self.held if task.work["taskId"] == work["taskId"] and task.work["attempt"] >= work["attempt"]]
            if mine:
                mine[0].message = message
                return
            task = Task(work, message)
            self.held.add(task)
            try:
                await self.work_on(task)
            finally:
                self.held.discard(task)
        except (KeyError, ValueError):
            await message.term()
        finally:
            self.slots.release()

    async def work_on(self, task):
        again = task.message.metadata.num_delivered > 1
        cancelled = any(self.remembers(self.cancelled, task.work[key]) for key in ("taskId", "runId"))
        # A run that was asked for before anyone had offered its handler: nobody knew that it maps.
        unplanned = kind_of(self.handlers[task.work["handler"]]) and "task" not in task.work
        forgotten = task.message.metadata.sequence.stream <= self.claim_up_to
        if (again or cancelled or unplanned or forgotten) and not await self.claim(task, redelivered=again):
            return await task.message.ack()
        if await self.execute(task):
            await task.message.ack()

    async def claim(self, task, redelivered):
        body = {"taskId": task.work["taskId"], "attempt": task.work["attempt"], "redelivered": redelivered}
        body |= {"instance": self.instance, "session": self.session}
        body |= kind_of(self.handlers[task.work["handler"]])
        while True:
            try:
                answer = await self.call("tasks", "claim", body)
                break
            except (Refused, nats.errors.Error):
                await asyncio.sleep(0.5)
        if answer["run"]:
            task.work["attempt"] = answer["attempt"]
        return answer["run"]

    async def say_working(self):
        while True:
            await asyncio.sleep(WORKING_S)
            for task in list(self.held):
                if task.message:
                    await task.message.in_progress()

    # --- run and report -------------------------------------------------------------------------------------------

    async def execute(self, task):
        """Run one attempt and report it. False when it was given up without a report."""
        began = time.monotonic()
        started = self.later(self.say_started(task, began))
        task.running = asyncio.create_task(function_of(self.handlers[task.work["handler"]], task.work)(Context(self, task)))
        stop = asyncio.create_task(task.stop.wait())
        limit = task.work.get("timeoutMs")
        done, _ = await asyncio.wait({task.running, stop}, timeout=limit and limit / 1000, return_when=asyncio.FIRST_COMPLETED)
        timed_out = not done
        if task.running not in done:
            task.running.cancel()
            await asyncio.wait({task.running}, timeout=GRACE_S)
        stop.cancel()
        started.cancel()
        ending = self.ending(task, timed_out)
        if ending:
            await self.report(task, {"type": "finished", "durationMs": ms_since(began), **ending})
        return ending is not None

    def ending(self, task, timed_out):
        if timed_out:
            error = {"name": "TimeoutError", "message": f"The attempt took longer than its limit of {task.work['timeoutMs']} ms"}
            return {"outcome": "timed_out", "error": error}
        if not task.running.done() or task.running.cancelled():
            return None if task.why == "drained" else {"outcome": "cancelled"}
        error = task.running.exception()
        if error:
            final = {"retryable": False} if isinstance(error, NonRetryable) else {}
            return {"outcome": "failed", "error": {"name": type(error).__name__, "message": str(error), **final}}
        return self.succeeded(task.running.result())

    def succeeded(self, result):
        try:
            size = len(json.dumps(result, allow_nan=False).encode())
        except (TypeError, ValueError) as error:
            return {"outcome": "failed", "reason": "invalid-result", "error": {"name": "RESULT_NOT_JSON", "message": str(error)}}
        if size > RESULT_BYTES:
            message = f"The result has {size} bytes, the limit is {RESULT_BYTES}"
            return {"outcome": "failed", "reason": "invalid-result", "error": {"name": "RESULT_TOO_LARGE", "message": message}}
        return {"outcome": "succeeded", "result": result}

    async def say_started(self, task, began):
        await asyncio.sleep(STARTED_AFTER_S)
        await self.report(task, {"type": "started", "session": self.session, "durationMs": ms_since(began)})

    async def report(self, task, report):
        async with task.in_order:
            await self.store(self.stream, subject("report", self.instance), {**task.identity(), **report})

    # --- logs -----------------------------------------------------------------------------------------------------

    def log(self, task, level, message, fields):
        task.seq += 1
        task.lines.append({"seq": task.seq, "at": now(), "level": level, "message": message, "fields": fields})
        if len(task.lines) == 1:
            self.later(self.ship(task))

    async def ship(self, task):
        await asyncio.sleep(0.1)
        lines, task.lines = task.lines, []
        for first in range(0, len(lines), LINES_PER_MESSAGE):
            body = {**task.identity(), "instance": self.instance, "lines": lines[first : first + LINES_PER_MESSAGE]}
            await self.store(self.log_stream, subject("log", task.work["runId"]), body)

    # --- offers and orders ----------------------------------------------------------------------------------------

    async def answer_offer(self, message):
        if (message.headers or {}).get("Carillon-Session", self.session) != self.session:
            return  # meant for another process of this name
        work = json.loads(message.data)
        key = f"{work['taskId']}#{work['attempt']}"
        known = self.remembers(self.done_offers, key) or any(task.identity() == Task(work).identity() for task in self.held)
        reason = None
        if self.draining.is_set():
            reason = "draining"
        elif work["handler"] not in self.handlers:
            reason = "unknown-handler"
        elif not known and self.slots.locked():
            reason = "busy"
        answer = {"accepted": False, "reason": reason} if reason else {"accepted": True}
        if not reason and not known:
            await self.slots.acquire()
            task = Task(work)
            self.held.add(task)
            self.later(self.run_offer(task, key))
        await message.respond(json.dumps(answer).encode())

    async def run_offer(self, task, key):
        try:
            await self.execute(task)
            self.remember(self.done_offers, key)
        finally:
            self.held.discard(task)
            self.slots.release()

    async def check(self, order):
        """Someone else received what we are known to run. What has just ended is applied first."""
        await asyncio.sleep(CHECK_S)
        if not any(task.work["taskId"] == order["taskId"] for task in self.held):
            await self.store(self.stream, subject("report", self.instance), {**order, "type": "released"})

    async def obey(self, message):
        order = json.loads(message.data)
        if order["type"] == "drain":
            self.draining.set()
        elif order["type"] == "check":
            self.later(self.check(order))
        elif order["type"] == "register":
            self.later(self.register())
        elif order["type"] == "cancel":
            self.remember(self.cancelled, order["taskId"])
            for task in self.held:
                if order["taskId"] in (task.work["taskId"], task.work["runId"]):
                    task.ask_to_stop("cancelled")

    @staticmethod
    def remember(memory, key):
        horizon = time.monotonic() - REMEMBER_S
        for old in [name for name, at in memory.items() if at < horizon]:
            del memory[old]
        memory[key] = time.monotonic()

    @staticmethod
    def remembers(memory, key):
        return memory.get(key, 0) > time.monotonic() - REMEMBER_S


if __name__ == "__main__":
    # With a user and password or a token it belongs into the environment: everyone on a machine can read its command lines.
    address = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("CARILLON_NATS_URL", "nats://127.0.0.1:4222")

    async def main():
        await Executor("py-greeter", {"py-hello": py_hello, "py-word-count": py_word_count}).run(address)

    asyncio.run(main())
