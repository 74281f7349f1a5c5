import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CALLS, type CarillonError, type MapContext, NonRetryableError } from '@carillon/sdk'
import { eventually, signal } from '@carillon/wire/testing'
import { z } from 'zod'
import { Cleanup } from '../support/cleanup.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

type Counts = Record<string, number>
const TEXTS = ['the cat and the dog', 'the end', 'a cat', 'and a dog and a cat', 'no more']
const EXPECTED = { the: 3, cat: 3, and: 3, dog: 2, end: 1, a: 3, no: 1, more: 1 }

async function added(results: AsyncIterable<Counts>): Promise<Counts> {
  const sum: Counts = {}
  for await (const counts of results) for (const [word, count] of Object.entries(counts)) sum[word] = (sum[word] ?? 0) + count
  return sum
}

const wordsOf = (text: string) => {
  const counts: Counts = {}
  for (const word of text.split(' ')) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

describe('map and map-reduce', { concurrency: true }, () => {
  for (const store of STORES) {
    describe(`map and map-reduce, ${store.name}`, { skip: store.skip, concurrency: true }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store })
      })

      test('words are counted: tasks make tasks, results are brought together', async () => {
        const place = await mesh.connect()
        place.mapReduce('word-count', {
          input: z.object({ texts: z.array(z.string()) }),
          items: { text: z.string(), words: z.array(z.string()) },
          async root(ctx) {
            await ctx.map('text', ctx.payload.texts)
          },
          tasks: {
            async text(ctx) {
              const words = ctx.item.split(' ')
              if (words.length <= 2) return wordsOf(ctx.item)
              // A level deeper: it is no leaf then, and what it returns does not count.
              await ctx.map('words', [words.slice(0, 2), words.slice(2)])
              return { wrong: 1 }
            },
            words: (ctx) => wordsOf(ctx.item.join(' ')),
          },
          reduce: (ctx) => added(ctx.results<Counts>()),
          merge: (ctx) => added(ctx.results<Counts>()),
        })
        await place.start()
        for (const shards of [1, 3, 100]) {
          const run = await place.client.run('word-count', { texts: TEXTS }, shards === 1 ? {} : { shards })
          assert.deepEqual(await run.result(), EXPECTED)
          const { stages, state, mode } = await place.client.runs.tree(run.id)
          assert.deepEqual([state, mode], ['succeeded', 'map-reduce'])
          assert.deepEqual(
            stages.map(({ name, total }) => [name, total]),
            // Two texts are split, three are leaves themselves: 7 leaves.
            [['root', 1], ['text', 5], ['words', 4], ['reduce', Math.min(shards, 7)], ...(shards > 1 ? [['merge', 1]] : [])],
          )
        }
      })

      test('a run that was requested before any instance offered its handler maps as well', async () => {
        const place = await mesh.connect()
        const run = await place.client.run('later', null, { timeoutMs: 60_000 })
        assert.equal((await place.client.runs.get(run.id)).mode, 'single')
        place.map('later', {
          root: (ctx: MapContext<unknown, { one: number }>) => ctx.map('one', [1, 2]),
          tasks: { one: (ctx) => ctx.item },
        })
        await place.start()
        assert.deepEqual(await run.result(), { tasks: { succeeded: 2 } })
        assert.equal((await place.client.runs.get(run.id)).mode, 'map')
      })

      test('a root that is tried again maps the same; nothing is done twice', async () => {
        const place = await mesh.connect()
        const seen: number[] = []
        place.map('copy', {
          async root(ctx: MapContext<unknown, { file: number }>) {
            for (let call = 0; call < 3; call++) await ctx.map('file', [call * 2, call * 2 + 1])
            if (ctx.attempt === 1) throw new Error('after it has mapped')
          },
          tasks: { file: (ctx) => seen.push(ctx.item as number) },
        })
        await place.start()
        const run = await place.client.run('copy', null, { attempts: 2, backoff: { type: 'fixed', delayMs: 10 } })
        assert.deepEqual(await run.result(), { tasks: { succeeded: 6 } })
        assert.deepEqual(
          seen.sort(),
          Array.from({ length: 6 }, (_, i) => i),
        )
      })

      test('what fails fails the run; its failed tasks alone are run again, and then reduced', async () => {
        const place = await mesh.connect()
        let isBroken = true
        place.mapReduce('sum', {
          root: (ctx: MapContext<unknown, { number: number }>) => ctx.map('number', [1, 2, 3, 4]),
          tasks: {
            number(ctx) {
              if (isBroken && ctx.item === 3) throw new NonRetryableError('three')
              return ctx.item
            },
          },
          async reduce(ctx) {
            let sum = 0
            for await (const number of ctx.results<number>()) sum += number
            return sum
          },
        })
        await place.start()
        const { client } = place
        const tolerant = await client.run('sum', null, { tolerate: 1 })
        assert.equal(await tolerant.result(), 7)
        const run = await client.run('sum')
        await assert.rejects(run.result(), /1 of 4 tasks failed/)
        await assert.rejects(client.runs.retry(run.id), { code: 'INVALID_REQUEST' })
        isBroken = false
        for (const [one, attempts] of [
          [run, 1],
          [tolerant, 2],
        ] as const) {
          await client.runs.retry(one.id, { only: 'failed' })
          await eventually('it has ended', async () => (await client.runs.get(one.id)).state === 'succeeded')
          assert.equal((await client.runs.get(one.id)).result, 10)
          const tasks = (await client.runs.tasks(one.id)).items
          assert.deepEqual([tasks.at(-1)?.task, tasks.at(-1)?.attempt], ['reduce', attempts])
        }
      })

      test('a reduce that was done in steps starts again when leaves were run again', async () => {
        const place = await mesh.connect()
        let isBroken = true
        place.mapReduce('sum-in-steps', {
          root: (ctx: MapContext<unknown, { number: number }>) => ctx.map('number', [1, 2, 3, 4]),
          tasks: {
            number(ctx) {
              if (isBroken && ctx.item === 3) throw new NonRetryableError('three')
              return ctx.item
            },
          },
          reduce: (ctx) =>
            ctx.step('sum', async () => {
              let sum = 0
              for await (const number of ctx.results<number>()) sum += number
              return sum
            }),
        })
        place.map('map-in-step', {
          root: (ctx: MapContext<unknown, { one: number }>) => ctx.step('map', () => ctx.map('one', [1])),
          tasks: { one: () => 1 },
        })
        await place.start()
        const { client } = place
        const run = await client.run('sum-in-steps', null, { tolerate: 1 })
        assert.equal(await run.result(), 7)
        isBroken = false
        await client.runs.retry(run.id, { only: 'failed' })
        await eventually('it was reduced again', async () => (await client.runs.get(run.id)).result === 10)
        const wrong = await client.run('map-in-step')
        await wrong.ended()
        const [root] = (await client.runs.tasks(wrong.id)).items
        assert.match(root?.failure?.message ?? '', /within a step/)
      })

      test('no more than maxParallel are under way at once', async () => {
        let [running, most] = [0, 0]
        const place = await mesh.connect()
        place.map('slow', {
          root: (ctx: MapContext<unknown, { one: number }>) =>
            ctx.map(
              'one',
              Array.from({ length: 30 }, (_, i) => i),
            ),
          tasks: {
            async one() {
              most = Math.max(most, ++running)
              await new Promise((resolve) => setTimeout(resolve, 5))
              running--
            },
          },
        })
        await place.start()
        const run = await place.client.run('slow', null, { maxParallel: 3 })
        assert.deepEqual(await run.result({ timeoutMs: 30_000 }), { tasks: { succeeded: 30 } })
        assert.ok(most <= 3, `${most} were`)
      })

      test('a cancelled run starts no further task, whatever was mapped', async () => {
        const release = signal()
        let begun = 0
        const place = await mesh.connect()
        place.map('endless', {
          async root(ctx: MapContext<unknown, { one: number }>) {
            for (let call = 0; call < 20; call++)
              await ctx.map(
                'one',
                Array.from({ length: 500 }, (_, i) => i),
              )
            release.fire()
            await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
          },
          tasks: {
            one(ctx) {
              begun++
              return new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
            },
          },
        })
        place.handle('after', () => undefined)
        await place.start()
        const { client } = place
        const run = await client.run('endless')
        await release.fired
        await client.runs.cancel(run.id)
        await eventually('it has ended', async () => (await client.runs.get(run.id)).state === 'cancelled')
        const before = begun
        const tree = await client.runs.tree(run.id)
        assert.deepEqual(
          tree.stages.map(({ name, counts }) => [name, counts]),
          [
            ['root', { cancelled: 1 }],
            ['one', { cancelled: 10_000 }],
          ],
        )
        // What comes after them in the queue is done: none of them is left there.
        await (await client.run('after')).result()
        assert.equal(begun, before)
        // Who did not hear of it is refused.
        const [root] = (await client.runs.tasks(run.id, { limit: 1 })).items
        const call = { taskId: root?.taskId ?? '', attempt: 1, instance: place.instance, call: 21, name: 'one', items: [1] }
        await assert.rejects(client.call(CALLS.tasksMap, call), { code: 'TASK_NOT_RUNNING' })
      })

      test('what cannot be mapped is refused with what would be right, and the run goes on', async () => {
        const cyclic: unknown[] = []
        cyclic.push(cyclic)
        const wrong: readonly [name: string, items: unknown, code: string, field: string][] = [
          ['one', [], 'INVALID_REQUEST', 'items'],
          ['one', Array.from({ length: 501 }, () => 1), 'INVALID_REQUEST', 'items'],
          ['one', 'abc', 'INVALID_REQUEST', 'items'],
          ['root', [1], 'INVALID_NAME', 'name'],
          ['reduce', [1], 'INVALID_NAME', 'name'],
          ['a.b', [1], 'INVALID_NAME', 'name'],
          ['one', ['x'.repeat(65 * 1024)], 'ITEM_TOO_LARGE', 'items.0'],
          ['one', [1, () => 1], 'INVALID_JSON', 'items.1'],
          ['one', [1, cyclic], 'INVALID_JSON', 'items.1'],
          ['one', [1n], 'INVALID_JSON', 'items.0'],
          ['one', [Number.NaN], 'INVALID_JSON', 'items.0'],
        ]
        const errors: CarillonError[] = []
        const place = await mesh.connect()
        place.map('picky', {
          async root(ctx: MapContext<unknown, Record<string, unknown>>) {
            for (const [name, items] of wrong) await ctx.map(name, items as unknown[]).catch((error: CarillonError) => errors.push(error))
            await ctx.map('one', [1])
          },
          tasks: { one: (ctx) => ctx.item },
        })
        place.handle('plain', (ctx) => (ctx as unknown as MapContext<unknown, { one: number }>).map('one', [1]))
        await place.start()
        const run = await place.client.run('picky')
        assert.deepEqual(await run.result(), { tasks: { succeeded: 1 } })
        for (const [i, [name, , code, field]] of wrong.entries()) {
          const { code: said, details, message } = errors[i] as CarillonError
          assert.deepEqual([said, details.field], [code, field], `${i}: ${name}: ${message}`)
          if (name === 'root') assert.match(String(details.hint), /other than root, reduce, merge/)
        }
        const plain = await place.client.run('plain')
        await assert.rejects(plain.result(), /cannot map/)
      })

      test('results over the limit and reduces that throw fail the run, with the reason', async () => {
        const place = await mesh.connect()
        place.mapReduce('fails', {
          input: z.object({ how: z.string() }),
          items: { one: z.number() },
          root: (ctx) => ctx.map('one', [1]),
          tasks: { one: (ctx) => (ctx.payload.how === 'large' ? 'x'.repeat(300_000) : 1) },
          reduce(ctx) {
            if (ctx.payload.how === 'throws') throw new Error('no sum')
          },
        })
        await place.start()
        for (const [payload, options, task, reason] of [
          [{ how: 'large' }, {}, 'one', 'invalid-result'],
          [{ how: 'throws' }, {}, 'reduce', 'handler-error'],
        ] as const) {
          const run = await place.client.run('fails', payload, options)
          await assert.rejects(run.result())
          const [failed] = (await place.client.runs.tasks(run.id, { state: 'failed' })).items
          assert.deepEqual([failed?.task, failed?.reason], [task, reason])
        }
      })
    })
  }
})
