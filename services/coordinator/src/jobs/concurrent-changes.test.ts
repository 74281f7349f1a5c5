import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { calendarInputSchema, declareJobSchema, type JobChange, jobInputSchema, LIMITS } from '@carillon/contracts'
import { createTestCoordinator, inTime, type TestCoordinator } from '../testing/test-coordinator.ts'

const AT_ONCE = 60
const numbers = Array.from({ length: AT_ONCE }, (_, n) => n)

const put = ({ changeJobs }: TestCoordinator, fields: object) =>
  changeJobs.put('default', jobInputSchema.parse({ name: 'report', ...fields }))
const declare = ({ changeJobs }: TestCoordinator, version: number) =>
  changeJobs.declare('default', declareJobSchema.parse({ name: 'report', schedule: { cron: '@daily' }, version }))

async function history({ readJobs }: TestCoordinator): Promise<readonly JobChange[]> {
  return (await readJobs.changes.list('default', { name: 'report', limit: LIMITS.changesPerJob })).items
}

/** Coordinators of one mesh. */
async function createMesh(context: TestContext, count: number): Promise<[TestCoordinator, ...TestCoordinator[]]> {
  const first = await createTestCoordinator(context)
  const others = Array.from({ length: count - 1 }, () => createTestCoordinator(context, { store: first.store, clock: first.clock }))
  return [first, ...(await Promise.all(others))]
}

/** What is done for each number, each time by another coordinator. */
const byAll = <Made>(mesh: readonly TestCoordinator[], change: (of: TestCoordinator, n: number) => Promise<Made>): Promise<Made[]> =>
  inTime(mesh[0] as TestCoordinator, Promise.all(numbers.map((n) => change(mesh[n % mesh.length] as TestCoordinator, n))))

for (const count of [1, 3]) {
  const by = `${AT_ONCE} callers at once, ${count} coordinators`

  test(`${by}: each put of another body is applied, and recorded once`, async (context) => {
    const mesh = await createMesh(context, count)
    const views = await byAll(mesh, (one, n) => put(one, { description: `number ${n}` }))
    const changes = (await history(mesh[0])).toReversed()
    assert.deepEqual(
      changes.map(({ revision }) => revision),
      numbers.map((n) => n + 1),
    )
    const described = changes.map(({ fields = [] }) => fields.find(({ field }) => field === 'description')?.to)
    const inOrder = views.toSorted((a, b) => a.revision - b.revision)
    assert.deepEqual(
      described,
      inOrder.map(({ description }) => description),
    )
    assert.equal(new Set(described).size, AT_ONCE)
  })

  test(`${by}: puts and declarations of the same are one change`, async (context) => {
    const mesh = await createMesh(context, count)
    const views = await byAll(mesh, (one) => put(one, { description: 'the same' }))
    assert.ok(views.every(({ revision }) => revision === 1))
    assert.equal((await history(mesh[0])).length, 1)
    const other = await createMesh(context, count)
    const outcomes = (await byAll(other, (one) => declare(one, 1))).map(({ outcome }) => outcome)
    assert.deepEqual(outcomes.toSorted(), ['created', ...Array(AT_ONCE - 1).fill('unchanged')])
    assert.deepEqual(
      (await history(other[0])).map(({ change, version }) => [change, version]),
      [['declared', 1]],
    )
  })

  test(`${by}: operators that pause, resume, release and put take turns, also with calendars`, async (context) => {
    const mesh = await createMesh(context, count)
    await declare(mesh[0], 1)
    await byAll(mesh, async (one, n) => {
      if (n % 4 === 0) await one.changeJobs.pause('default', 'report', { note: `note ${n}` })
      else if (n % 4 === 1) await one.changeJobs.resume('default', 'report')
      else if (n % 4 === 2) await one.changeJobs.release('default', 'report')
      else await put(one, { description: `number ${n}` })
    })
    const { revision } = await mesh[0].readJobs.get('default', 'report')
    const revisions = (await history(mesh[0])).map((change) => change.revision)
    assert.deepEqual(
      revisions,
      revisions.map((_, i) => revision - i),
    )
    const calendar = (n: number) => calendarInputSchema.parse({ name: 'holidays', days: [`2040-01-${10 + (n % 20)}`], description: `${n}` })
    await byAll(mesh, (one, n) => one.changeCalendars.put('default', calendar(n)))
    assert.equal((await mesh[0].store.calendars.get(['default/holidays']))[0]?.revision, AT_ONCE)
  })
}

test('a job that is put while another coordinator removes it loses no change', async (context) => {
  const [one, other] = await createMesh(context, 2)
  await put(one, { description: 'a' })
  const { jobs } = one.store
  const remove = jobs.remove.bind(jobs)
  jobs.remove = async (...given) => {
    jobs.remove = remove
    await put(other as TestCoordinator, { description: 'b' })
    const outcome = await remove(...given)
    if (outcome === 'applied') await put(other as TestCoordinator, { description: 'c' })
    return outcome
  }
  await one.changeJobs.remove('default', 'report', { keepRuns: false })
  const changes = async () => (await history(one)).map(({ revision, change }) => [revision, change])
  assert.deepEqual(await changes(), [
    [3, 'removed'],
    [2, 'put'],
    [1, 'put'],
  ])
  jobs.remove = async (...given) => {
    const outcome = await remove(...given)
    if (outcome === 'applied') await put(other as TestCoordinator, { description: 'd' })
    return outcome
  }
  await put(one, { description: 'c' })
  await one.changeJobs.remove('default', 'report', { keepRuns: false })
  jobs.remove = remove
  await put(one, { description: 'e' })
  assert.deepEqual((await changes()).slice(0, 4), [
    [7, 'put'],
    [6, 'put'],
    [5, 'removed'],
    [4, 'put'],
  ])
})
