/** Removes what was built from sources that are gone: a test that was moved must not run twice, and no old file is packed. */
import { existsSync, globSync, rmSync } from 'node:fs'

for (const built of globSync('{*,services/*}/dist/**/*.{js,d.ts,js.map,d.ts.map}', { exclude: ['node_modules', 'console/dist/site'] })) {
  const source = built.replace('/dist/', '/src/').replace(/(\.d)?\.[jt]s(\.map)?$/, '.ts')
  if (!existsSync(source) && !existsSync(`${source}x`)) rmSync(built)
}
