import type { Import, SourceFile, Workspace } from './source-files.ts'

/** A rule that is broken, where, and what would be right. */
export interface Violation {
  readonly rule: string
  readonly where: string
  readonly what: string
}

export interface Tree {
  readonly files: readonly SourceFile[]
  readonly workspaces: readonly Workspace[]
}

const SERVICES = ['services/coordinator', 'services/registry', 'services/logger', 'services/gateway']
const ANYTHING = ['contracts', 'wire', 'expressions', 'store', 'runtime', 'sdk', 'handlers', ...SERVICES, 'console', 'cli']

/** The level table of ARCHITECTURE.md: whom each part may import, of ours. The longest prefix of a path decides. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  contracts: [],
  wire: ['contracts'],
  expressions: ['contracts'],
  store: ['contracts'],
  runtime: ['contracts', 'wire'],
  sdk: ['contracts', 'wire'],
  handlers: ['contracts', 'wire', 'sdk'],
  ...Object.fromEntries(SERVICES.map((service) => [service, ['contracts', 'store', 'runtime']])),
  'services/coordinator': ['contracts', 'expressions', 'store', 'runtime'],
  console: ['contracts'],
  cli: ['contracts', 'wire', 'sdk', 'handlers'],
  'cli/src/mesh': ANYTHING,
  test: ANYTHING,
  bench: ANYTHING,
  examples: ANYTHING,
}

/** What rules may import besides each other: pure code only. From the store come types and `shareOf`. */
const PURE = ['@carillon/contracts', '@carillon/expressions', '@carillon/store', 'cron-parser', 'lru-cache', 'luxon', 'node:crypto', 'zod']

interface Edge {
  readonly rule: string
  /** In the code. */
  readonly use: RegExp
  /** In an import: `<module> <name>`. */
  readonly imported?: RegExp
  readonly files: readonly string[]
  readonly instead: string
}

/** `retry.ts` waits for an election of the database: the store knows no runtime that could hand it a clock. */
const CLOCKS = ['wire/src/clock.ts', 'cli/src/clock.ts', 'console/src/time/clock.ts', 'store/src/mongo/retry.ts']

