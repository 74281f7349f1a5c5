import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { findNatsServer } from './find-nats-server.ts'
import type { FindLimits } from './finding.ts'
import { type Machine, prepareMachine, releaseServer } from './testing-machine.ts'
import { PINNED_VERSION } from './version.ts'

interface FindOptions {
  readonly fetchBase?: string
  readonly limits?: Partial<FindLimits>
}

const NOBODY_LISTENS = 'http://127.0.0.1:9'

async function find(machine: Machine, options: FindOptions = {}): Promise<{ path: string; lines: string[] }> {
  const { fetchBase = NOBODY_LISTENS, limits = {} } = options
  const lines: string[] = []
  const { environment, cacheDir } = machine
  const path = await findNatsServer({ environment, cacheDir, fetchBase, limits, say: (line) => lines.push(line) })
  return { path, lines }
}

/** The reasons of a search that found nothing, by step. */
async function reasonsOf(machine: Machine, options?: FindOptions): Promise<Record<string, string>> {
  const error = await find(machine, options).then(
    () => assert.fail('found one'),
    (thrown: unknown) => thrown,
  )
  assert.ok(CarillonError.is(error), String(error))
  assert.equal(error.code, 'NATS_SERVER_NOT_FOUND')
  const listed = (error.details.hint ?? '').matchAll(/^ {2}([^:]+): (.*)$/gm)
  return Object.fromEntries([...listed].map(([, step, why]) => [step, why]))
}

async function nothingLeft(machine: Machine): Promise<void> {
  assert.deepEqual(
    (await readdir(machine.cacheDir)).filter((name) => name.startsWith('.')),
    [],
  )
}

describe('findNatsServer: what is there already', () => {
  it('takes the path in CARILLON_NATS_SERVER', async (t) => {
    const machine = await prepareMachine(t)
    const path = await machine.addServer(join(machine.home, 'mine'), '2.14.9')
    machine.environment.CARILLON_NATS_SERVER = path
    assert.equal((await find(machine)).path, path)
  })

  it('refuses a path in CARILLON_NATS_SERVER that is too old, and one that is not there', async (t) => {
    const machine = await prepareMachine(t)
    for (const path of [await machine.addServer(join(machine.home, 'mine'), '2.11.99'), join(machine.home, 'missing')]) {
      machine.environment.CARILLON_NATS_SERVER = path
      await assert.rejects(find(machine), (error: CarillonError) => {
        assert.equal(error.code, 'NATS_SERVER_NOT_FOUND')
        assert.equal(error.details.field, 'CARILLON_NATS_SERVER')
        assert.equal(error.details.value, JSON.stringify(path))
        return true
      })
    }
  })

  it('takes the one on PATH when it is new enough, without touching the cache', async (t) => {
    const machine = await prepareMachine(t)
    const path = await machine.addServer(join(machine.bin, 'nats-server'), '2.12.0')
    const found = await find(machine)
    assert.equal(found.path, path)
    assert.deepEqual(found.lines, [`nats-server 2.12.0 (PATH): ${path}`])
    await assert.rejects(readdir(machine.cacheDir), { code: 'ENOENT' })
  })

  it('passes over an old one on PATH for the newest in the cache that runs', async (t) => {
    const machine = await prepareMachine(t)
    await machine.addServer(join(machine.bin, 'nats-server'), '2.10.27')
    for (const version of ['2.9.9', '2.14.2', '2.14.10']) await machine.addServer(join(machine.cacheDir, version, 'nats-server'), version)
    await mkdir(join(machine.cacheDir, '2.99.0'))
    await writeFile(join(machine.cacheDir, '2.99.0', 'nats-server'), 'truncated', { mode: 0o755 })
    const { path, lines } = await find(machine)
    assert.equal(path, join(machine.cacheDir, '2.14.10', 'nats-server'))
    assert.match(lines[0] ?? '', /\(PATH\): .* is 2\.10\.27, older than 2\.12\.0/)
  })
})

describe('findNatsServer: download', () => {
  it('downloads, checks and unpacks the release, and finds it in the cache afterwards', async (t) => {
    const machine = await prepareMachine(t)
    const release = await releaseServer(t, machine, 'good')
    const { path, lines } = await find(machine, { fetchBase: release.url })
    assert.equal(path, join(machine.cacheDir, PINNED_VERSION, 'nats-server'))
    assert.ok(
      lines.some((line) => line.endsWith(': 100 %')),
      lines.join('\n'),
    )
    await nothingLeft(machine)
    const requests = release.requests()
    assert.equal((await find(machine, { fetchBase: release.url })).path, path)
    assert.equal(release.requests(), requests)
  })

  it('lets several finders run at once', async (t) => {
    const machine = await prepareMachine(t)
    const { url } = await releaseServer(t, machine, 'good')
    const found = await Promise.all([1, 2, 3].map(() => find(machine, { fetchBase: url })))
    assert.equal(new Set(found.map(({ path }) => path)).size, 1)
    assert.deepEqual(await readdir(machine.cacheDir), [PINNED_VERSION])
  })

  const failures = {
    'bad sum': /has SHA-256 [0-9a-f]{64}, SHA256SUMS says 0{64}/,
    unlisted: /SHA256SUMS does not list nats-server-v/,
    missing: /SHA256SUMS answered 404/,
    truncated: /terminated|other side closed|aborted/,
    stalled: /the download stalled for 200 ms after [1-9]\d* bytes/,
    silent: /no answer within 200 ms/,
    'not an archive': /^tar .*exit code/,
  } as const
  for (const [kind, expected] of Object.entries(failures)) {
    it(`says why: ${kind}`, async (t) => {
      const machine = await prepareMachine(t)
      const { url } = await releaseServer(t, machine, kind as keyof typeof failures)
      const limits = kind === 'silent' ? { connectMs: 200 } : kind === 'stalled' ? { stallMs: 200 } : {}
      assert.match((await reasonsOf(machine, { fetchBase: url, limits })).download ?? '', expected)
      await nothingLeft(machine)
    })
  }

  it('says why: nobody listens', async (t) => {
    assert.match((await reasonsOf(await prepareMachine(t))).download ?? '', /fetch failed: /)
  })

  it('stops when told to', async (t) => {
    const machine = await prepareMachine(t)
    const { url, whenRequested } = await releaseServer(t, machine, 'silent')
    const abort = new AbortController()
    const { environment, cacheDir } = machine
    const finding = findNatsServer({ environment, cacheDir, fetchBase: url, signal: abort.signal, say: () => undefined })
    await whenRequested
    abort.abort(new Error('enough'))
    await assert.rejects(finding, /enough/)
    await nothingLeft(machine)
  })
})

