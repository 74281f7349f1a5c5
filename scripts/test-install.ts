/**
 * `npm run test:install`: what someone gets who installs Carillon. Packs every package, looks into the tarballs, installs SDK and command line
 * from them into empty projects of a temporary folder, compiles and runs a service as ES module and as CommonJS, and types the commands that
 * `up` advises there.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { runCommand } from './run-command.ts'

interface Manifest {
  name: string
  version: string
  private?: boolean
  license?: string
  engines?: { node?: string }
  description?: string
  exports?: Record<string, unknown>
  bin?: Record<string, string>
  dependencies?: Record<string, string>
}

interface Packed {
  name: string
  filename: string
  size: number
  files: { path: string }[]
}

const say = (line: string) => console.log(`test:install: ${line}`)
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const root = resolve('.')
const folder = mkdtempSync(join(tmpdir(), 'carillon-install-'))
const { workspaces, devDependencies } = read('package.json') as { workspaces: string[]; devDependencies: Record<string, string> }
const published = workspaces
  .map((path) => ({ path, manifest: read(join(path, 'package.json')) as Manifest }))
  .filter(({ manifest }) => manifest.private !== true)

/** As in a shell of someone's own: nothing of this repository on the path, nothing of the npm that runs this. */
const environment: Record<string, string> = Object.fromEntries(
  Object.entries(process.env).filter((entry): entry is [string, string] => !/^(npm_|CARILLON_(?!NATS_SERVER))/i.test(entry[0])),
)
environment['PATH'] = [
  join(folder, 'bin'),
  ...(process.env['PATH'] ?? '').split(delimiter).filter((path) => !path.includes('node_modules')),
].join(delimiter)

const within = (project: string, command: string, timeoutMs = 120_000) =>
  runCommand(['sh', '-c', command], { environment, cwd: project, isWholeEnvironment: true, timeoutMs })

function mustBeWhole({ manifest }: (typeof published)[number]): void {
  const { name, license, engines, description, exports, bin, dependencies = {} } = manifest
  assert.ok(license && engines?.node && description, `${name} has license, engines and description`)
  assert.ok(exports ?? bin, `${name} has an entry`)
  for (const [other, version] of Object.entries(dependencies)) {
    const sister = published.find((one) => one.manifest.name === other)
    if (sister !== undefined) assert.equal(version, sister.manifest.version, `${name} needs exactly this ${other}`)
    else assert.ok(!other.startsWith('@carillon/'), `${name} needs ${other}, which is not published`)
  }
}

/** An entry `./testing` is part of a package; what tests the package is not. */
function mustHoldNoTests({ name, files }: Packed): void {
  const paths = files.map(({ path }) => path)
  const hasTesting = published.some(({ manifest }) => manifest.name === name && manifest.exports?.['./testing'] !== undefined)
  for (const path of ['LICENSE', 'README.md', 'package.json']) assert.ok(paths.includes(path), `${name} has ${path}`)
  const isOdd = (path: string) =>
    /\.test\.|tsbuildinfo|\.d\.ts\.map$|^src\//.test(path) ||
    (/\/test(ing)?[-/]/.test(path) && !(hasTesting && path.startsWith('dist/testing/')))
  const odd = paths.filter(isOdd)
  assert.deepEqual(odd, [], `${name} holds what nobody needs who installs it`)
}

async function pack(): Promise<ReadonlyMap<string, string>> {
  const chosen = published.map(({ path }) => `--workspace=${path}`)
  const output = await runCommand(['npm', 'pack', '--json', '--pack-destination', folder, ...chosen])
  const packed = JSON.parse(output) as Packed[]
  packed.forEach(mustHoldNoTests)
  say(packed.map(({ name, size }) => `${name} ${Math.round(size / 1_024)} KiB`).join(', '))
  return new Map(packed.map(({ name, filename }) => [name, join(folder, filename)]))
}

/** The tarballs of a package and of all of ours that it needs. */
function tarballsOf(name: string, tarballs: ReadonlyMap<string, string>): string[] {
  const needed = new Set([name])
  for (const one of needed) {
    const { dependencies = {} } = published.find(({ manifest }) => manifest.name === one)?.manifest ?? {}
    for (const other of Object.keys(dependencies)) if (tarballs.has(other)) needed.add(other)
  }
  return [...needed].map((one) => tarballs.get(one) as string)
}

