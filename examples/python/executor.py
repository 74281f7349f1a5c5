"""A Carillon executor in plain Python: nothing but a NATS client (pip install nats-py), written from docs/MINIMAL-EXECUTOR.md."""
import asyncio
import json
import secrets
import signal
import time

import nats
from task import Failed, Task


class Executor:
    """`handlers`: by name an async function of a Task; of a map-reduce a dict of such functions by the names of its tasks."""
    def __init__(self, service, handlers, namespace="default", capacity=60):
        self.service, self.handlers, self.prefix, self.capacity = service, handlers, f"carillon.{namespace}.", capacity
        self.instance, self.session = f"{service}-{secrets.token_hex(4)}", secrets.token_hex(8)
        self.me = {"instance": self.instance, "session": self.session}
        self.cordoned, self.fetching = False, 0
        self.held, self.pulls, self.jobs, self.slots, self.draining = {}, {}, set(), asyncio.Semaphore(capacity), asyncio.Event()

    async def run(self, url, **login):
        self.nats = await nats.connect(url, **login, max_reconnect_attempts=-1, reconnect_time_wait=0.5, reconnected_cb=self.register)
        places = {"control": self.obey, "direct": self.answer_offer, "session": self.answer_alive}
        for place, callback in places.items():
            await self.nats.subscribe(f"{self.prefix}{place}.{self.instance}{'.' + self.session if place == 'session' else ''}", cb=callback)
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, self.draining.set)
        await self.register()
        self.later(self.beat())
        print(f"ready {self.instance}", flush=True)
        await self.draining.wait()
        await asyncio.wait(self.pulls.values())  # each ends by itself; what it still received is held
        for seconds in (30, 6):
            until = time.monotonic() + seconds
            while self.held and time.monotonic() < until:
                await asyncio.sleep(0.02)
            for task in self.held.values():
                task.stop("drained")
        await self.call("instances.leave", self.me, 5)
        await self.nats.close()

    def later(self, coroutine):
        job = asyncio.create_task(coroutine)
        self.jobs.add(job)
        job.add_done_callback(self.jobs.discard)
        return job

    async def call(self, name, body, patience_s=float("inf")):
        """Asks again while that may help: without an answer, and after a refusal that says so."""
        until = time.monotonic() + patience_s
        while True:
            try:
                answer = json.loads((await self.nats.request(f"{self.prefix}api.{name}", json.dumps(body).encode(), timeout=5)).data)
            except nats.errors.Error as error:
                answer = {"error": {"message": repr(error), "retry": True}}
            if "error" not in answer:
                return answer
            if not answer["error"]["retry"] or time.monotonic() > until:
                raise Failed(f"{name}: {answer['error']['message']}")
            await asyncio.sleep(0.2 + secrets.randbelow(300) / 1000)

    async def store(self, place, body):
        """Publishes into a stream until the broker has it; the same id each time makes it one message."""
        headers = {"Nats-Msg-Id": secrets.token_hex(12)}
        while True:
            try:
                return await self.nats.jetstream().publish(self.prefix + place, json.dumps(body).encode(), timeout=5, headers=headers)
            except (nats.errors.Error, OSError):
                await asyncio.sleep(0.5)

    async def register(self):
        handlers = [{"name": name, **self.kind(name)} for name in self.handlers]
        body = {**self.me, "service": self.service, "protocol": 1, "handlers": handlers, "capacity": self.capacity}
        answer = await self.call("instances.register", body)
        self.beat_s, self.cordoned = answer["beatMs"] / 1000, answer.get("cordoned", False)
        for handler, at in answer["consumers"].items():
            self.pulls[handler] = self.pulls.get(handler) or self.later(self.pull(at["stream"], at["consumer"]))

    def kind(self, handler):
        return {"kind": "map-reduce"} if isinstance(self.handlers[handler], dict) else {}

    async def beat(self):
        """A sign of life of the process, and "still working" for each message that it holds: at least every 3 s."""
        while True:
            idle = self.cordoned and self.fetching == 0  # nothing more can come
            body = {"running": len(self.held), "session": self.session, "cordoned": idle}
            await self.nats.publish(f"{self.prefix}beat.{self.instance}", json.dumps(body).encode())
            for task in list(self.held.values()):
                await task.working()
            await asyncio.sleep(min(self.beat_s, 3))

    async def pull(self, stream, consumer):
        """Asks for one message at a time, and only when there is room for it."""
        subscription = await self.nats.jetstream().pull_subscribe_bind(consumer=consumer, stream=stream)
        while not self.draining.is_set():
            await self.slots.acquire()
            if self.cordoned:
                self.slots.release()
                await asyncio.sleep(0.1)
                continue
            self.fetching += 1
            try:
                self.later(self.take(*await subscription.fetch(1, timeout=2)))
                continue
            except (nats.errors.TimeoutError, asyncio.TimeoutError):
                pass
            except nats.errors.Error:  # the consumer may be gone: a registration makes it again
                await asyncio.sleep(1)
                self.later(self.register())
            finally:
                self.fetching -= 1
            self.slots.release()

    async def take(self, message):
        """A slot is taken: it is given back when the message is done with."""
        try:
            task = Task(self, json.loads(message.data), message)
            if task.key in self.held:  # it has come again: from now on this delivery counts
                self.held[task.key].message = message
                return await message.in_progress()
            if await self.run_claimed(task, message.metadata.num_delivered > 1):
                await task.message.ack()
        except (KeyError, ValueError):
            await message.term()
        finally:
            self.slots.release()

    async def run_claimed(self, task, redelivered):
        """Every task is claimed before it is run: the mesh knows whether it is still wanted, so nothing needs to be remembered here."""
        key, self.held[task.key] = task.key, task
        try:
            claim = {"taskId": task.work["taskId"], "attempt": task.work["attempt"], **self.me, **self.kind(task.work["handler"])}
            answer = await self.call("tasks.claim", {**claim, "redelivered": redelivered})
            while answer["run"] and task.why:  # a cancel came meanwhile: the answer may be older
                task.why = None
                answer = await self.call("tasks.claim", {**claim, "redelivered": False})
            if not answer["run"]:
                return True
            task.work["attempt"] = answer["attempt"]
            handler = self.handlers[task.work["handler"]]
            return await task.execute(handler.get(task.work.get("task")) if isinstance(handler, dict) else handler)
        finally:
            del self.held[key]

    async def answer_alive(self, question):
        await question.respond(b'{"alive":true}')

    async def answer_offer(self, message):
        if (message.headers or {}).get("Carillon-Session", self.session) != self.session:
            return  # meant for another process of this name
        task = Task(self, json.loads(message.data))
        reason = "draining" if self.draining.is_set() else "unknown-handler" if task.work["handler"] not in self.handlers else None
        if not reason and task.key not in self.held:
            if self.cordoned or self.slots.locked():
                reason = "cordoned" if self.cordoned else "busy"
            else:
                await self.slots.acquire()
                self.later(self.run_claimed(task, False)).add_done_callback(lambda _: self.slots.release())
        await message.respond(json.dumps({"accepted": False, "reason": reason} if reason else {"accepted": True}).encode())

    async def obey(self, message):
        order = json.loads(message.data)
        if order["type"] == "drain":
            self.draining.set()
        elif order["type"] in ("cordon", "uncordon"):
            self.cordoned = order["type"] == "cordon"
        elif order["type"] == "register":
            self.later(self.register())
        elif order["type"] == "check":
            self.later(self.check(order))
        elif order["type"] == "cancel":
            for task in self.held.values():
                if order["taskId"] in (task.work["taskId"], task.work["runId"]):
                    task.stop("cancelled")

    async def check(self, order):
        """Someone else received what we are known to run. What has just ended is applied first."""
        await asyncio.sleep(10)
        if not any(task.work["taskId"] == order["taskId"] for task in self.held.values()):
            await self.store(f"report.{self.instance}", {**order, "type": "released"})
