/** The OpenAPI document of a gateway: valid by a validator that is not ours, and of use to a client that is generated from it. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CALLS, ERROR_CODES } from '@carillon/contracts'
import { Cleanup } from '../support/cleanup.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../', import.meta.url))
const bin = (name: string) => join(root, 'node_modules/.bin', name)
const [sqlite] = STORES

/** What a user of the generated client writes. */
const PROGRAM = `
import { createClient } from './client/client/index.ts'
import { jobsGet, jobsPut, jobsRun, runsGet, runsList } from './client/index.ts'

const client = createClient({ baseUrl: process.argv[2]!, headers: { authorization: process.argv[3]! } })
const path = { namespace: 'default', name: 'report' }
const put = await jobsPut({ client, path, body: { payload: { day: 1 } } })
const revision: number = put.data!.revision
const started = await jobsRun({ client, path: { namespace: 'default', job: 'report' }, body: { payload: { day: 2 }, key: 'day-2' } })
const found = await runsGet({ client, path: { namespace: 'default', runId: started.data!.runId } })
const listed = await runsList({ client, path: { namespace: 'default' }, query: { limit: 5 } })
const missing = await jobsGet({ client, path: { namespace: 'default', name: 'none' } })
// @ts-expect-error: there is no such field
await jobsPut({ client, path, body: { shard: 3 } }).catch(() => undefined)
console.log(JSON.stringify({ revision, state: found.data!.state, runs: listed.data!.items.length, code: missing.error!.code }))
`

const TSCONFIG = {
  compilerOptions: {
    ...{
      target: 'es2024',
      module: 'nodenext',
      lib: ['es2024', 'dom', 'dom.iterable'],
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
    ...{ strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true, erasableSyntaxOnly: true },
  },
  include: ['.'],
}

interface Described {
  readonly operationId: string
  readonly parameters: readonly { readonly name: string; readonly schema: { readonly anyOf?: readonly { readonly items?: object }[] } }[]
  readonly requestBody?: { readonly required: boolean }
}

/** The document, as far as it is compared. */
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

/** Routes that are no calls, one of each room. */
const OF_ROOMS = ['sessionBegin', 'membersInvite', 'tokensCreate', 'webhooksAdd', 'webhooksDeliver']

describe('the OpenAPI document', () => {
  const cleanup = new Cleanup({ after })
  let mesh: TestMesh
  let url = ''
  let signedIn: Record<string, string> = {}
  let folder = ''
  let file = ''
  let document: Document

  before(async () => {
    assert.ok(sqlite)
    mesh = await startMesh(cleanup, { store: sqlite, gateways: 1 })
    url = mesh.httpUrls[0] ?? ''
    signedIn = await mesh.accounts.token('default')
    folder = cleanup.folder()
    file = join(folder, 'openapi.json')
    const text = await (await fetch(`${url}/api/openapi.json`)).text()
    writeFileSync(file, text)
    document = JSON.parse(text)
  })

  test('has every call', () => {
    const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId))
    assert.equal(new Set(ids).size, ids.length)
    for (const name of [...Object.keys(CALLS), ...OF_ROOMS]) assert.ok(ids.includes(name), name)
  })

  test('is valid', async () => {
    const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
    const { stderr, stdout } = await run(bin('redocly'), ['lint', '--extends=recommended', '--format=stylish', file], { env }).catch(
      (error) => error,
    )
    assert.match(stderr + stdout, /Your API description is valid/, stderr + stdout)
  })

  test('lets bodies through that the gateway takes, and generators find a name for each type', () => {
    const { schemas } = document.components
    const start = schemas['JobsRunRequest'] as { properties: object; oneOf?: unknown }
    assert.equal(start.oneOf, undefined, 'the job is in the path: nothing is left to choose')
    assert.deepEqual(
      ['job', 'handler', 'payload'].map((field) => field in start.properties),
      [false, false, true],
    )
    assert.equal(document.paths['/api/v1/namespaces/{namespace}/jobs/{job}/runs']?.['post']?.requestBody?.required, false)
    // A calendar has either days or a file.
    assert.equal(document.paths['/api/v1/namespaces/{namespace}/calendars/{name}']?.['put']?.requestBody?.required, true)
    const state = document.paths['/api/v1/namespaces/{namespace}/runs']?.['get']?.parameters.find(({ name }) => name === 'state')
    const $ref = '#/components/schemas/RunsState'
    assert.deepEqual(
      state?.schema.anyOf?.map(({ items, ...rest }) => items ?? rest),
      [{ $ref }, { $ref }],
    )
    assert.ok('RunsState' in schemas)
  })

  test('makes a client that compiles and works', async () => {
    const generator = fileURLToPath(new URL('./generate-client-main.js', import.meta.url))
    await run(process.execPath, [generator, file, join(folder, 'client')])
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG))
    writeFileSync(join(folder, 'main.ts'), PROGRAM)
    await run(bin('tsc'), ['-p', folder]).catch(({ stdout }) => assert.fail(stdout))
    const { stdout } = await run(process.execPath, [join(folder, 'main.ts'), url, signedIn['authorization'] ?? ''])
    assert.deepEqual(JSON.parse(stdout), { revision: 1, state: 'queued', runs: 1, code: 'JOB_NOT_FOUND' })
  })

  test('is a page, and so are the errors to which problems point', async () => {
    const page = await (await fetch(`${url}/api/docs`)).text()
    for (const [path, methods] of Object.entries(document.paths)) {
      assert.ok(page.includes(path), path)
      for (const { operationId } of Object.values(methods)) assert.ok(page.includes(`id="${operationId}"`), operationId)
    }
    const { type } = (await (await fetch(`${url}/api/v1/namespaces/default/jobs/none`)).json()) as { type: string }
    const errors = await (await fetch(new URL(type, url))).text()
    for (const code of Object.keys(ERROR_CODES)) assert.ok(errors.includes(`<article id="${code}">`), code)
    for (const text of [page, errors]) assert.doesNotMatch(text, /<script|<style| style=| on\w+=|https?:\/\/(?!localhost|127\.0\.0\.1)/)
    assert.match((await fetch(`${url}/api/docs/style.css`)).headers.get('content-type') ?? '', /^text\/css/)
  })
})
