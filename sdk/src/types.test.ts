import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
const service = `import { connect } from '@carillon/sdk'; import { testMesh } from '@carillon/sdk/testing'
const mesh = await connect({ service: 'billing' })
mesh.handle<{ to: string }>('send', async (ctx) => ctx.payload.to.length)
/** As zod writes its schemas. */
type Schema<Output> = { readonly '~standard': { version: 1; vendor: string; validate: (value: unknown) => { value: Output }; types?: { input: Output; output: Output } } }
declare const folder: Schema<{ folder: string }>
declare const page: Schema<{ url: string }>
mesh.mapReduce('count', {
  input: folder,
  items: { page },
  async root(ctx) {
    await ctx.map('page', [{ url: ctx.payload.folder }])
    // @ts-expect-error an item of another shape
    await ctx.map('page', [{ uri: 1 }])
    // @ts-expect-error a name that no task has
    await ctx.map('pages', [])
  },
  tasks: { page: (ctx) => ctx.item.url.length },
  async reduce(ctx) {
    let sum = 0
    for await (const length of ctx.results<number>()) sum += length
    return sum
  },
})
const price = mesh.retryable({ scene: 'price', key: (a) => a.sku, onExhausted: 'alert' }, async (a: { sku: string }, days?: number) => a.sku.length + (days ?? 1))
const priced = await price({ sku: 'A1' })
const text: string = typeof priced === 'number' ? priced.toFixed(2) : priced.deferred
const locally: number = await mesh.retryable({ scene: 'local', strategy: 'local', key: () => undefined }, (sku: string) => sku.length)(text)
// @ts-expect-error another argument
await price('A1')
// @ts-expect-error a value that may be deferred
const surely: number = await price({ sku: 'A1' }, locally)
// @ts-expect-error a key of another argument
mesh.retryable({ scene: 'key', key: (a) => a.id }, (a: { sku: string }) => a.sku)
// @ts-expect-error no such strategy
mesh.retryable({ scene: 'strategy', strategy: 'both' }, () => 1)
mesh.steps('pay', [{ name: 'reserve', run: (ctx) => ctx.payload.folder }], { input: folder })
mesh.handle('remind', async (ctx) => {
  const id: number = await ctx.step('reserve', () => 7)
  await ctx.sleep(60_000)
  return id
})
const inMemory = testMesh({ instances: 2 })
const tested = await inMemory.mapReduce('count', { root: () => null, tasks: {}, reduce: () => 1 }).run<number>('count')
tested.result satisfies number
await inMemory.clock.advance(60_000)
await mesh.start()
const { client } = mesh
const { items, next } = await client.instances.list({ limit: 1 })
const following: readonly string[] = (await client.instances.list({ cursor: next })).items.map(({ instance }) => instance)
for await (const { runId } of client.runs.list({ job: 'pay', state: 'failed' })) {
  for await (const { level } of client.logs.query({ runId, level: 'warn' })) level satisfies string
  for await (const { index } of client.runs.steps(runId)) index satisfies number
}
// @ts-expect-error a state that no run has
client.runs.tasks('run', { state: 'lost' })
`

/** As in a test of this package, but as a user writes it. */
const asUser = (file: string) =>
  readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8')
    .replace("from './index.ts'", "from '@carillon/sdk'")
    .replace(/^(test\(|const refusal = )[\s\S]*/m, '')
    .replace(/^import .* from '(node:|\.).*'$/gm, '')

/** A chain of 100 calls, each after two nodes before it. */
const largeWorkflow = `import { workflow } from '@carillon/sdk'
export const large = workflow('large').node('n0', { handler: 'work' }).node('n1', { handler: 'work' })
${Array.from({ length: 98 }, (_, i) => `.node('n${i + 2}', { handler: 'work', after: ['n${i}', 'n${i + 1}'] })`).join('\n')}
.done()
`

for (const exactOptionalPropertyTypes of [false, true]) {
  const name = exactOptionalPropertyTypes ? 'with exact optional properties' : 'on plain settings'
  test(`a service compiles with the types of the SDK checked, ${name}`, async (t) => {
    // Inside of this package, so that its name resolves.
    const folder = mkdtempSync(join(fileURLToPath(new URL('..', import.meta.url)), 'types-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const more = { exactOptionalPropertyTypes, noUncheckedIndexedAccess: exactOptionalPropertyTypes }
    const compilerOptions = { module: 'nodenext', target: 'es2022', strict: true, noEmit: true, types: [], skipLibCheck: false, ...more }
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['service.ts', 'typed-client.ts', 'typed-workflow.ts', 'large-workflow.ts'] }),
    )
    writeFileSync(join(folder, 'service.ts'), service)
    for (const file of ['typed-client', 'typed-workflow']) writeFileSync(join(folder, `${file}.ts`), asUser(`${file}.test.ts`))
    writeFileSync(join(folder, 'large-workflow.ts'), largeWorkflow)
    const { stdout } = await run(process.execPath, [compiler, '-p', folder]).catch((error: { stdout: string }) => error)
    assert.equal(stdout, '')
  })
}
