import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Client, Mesh, TaskContext } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { z } from 'zod'
import { Cleanup } from '../support/cleanup.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { fork, messageOf } from '../support/processes.ts'
import { STORES } from '../support/stores.ts'

const MAIN = fileURLToPath(new URL('../support/program-main.js', import.meta.url))
const LOST_WITHIN_MS = 60_000

type Run = (context: TaskContext) => unknown

/** An instance with this version of `order`. */
async function offer(
  [mesh, namespace]: readonly [TestMesh, string],
  run: Run,
  options: { version?: string; accepts?: string[] },
): Promise<Mesh> {
  const executor = await mesh.connect({ namespace })
  executor.handle('order', run, options)
  await executor.start()
  return executor
}

/** Which program did which step, with a sleep that ends the attempt in between. */
function program(name: string, sleepMs: number) {
  const done: string[] = []
  const run: Run = async (ctx) => {
    await ctx.step('reserve', () => done.push(`reserve by ${name}`))
    await ctx.sleep(sleepMs)
    await ctx.step('charge', () => done.push(`charge by ${name}`))
    return name
  }
  return { done, run }
}

const waiting = (client: Client, runId: string, reason: string) =>
  eventually(
    `it waits: ${reason}`,
    async () => {
      const run = await client.runs.get(runId)
      return run.reason === reason ? run : undefined
    },
    { withinMs: LOST_WITHIN_MS },
  )

