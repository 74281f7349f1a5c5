/** `node scripts/chromium.ts` installs Debian's chromium where there is none: tests of the console need a browser. Needs root and apt. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const CHROMIUM = process.env['CARILLON_TEST_CHROMIUM'] || '/usr/bin/chromium'

if (!existsSync(CHROMIUM)) {
  for (const command of ['apt-get update', 'apt-get install --yes --no-install-recommends chromium']) {
    const { status, error } = spawnSync('sh', ['-c', command], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    if (status !== 0) {
      console.error(`no browser: ${command} failed${error === undefined ? '' : `: ${error.message}`}`)
      process.exit(1)
    }
  }
}
console.log(CHROMIUM)
