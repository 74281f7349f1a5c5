import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { GUARDS } from './guards.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** The folder of the module's package is named by the end of its path. */
const folderOf = (module: string) => [ROOT, `${ROOT}services/`].find((folder) => existsSync(folder + sourceOf(module)))
const sourceOf = (module: string) => module.replace('/dist/', '/src/').replace(/\.js$/, '.ts')

test('each guard can be taken out of the built code', () => {
  for (const [name, { mutations }] of Object.entries(GUARDS)) {
    for (const { module, find } of mutations) {
      const folder = folderOf(module)
      assert.ok(folder, `${name}: there is no ${sourceOf(module)}`)
      assert.match(readFileSync(folder + module, 'utf8'), find, `${name}: ${module}`)
    }
  }
})
