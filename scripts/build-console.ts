/**
 * The console's files, `console/dist/site`. Built only when a source of them has changed: `npm run build` is used far more often than the
 * console is worked on.
 */
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { build } from 'vite'

const FOLDER = 'console'
const BUILT = `${FOLDER}/dist/site/index.html`
const STAMP = `${FOLDER}/dist/site-sources`

const sources = globSync(
  [`${FOLDER}/{src,public}/**/*.*`, `${FOLDER}/{index.html,package.json,vite.config.ts}`, 'contracts/src/*.ts', 'package-lock.json'],
  { exclude: ['**/*.test.ts'] },
)
const hash = createHash('sha256')
for (const path of sources.sort()) hash.update(path).update(readFileSync(path))
const stamp = hash.digest('hex')

if (!existsSync(BUILT) || !existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== stamp) {
  await build({ configFile: `${FOLDER}/vite.config.ts`, logLevel: 'error' })
  writeFileSync(STAMP, stamp)
}
