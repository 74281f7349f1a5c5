/**
 * `node scripts/chromium.ts` installs Debian's chromium without windows where it is missing, or the whole browser where Debian has no such package: tests of the
 * console need a browser. Needs root and apt.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** As `test/src/support/browser.ts` looks for them. */
const [WITHOUT_WINDOWS, WHOLE] = ['chromium-headless-shell', 'chromium']
const given = process.env['CARILLON_TEST_CHROMIUM']
const find = () => (given ? [given] : [WITHOUT_WINDOWS, WHOLE].map((name) => `/usr/bin/${name}`)).find((path) => existsSync(path))

function run(command: string): void {
  const { status, error } = spawnSync('sh', ['-c', command], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0) console.error(`${command} failed${error === undefined ? '' : `: ${error.message}`}`)
}
const install = (name: string) => run(`apt-get install --yes --no-install-recommends ${name}`)

if (!given && !existsSync(`/usr/bin/${WITHOUT_WINDOWS}`)) {
  run('apt-get update')
  install(WITHOUT_WINDOWS)
  if (find() === undefined) install(WHOLE)
}
const path = find()
if (path === undefined) {
  console.error('there is no browser')
  process.exit(1)
}
console.log(path)