async function createProject(name: string, packages: readonly string[]): Promise<string> {
  const project = join(folder, name)
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name, private: true }))
  await within(project, `npm install --prefer-offline --no-audit --no-fund --loglevel=error ${packages.join(' ')}`)
  return project
}

async function lint(tarball: string): Promise<void> {
  await runCommand(['publint', 'run', tarball, '--strict'])
  // Node gives an ES module to `require` since 20.19, the oldest that the SDK runs on.
  if (/carillon-(sdk|wire|contracts|handlers)-/.test(tarball))
    await runCommand(['attw', tarball, '--ignore-rules', 'cjs-resolves-to-esm', 'no-resolution'])
}

async function compile(project: string): Promise<void> {
  for (const file of ['service.mts', 'service.cts', 'tsconfig.json']) cpSync(join('test/install', file), join(project, file))
  await within(project, `${join(root, 'node_modules/.bin/tsc')} -p .`)
}

interface Mesh {
  readonly url: string
  readonly text: string
  readonly process: ChildProcess
}

/** `npx @carillon/cli up --demo` as someone types it. */
async function startUp(project: string): Promise<Mesh> {
  const up = spawn('npx', ['@carillon/cli', 'up', '--demo', '--port', '0', '--data', 'data'], {
    ...{ cwd: project, env: environment, detached: true },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  return new Promise((ready, fail) => {
    const tooLate = setTimeout(() => fail(new Error(`up is not ready in time:\n${text}`)), 60_000)
    up.once('exit', (code) => fail(new Error(`up ends with ${code}:\n${text}`)))
    up.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      const [, url] = /^Carillon is ready · (nats:\/\/\S+)$/m.exec(text) ?? []
      // The lines after it are what may be typed now.
      if (url === undefined || !/runs list/.test(text)) return
      clearTimeout(tooLate)
      ready({ url, text, process: up })
    })
  })
}

async function stop({ process: up }: Mesh): Promise<void> {
  const ended = new Promise((resolve) => up.once('exit', resolve))
  up.kill('SIGTERM')
  await ended
}

async function mustRun(project: string, file: string, { url }: Mesh): Promise<string> {
  return within(project, `node built/${file} ${url}`)
}

/** What is advised must work where it is read. */
async function mustBeTypable(project: string, text: string): Promise<string> {
  const [, advised = ''] = /^ {2}(\S.* run hello .*)$/m.exec(text) ?? []
  assert.notEqual(advised, '', `up advises to run something:\n${text}`)
  say(`as advised: ${advised}`)
  return within(project, advised)
}

async function main(): Promise<void> {
  mkdirSync(join(folder, 'bin'))
  symlinkSync(process.execPath, join(folder, 'bin', 'node'))
  published.forEach(mustBeWhole)
  const tarballs = await pack()
  const types = `@types/node@${devDependencies['@types/node']}`
  const [service, shell] = await Promise.all([
    createProject('service', [...tarballsOf('@carillon/sdk', tarballs), types]),
    createProject('shell', tarballsOf('@carillon/cli', tarballs)),
    ...[...tarballs.values()].map(lint),
  ])
  say('installed into empty projects; publint and attw find nothing')
  const [mesh] = await Promise.all([startUp(shell), compile(service)])
  try {
    say('a service compiles as ES module and as CommonJS, libraries checked; npx @carillon/cli up is ready')
    const [esm, cjs, advised] = await Promise.all([
      mustRun(service, 'service.mjs', mesh),
      mustRun(service, 'service.cjs', mesh),
      mustBeTypable(shell, mesh.text),
    ])
    assert.equal(esm, '{"greeting":"Hello, module!"} true\nRUN_NOT_SUCCEEDED\n')
    assert.equal(cjs, '{"greeting":"Hello, CommonJS!"}\n')
    assert.match(advised, /Hello, Ada!/)
  } finally {
    await stop(mesh)
  }
}

try {
  await main()
  say('all is well')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
