/** `carillon conformance`: the SDK and the examples in Python and Go keep to the protocol, and what does not is found. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Cli, cliFor } from './support/carillon.ts'
import { Cleanup } from './support/cleanup.ts'
import { buildGoExecutor, type GoExecutor } from './support/go.ts'
import { findPython, type Python } from './support/python.ts'

interface Outcome {
  readonly case: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly why?: string
}

const BY_SDK = fileURLToPath(new URL('./support/conformance-main.js', import.meta.url))
const BY_PYTHON = fileURLToPath(new URL('../../examples/python/main.py', import.meta.url))

// Most of the time goes by waiting, for times of the protocol.
describe('conformance', { concurrency: true }, () => {
  const cleanup = new Cleanup({ after })
  const carillon: Cli = cliFor(cleanup, undefined)
  let python: Python
  let go: GoExecutor
  before(async () => {
    ;[python, go] = await Promise.all([findPython(), buildGoExecutor(join(cleanup.folder(), 'executor'))])
  })

  async function check(service: string, command: readonly string[]): Promise<{ outcomes: Outcome[]; code: number | null }> {
    const outcome = await carillon(['conformance', '--executor', service, '--json', '--', ...command])
    return { outcomes: outcome.json<Outcome[]>(), code: outcome.code }
  }

  async function passes(service: string, command: readonly string[], skipped: readonly string[]): Promise<void> {
    const { outcomes, code } = await check(service, command)
    assert.deepEqual(
      outcomes.filter(({ outcome }) => outcome === 'failed'),
      [],
    )
    assert.deepEqual(
      outcomes
        .filter(({ outcome }) => outcome === 'skipped')
        .map((one) => one.case)
        .sort(),
      skipped,
    )
    assert.ok(outcomes.length > 40, `${outcomes.length} cases`)
    assert.equal(code, 0)
  }
  const OPTIONAL = [
    ...['again-after-end', 'another-session', 'taken', 'unknown-handler'].map((name) => `assignments/${name}`),
    'steps/other-program',
    'steps/other-program-offered',
    'steps/program-changed',
    'steps/replayed',
    'steps/stored',
  ]

  test('the SDK passes', () => passes('by-sdk', [process.execPath, BY_SDK], []))

  test('the example in Python passes', async (context: TestContext) => {
    if ('missing' in python) return context.skip(python.missing)
    await passes('py', [python.path, BY_PYTHON], OPTIONAL)
  })

  test('the example in Go passes', async (context: TestContext) => {
    if ('missing' in go) return context.skip(go.missing)
    await passes('go', [go.path], OPTIONAL)
  })

  test('what an executor does wrong is reported as text', async () => {
    // It registers twice, and does nothing more.
    const silent = join(cleanup.folder(), 'silent.mjs')
    writeFileSync(silent, SILENT)
    const { outcomes, code } = await check('silent', [process.execPath, silent])
    assert.equal(code, 1)
    const whyOf = (name: string) => outcomes.find((one) => one.case === name)?.why ?? ''
    assert.equal(outcomes.find((one) => one.case === 'registration/again-after-a-refusal')?.outcome, 'passed')
    assert.match(whyOf('registration/beats'), /^expected beat .* within 8 s; .*seen/)
    assert.match(whyOf('work/echo'), /does not offer conformance-echo/)
    assert.match(whyOf('messages'), /handlers is wrong/)
  })

  test('an executor that never comes, and a program that is not there, are reported', async () => {
    const command = [process.execPath, '-e', 'console.log("I do something else")']
    const outcome = await carillon(['conformance', '--executor', 'nobody', '--wait', '2s', '--json', '--', ...command])
    assert.match(
      outcome.json<Outcome[]>()[0]?.why ?? '',
      /no executor registered as service nobody within 2 s; its last line: I do something else/,
    )
    assert.equal(outcome.code, 1)
    const missing = await carillon(['conformance', '--executor', 'nobody', '--json', '--', '/no/such/program'])
    assert.match(missing.json<{ error: { message: string } }>().error.message, /\/no\/such\/program cannot be started/)
  })
})

const SILENT = `
import { connect } from ${JSON.stringify(import.meta.resolve('@nats-io/transport-node'))}
const nats = await connect({ servers: process.env.CARILLON_NATS_URL })
const register = (body) => nats.request('carillon.default.api.instances.register', JSON.stringify(body), { timeout: 5000 })
const me = { instance: 'silent-1', service: 'silent' }
await register({ ...me, handlers: 'none' })
await register({ ...me, handlers: [] })
await register({ ...me, handlers: [] })
`
