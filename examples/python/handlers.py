"""What this executor offers."""

import asyncio
from collections import Counter

from task import MapReduce


async def py_hello(context):
    """Greets {name}, after {seconds}"""
    payload = context.payload or {}
    name, seconds = payload.get("name", "world"), payload.get("seconds", 0)
    context.log("info", "someone is to be greeted", name=name)
    for step in range(int(seconds * 2)):
        await asyncio.sleep(0.5)
        await context.progress((step + 1) * 50 / seconds, "thinking of words")
    if payload.get("fail"):
        raise ValueError("asked to fail")
    context.log("info", "found the words")
    return {"greeting": f"Hello, {name}!", "attempt": context.attempt}


async def texts(context):
    """Counts the words of {texts}"""
    await context.map("text", context.payload["texts"])


async def words_of_text(context):
    return Counter(context.item.split())


async def added(context):
    counts = Counter()
    async for one in context.results():
        counts.update(one)
    return counts


py_word_count = MapReduce(root=texts, text=words_of_text, reduce=added, merge=added)
