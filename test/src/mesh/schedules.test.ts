import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CALLS, type RunView } from '@carillon/contracts'
import type { Client } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering, PATIENTLY, refusal } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

/** The runs of the first slots of a job, when all of them have succeeded: a later one may end before an earlier one. */
const firstOf = (client: Client, job: string, count: number) =>
  eventually(`${count} slots have run`, async () => {
    const runs = (await runsOf(client, job)).sort((one, other) => (one.slot ?? '').localeCompare(other.slot ?? '')).slice(0, count)
    return runs.length === count && runs.every(({ state }) => state === 'succeeded') ? runs : undefined
  })

// Most of the time goes by waiting: both stores at once.
describe('schedules', { concurrency: true }, () => {
  for (const store of STORES) {
    describe(`schedules with two coordinators, ${store.name}`, { skip: store.skip, concurrency: true }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store, coordinators: 2 })
      })

      test('cron every second: each slot one run, none left out, none twice, never early', async () => {
        const { client } = await offering(mesh, { tick: (ctx) => ({ slot: ctx.slot, at: Date.now() }) })
        const job = await client.jobs.put({ name: 'tick', schedule: { cron: '* * * * * *' }, overlap: 'parallel' })
        assert.deepEqual([job.state, job.schedule], ['active', { cron: '* * * * * *', timezone: 'UTC' }])
        const runs = await firstOf(client, 'tick', 5)
        const slots = runs.map(({ slot = '' }) => Date.parse(slot))
        assert.deepEqual(
          slots,
          slots.map((_, i) => (slots[0] as number) + i * 1_000),
        )
        for (const { runId } of runs) {
          const run = await client.runs.get(runId)
          const { slot, at } = run.result as { slot: string; at: number }
          assert.equal(slot, run.slot)
          const lateMs = at - Date.parse(slot)
          assert.ok(lateMs >= 0, `${lateMs} ms after its slot`)
          assert.equal(run.trigger, 'schedule')
        }
      })

      test('a fixed rate counts from the planned time: slots never drift', async () => {
        const { client } = await offering(mesh, { pulse: () => null })
        // On a slow machine a run may still be open when the next slot comes, which would be skipped.
        await client.jobs.put({ name: 'pulse', schedule: { everyMs: 300 }, overlap: 'parallel' })
        const slots = (await firstOf(client, 'pulse', 8)).map(({ slot = '' }) => Date.parse(slot))
        assert.deepEqual(
          slots,
          slots.map((_, i) => (slots[0] as number) + i * 300),
        )
      })

      test('a fixed delay counts from the end of a run; a run chooses the next slot, and leaves data and its result to the next', async () => {
        const memory: unknown[] = []
        const { client } = await offering(mesh, {
          poll: async (ctx) => {
            const { count = 0 } = await ctx.data<{ count: number }>()
            memory.push([count, await ctx.lastResult()])
            await ctx.setData({ count: count + 1 })
            if (count === 1) return { page: count, next: await ctx.nextAt(400) }
            return { page: count }
          },
        })
        await client.jobs.put({ name: 'poll', schedule: { afterMs: 150 } })
        const runs = await eventually('four have run', async () => {
          const ended = (await runsOf(client, 'poll')).filter(({ state }) => state === 'succeeded')
          return ended.length >= 4 ? ended.sort((a, b) => ((a.slot ?? '') < (b.slot ?? '') ? -1 : 1)) : undefined
        })
        await client.jobs.pause('poll')
        const [first, second, third, fourth] = runs
        const next = ((await client.runs.get(second?.runId ?? '')).result as { next: string }).next
        assert.equal(third?.slot, next, 'the slot that the run chose')
        for (const [before, after] of [
          [first, second],
          [third, fourth],
        ])
          assert.equal(Date.parse(after?.slot ?? '') - Date.parse(before?.endedAt ?? ''), 150, 'after the end of the run before')
        assert.deepEqual(memory.slice(0, 3), [
          [0, undefined],
          [1, { page: 0 }],
          [2, { page: 1, next }],
        ])
      })

      test('a one-shot job fires once at its time and is finished', async () => {
        const { client } = await offering(mesh, { shot: () => Date.now() })
        const at = new Date(Date.now() + 700).toISOString()
        const job = await client.jobs.put({ name: 'shot', schedule: { at }, payload: { once: true } })
        assert.deepEqual([job.state, job.nextAt], ['active', at])
        const finished = await eventually('it is finished', async () => {
          const found = await client.jobs.get('shot')
          return found.state === 'finished' ? found : undefined
        })
        assert.equal(finished.nextAt, undefined)
        const [run, ...more] = await eventually('it has run', async () => {
          const runs = await runsOf(client, 'shot')
          return runs[0]?.state === 'succeeded' ? runs : undefined
        })
        assert.deepEqual([more.length, run?.slot], [0, at])
        assert.deepEqual((await client.runs.get(run?.runId ?? '')).payload, { once: true })
      })

      test('a job 60 days ahead waits', async () => {
        const { client } = await offering(mesh, { far: () => null })
        const at = new Date(Date.now() + 60 * 86_400_000).toISOString()
        await client.jobs.put({ name: 'far', schedule: { at } })
        await client.jobs.put({ name: 'probe', handler: 'far', schedule: { everyMs: 200 } })
        await eventually('others fire in that time', async () => (await runsOf(client, 'probe')).length >= 3)
        assert.deepEqual(await runsOf(client, 'far'), [])
        assert.equal((await client.jobs.get('far')).nextAt, at)
      })

      test('pause takes no slots, resume takes them from then on, rm ends it and leaves the runs', async () => {
        const { client } = await offering(mesh, { beat: () => null })
        await client.jobs.put({ name: 'beat', schedule: { everyMs: 200 } })
        await client.jobs.put({ name: 'probe', handler: 'beat', schedule: { everyMs: 200 } })
        await eventually('it fires', async () => (await runsOf(client, 'beat')).length >= 2)
        assert.equal((await client.jobs.pause('beat')).state, 'paused')
        const paused = await settledCount(client, 'beat')
        const probes = (await runsOf(client, 'probe')).length
        await eventually('another job goes on', async () => (await runsOf(client, 'probe')).length >= probes + 4)
        assert.equal((await runsOf(client, 'beat')).length, paused)
        const asked = await client.run('beat')
        await asked.result()
        const resumedAt = Date.now()
        assert.equal((await client.jobs.resume('beat')).state, 'active')
        await eventually('it fires again', async () => (await runsOf(client, 'beat')).length >= paused + 3)
        const since = (await runsOf(client, 'beat')).filter(({ createdAt }) => Date.parse(createdAt) >= resumedAt)
        for (const { slot = '' } of since) assert.ok(Date.parse(slot) >= resumedAt - 200, `slot ${slot} of the pause was not caught up on`)
        assert.deepEqual(await client.jobs.remove('beat'), { removed: true })
        const kept = await settledCount(client, 'beat')
        assert.ok(kept >= paused + 3)
        assert.equal((await refusal(client.jobs.get('beat'))).code, 'JOB_NOT_FOUND')
        assert.deepEqual(
          (await client.jobs.list()).items.map(({ name }) => name),
          ['probe'],
        )
      })

      test('a job that is replaced goes by its new schedule and payload', async () => {
        const { client } = await offering(mesh, { old: () => 'old', fresh: (ctx) => ctx.payload })
        const before = await client.jobs.put({ name: 'job', handler: 'old', schedule: { cron: '0 0 1 1 *', timezone: 'Europe/Paris' } })
        assert.match(before.nextAt ?? '', /-12-31T23:00:00\.000Z$/)
        const replaced = await client.jobs.put({ name: 'job', handler: 'fresh', payload: { n: 1 }, schedule: { everyMs: 200 } })
        assert.equal(replaced.createdAt, before.createdAt)
        const { runId } = await eventually('it has run', async () =>
          (await runsOf(client, 'job')).find(({ state }) => state === 'succeeded'),
        )
        const run = await client.runs.get(runId)
        assert.deepEqual([run.handler, run.payload, run.result], ['fresh', { n: 1 }, { n: 1 }])
        const asked = await client.run('job', { n: 2 })
        assert.deepEqual(await asked.result(), { n: 2 }, 'a run that is asked for may bring its own payload')
      })

      test('8 changes of one job at once leave one of them', async () => {
        const { client } = await offering(mesh, {})
        const names = Array.from({ length: 8 }, (_, n) => `handler-${n}`)
        const outcomes = await Promise.allSettled(
          names.map((handler) => client.call(CALLS.jobsPut, { name: 'fought-for', handler }, PATIENTLY)),
        )
        for (const outcome of outcomes)
          if (outcome.status === 'rejected') assert.equal((outcome.reason as { code: string }).code, 'CONCURRENT_CHANGE')
        assert.ok(names.includes((await client.jobs.get('fought-for')).handler))
        assert.equal((await client.jobs.list()).items.length, 1)
      })
    })

    // One after the other: both stop every coordinator.
    describe(`what was missed, ${store.name}`, { skip: store.skip, concurrency: 1 }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store })
      })

      test('slots missed by more than a minute: once for all of them, none, or each; what is not run leaves a record', async () => {
        const { client, namespace } = await offering(mesh, { late: () => null }, { concurrency: 50 })
        const everyMs = 600_000
        for (const misfire of ['once', 'skip', 'all'] as const)
          await client.jobs.put({ name: misfire, handler: 'late', schedule: { everyMs }, misfire })
        // Nothing could fire for the last 55 minutes.
        for (const coordinator of [...mesh.coordinators]) await mesh.stopCoordinator(coordinator)
        const first = Date.now() - 55 * 60_000
        const ids = ['once', 'skip', 'all'].map((name) => `${namespace}/${name}`)
        for (const job of await mesh.store.jobs.get(ids)) {
          assert.ok(job)
          const expect = { revision: job.revision, nextSlotAt: job.nextSlotAt, awaits: null }
          assert.deepEqual(
            await mesh.store.jobs.advance([
              { id: job.id, expect, set: { nextSlotAt: first, wakeAt: first, state: 'active', awaits: null, chosenSlotAt: null } },
            ]),
            ['applied'],
          )
        }
        await mesh.addCoordinator()
        const slots = (runs: RunView[]) => runs.map(({ slot = '' }) => Date.parse(slot) - first).sort((a, b) => a - b)
        const [once, skip, all] = await eventually('all three are planned', async () => {
          const found = await Promise.all(['once', 'skip', 'all'].map((name) => runsOf(client, name)))
          const open = found.flat().filter(({ state }) => state !== 'succeeded' && state !== 'skipped')
          return found.every((runs) => runs.length > 0) && open.length === 0 ? found : undefined
        })
        assert.ok(once && skip && all)
        assert.deepEqual(slots(once.filter(({ state }) => state === 'succeeded')), [5 * everyMs])
        assert.deepEqual(
          slots(all),
          [0, 1, 2, 3, 4, 5].map((n) => n * everyMs),
        )
        assert.deepEqual(
          all.map(({ state }) => state),
          Array(6).fill('succeeded'),
        )
        assert.deepEqual(
          skip.map(({ state, reason }) => [state, reason]),
          [['skipped', 'misfire']],
        )
        assert.match(skip[0]?.message ?? '', /^6 missed slots from .* to .*\(misfire: skip\)$/)
        assert.match(once.find(({ state }) => state === 'skipped')?.message ?? '', /^5 missed slots/)
        for (const name of ['once', 'skip', 'all'])
          await eventually('the next slot is where it was planned', async () => {
            const { nextAt = '' } = await client.jobs.get(name)
            return Date.parse(nextAt) === first + 6 * everyMs
          })
      })

      test('a slot a few seconds late is simply fired', async () => {
        const { client, namespace } = await offering(mesh, { late: () => null })
        await client.jobs.put({ name: 'job', handler: 'late', schedule: { everyMs: 3_600_000 }, misfire: 'skip' })
        for (const coordinator of [...mesh.coordinators]) await mesh.stopCoordinator(coordinator)
        const [job] = await mesh.store.jobs.get([`${namespace}/job`])
        assert.ok(job)
        const slot = Date.now() - 20_000
        const expect = { revision: job.revision, nextSlotAt: job.nextSlotAt, awaits: null }
        await mesh.store.jobs.advance([
          { id: job.id, expect, set: { nextSlotAt: slot, wakeAt: slot, state: 'active', awaits: null, chosenSlotAt: null } },
        ])
        await mesh.addCoordinator()
        const run = await eventually('it has run', async () => (await runsOf(client, 'job')).find(({ state }) => state === 'succeeded'))
        assert.equal(Date.parse(run.slot ?? ''), slot)
      })
    })
  }
})

/** Without their payloads and results, which lists leave out. */
async function runsOf(client: Client, job: string): Promise<RunView[]> {
  return [...(await client.runs.list({ job, limit: 1_000 })).items]
}

/** How many runs a job has once those that were under way when it was changed are there. */
async function settledCount(client: Client, job: string): Promise<number> {
  let [before, count] = [-1, -2]
  await eventually(
    'no run is added',
    async () => {
      before = count
      count = (await runsOf(client, job)).length
      return before === count
    },
    { everyMs: 250 },
  )
  return count
}
