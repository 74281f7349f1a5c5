import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PRIORITIES, type Priority } from '@carillon/contracts'
import { eventually } from '@carillon/wire/testing'
import { startMesh } from '../testing/mesh-fixture.ts'

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

test('work of three priorities is begun 6 : 3 : 1, and none is left when the others are done', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  fake.prioritized.add('mixed')
  const begun: Priority[] = []
  const mesh = await join()
  mesh.handle('mixed', (ctx) => void begun.push(ctx.payload as Priority))
  for (const priority of PRIORITIES) await fake.work('mixed', Array(200).fill(priority), { priority })
  await mesh.start()
  await eventually('all have ended', () => begun.length === 600)
  const among = (some: Priority[]) => PRIORITIES.map((priority) => some.filter((one) => one === priority).length)
  // The first messages are those of the consumer that was the first to answer; on a busy machine a consumer may answer a little later than its turn.
  const [high = 0, normal = 0, low = 0] = among(begun.slice(50, 250))
  assert.ok(high >= 95 && high <= 150 && normal >= 40 && normal <= 80 && low >= 10 && low <= 35, `${high} : ${normal} : ${low}`)
  assert.deepEqual(among(begun), [200, 200, 200])
})

test('slow tasks one at a time take turns, and one of another priority begins at once when there is room', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  fake.prioritized.add('slow')
  const begun: Priority[] = []
  const mesh = await join()
  mesh.handle(
    'slow',
    async (ctx) => {
      begun.push(ctx.payload as Priority)
      await new Promise((resolve) => setTimeout(resolve, 25))
    },
    { concurrency: 1 },
  )
  await mesh.start()
  await fake.work('slow', ['low'], { priority: 'low' })
  await eventually('an idle executor takes it', () => begun.length === 1)
  for (const priority of PRIORITIES) await fake.work('slow', Array(20).fill(priority), { priority })
  await eventually('all have ended', () => begun.length === 61)
  const first = begun.slice(5, 25)
  assert.ok(first.filter((one) => one === 'high').length >= 10, first.join())
  assert.ok(first.includes('low') && first.includes('normal'), first.join())
})

test('an executor takes work of another priority once it has received the order to register again', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const begun: unknown[] = []
  const mesh = await join()
  mesh.handle('later', (ctx) => void begun.push(ctx.payload), { concurrency: 10 })
  await mesh.start()
  await fake.work('later', range(0, 50))
  await eventually('normal work', () => begun.length === 50)
  fake.prioritized.add('later')
  await fake.work('later', range(50, 60), { priority: 'high' })
  fake.connection.publish(`carillon.default.control.${fake.registrations[0]?.instance}`, '{"type":"register"}')
  await eventually('work of high priority', () => begun.length === 60)
  await fake.work('later', range(60, 100))
  await eventually('normal work again', () => begun.length === 100)
})
