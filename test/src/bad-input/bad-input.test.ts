import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ERROR_CODES, type ErrorBody } from '@carillon/contracts'
import type { Mesh } from '@carillon/sdk'
import { REQUEST_DEADLINE } from '@carillon/wire/testing'
import type { NatsConnection } from '@nats-io/transport-node'
import { cliFor } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { offering, refusal } from '../support/clients.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { sqlite } from '../support/stores.ts'
import { BAD_INPUT } from './table.ts'

/** Exit codes that say "what you typed is wrong", and "it is not so". */
const REFUSED = [1, 2]

describe('bad input', () => {
  const cleanup = new Cleanup({ after })
  const namespace = freshNamespace()
  let mesh: TestMesh
  let nats: NatsConnection
  let caller: Mesh
  let works: () => Promise<void>
  before(async () => {
    mesh = await startMesh(cleanup, { store: sqlite })
    nats = await mesh.nats()
    caller = await mesh.connect({ namespace })
    const { client } = await offering(mesh, { echo: (ctx) => ctx.payload })
    works = async () => assert.equal(await (await client.run('echo', 'still here')).result({ timeoutMs: 10_000 }), 'still here')
  })

  const nothingStored = async () => {
    assert.deepEqual((await mesh.store.runs.list({ namespace, limit: 1 })).items, [], 'a run was stored')
    assert.deepEqual((await mesh.store.jobs.list({ namespace, limit: 1 })).items, [], 'a job was stored')
    assert.deepEqual((await mesh.store.calendars.list({ namespace, limit: 1 })).items, [], 'a calendar was stored')
  }

  const check = (error: ErrorBody, expected: { code: string; field: string }) => {
    assert.deepEqual({ code: error.code, field: error.field }, { code: expected.code, field: expected.field }, JSON.stringify(error))
    assert.ok(error.message.length > 0)
    assert.ok(error.hint, 'it says what would be right')
    assert.ok(error.code in ERROR_CODES)
    assert.ok(JSON.stringify(error).length < 2_000, 'what is wrong is not repeated at length')
  }

  for (const { what, code, field, api, sdk } of BAD_INPUT) {
    if (api)
      test(`${what}: the call`, async () => {
        const [call, body] = api
        const answer = await nats.request(`carillon.${namespace}.api.${call}`, body, REQUEST_DEADLINE)
        const { error, ...rest } = answer.json<{ error: ErrorBody }>()
        assert.deepEqual(rest, {})
        check(error, { code, field })
        assert.match(answer.headers?.get('Nats-Service-Error') ?? '', new RegExp(`^${code}: `))
        await nothingStored()
        await works()
      })
    if (sdk)
      test(`${what}: the SDK`, async () => {
        const error = await refusal(sdk(caller.client))
        check(error.toBody(), { code, field })
        await nothingStored()
      })
  }

  test('the same on the command line', { concurrency: 2 }, async (context) => {
    const carillon = cliFor(cleanup, undefined)
    const rows = BAD_INPUT.filter(({ cli }) => cli)
    await Promise.all(
      rows.map(({ what, code, field, cliField = field, cli = [] }) =>
        context.test(what, async () => {
          const args = [...cli, '--json', '--namespace', namespace, '--nats', mesh.broker.url]
          const outcome = await carillon(args)
          check(outcome.json<{ error: ErrorBody }>().error, { code, field: cliField })
          assert.ok(REFUSED.includes(outcome.code ?? -1), `exit code ${outcome.code}`)
        }),
      ),
    )
    await nothingStored()
    await works()
  })

  test('handlers that no executor can offer', async () => {
    for (const name of ['with.dot', 'any*', 'two words', 'line\r\nbreak', 'x'.repeat(65), '__proto__', '']) {
      const error = await refusal(Promise.resolve().then(() => caller.handle(name, () => null)))
      check(error.toBody(), { code: 'INVALID_NAME', field: 'handler' })
    }
    for (const options of [{ service: 'with.dot' }, { namespace: 'a b' }, { instance: 'x'.repeat(65) }]) {
      const error = await refusal(mesh.connect(options))
      check(error.toBody(), { code: 'INVALID_NAME', field: Object.keys(options)[0] as string })
    }
  })
})
