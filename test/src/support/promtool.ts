import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const CACHED = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'carillon', 'promtool', 'promtool')
/** The package has 30 MB. */
const WITHIN_MS = 120_000

/** On PATH, else of the package `prometheus` of Debian or Ubuntu, which is unpacked and not installed. */
export function findPromtool(): { readonly path: string } | { readonly skip: string } {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'promtool'))
  const found = [...onPath, CACHED].find((path) => existsSync(path))
  if (found !== undefined) return { path: found }
  const folder = mkdtempSync(join(tmpdir(), 'carillon-promtool-'))
  try {
    const downloaded = spawnSync('apt-get', ['download', 'prometheus'], { cwd: folder, timeout: WITHIN_MS, encoding: 'utf8' })
    const [file] = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.deb')) : []
    if (downloaded.status !== 0 || file === undefined)
      return {
        skip: `no promtool on PATH, and apt-get download prometheus failed: ${downloaded.error?.message ?? downloaded.stderr.trim()}`,
      }
    const unpacked = spawnSync('dpkg-deb', ['-x', file, '.'], { cwd: folder, encoding: 'utf8' })
    const path = join(folder, 'usr', 'bin', 'promtool')
    if (unpacked.status !== 0 || !existsSync(path)) return { skip: 'the package prometheus holds no promtool' }
    mkdirSync(join(CACHED, '..'), { recursive: true })
    copyFileSync(path, CACHED)
    return { path: CACHED }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
