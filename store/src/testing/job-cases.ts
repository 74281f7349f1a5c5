import assert from 'node:assert/strict'
import { SHARES } from '../shares.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { allOf, range } from './pages.ts'
import { aJob, START_AT } from './records.ts'

export const JOB_CASES: ConformanceCase[] = [
  {
    name: 'jobs: those that others fire are found in every namespace, page by page',
    async run(store) {
      const triggers = { afterJobs: [{ job: 'pack', when: 'failed' as const }] }
      const jobs = range(5).map((n) => aJob(`job-${n}`, { namespace: n === 3 ? 'acme' : 'default', triggers: n === 1 ? null : triggers }))
      for (const job of jobs) await store.jobs.insert(job)
      const first = await store.jobs.triggered({ limit: 3 })
      const second = await store.jobs.triggered({ limit: 3, cursor: first.cursor })
      const found = [...first.items, ...second.items]
      assert.deepEqual(
        found.map(({ id }) => id),
        ['acme/job-3', 'default/job-0', 'default/job-2', 'default/job-4'],
      )
      assert.deepEqual(found[0], jobs[3])
    },
  },
  {
    name: 'jobs: replace needs the stored revision, and replaces every field',
    async run(store) {
      const job = aJob('report')
      await store.jobs.insert(job)
      const next = aJob('report', {
        revision: 2,
        handler: 'other',
        schedule: null,
        nextSlotAt: null,
        payload: '{"a":1}',
        updatedAt: START_AT + 1,
      })
      assert.equal(await store.jobs.replace(next, { revision: 7 }), 'refused')
      assert.deepEqual(await store.jobs.get([job.id]), [job])
      assert.equal(await store.jobs.replace(next, { revision: 1 }), 'applied')
      assert.equal(await store.jobs.replace(next, { revision: 1 }), 'refused')
      assert.deepEqual(await store.jobs.get([job.id]), [next])
      assert.equal(await store.jobs.replace(aJob('nobody'), { revision: 1 }), 'refused')
    },
  },
  {
    name: 'jobs: of 16 that replace the same revision one wins',
    async run(store, context) {
      const stores = [store, await context.openAnother()]
      await store.jobs.insert(aJob('report'))
      const outcomes = await Promise.all(
        range(16).map((n) => stores[n % 2]!.jobs.replace(aJob('report', { revision: 2, handler: `h-${n}` }), { revision: 1 })),
      )
      const winner = outcomes.indexOf('applied')
      assert.equal(outcomes.filter((outcome) => outcome === 'applied').length, 1)
      assert.equal((await store.jobs.get(['default/report']))[0]?.handler, `h-${winner}`)
    },
  },
  {
    name: 'jobs: advance moves slot, wakeAt, state and awaited run, each if revision, slot and awaited run are as expected',
    async run(store) {
      for (const name of ['a', 'b', 'c', 'd']) await store.jobs.insert(aJob(name))
      const move = (name: string, expect: { revision: number; nextSlotAt: number | null; awaits?: string }, nextSlotAt: number | null) => ({
        id: `default/${name}`,
        expect: { awaits: null, ...expect },
        set: {
          awaits: nextSlotAt === null ? 'run-1' : null,
          chosenSlotAt: nextSlotAt === null ? null : 5,
          nextSlotAt,
          wakeAt: nextSlotAt && nextSlotAt + 7,
          state: nextSlotAt === null ? ('finished' as const) : ('active' as const),
        },
      })
      const outcomes = await store.jobs.advance([
        move('d', { revision: 1, nextSlotAt: START_AT }, null),
        move('a', { revision: 1, nextSlotAt: START_AT }, START_AT + 60_000),
        move('b', { revision: 2, nextSlotAt: START_AT }, START_AT + 60_000),
        move('c', { revision: 1, nextSlotAt: START_AT + 1 }, START_AT + 60_000),
        move('nobody', { revision: 1, nextSlotAt: START_AT }, null),
      ])
      assert.deepEqual(outcomes, ['applied', 'applied', 'refused', 'refused', 'refused'])
      assert.deepEqual(await store.jobs.get(['default/a', 'default/b', 'default/d']), [
        aJob('a', { nextSlotAt: START_AT + 60_000, wakeAt: START_AT + 60_007, chosenSlotAt: 5 }),
        aJob('b'),
        aJob('d', { nextSlotAt: null, state: 'finished', awaits: 'run-1' }),
      ])
      const next = [
        move('d', { revision: 1, nextSlotAt: null }, START_AT),
        move('d', { revision: 1, nextSlotAt: null, awaits: 'run-2' }, START_AT),
        move('d', { revision: 1, nextSlotAt: null, awaits: 'run-1' }, START_AT),
      ]
      assert.deepEqual(await store.jobs.advance(next), ['refused', 'refused', 'applied'])
    },
  },
  {
    name: 'jobs: data is written by itself, and kept when the job is replaced',
    async run(store) {
      await store.jobs.insert(aJob('report'))
      const data = JSON.stringify({ cursor: 'ä'.repeat(8_000) })
      assert.deepEqual(
        [await store.jobs.setData('default/report', data), await store.jobs.setData('default/nobody', '{}')],
        ['applied', 'refused'],
      )
      await store.jobs.replace(aJob('report', { revision: 2, handler: 'other', data: null }), { revision: 1 })
      assert.deepEqual(await store.jobs.get(['default/report']), [aJob('report', { revision: 2, handler: 'other', data })])
      assert.equal(await store.jobs.setData('default/report', null), 'applied')
      assert.equal((await store.jobs.get(['default/report']))[0]?.data, null)
    },
  },
  {
    name: 'jobs: due earliest first, of the given shares',
    async run(store) {
      const jobs = range(30).map((n) => aJob(`job-${n}`, { wakeAt: n === 29 ? null : START_AT + 30 - n, share: n % 3 }))
      for (const job of jobs) await store.jobs.insert(job)
      const due = jobs
        .filter((job) => job.wakeAt !== null && job.wakeAt <= START_AT + 20)
        .toReversed()
        .map(({ id, wakeAt }) => ({ id, wakeAt }))
      assert.deepEqual(await store.jobs.due({ until: START_AT + 20, shares: range(SHARES), limit: 100 }), due)
      const one = due.filter(({ id }) => jobs.find((job) => job.id === id)?.share === 1)
      assert.deepEqual(await store.jobs.due({ until: START_AT + 20, shares: [1], limit: 3 }), one.slice(0, 3))
    },
  },
  {
    name: 'jobs: list by name in one namespace, and remove',
    async run(store) {
      const names = ['a', 'B', 'a-1', 'a_1', 'b', 'Z', '0', '__proto__', 'constructor']
      for (const name of names) await store.jobs.insert(aJob(name))
      await store.jobs.insert(aJob('b', { namespace: 'default-2' }))
      const read = (cursor: string | undefined) => store.jobs.list({ namespace: 'default', cursor, limit: 2 })
      const sorted = names.toSorted((a, b) => (a < b ? -1 : 1))
      assert.deepEqual(
        (await allOf(read)).map((job) => job.name),
        sorted,
      )
      const { revision } = aJob('b')
      assert.equal(await store.jobs.remove('default/b', { revision: revision + 1 }), 'refused')
      assert.equal(await store.jobs.remove('default/b', { revision }), 'applied')
      assert.equal(await store.jobs.remove('default/b', { revision }), 'refused')
      assert.deepEqual(await store.jobs.get(['default/b']), [undefined])
      assert.equal((await store.jobs.list({ namespace: 'default-2', limit: 5 })).items.length, 1)
    },
  },
]