describe('findNatsServer: go and apt', () => {
  it('builds with go, all inside the cache, and removes what go leaves read-only', async (t) => {
    const machine = await prepareMachine(t)
    Object.assign(machine.environment, { GOFLAGS: '-mod=vendor', GOOS: 'plan9' })
    await machine.addScript('go', [
      'test "$1 $GOFLAGS $GOOS" = "install  " || exit 9',
      'mkdir -p "$GOMODCACHE/x" "$GOBIN" && chmod a-w "$GOMODCACHE/x"',
      'echo "go: downloading example" >&2',
      `printf '#!/bin/sh\\necho nats-server: v2.15.2\\n' > "$GOBIN/nats-server" && chmod +x "$GOBIN/nats-server"`,
    ])
    const { path, lines } = await find(machine)
    assert.equal(path, join(machine.cacheDir, '2.15.2', 'nats-server'))
    assert.ok(lines.includes('go: downloading example'))
    await nothingLeft(machine)
  })

  it('says how go failed', async (t) => {
    const machine = await prepareMachine(t)
    await machine.addScript('go', ['echo "go: no such host" >&2', 'exit 1'])
    assert.equal((await reasonsOf(machine))['go install'], 'go install failed with exit code 1: go: no such host')
  })

  it("takes the package of a newer suite from the machine's own mirror", async (t) => {
    const machine = await prepareMachine(t)
    await addFakeApt(machine, { offering: 'unstable' })
    const { path, lines } = await find(machine)
    assert.equal(path, join(machine.cacheDir, '2.15.1', 'nats-server'))
    assert.deepEqual(
      lines.filter((line) => line.startsWith('asking')),
      ['testing', 'unstable'].map((suite) => `asking http://mirror.example/debian/ for the nats-server of ${suite}`),
    )
    await nothingLeft(machine)
  })

  it('asks an unreachable mirror once', async (t) => {
    const machine = await prepareMachine(t)
    await addFakeApt(machine, { offering: 'nothing' })
    assert.equal((await reasonsOf(machine)).apt, 'testing: Failed to fetch, Could not resolve the mirror')
  })

  it('lists every step with its reason when nothing works', async (t) => {
    const reasons = await reasonsOf(await prepareMachine(t))
    assert.deepEqual(Object.keys(reasons), ['PATH', 'cache', 'download', 'go install', 'apt'])
    assert.equal(reasons['go install'], 'no go on PATH')
    assert.equal(reasons.apt, 'no apt-get on PATH')
  })

  it('says so when the cache cannot be written', async (t) => {
    const machine = await prepareMachine(t)
    await writeFile(machine.cacheDir, 'a file, not a folder')
    assert.match((await reasonsOf(machine)).download ?? '', /the cache cannot be written, set XDG_CACHE_HOME/)
  })
})

/** An apt that knows a Debian mirror; stands in for the real one, which needs a network. */
async function addFakeApt(machine: Machine, { offering }: { offering: string }): Promise<void> {
  const unreachable = 'echo "W: Failed to fetch, Could not resolve the mirror"; exit 0'
  await machine.addScript('apt-get', [
    'case "$*" in',
    '*indextargets*) echo "http://mirror.example/debian-security/ Debian"; echo "http://mirror.example/debian/ Debian" ;;',
    `*update) grep -q "^deb http://mirror.example/debian/ [a-z]* main" sources.list || exit 9`,
    offering === 'nothing' ? unreachable : 'touch lists/mirror_Packages',
    ';;',
    `*download*) grep -q " ${offering} " sources.list || { echo "E: Unable to locate package nats-server"; exit 100; }; touch nats-server.deb ;;`,
    'esac',
  ])
  await machine.addScript('dpkg', [
    'mkdir -p "$3/usr/sbin"',
    `printf '#!/bin/sh\\necho nats-server: v2.15.1\\n' > "$3/usr/sbin/nats-server" && chmod +x "$3/usr/sbin/nats-server"`,
  ])
}
