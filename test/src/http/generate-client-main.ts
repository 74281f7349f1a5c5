/**
 * `node generate-client-main.js <document> <folder>`: writes a TypeScript client of an OpenAPI document. A process of its own, in which `typescript`
 * is the version that the generator is written for: the compiler of this repository has no JavaScript interface.
 */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const compiler = import.meta.resolve('typescript')
registerHooks({
  resolve: (specifier, context, next) => (specifier === 'typescript' ? { url: compiler, shortCircuit: true } : next(specifier, context)),
})
const [, , document = '', folder = ''] = process.argv
const { createClient } = await import('@hey-api/openapi-ts')
await createClient({
  input: pathToFileURL(document).pathname,
  output: { path: folder, importFileExtension: '.ts' },
  plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
  logs: { level: 'silent', file: false },
} as Parameters<typeof createClient>[0])