/** What cannot be injected is in few files, and they are named here. */
const EDGES: readonly Edge[] = [
  {
    rule: 'clock',
    use: /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bprocess\.hrtime\b/,
    files: CLOCKS,
    instead: 'take a Clock, or the time, as an argument',
  },
  {
    rule: 'timer',
    use: /(?<![.\w])set(?:Timeout|Interval)\(/,
    imported: /^(node:)?timers\S* set(Timeout|Interval)$/,
    // Before there is a mesh there is a nats-server to be found and started, with time limits of its own.
    files: [...CLOCKS, 'cli/src/mesh/nats-server/time-limit.ts'],
    instead: 'use the clock: `after`, `pause`',
  },
  {
    rule: 'randomness',
    use: /\bMath\.random\b|\bcrypto\.(random|getRandom)/,
    imported: /^(node:)?crypto (random|getRandom)/,
    // Ids and jitter; names of services, a writer in the records that it writes.
    files: [
      'console/src/time/randomness.ts',
      'runtime/src/ids.ts',
      'wire/src/randomness.ts',
      'store/src/mongo/bulk.ts',
      'store/src/mongo/retry.ts',
    ],
    instead: 'take an id or a source of randomness as an argument',
  },
  {
    rule: 'environment',
    use: /\bprocess\.env\b/,
    // Where a process begins: the command line and the embedded mesh hand the environment on, everything else is given its settings.
    files: [
      'cli/src/failure.ts',
      'cli/src/invocation.ts',
      'cli/src/own-command.ts',
      'cli/src/mesh/run-service.ts',
      'cli/src/mesh/conformance/executor-process.ts',
      'cli/src/mesh/up/start-mesh.ts',
      'cli/src/mesh/nats-server/find-nats-server.ts',
      'cli/src/mesh/nats-server/leftover-server.ts',
    ],
    instead: 'take the setting as an argument; readConfig reads it once',
  },
  {
    rule: 'folders',
    use: /\bmkdir(?:Sync)?\(.*recursive: true/,
    files: [],
    instead: 'use createFolder of the store: where the system refuses with ENOENT, this one never returns',
  },
  {
    rule: 'floating promise',
    // `void` in front of a call, or a promise handed to a function that drops it. What such a call rejects with would end the process.
    use: /\bvoid (?!randomFillSync\(|std(?:out|err)\.write\()[\w#(][\w#.?!()]*\(|\bsetImmediate\((?!\(\) =>|resolve\))/,
    files: ['wire/src/clock.ts'],
    instead: 'await it, or `.catch(…)` what it rejects with and log that',
  },
]

/** The demo's handlers are a user's code: they sleep and read the clock as any user's would. */
const USER_CODE = ['cli/src/demo/handlers.ts']

export const RULES: readonly ((tree: Tree) => Violation[])[] = [
  levels,
  deepImports,
  purity,
  rooms,
  layers,
  testCode,
  lazyMesh,
  edges,
  entries,
  folderNames,
  sdkDependencies,
]

const at = (file: SourceFile, line: number) => `${file.path}:${line}`

function eachImport(tree: Tree, check: (file: SourceFile, found: Import) => string | undefined, rule: string): Violation[] {
  return tree.files.flatMap((file) =>
    file.imports.flatMap((found) => {
      const what = check(file, found)
      return what === undefined ? [] : [{ rule, where: at(file, found.line), what }]
    }),
  )
}

/** Arrows point one way only. */
function levels(tree: Tree): Violation[] {
  const folderOf = new Map(tree.workspaces.map(({ name, folder }) => [name, folder]))
  const check = (file: SourceFile, found: Import) => {
    const target = folderOf.get(found.from.split('/').slice(0, 2).join('/')) ?? folderOf.get(found.from)
    if (target === undefined) return undefined
    if (target === file.home) return `imports its own package ${found.from}; use a relative path`
    // A unit test stands beside its source, and may bring any part it is tested against.
    if (file.isTest && !found.isDynamic && file.home !== 'contracts') return undefined
    const part = Object.keys(MAY_IMPORT)
      .filter((prefix) => file.path.startsWith(`${prefix}/`))
      .sort((a, b) => b.length - a.length)[0]
    if (MAY_IMPORT[part ?? '']?.includes(target)) return undefined
    return `${part} may not import ${target}`
  }
  return eachImport(tree, check, 'levels')
}

/** Packages meet at their entries. */
function deepImports(tree: Tree): Violation[] {
  const check = (file: SourceFile, found: Import) => {
    if (found.file !== undefined && !found.file.startsWith(`${file.home}/`)) return `${found.from} leaves the package`
    const owner = tree.workspaces.find(({ name }) => found.from.startsWith(`${name}/`))
    if (owner === undefined) return undefined
    const entry = `.${found.from.slice(owner.name.length)}`
    return owner.entries.includes(entry) ? undefined : `${found.from} is no entry of ${owner.name}`
  }
  return eachImport(tree, check, 'deep import')
}

/** What decides takes facts and returns decisions: `rules/` of a room, what a mode plans. */
const isPure = (path: string) => /^services\/[^/]+\/src\/(.*\/)?(rules\/.+|plan|[^/]+-rules)\.ts$/.test(path)

function purity(tree: Tree): Violation[] {
  const check = (file: SourceFile, found: Import) => {
    // A type brings no code.
    if (!isPure(file.path) || file.isTest || found.isType) return undefined
    if (found.file !== undefined) return isPure(found.file) ? undefined : `what decides may not import ${found.file}`
    return PURE.includes(found.from) ? undefined : `what decides may not import ${found.from}`
  }
  return eachImport(tree, check, 'pure rules')
}

/** What a room may import of another: pure code, and the interface that every mode implements. */
const isOpen = (path: string) => isPure(path) || path === 'services/coordinator/src/modes/mode.ts'

/** Rooms of the coordinator meet through `ports.ts`: `compose.ts` connects them. A controller is the edge of its own room. */
function rooms(tree: Tree): Violation[] {
  const roomOf = (path: string) => /^services\/coordinator\/src\/([^/]+)\//.exec(path)?.[1]
  const check = (file: SourceFile, found: Import) => {
    const [room, other] = [roomOf(file.path), roomOf(found.file ?? '')]
    if (file.isTest || room === undefined || other === undefined || room === other) return undefined
    return isOpen(found.file as string) ? undefined : `${room}/ may not import ${found.file}: name what it needs in ports.ts`
  }
  return eachImport(tree, check, 'rooms')
}

/** The edge of a room is plain code: a controller, which only `compose.ts` connects, for a large room through the room's own `compose-<room>.ts`. Nest is in the runtime. */
function layers(tree: Tree): Violation[] {
  const check = (file: SourceFile, found: Import) => {
    if (!/^services\/[^/]+\/src\//.test(file.path) || file.isTest) return undefined
    // The gateway’s edge is HTTP, which the runtime does not have.
    if (file.path.startsWith('services/gateway/src/http/')) return undefined
    if (found.from.startsWith('@nestjs/')) return 'a service may not import Nest; write a controller that `satisfies ControllerOf`'
    const isEdge = found.file?.endsWith('.controller.ts')
    return isEdge && !/\/src\/(?:[\w-]+\/)?compose(?:-\w+)?\.ts$/.test(file.path) ? `only compose.ts may import ${found.file}` : undefined
  }
  return eachImport(tree, check, 'layers')
}

/** What is written for tests stays out of the product. */
function testCode(tree: Tree): Violation[] {
  const check = (file: SourceFile, found: Import) => {
    if (file.isTest) return undefined
    if (found.from.startsWith('node:test') || found.from.endsWith('/testing')) return `${found.from} is for tests`
    return tree.files.find((other) => other.path === found.file)?.isTest ? `${found.file} is for tests` : undefined
  }
  return eachImport(tree, check, 'test code')
}

/** A command that sends a call must not load four services first. */
function lazyMesh(tree: Tree): Violation[] {
  const check = (file: SourceFile, found: Import) => {
    if (file.isTest || found.isType || found.isDynamic || !file.path.startsWith('cli/src/') || file.path.startsWith('cli/src/mesh/'))
      return undefined
    return found.file?.startsWith('cli/src/mesh/') ? `${found.file} brings every service; load it with \`await import\`` : undefined
  }
  return eachImport(tree, check, 'lazy mesh')
}

/** Time, timers, randomness and the environment come from few files. */
function edges(tree: Tree): Violation[] {
  const product = tree.files.filter(({ isTest, path }) => !isTest && !USER_CODE.includes(path))
  return EDGES.flatMap((edge) => product.filter(({ path }) => !edge.files.includes(path)).flatMap((file) => usesOf(file, edge)))
}

function usesOf(file: SourceFile, { rule, use, imported, instead }: Edge): Violation[] {
  const violation = (line: number, used: string) => ({ rule, where: at(file, line), what: `${used} here; ${instead}` })
  const inCode = file.code.flatMap((line, index) => {
    const used = use.exec(line)?.[0]
    return used === undefined ? [] : [violation(index + 1, used)]
  })
  const inImports = file.imports.flatMap(({ line, from, names }) => {
    const name = names.find((one) => imported?.test(`${from} ${one}`))
    return name === undefined ? [] : [violation(line, `${name} of ${from}`)]
  })
  return [...inCode, ...inImports]
}

/** At most three doors a package, and one index each. */
function entries({ workspaces, files }: Tree): Violation[] {
  const doors = workspaces.flatMap(({ folder, entries: given }) =>
    given
      .filter((entry) => !['.', './internal', './testing'].includes(entry))
      .map((entry) => ({
        rule: 'entries',
        where: `${folder}/package.json`,
        what: `${entry}: the entries are ".", "./internal", "./testing"`,
      })),
  )
  const indexes = files
    .filter(({ path }) => path.endsWith('/index.ts'))
    .filter(({ path, home }) => {
      const entry = path.slice(`${home}/src`.length, -'/index.ts'.length)
      return !workspaces.find(({ folder }) => folder === home)?.entries.includes(`.${entry}`)
    })
    .map(({ path }) => ({ rule: 'entries', where: path, what: 'an index.ts is an entry of its package; name the file by its noun' }))
  return [...doors, ...indexes]
}

function folderNames({ files }: Tree): Violation[] {
  return files
    .filter(({ path }) => /\/(common|utils?|helpers?|lib|misc|shared)\//.test(path))
    .map(({ path }) => ({ rule: 'folder names', where: path, what: 'name the folder by what it holds' }))
}

/** Services of users install the SDK: it depends on NATS and contracts only. */
function sdkDependencies({ workspaces }: Tree): Violation[] {
  const sdk = workspaces.find(({ folder }) => folder === 'sdk')
  return (sdk?.dependencies ?? [])
    .filter((name) => !['@carillon/contracts', '@carillon/wire'].includes(name) && !name.startsWith('@nats-io/'))
    .map((name) => ({
      rule: 'sdk dependencies',
      where: 'sdk/package.json',
      what: `${name}: the SDK depends on contracts and the client of NATS only`,
    }))
}