describe('versions of programs', { concurrency: true }, () => {
  for (const store of STORES) {
    describe(`versions of programs, ${store.name}`, { skip: store.skip, concurrency: true }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store })
      })

      test('runs go on with the program that began them, also when most instances have another one', async () => {
        const namespace = freshNamespace()
        const [one, two] = [program('v1', 2_500), program('v2', 2_500)]
        const old = await offer([mesh, namespace], one.run, { version: 'v1' })
        const early = await Promise.all(Array.from({ length: 20 }, () => old.client.run('order')))
        await eventually('they are begun', () => one.done.length === 20)
        for (let i = 0; i < 3; i++) await offer([mesh, namespace], two.run, { version: 'v2' })
        assert.deepEqual(new Set(await Promise.all(early.map((run) => run.result()))), new Set(['v1']))
        assert.deepEqual([one.done.length, two.done.length], [40, 0])
        const views = await Promise.all(early.map((run) => old.client.runs.get(run.id)))
        assert.deepEqual(new Set(views.map((view) => view.program)), new Set(['order@v1']))
        const instances = await old.client.instances.list()
        assert.deepEqual(instances.items.map(({ programs }) => programs?.join()).sort(), ['order@v1', 'order@v2', 'order@v2', 'order@v2'])
      })

      test('deployed in place: runs that sleep wait for their program, are shown, can be moved, and go on when it is back', async () => {
        const namespace = freshNamespace()
        const [one, two] = [program('v1', 2_500), program('v2', 2_500)]
        const old = await offer([mesh, namespace], one.run, { version: 'v1' })
        const { client } = await mesh.connect({ namespace })
        const [first, second, third] = await Promise.all([client.run('order'), client.run('order'), client.run('order')])
        await eventually('they are begun', () => one.done.length === 3)
        await old.stop()
        const newer = await offer([mesh, namespace], two.run, { version: 'v2' })
        const view = await waiting(client, first.id, 'no-compatible-instance')
        await Promise.all([second, third].map(({ id }) => waiting(client, id, 'no-compatible-instance')))
        assert.deepEqual([view.state, view.attempt, view.attempts], ['queued', 2, 2])
        assert.match((await client.runs.why(first.id)).why, /since \d{4}-.* for program order@v1.*offered: order@v2/)
        const [missing, there] = await client.versions.list({ handler: 'order' })
        assert.deepEqual([missing?.program, missing?.open, missing?.waiting, missing?.instances], ['order@v1', 3, 3, []])
        assert.deepEqual([there?.program, there?.open, there?.instances], ['order@v2', 0, [newer.instance]])
        assert.equal((await client.runs.cancel(third.id)).state, 'cancelled')
        assert.deepEqual(
          (await client.runs.move(first.id, { dryRun: true })).choices.map(({ program: id, fits }) => [id, fits]),
          [['order@v2', 'unknown']],
        )
        await assert.rejects(client.runs.move(first.id, { to: 'order@v9' }), { code: 'INVALID_REQUEST' })
        await client.runs.move(first.id, { to: 'order@v2' })
        assert.equal(await first.result(), 'v2')
        assert.deepEqual(two.done, ['charge by v2'])
        await offer([mesh, namespace], one.run, { version: 'v1' })
        assert.equal(await second.result(), 'v1')
        assert.deepEqual(
          (await client.versions.list()).map(({ open }) => open),
          [0, 0],
        )
      })

      test('kill -9 in the midst of a step: the run waits for its program, or goes to one that accepts it', async () => {
        const namespace = freshNamespace()
        const { client } = await mesh.connect({ namespace })
        const process = fork(cleanup, MAIN, { URL: mesh.broker.url, NAMESPACE: namespace, VERSION: 'v1' })
        await messageOf(process)
        const run = await client.run('order')
        await eventually('its first step is stored', async () => (await client.runs.steps(run.id)).items.length === 1)
        const two = program('v2', 1)
        await offer([mesh, namespace], two.run, { version: 'v2' })
        await process.kill9()
        const view = await waiting(client, run.id, 'no-compatible-instance')
        assert.deepEqual([view.state, view.program, two.done], ['queued', 'order@v1', []])
        const finish: Run = async (ctx) => `${await ctx.step('reserve', () => 'never')} by v3`
        await offer([mesh, namespace], finish, { version: 'v3', accepts: ['order@v1'] })
        assert.equal(await run.result(), 'v1 by v3')
        assert.equal((await client.runs.get(run.id)).program, 'order@v1')
      })

      test('lists of steps: names and order are the program, what a step does is not; a longer list is offered for a move', async () => {
        const namespace = freshNamespace()
        const list = (names: readonly string[], done: string[]) =>
          names.map((name) => ({
            name,
            attempts: 2,
            backoff: { type: 'fixed', delayMs: 1_200 } as const,
            run: () => {
              done.push(name)
              if (name === 'charge' && done.filter((one) => one === name).length === 1 && done[0] === 'reserve') throw new Error('once')
              return name
            },
          }))
        const begin = async (names: readonly string[]) => {
          const done: string[] = []
          const executor = await mesh.connect({ namespace })
          executor.steps('order', list(names, done))
          await executor.start()
          return { executor, done }
        }
        const first = await begin(['reserve', 'charge'])
        const { client } = await mesh.connect({ namespace })
        const run = await client.run('order')
        await eventually('it waits for the next try', () => first.done.length === 2)
        await first.executor.stop()
        const reordered = await begin(['charge', 'reserve'])
        const { program: bound } = await waiting(client, run.id, 'no-compatible-instance')
        assert.match(bound ?? '', /^order@sha256-[0-9a-f]{16}$/)
        const longer = await begin(['reserve', 'charge', 'mail'])
        const { choices } = await client.runs.move(run.id, { dryRun: true })
        assert.deepEqual(choices.map(({ fits }) => fits).sort(), ['no', 'yes'])
        const fitting = choices.find(({ fits }) => fits === 'yes')?.program ?? ''
        await client.runs.move(run.id, { to: fitting })
        assert.equal(await run.result(), 'mail')
        assert.deepEqual([reordered.done, longer.done], [[], ['charge', 'mail']])
      })

      test('a payload that one version refuses is done by the other one, and uses no try', async () => {
        const namespace = freshNamespace()
        const deploy = async (input: z.ZodType, name: string) => {
          const executor = await mesh.connect({ namespace })
          executor.handle('order', () => name, { input })
          await executor.start()
          return executor
        }
        const old = await deploy(z.object({ id: z.string() }), 'old')
        await deploy(z.object({ orderId: z.string() }), 'new')
        const runs = await Promise.all(
          Array.from({ length: 10 }, (_, i) => old.client.run('order', i % 2 ? { id: 'A1' } : { orderId: 'A1' })),
        )
        const results = await Promise.all(runs.map((run) => run.result()))
        assert.deepEqual(
          results,
          runs.map((_, i) => (i % 2 ? 'old' : 'new')),
        )
        const neither = await old.client.run('order', { name: 'A1' })
        await assert.rejects(neither.result())
        const view = await old.client.runs.get(neither.id)
        assert.deepEqual([view.state, view.reason], ['failed', 'invalid-payload'])
      })
    })
  }
})
